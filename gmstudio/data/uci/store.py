"""The prepared tables on the disk: one file each, there whole or not at all, and checked when it is read.

A table is kept as safetensors: plain numbers, no code, and in its header the columns' names, where it came from and its
own hash.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from gmstudio import durable, paths
from gmstudio.data.uci.catalogue import Entry
from gmstudio.data.uci.preparations import Prepared

#: How a table was checked: against a known hash, against nothing but its shape, or it is scikit-learn's own.
Check = Literal["known", "first use", "bundled"]
FORMAT: Final = "1"
MOST_HEADER: Final = 2**20


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a stored table came from.

    Attributes:
        source: an address, or the name of a person's file.
        sha256: of that file.
        check: what it was checked against.
        fingerprint: `Prepared.fingerprint` of the table.
    """

    source: str
    sha256: str
    check: Check
    fingerprint: str

    @property
    def in_words(self) -> str:
        """What a person should know of the check."""
        if self.check == "first use":
            return (
                f"There is no known hash to check {self.source} against. Its shape fits, and its SHA-256 "
                f"{self.sha256[:16]}… was noted for the next time."
            )
        return "Checked against a known hash." if self.check == "known" else "Comes with scikit-learn."


def folder() -> Path:
    """Where downloads and tables are kept; made where it is missing."""
    path = paths.user_cache() / "data"
    path.mkdir(parents=True, exist_ok=True)
    return path


def path_of(entry: Entry) -> Path:
    """Where the table is, or would be."""
    return folder() / f"{entry.name.replace(' ', '-').lower()}.safetensors"


def save(entry: Entry, prepared: Prepared, source: str, sha256: str, check: Check) -> Path:
    """Keep a table.

    Raises:
        OSError: when it cannot be written; an older one is untouched then.
    """
    from safetensors import numpy

    about = {
        "format": FORMAT,
        "name": entry.name,
        "columns": json.dumps(prepared.columns),
        "source": source,
        "sha256": sha256,
        "check": check,
        "fingerprint": prepared.fingerprint(),
    }
    path = path_of(entry)
    durable.replace(path, numpy.save({"values": prepared.values}, metadata=about))
    return path


def origin(entry: Entry) -> Origin | None:
    """Where the stored table came from; None where there is none, or it cannot be read. Reads the header only."""
    about = _header(path_of(entry))
    if about is None or about.get("format") != FORMAT or about.get("name") != entry.name:
        return None
    check: Check = "known" if about.get("check") == "known" else "first use"
    return Origin(about.get("source", ""), about.get("sha256", ""), check, about.get("fingerprint", ""))


def load(entry: Entry) -> Prepared | None:
    """The stored table; None where there is none or it is not what was stored."""
    path = path_of(entry)
    try:
        at = path.stat()
    except OSError:
        return None
    return _load(entry, path, at.st_mtime_ns, at.st_size)


@lru_cache(maxsize=2)
def _load(entry: Entry, path: Path, changed: int, size: int) -> Prepared | None:
    """Two tables are kept in memory, since forms and previews ask again and again."""
    from safetensors import SafetensorError, numpy

    about = origin(entry)
    header = _header(path)
    if about is None or header is None:
        return None
    try:
        values = numpy.load_file(path)["values"]
        columns = json.loads(header["columns"])
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    prepared = Prepared(values, tuple(map(str, columns)))
    fits = values.ndim == 2 and values.dtype == "float64" and len(prepared.columns) == values.shape[1]
    if not fits or prepared.fingerprint() != about.fingerprint:
        return None
    values.setflags(write=False)
    return prepared


def _header(path: Path) -> dict[str, str] | None:
    """What is written at the beginning of a safetensors file: eight bytes of length, then JSON."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MOST_HEADER:
                return None
            about = json.loads(file.read(length))["__metadata__"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    fits = isinstance(about, dict) and all(isinstance(text, str) for text in about.values())
    return about if fits else None
