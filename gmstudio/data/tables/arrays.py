"""NumPy's files. Nothing in them is run, and no memory is taken before their headers are known to be true."""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.tables.errors import TableError, at_cell
from gmstudio.data.tables.source import BLOCK, Source, check_unpacked
from gmstudio.data.tables.table import Table, check_columns, check_size, complete, unique_names

LONGEST_HEADER = 2**16
#: Entries of an NPZ file that are looked at.
MOST_ENTRIES = 1_000
_HEADER_ERRORS = (ValueError, KeyError, TypeError, SyntaxError, tokenize.TokenError)
_AGAIN = "Save it again with numpy.save, as an array of numbers with rows and columns."
_PLAIN = "Save it with numpy.save, as one array of float64."
_ONE = "Save the array that you need alone, with numpy.save."


@dataclass(frozen=True, slots=True)
class _Header:
    """What an array's header says: checked, a matrix of numbers."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, int]
    fortran: bool


def read_npy(source: Source) -> Table:
    """Read one array of numbers of one or two dimensions.

    Raises:
        TableError: when it holds anything else, or is not as long as its header says.
    """
    blocks = source.blocks()
    return _table(source, blocks, source.size, source.path.name)


def read_npz(source: Source) -> Table:
    """Read the only array of an NPZ file.

    Raises:
        TableError: when it is another kind of ZIP file, holds several arrays, or one that `read_npy` refuses.
    """
    name = source.path.name
    try:
        with zipfile.ZipFile(source.file) as archive:
            entry = _only_array(archive, name)
            check_unpacked(name, entry.file_size, entry.compress_size)
            with archive.open(entry) as file:
                table = _table(source, _parts(source, file, entry.file_size), entry.file_size, name)
    # The library meets broken files with many kinds of errors.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        raise TableError(f"“{name}” is damaged or encrypted.", "Get the whole file again.") from error
    for _ in source.blocks():
        pass
    return Table(columns=table.columns, rows=table.rows, path=source.path, sha256=source.sha256)


def _only_array(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    entries = archive.infolist()
    if not entries or not all(entry.filename.endswith(".npy") for entry in entries[:MOST_ENTRIES]):
        inside = [entry.filename for entry in entries]
        if any(part.startswith("xl/") for part in inside):
            raise TableError(f"“{name}” is an Excel file.", "Save it as CSV there.")
        raise TableError(f"“{name}” is a ZIP file, and not one of NumPy's.", "Unpack it, and open the table in it.")
    if len(entries) > 1:
        shown = ", ".join(f"“{entry.filename.removesuffix('.npy')[:40]}”" for entry in entries[:5])
        raise TableError(f"“{name}” holds {len(entries):,} arrays: {shown}{', …' * (len(entries) > 5)}.", _ONE)
    return entries[0]


def _parts(source: Source, file: IO[bytes], size: int) -> Iterator[bytes]:
    done = 0
    while part := file.read(BLOCK):
        done += len(part)
        source.report(0.9 * min(1.0, done / max(1, size)))
        yield part


def _table(source: Source, blocks: Iterator[bytes], size: int, name: str) -> Table:
    """Read an array from its bytes.

    Args:
        source: the file.
        blocks: the bytes; all of them are read.
        size: how many there are.
        name: for messages.
    """
    first = next(blocks, b"")
    while len(first) < LONGEST_HEADER and (more := next(blocks, b"")):
        first += more
    header, start = _header(first, name)
    count, width = header.shape[0] * header.shape[1], header.dtype.itemsize
    if start + count * width != size:
        raise TableError(
            f"“{name}” says that it holds {header.shape[0]:,} x {header.shape[1]:,} numbers of {width} bytes, but it "
            f"has {max(0, size - start):,} bytes for them.",
            "Get the whole file again.",
        )
    check_columns(header.shape[1])
    check_size(*header.shape)
    flat = np.empty(count)
    _fill(flat, header.dtype, first[start:], blocks, source)
    values = flat.reshape(header.shape, order="F" if header.fortran else "C")
    columns = _columns(values)
    names = unique_names([""] * len(columns))
    return Table(
        columns=complete(names, ["number"] * len(names), columns, [0] * len(names)),
        rows=header.shape[0],
        path=source.path,
        sha256=source.sha256,
    )


def _fill(
    flat: NDArray[np.float64], dtype: np.dtype[np.generic], first: bytes, blocks: Iterator[bytes], source: Source
) -> None:
    """Convert the bytes as they come; their number has been checked against the size of the file, which may change."""
    at, rest = 0, first
    while True:
        usable = min(len(rest) // dtype.itemsize, len(flat) - at)
        flat[at : at + usable] = np.frombuffer(rest, dtype, usable)
        at, rest = at + usable, rest[usable * dtype.itemsize :]
        source.report(0.9 * at / len(flat))
        more = next(blocks, b"")
        if not more:
            break
        rest += more
    if at != len(flat):
        raise TableError(f"“{source.path.name}” has changed while it was read.", "Open it again.")


def _columns(values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    columns = [np.ascontiguousarray(values[:, place]) for place in range(values.shape[1])]
    for place, column in enumerate(columns):
        infinite = np.isinf(column)
        if infinite.any():
            remedy = "Put a number there, or NaN where it is missing."
            raise at_cell("the value is infinite.", remedy, int(infinite.argmax()) + 1, f"x{place + 1}")
    return columns


def _header(data: bytes, name: str) -> tuple[_Header, int]:
    """The checked header of a matrix, and where the numbers begin."""
    header = read_header(data, name)
    shape = header.shape
    if len(shape) not in (1, 2):
        raise TableError(f"“{name}” has {len(shape)} dimensions.", "Save an array with rows and columns.")
    rows, columns = shape[0], shape[1] if len(shape) == 2 else 1
    if rows < 1 or columns < 1:
        raise TableError(f"“{name}” holds {rows:,} rows of {columns:,} columns.", "Save an array that is not empty.")
    return _Header(header.dtype, (rows, columns), header.fortran), header.start


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """What the header of an array of plain numbers says; its size has not been checked.

    Attributes:
        dtype: of the numbers.
        shape: of the array.
        fortran: whether the first index runs fastest.
        start: where the numbers begin.
    """

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    fortran: bool
    start: int


def read_header(data: bytes, name: str) -> ArrayHeader:
    """Read the header with which an NPY file begins.

    Args:
        data: the first bytes of the file, `LONGEST_HEADER` or more where it has them.
        name: for messages.

    Raises:
        TableError: when there is none, or it announces something else than plain numbers.
    """
    file = io.BytesIO(data[:LONGEST_HEADER])
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, fortran, dtype = read(file, max_header_size=LONGEST_HEADER)
    # A header is Python text, which numpy parses; what is in it may break that in many ways.
    except (*_HEADER_ERRORS, RecursionError, MemoryError, OverflowError) as error:
        raise TableError(f"“{name}” has a header that cannot be read.", _AGAIN) from error
    if dtype.hasobject:
        raise TableError(f"“{name}” holds Python objects, which could run code.", _PLAIN)
    if dtype.kind not in "fiub" or dtype.itemsize > 16:
        raise TableError(f"“{name}” does not hold plain numbers, but {str(dtype)[:60]}.", _PLAIN)
    return ArrayHeader(dtype, tuple(int(side) for side in shape), bool(fortran), file.tell())
