"""What can be wrong with images."""

from __future__ import annotations

import zipfile
import zlib

from gmstudio.errors import RefusedError

#: The library meets broken ZIP files with many kinds of errors.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
)


class ImagesError(RefusedError):
    """Images cannot be read or used.

    Args:
        message: what is wrong, naming the file.
        remedy: what the person can do about it.
        field: the field of the specification that can mend it, such as ``crop``; empty where the file is to blame.
    """

    def __init__(self, message: str, remedy: str = "", field: str = "") -> None:
        super().__init__(message, remedy)
        self.field = field


class ImagesCancelledError(ImagesError):
    """Reading was stopped because somebody asked for it."""

    def __init__(self) -> None:
        super().__init__("Reading the images was stopped.")


def label(name: str, most: int = 60) -> str:
    """The name of a stranger's file as it can be shown: on one line, without controls, not too long."""
    shown = "".join(c if c.isprintable() else "�" for c in name[: most + 1])
    return f"{shown[: most - 1]}…" if len(name) > most else shown
