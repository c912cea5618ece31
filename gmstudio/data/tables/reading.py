"""Reading a table from a file, whatever its format is: by what is in it, not by what it is called."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from gmstudio.data.tables.arff import looks_like_arff, read_arff
from gmstudio.data.tables.arrays import read_npy, read_npz
from gmstudio.data.tables.chunks import chunks
from gmstudio.data.tables.delimited import read_delimited
from gmstudio.data.tables.dialect import LOOKED_AT
from gmstudio.data.tables.errors import TableCancelledError, TableError
from gmstudio.data.tables.parquet import read_parquet
from gmstudio.data.tables.source import GZIP, Source
from gmstudio.data.tables.table import Column, Kind, Table

__all__ = ["Column", "Kind", "Table", "TableCancelledError", "TableError", "read"]

#: What other files begin with, and what they are.
_OTHERS = {
    b"ARROW1": "an Arrow (Feather) file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"\x80": "a pickle, which could run code",
    b"MATLAB 5.0": "a MATLAB file",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"OBJ\x01": "an Avro file",
    b"ORC": "an ORC file",
}


def read(
    path: Path,
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Table:
    """Read a table: CSV and TSV (also packed with gzip), Parquet, NPY, NPZ or ARFF.

    Args:
        path: the file.
        progress: called in this thread with the share that is done, from 0 to 1.
        cancelled: asked again and again, in this thread and in another; reading ends when it says yes.

    Raises:
        TableCancelledError: when `cancelled` says yes.
        TableError: when the file cannot be read, or is no table; with row and column where one of them is to blame.
    """
    path = Path(path)
    try:
        with Source(path, progress, cancelled) as source:
            source.report(0.0)
            table = _read(source)
            source.report(1.0)
            return table
    except MemoryError as error:
        raise TableError(f"“{path.name}” needs more memory than there is.", "Use fewer rows or columns.") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise TableError(f"“{path.name}” cannot be read: {why}.", "Check the disk, and get the file again.") from error


def _read(source: Source) -> Table:
    name, head = source.path.name, source.peek()
    if head.startswith(b"PAR1"):
        return read_parquet(source)
    if head.startswith(b"\x93NUMPY"):
        return read_npy(source)
    if head.startswith(b"PK\x03\x04"):
        return read_npz(source)
    for start, what in _OTHERS.items():
        if head.startswith(start):
            raise TableError(f"“{name}” is {what}.", "Save it as CSV or Parquet.")
    blocks = source.unpacked() if head.startswith(GZIP) else source.blocks()
    first = next(blocks, b"")
    text = chunks(source, chain([first], blocks))
    return read_arff(source, text) if looks_like_arff(first[:LOOKED_AT]) else read_delimited(source, text)
