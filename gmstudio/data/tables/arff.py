"""ARFF, the format of Weka and OpenML: a header that says what the columns are, and comma-separated rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from gmstudio.data.tables.chunks import LONGEST_ROW, Chunk
from gmstudio.data.tables.delimited import RowReader
from gmstudio.data.tables.dialect import Dialect, kind_of, missing
from gmstudio.data.tables.errors import TableError, at_row, quoted
from gmstudio.data.tables.source import Source, ahead
from gmstudio.data.tables.table import Kind, Table, check_columns, unique_names

_START = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|%[^\r\n]*[\r\n])*@relation\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s{]+)\s*(.*)", re.IGNORECASE)
_DECLARE = "Declare it as numeric, nominal {a, b}, string or date."
_DATA = "Add a line “@data” above the rows."


def looks_like_arff(head: bytes) -> bool:
    """Whether a file that begins like this is ARFF."""
    return _START.match(head) is not None


@dataclass(slots=True)
class _Header:
    names: list[str]
    kinds: list[Kind]


def read_arff(source: Source, parts: Iterator[Chunk]) -> Table:
    """Read dense ARFF: numeric, nominal, string and date columns; ``?`` is a missing value.

    Nominal columns whose values are all numbers count as numbers.

    Args:
        source: the file.
        parts: its text.

    Raises:
        TableError: naming the row, counted from the top of the file, and the column.
    """
    with closing(ahead(parts)) as coming:
        header, chunk = _header(coming)
        names = unique_names(header.names)
        check_columns(len(names))
        rows = _without_comments(chunk)
        if rows.data.lstrip().startswith(b"{"):
            line = rows.line + rows.data[: len(rows.data) - len(rows.data.lstrip())].count(b"\n")
            raise at_row("is sparse ARFF, which is not read.", "Save it as dense ARFF or as CSV.", line)
        # The standard knows both marks; a file that uses one for cells has the other in texts at most.
        quote = "'" if b"'" in rows.data and b'"' not in rows.data else '"'
        reader = RowReader(Dialect(",", False, True, names, tuple(header.kinds), quote), source)
        reader.add(rows)
        for chunk in coming:
            reader.add(_without_comments(chunk))
    return reader.table()


def _header(coming: Iterator[Chunk]) -> tuple[_Header, Chunk]:
    """The declarations, and what comes below ``@data``."""
    header, seen = _Header([], []), 0
    for chunk in coming:
        start, line = 0, chunk.line
        while start < len(chunk.data):
            end = chunk.data.find(b"\n", start) + 1 or len(chunk.data)
            text = chunk.data[start:end].decode("utf-8").strip()
            start, line = end, line + 1
            if text.lower().startswith("@data"):
                if not header.names:
                    raise at_row("begins the data, but no column is declared above it.", _DECLARE, line - 1)
                return header, Chunk(chunk.data[start:], line, chunk.share, chunk.legacy)
            _declare(header, text, line - 1)
        seen += len(chunk.data)
        if seen > LONGEST_ROW:
            break
    raise TableError("The ARFF file has no data.", _DATA)


def _declare(header: _Header, text: str, line: int) -> None:
    """Take one line of the header."""
    lower = text.lower()
    if not text or text.startswith("%") or lower.startswith("@relation"):
        return
    found = _ATTRIBUTE.fullmatch(text)
    if found is None:
        raise at_row(f"is neither a declaration nor a comment: {quoted(text)}.", _DATA, line)
    name, kind = found[1], found[2].strip()
    if name[0] in "'\"":
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    header.names.append(name)
    header.kinds.append(_kind(kind, line))


def _kind(declared: str, line: int) -> Kind:
    word = declared.split()[0].lower() if declared else ""
    if word in ("numeric", "real", "integer"):
        return "number"
    if declared.startswith("{") and declared.endswith("}"):
        labels = [label.strip().strip("'\"") for label in declared[1:-1].split(",")]
        number = Dialect(",", False, True, (), ()).number
        if all(number.fullmatch(label) or missing(label) for label in labels):
            return "number"
        return "boolean" if kind_of(labels, number) == "boolean" else "text"
    if word == "string":
        return "text"
    if word == "date":
        return "date"
    raise at_row(f"declares a column of the unknown kind {quoted(declared)}.", _DECLARE, line)


def _without_comments(chunk: Chunk) -> Chunk:
    """The same lines, those that begin with ``%`` empty."""
    if b"%" in chunk.data:
        chunk.data = re.sub(rb"(?m)^[ \t]*%[^\n]*", b"", chunk.data)
    return chunk
