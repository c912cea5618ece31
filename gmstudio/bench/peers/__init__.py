"""Other libraries with the same models, each used as its documentation shows.  They are imported only when built.

One module for each library, named like it, with `build`.  Another library is one more module and one more name in
`LIBRARIES`.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from typing import TYPE_CHECKING, cast

from gmstudio.bench.architecture import Architecture

if TYPE_CHECKING:
    from gmstudio.bench.peers.model import PeerModel

#: Names of the libraries, as they are imported and as they are installed.
LIBRARIES = ("zuko", "nflows", "normflows", "torchebm")
#: What installs all of them.
INSTALL = 'pip install -c packaging/constraints.txt -e ".[bench]"'


def installed() -> list[str]:
    """The libraries that can be imported here."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name) is not None]


def missing() -> list[str]:
    """The libraries that cannot."""
    here = installed()
    return [name for name in LIBRARIES if name not in here]


def build(library: str, architecture: Architecture) -> PeerModel | None:
    """Make a library's model of an architecture, on the CPU; None where it has none of the family.

    Args:
        library: one of `installed`.
        architecture: networks of the same widths, as many blocks, the same dimension.
    """
    with warnings.catch_warnings():
        # Some of them use what torch is about to drop, and say so when they are built.
        warnings.simplefilter("ignore")
        module = importlib.import_module(f"{__name__}.{library}")
        return cast("PeerModel | None", module.build(architecture))
