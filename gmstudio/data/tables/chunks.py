"""Whole lines of a text from a stranger, in portions, as clean UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.tables.errors import TableError, at_row
from gmstudio.data.tables.source import Source

#: Bytes of one row.
LONGEST_ROW = 2**25
#: What no text holds, besides NUL.
_CONTROLS = bytes(sorted({*range(1, 9), *range(14, 27), *range(28, 32)}))
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF8 = "Save it as UTF-8 (“CSV UTF-8” in a spreadsheet)."
LEGACY = "The text of the file is not UTF-8; it was read as Windows-1252 (Latin-1)."

Bytes = NDArray[np.uint8]


@dataclass(slots=True)
class Chunk:
    """Whole lines.

    Attributes:
        data: UTF-8, without a mark at its start.
        line: the number of its first line in the file, from 1.
        share: how much of the file they and those before them are.
        legacy: whether it had to be read as Windows-1252.
    """

    data: bytes
    line: int
    share: float = 1.0
    legacy: bool = False

    @property
    def text(self) -> str:
        """The lines as text."""
        return self.data.decode("utf-8")


def chunks(source: Source, blocks: Iterator[bytes], quote: bytes = b'"') -> Iterator[Chunk]:
    """Cut a text into portions of whole rows; a row may go over several lines between quotation marks.

    Args:
        source: the file.
        blocks: its bytes.
        quote: the quotation mark.

    Raises:
        TableError: for what is no text, and for rows that do not end.
    """
    line, rest, name = 1, b"", source.path.name
    for block in _decoded(blocks, name):
        end = 0 if rest and quote in rest else row_end(block, quote)
        if end:
            # One copy, and none of it held twice: memory that is touched for the first time is slow.
            whole, rest = b"".join((rest, memoryview(block)[:end])), block[end:]
        else:
            data = rest + block
            end = row_end(data, quote)
            whole, rest = data[:end], data[end:]
        if len(rest) > LONGEST_ROW:
            raise _endless(rest, line + whole.count(b"\n"), quote)
        if whole:
            yield _cleaned(whole, line, source)
            line += whole.count(b"\n")
    if rest:
        yield _cleaned(rest, line, source)


def row_end(data: bytes, quote: bytes) -> int:
    """Where the last whole row ends, that is, after its newline; 0 where there is none."""
    end = data.rfind(b"\n") + 1
    if quote not in data or data.count(quote, 0, end) % 2 == 0:
        return end
    view = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero((view == 10) & ~inside_quotes(view, quote))
    return int(ends[-1]) + 1 if len(ends) else 0


def inside_quotes(view: Bytes, quote: bytes) -> NDArray[np.bool_]:
    """Which bytes stand between quotation marks."""
    marks = (view == quote[0]).view(np.uint8)
    inside: NDArray[np.bool_] = (np.cumsum(marks, dtype=np.uint8) & 1).view(np.bool_)
    return inside


def _decoded(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """UTF-8 where a mark at the start says what the text is; else the bytes as they are."""
    first = next(blocks, b"")
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            yield from _recoded(first[len(mark) :], blocks, encoding, name)
            return
    first = first.removeprefix(codecs.BOM_UTF8)
    head = first[:65536]
    if b"\0" in head or len(head.translate(None, _CONTROLS)) < len(head):
        raise TableError(f"“{name}” is not a text: it holds bytes that no text has.", f"Choose a table. {_UTF8}")
    if b"\r" in first and b"\n" not in first:
        # Lines as they ended on old Macs.
        yield first.replace(b"\r", b"\n")
        yield from (block.replace(b"\r", b"\n") for block in blocks)
        return
    yield first
    yield from blocks


def _recoded(first: bytes, blocks: Iterator[bytes], encoding: str, name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        yield decoder.decode(first).encode()
        for block in blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise TableError(f"“{name}” says that it is {encoding.upper()}, but it is not.", _UTF8) from error


def _cleaned(data: bytes, line: int, source: Source) -> Chunk:
    at = data.find(b"\0")
    if at >= 0:
        row = line + data.count(b"\n", 0, at)
        raise at_row("holds a NUL byte: this is not a text.", f"Get the file again. {_UTF8}", row)
    if data.isascii():
        return Chunk(data, line, source.share)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        # Spreadsheets on Windows write this; every byte means something in Latin-1.
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
        return Chunk(text.encode(), line, source.share, legacy=True)
    return Chunk(data, line, source.share)


def _endless(data: bytes, line: int, quote: bytes) -> TableError:
    if quote in data:
        row = line + data.count(b"\n", 0, data.rfind(quote))
        return at_row(
            "has a quotation mark that is never closed, or one close to it has.", "Close or remove that mark.", row
        )
    return at_row(f"is longer than {LONGEST_ROW // 2**20} MiB.", "Check that this is a table with rows.", line)
