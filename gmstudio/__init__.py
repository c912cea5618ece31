"""GM Studio: draw data, choose a generative model and a mollification schedule, and watch it train live.

Importing this package imports neither torch nor Qt.

Example:
    >>> import gmstudio
    >>> gmstudio.__version__
    '0.1.0'
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmstudio.exporting.folder import LoadedModel

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def load(folder: str | Path) -> LoadedModel:
    """Read an exported model folder; needs torch, but not Qt.

    Args:
        folder: a folder with ``config.json`` and ``model.safetensors``.

    Returns:
        A model with ``log_prob``, ``score`` and ``sample``, all in the units of the data.

    Raises:
        gmstudio.exporting.folder.FolderError: when the folder is not such a model, saying what is wrong.
    """
    from gmstudio.exporting.folder import load as load_folder

    return load_folder(folder)
