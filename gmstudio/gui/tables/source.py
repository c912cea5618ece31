"""The file or folder that a specification names: whether it is there, and whether it is still the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gmstudio.gui.loop import Progress

if TYPE_CHECKING:
    from gmstudio.data.base import DataSpec

State = Literal["there", "changed", "gone", "none"]
PART = 2**22


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a specification come from.

    Attributes:
        kind: ``table``, ``images`` or ``uci``.
        path: of the file or folder; empty where none is chosen yet, and for data sets of the catalogue.
        sha256: of it, in hexadecimal; empty where it is not known.
        name: of the data set in the catalogue; empty for files.
    """

    kind: str
    path: str = ""
    sha256: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file that was read once, by its hash."""

    sha256: str
    rows: int
    columns: int


def source_of(data: DataSpec) -> Source | None:
    """Where the rows come from; None for data that are drawn."""
    kind = str(data.__struct_config__.tag)
    if kind in ("table", "images"):
        return Source(kind, str(getattr(data, "path", "")), str(getattr(data, "sha256", "")))
    if kind == "uci":
        return Source(kind, name=str(getattr(data, "name", "")))
    return None


def look_at(source: Source, progress: Progress) -> State:
    """Whether the file or folder is there and has the hash that it had; reads all of it."""
    if not source.path:
        return "none"
    path = Path(source.path)
    folder = source.kind == "images" and path.is_dir()
    if not folder and not path.is_file():
        return "gone"
    if not source.sha256:
        return "there"
    if folder:
        return "there" if _hash_of(path, progress) == source.sha256 else "changed"
    found = hashlib.sha256()
    size = max(1, path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(PART):
            progress.check()
            found.update(block)
            progress.report(file.tell() / size)
    return "there" if found.hexdigest() == source.sha256 else "changed"


class _Reporter:
    """Tells a job how far reading is, and ends it when the person no longer wants it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def report(self, share: float) -> None:
        self._progress.check()
        self._progress.report(share)


def _hash_of(path: Path, progress: Progress) -> str:
    """The hash of a folder; empty where it holds no images any more."""
    from gmstudio.data.images.errors import ImagesError
    from gmstudio.data.images.folders import hash_of

    try:
        return hash_of(path, _Reporter(progress))
    except ImagesError:
        return ""
