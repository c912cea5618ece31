"""The file that a table's specification names: whether it is there, and whether it is still the same."""

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
        kind: ``table`` or ``uci``.
        path: of the file; empty where none is chosen yet, and for data sets of the catalogue.
        sha256: of the file, in hexadecimal; empty where it is not known.
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
    if kind == "table":
        return Source(kind, str(getattr(data, "path", "")), str(getattr(data, "sha256", "")))
    if kind == "uci":
        return Source(kind, name=str(getattr(data, "name", "")))
    return None


def look_at(source: Source, progress: Progress) -> State:
    """Whether the file is there and has the hash that it had; reads all of it."""
    if not source.path:
        return "none"
    path = Path(source.path)
    if not path.is_file():
        return "gone"
    if not source.sha256:
        return "there"
    found = hashlib.sha256()
    size = max(1, path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(PART):
            progress.check()
            found.update(block)
            progress.report(file.tell() / size)
    return "there" if found.hexdigest() == source.sha256 else "changed"
