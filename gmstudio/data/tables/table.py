"""A table that has been read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.tables.errors import TableError

Kind = Literal["number", "text", "date", "boolean"]

MOST_COLUMNS = 5_000
#: Numbers in a table: 4 GiB of float64.
MOST_NUMBERS = 2**29
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: unique in its table.
        kind: what it holds; a column without any value is text.
        values: (rows,) float64 with NaN where a value is missing; None unless it holds numbers. Float64, because
            times and counters lose their last digits in float32 before they can be centred.
        missing: how many values are missing.
    """

    name: str
    kind: Kind
    values: NDArray[np.float64] | None
    missing: int


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds.

    Attributes:
        columns: in the order of the file.
        rows: how many, without the header.
        path: the file.
        sha256: of the whole file, in hexadecimal.
        first: what the first row is called in messages: 2 below a header.
        notes: what a person should know of how it was read; whole sentences.
    """

    columns: tuple[Column, ...]
    rows: int
    path: Path
    sha256: str
    first: int = 1
    notes: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[Column, ...]:
        """The columns that hold numbers."""
        return tuple(column for column in self.columns if column.values is not None)


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names on one line, none of them empty, long or twice: ``x3`` for the third, ``a_2`` for the second ``a``."""
    cleaned = [re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in name)).strip() for name in names]
    cleaned = [name[:LONGEST_NAME] or f"x{place}" for place, name in enumerate(cleaned, 1)]
    taken, unique = set(cleaned), list[str]()
    seen = set[str]()
    for name in cleaned:
        fresh, count = name, 1
        while fresh in seen or (count > 1 and fresh in taken):
            count += 1
            fresh = f"{name}_{count}"
        seen.add(fresh)
        unique.append(fresh)
    return tuple(unique)


def check_columns(count: int) -> None:
    """Raise `TableError` for more columns than a table may have."""
    if count > MOST_COLUMNS:
        raise TableError(
            f"The table has {count:,} columns.", f"At most {MOST_COLUMNS:,} are read: leave some of them out."
        )


def check_size(rows: int, columns: int) -> None:
    """Raise `TableError` for more numbers than a table may have."""
    if rows * columns > MOST_NUMBERS:
        raise TableError(f"The table has more than {MOST_NUMBERS:,} numbers.", "Use fewer rows or fewer columns of it.")


def complete(
    names: Sequence[str],
    kinds: Sequence[Kind],
    numbers: Sequence[NDArray[np.float64] | None],
    missing: Sequence[int],
) -> tuple[Column, ...]:
    """The columns of a table; those that turn out to be empty become text.

    Args:
        names, kinds: of all columns.
        numbers: of all columns; None where they are no numbers.
        missing: of all columns; looked at only where there are no numbers.

    Raises:
        TableError: when no column holds numbers.
    """
    columns = []
    for name, kind, values, count in zip(names, kinds, numbers, missing, strict=True):
        if values is None:
            columns.append(Column(name, kind, None, count))
            continue
        gaps = int(np.count_nonzero(np.isnan(values)))
        full = gaps < len(values)
        columns.append(Column(name, "number" if full else "text", values if full else None, gaps))
    if not any(column.values is not None for column in columns):
        shown = ", ".join(f"“{column.name}”" for column in columns[:3]) + (", …" if len(columns) > 3 else "")
        raise TableError(
            f"The table has no column of numbers; it has {shown}.",
            "Choose a table that holds numbers, its cells separated by commas, semicolons or tabs.",
        )
    return tuple(columns)
