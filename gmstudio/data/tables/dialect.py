"""How a text writes its table: separator, decimal mark, header, what the columns hold."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gmstudio.data.tables.errors import TableError, at_row
from gmstudio.data.tables.table import Kind, check_columns, unique_names

#: Texts, in small letters, that stand for a missing value.
MISSING = frozenset({"", "na", "nan", "-nan", "n/a", "#n/a", "null", "none", "?", "-"})
SEPARATORS = (",", ";", "\t")
#: Characters and rows by which a text is judged.
LOOKED_AT = 2**18
LOOKED_AT_ROWS = 1_000

_POINT = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?)", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?(?:(?:[0-9]+,?[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?)", re.IGNORECASE)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ].{1,30})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?: .{1,30})?")
_BOOLEANS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})

Record = list[str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text writes its table.

    Attributes:
        separator: between cells.
        decimal_comma: whether numbers have a comma where others have a point.
        header: whether the first row holds names.
        names: of the columns, unique.
        kinds: what the columns hold, by their first rows.
        quote: around cells that hold separators.
    """

    separator: str
    decimal_comma: bool
    header: bool
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    quote: str = '"'

    @property
    def number(self) -> re.Pattern[str]:
        """What numbers look like."""
        return _COMMA if self.decimal_comma else _POINT


def missing(cell: str) -> bool:
    """Whether a cell, without blanks around it, stands for a missing value."""
    return len(cell) <= 5 and cell.lower() in MISSING


def records(text: str, separator: str, quote: str, line: int = 1) -> Iterator[tuple[int, Record]]:
    """The rows of a text that are not blank, each with the number of the line on which it begins.

    Args:
        text: whole rows.
        separator, quote: as in `Dialect`.
        line: the number of the first line.

    Raises:
        TableError: for a quotation mark that is not closed, a cell that is too long, and a row that is broken.
    """
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, quotechar=quote, strict=True, skipinitialspace=True
    )
    start = line
    try:
        for record in reader:
            if len(record) > 1 or (record and record[0].strip()):
                yield start, record
            start = line + reader.line_num
    except csv.Error as error:
        raise _broken(str(error), start) from error


def _broken(why: str, row: int) -> TableError:
    if "unexpected end" in why:
        return at_row("has a quotation mark that is never closed.", "Close or remove it.", row)
    if "field limit" in why:
        limit = csv.field_size_limit()
        return at_row(f"has a cell of more than {limit:,} characters.", "Check the quotation marks around it.", row)
    if "expected after" in why:
        return at_row("has a quotation mark in the middle of a cell.", "Write it twice, or remove it.", row)
    return at_row(f"cannot be read: {why}.", "Correct that row.", row)


def sniff(text: str) -> Dialect:
    """Find out how a text writes its table, by its first rows.

    Args:
        text: the start of the file: whole rows, at least one.

    Raises:
        TableError: when there is no row, or the first one has too many cells.
    """
    separator = max(SEPARATORS, key=lambda one: _score(_first(text, one)))
    rows = _first(text, separator)
    if not rows:
        # To have its reason, if reading the first row is what failed.
        next(records(text, separator, '"'), None)
        raise TableError("The file holds no rows.", "Choose a file that holds a table.")
    check_columns(len(rows[0]))
    commas = separator != "," and _decimal_commas(rows)
    return judged(rows, separator, commas)


def judged(rows: Sequence[Record], separator: str, decimal_comma: bool) -> Dialect:
    """The dialect of a text of which the separator is known.

    Args:
        rows: its first rows, at least one.
        separator, decimal_comma: as in `Dialect`.
    """
    number = _COMMA if decimal_comma else _POINT
    width = len(rows[0])
    body = [row for row in rows[1:] if len(row) == width]
    below = [kind_of([row[place] for row in body], number) for place in range(width)]
    first = [cell.strip() for cell in rows[0]]
    over_numbers = [cell for cell, kind in zip(first, below, strict=True) if kind == "number" and not missing(cell)]
    # A table without a header has a number over its numbers. With nothing below, only numbers are no names.
    numbers = over_numbers if body else [cell for cell in first if not missing(cell)]
    header = not numbers or not all(number.fullmatch(cell) for cell in numbers)
    names = first if header else [""] * width
    everything = body if header else [row for row in rows if len(row) == width]
    kinds = tuple(kind_of([row[place] for row in everything], number) for place in range(width))
    return Dialect(separator, decimal_comma, header, unique_names(names), kinds)


def kind_of(cells: Sequence[str], number: re.Pattern[str]) -> Kind:
    """What a column holds: numbers where at least half of its cells are, and where it has none."""
    present = [cell for cell in map(str.strip, cells) if not missing(cell)]
    if not present or 2 * sum(number.fullmatch(cell) is not None for cell in present) >= len(present):
        return "number"
    if all(cell.lower() in _BOOLEANS for cell in present):
        return "boolean"
    if all(_DATE.fullmatch(cell) for cell in present):
        return "date"
    return "text"


def _first(text: str, separator: str) -> list[Record]:
    """The first rows, as far as they can be read."""
    found: list[Record] = []
    try:
        for _, record in records(text, separator, '"'):
            found.append(record)
            if len(found) == LOOKED_AT_ROWS:
                break
    except TableError:
        pass
    return found


def _score(rows: Sequence[Record]) -> tuple[float, int]:
    """How well a separator explains some rows: as many cells in every row, and numbers in them."""
    if not rows:
        return (-1.0, 0)
    width, count = Counter(map(len, rows)).most_common(1)[0]
    if width < 2:
        return (0.0, 0)
    cells = [cell for row in rows[1:101] for cell in map(str.strip, row) if not missing(cell)]
    hits = sum(bool(_POINT.fullmatch(cell) or _COMMA.fullmatch(cell)) for cell in cells)
    return (count / len(rows) * (0.1 + hits / max(1, len(cells))), width)


def _decimal_commas(rows: Sequence[Record]) -> bool:
    cells = [cell.strip() for row in rows for cell in row]
    commas = sum("," in cell and _COMMA.fullmatch(cell) is not None for cell in cells)
    return commas > sum("." in cell and _POINT.fullmatch(cell) is not None for cell in cells)
