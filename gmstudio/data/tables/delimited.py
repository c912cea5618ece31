"""CSV and its relatives.

Portions of the file go to polars at full speed.  A portion that polars refuses, or that has not as many separators as
its rows need (polars fills short rows silently), is read once more, cell by cell, to say which one is wrong; if none
is, its values are taken from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.tables.chunks import LEGACY, Chunk, inside_quotes, row_end
from gmstudio.data.tables.dialect import LOOKED_AT, MISSING, Dialect, kind_of, records, sniff
from gmstudio.data.tables.errors import TableError, at_cell, at_row, quoted
from gmstudio.data.tables.source import Source, ahead
from gmstudio.data.tables.store import Numbers, Store
from gmstudio.data.tables.table import Table, complete

if TYPE_CHECKING:
    import polars as pl

#: Different texts for missing values that are remembered for polars.
MOST_TOKENS = 16
_CELL = "Correct the cell, or leave it empty where the value is missing."


def read_delimited(source: Source, parts: Iterator[Chunk]) -> Table:
    """Read a text of which nothing is known.

    Args:
        source: the file.
        parts: its text.

    Raises:
        TableError: when it is no table, naming row and column.
    """
    with closing(ahead(parts)) as coming:
        first = next(coming, None)
        if first is None or not first.data.strip():
            raise TableError(f"“{source.path.name}” holds no rows.", "Choose a file that holds a table.")
        quote = b'"'
        whole = row_end(first.data[:LOOKED_AT], quote) or row_end(first.data, quote) or len(first.data)
        dialect = sniff(first.data[:whole].decode("utf-8"))
        if dialect.header:
            first = _below_header(first, quote)
        reader = RowReader(dialect, source)
        reader.add(first)
        for chunk in coming:
            reader.add(chunk)
    return reader.table()


def _below_header(chunk: Chunk, quote: bytes) -> Chunk:
    """What is left below the first row that is not blank."""
    data = chunk.data
    start = len(data) - len(data.lstrip(b"\r\n "))
    head = data[start:]
    view = np.frombuffer(head, np.uint8)
    ends = np.flatnonzero((view == 10) & ~inside_quotes(view, quote)) if quote in head else [head.find(b"\n")]
    end = start + int(ends[0]) + 1 if len(ends) and ends[0] >= 0 else len(data)
    return Chunk(data[end:], chunk.line + data.count(b"\n", 0, end), chunk.share, chunk.legacy)


def _has_blank_lines(data: bytes) -> bool:
    return data[:1] in (b"\r", b"\n") or b"\n\n" in data or b"\n\r\n" in data


class RowReader:
    """Collects the rows of a text.

    Args:
        dialect: how it is written.
        source: the file.
    """

    def __init__(self, dialect: Dialect, source: Source) -> None:
        self.dialect = dialect
        self._source = source
        self._places = [place for place, kind in enumerate(dialect.kinds) if kind == "number"]
        self._kinds = list(dialect.kinds)
        #: Columns of which nothing but gaps has been seen: what they hold is not known.
        self._empty = set(self._places)
        self._store = Store(len(self._places))
        self._missing = [0] * len(dialect.names)
        self._tokens: dict[str, None] = {}
        self._legacy = False
        self._first: int | None = None

    def add(self, chunk: Chunk) -> None:
        """Read whole rows.

        Raises:
            TableError: naming the row and column that cannot be read.
        """
        self._legacy |= chunk.legacy
        if self._first is None:
            self._first = chunk.line
        if chunk.data and not self._add_fast(chunk):
            self._add_careful(chunk)
        self._source.report(chunk.share)

    # Fast: whole portions.

    def _add_fast(self, chunk: Chunk) -> bool:
        """Read a portion with polars; whether every cell was where and what it should be."""
        data, dialect = chunk.data, self.dialect
        # In one column, polars takes blank lines for missing values.
        if len(dialect.names) == 1 and _has_blank_lines(data):
            return False
        if dialect.decimal_comma:
            # Polars takes points for commas. Like this it refuses them in numbers; dates and texts are not kept.
            data = data.replace(b".", b"~")
        frame = self._frame(data)
        if frame is None or frame.height * (len(dialect.names) - 1) != self._separators(data):
            return False
        columns = frame.get_columns()
        block = self._store.room(frame.height, chunk.share)
        for row, place in zip(block, self._places, strict=True):
            row[:] = columns[place].to_numpy() if self._kinds[place] == "number" else np.nan
            if np.isinf(row).any():
                self._store.rows -= frame.height
                return False
        for place in self._others():
            self._missing[place] += columns[place].null_count()
        self._look_for_values(block)
        return True

    def _others(self) -> list[int]:
        """The columns that hold no numbers."""
        return [place for place, kind in enumerate(self._kinds) if kind != "number"]

    def _look_for_values(self, block: Numbers) -> None:
        """Note which columns have had a value by now."""
        for row, place in zip(block, self._places, strict=True):
            if place in self._empty and not np.isnan(row).all():
                self._empty.discard(place)

    def _frame(self, data: bytes) -> pl.DataFrame | None:
        import polars as pl

        dialect = self.dialect
        types = {"number": pl.Float64}
        schema = {name: types.get(kind, pl.String) for name, kind in zip(dialect.names, self._kinds, strict=True)}
        try:
            return pl.read_csv(
                data,
                has_header=False,
                schema=schema,
                separator=dialect.separator,
                quote_char=dialect.quote,
                decimal_comma=dialect.decimal_comma,
                null_values=list(self._tokens) or None,
            )
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError):
            return None

    def _separators(self, data: bytes) -> int:
        """Separators outside of quotation marks."""
        view = np.frombuffer(data, np.uint8)
        found = view == ord(self.dialect.separator)
        quote = self.dialect.quote.encode()
        if quote in data:
            found &= ~inside_quotes(view, quote)
        return int(np.count_nonzero(found))

    # Careful: cell by cell.

    def _add_careful(self, chunk: Chunk) -> None:
        dialect, lines, rows = self.dialect, list[int](), list[list[str]]()
        width = len(dialect.names)
        for line, record in records(chunk.text, dialect.separator, dialect.quote, chunk.line):
            if len(record) != width:
                raise self._ragged(line, len(record))
            lines.append(line)
            rows.append(record)
        if not rows:
            return
        columns = list(zip(*rows, strict=True))
        block = self._store.room(len(rows), chunk.share)
        for row, place in zip(block, self._places, strict=True):
            if place in self._empty:
                self._judge(place, columns[place], self._store.rows - len(rows))
            known = self._kinds[place] == "number"
            row[:] = self._numbers(columns[place], dialect.names[place], lines) if known else np.nan
        for place in self._others():
            self._missing[place] += sum(cell.strip().lower() in MISSING for cell in columns[place])
        self._look_for_values(block)

    def _judge(self, place: int, cells: Sequence[str], gaps: int) -> None:
        """Find out what a column holds of which only gaps, so many, have been seen."""
        self._kinds[place] = kind_of(cells, self.dialect.number)
        if self._kinds[place] != "number":
            self._empty.discard(place)
            self._missing[place] = gaps

    def _ragged(self, line: int, cells: int) -> TableError:
        width = len(self.dialect.names)
        first = "the header" if self.dialect.header else "the first row"
        return at_row(
            f"has {cells:,} cell{'' if cells == 1 else 's'}; {first} has {width:,}.",
            "Give every row as many cells; put cells that hold the separator in quotation marks.",
            line,
        )

    def _numbers(self, cells: Sequence[str], name: str, lines: Sequence[int]) -> Numbers:
        """The numbers in the cells of one column, NaN where they are missing."""
        import polars as pl

        raw = pl.Series(cells, dtype=pl.String)
        texts = raw.str.strip_chars()
        gaps = texts.str.to_lowercase().is_in(list(MISSING))
        self._learn(raw.filter(gaps))
        wrong = ~texts.str.contains(f"^(?i:{self.dialect.number.pattern})$") & ~gaps
        if wrong.any():
            at = int(wrong.arg_max() or 0)
            raise at_cell(f"{quoted(texts[at])} is not a number{self._why(texts[at])}.", _CELL, lines[at], name)
        if self.dialect.decimal_comma:
            texts = texts.str.replace(",", ".", literal=True)
        numbers: NDArray[np.float64] = texts.set(gaps, None).cast(pl.Float64, strict=False).to_numpy(writable=True)
        infinite = ~np.isfinite(numbers) & ~gaps.to_numpy()
        if infinite.any():
            at = int(infinite.argmax())
            raise at_cell(f"{quoted(cells[at].strip())} is not a finite number.", _CELL, lines[at], name)
        return numbers

    def _why(self, cell: str) -> str:
        """What may have gone wrong with a cell, to go on after “is not a number”."""
        if self.dialect.decimal_comma and "." in cell:
            return ": the others have a decimal comma"
        return ": the others have a decimal point" if "," in cell else ""

    def _learn(self, tokens: pl.Series) -> None:
        """Remember how missing values are written here, so that polars reads the next portion at once."""
        for token in tokens.unique(maintain_order=True).to_list()[:MOST_TOKENS]:
            if token and len(self._tokens) < MOST_TOKENS:
                self._tokens[token] = None

    def table(self) -> Table:
        """What was read.

        Raises:
            TableError: when there was no row, or no number in any.
        """
        dialect, rows = self.dialect, self._store.rows
        if not rows:
            what = "a header, but no rows" if dialect.header else "no rows"
            raise TableError(f"“{self._source.path.name}” holds {what}.", "Choose a file that holds a table.")
        numbers: list[Numbers | None] = [None] * len(dialect.names)
        for place, values in zip(self._places, self._store.columns, strict=True):
            numbers[place] = values if self._kinds[place] == "number" else None
        notes = []
        if self._legacy:
            notes.append(LEGACY)
        if not dialect.header and any(name.startswith("x") for name in dialect.names):
            notes.append("The file has no header; the columns are numbered.")
        if dialect.decimal_comma:
            notes.append("Numbers are written with a decimal comma.")
        return Table(
            columns=complete(dialect.names, self._kinds, numbers, self._missing),
            rows=rows,
            path=self._source.path,
            sha256=self._source.sha256,
            first=self._first or 1,
            notes=tuple(notes),
        )
