"""What is to be known of a table before it is used."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.tables.errors import TableCancelledError
from gmstudio.data.tables.table import Column, Kind, Table

#: Correlations above this are told.
HIGH = 0.98
#: Rows that are looked at for correlations, at most; fewer in tables of many columns, as `MOST_PRODUCTS` says.
MOST_ROWS = 100_000
#: Products for all correlations, about two seconds, and numbers held for them.
MOST_PRODUCTS = 4e10
MOST_HELD = 2e7
#: Columns whose correlations with all others are computed at once.
BLOCK = 256
#: Pairs that are told.
MOST_PAIRS = 20_000
#: Numbers up to which different values are counted in all rows; beyond, in evenly spread ones.
MOST_COUNTED = 1e8
#: A column has few values if each of them comes this often on average.
REPEATS = 10

Numbers = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column.

    Attributes:
        name, kind, missing: as in the table.
        distinct: different values; 0 unless the column holds numbers.
        minimum, maximum, mean: NaN unless the column holds numbers.
        constant: whether it holds one value only.
        few_valued: whether its values repeat so often that a density could grow without limit on them.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int = 0
    minimum: float = math.nan
    maximum: float = math.nan
    mean: float = math.nan
    constant: bool = False
    few_valued: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """A table.

    Attributes:
        columns: in the order of the table.
        duplicates: rows whose numbers are those of an earlier row.
        correlated: places of two columns and their correlation, above 0.98 or below -0.98, the strongest first; at
            most 20,000 pairs.
        rows: how many there are.
        counted: rows in which different values were counted; less than `rows` in tables of more than 10^8 numbers.
        compared: rows by which correlations were computed, evenly spread; at most 100,000, fewer in tables of more
            than 200 columns. Missing values count as means.
    """

    columns: tuple[ColumnProfile, ...]
    duplicates: int
    correlated: tuple[tuple[int, int, float], ...]
    rows: int
    counted: int
    compared: int


def profile(table: Table, *, cancelled: Callable[[], bool] | None = None) -> Profile:
    """Look at every column, at every pair of columns and at every row of a table.

    Args:
        table: what was read.
        cancelled: asked after every column and every pass over one.

    Raises:
        TableCancelledError: when `cancelled` says yes.
    """

    def check() -> None:
        if cancelled is not None and cancelled():
            raise TableCancelledError

    places = [place for place, column in enumerate(table.columns) if column.values is not None]
    numbers = [column.values for column in table.columns if column.values is not None]
    counted = table.rows if table.rows * len(numbers) <= MOST_COUNTED else int(MOST_COUNTED // len(numbers))
    facts = []
    for column in table.columns:
        check()
        facts.append(_column(column, counted))
    varying = [place for place in places if not facts[place].constant]
    pairs, compared = correlations([table.columns[place].values for place in varying], check)  # type: ignore[misc]
    return Profile(
        columns=tuple(facts),
        duplicates=duplicate_rows(numbers, check),
        correlated=tuple((varying[a], varying[b], value) for a, b, value in pairs),
        rows=table.rows,
        counted=counted,
        compared=compared,
    )


def _column(column: Column, counted: int) -> ColumnProfile:
    values = column.values
    if values is None:
        return ColumnProfile(column.name, column.kind, column.missing)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    # Divided first: the sum of large doubles is no double.
    largest = max(abs(low), abs(high)) or 1.0
    mean = float(np.nanmean(values / largest)) * largest
    some = _spread_out(values, counted)
    distinct = distinct_values(some)
    few = distinct * REPEATS <= int(np.count_nonzero(~np.isnan(some)))
    return ColumnProfile(column.name, column.kind, column.missing, distinct, low, high, mean, low == high, few)


def _spread_out(values: Numbers, most: int) -> Numbers:
    """At most so many of the values, evenly spread."""
    return values[:: max(1, -(-len(values) // most))]


def distinct_values(values: Numbers) -> int:
    """How many different numbers there are; NaN is none."""
    import polars as pl

    series = pl.Series(values, nan_to_null=True)
    return series.n_unique() - bool(series.null_count())


def few_valued(values: Numbers) -> bool:
    """Whether numbers repeat so often, ten times on average, that a density could grow without limit on them."""
    return distinct_values(values) * REPEATS <= len(values)


def smallest_gap(values: Numbers) -> float:
    """The smallest distance of two different numbers; those that differ by rounding alone count as one.

    Args:
        values: without NaN.

    Returns:
        0 where all are the same.
    """
    gaps = np.diff(np.unique(values))
    gaps = gaps[gaps > 1e-9 * gaps.sum()]
    return float(gaps.min()) if len(gaps) else 0.0


def duplicate_rows(columns: list[NDArray[np.float64]], check: Callable[[], object] = lambda: None) -> int:
    """How many rows are equal to an earlier one; by hashes of 64 bits, so that a chance of 1 in 10^7 to err is left.

    Args:
        columns: (rows,) each, at least one.
        check: called between columns; what it raises ends the work.
    """
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        check()
        # Adding 0 makes one zero of both; all NaN of the readers have the same bits.
        bits = (column + 0.0).view(np.uint64)
        bits[np.isnan(column)] = 1
        # The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
        mixed = (mixed ^ bits) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    mixed.sort()
    return int(np.count_nonzero(mixed[1:] == mixed[:-1]))


def correlations(
    columns: list[NDArray[np.float64]], check: Callable[[], object] = lambda: None
) -> tuple[list[tuple[int, int, float]], int]:
    """The pairs of columns that are nearly the same.

    All pairs are looked at, in blocks, so that memory grows with the number of columns and not with its square.

    Args:
        columns: (rows,) each; none of them constant.
        check: called between blocks of columns; what it raises ends the work.

    Returns:
        Places of the first and the second column and their correlation, the strongest first; and the number of rows
        that were looked at.
    """
    width = len(columns)
    if width < 2:
        return [], len(columns[0]) if columns else 0
    most = int(min(MOST_ROWS, MOST_PRODUCTS / width**2, MOST_HELD / width))
    z = np.stack([_standardised(_spread_out(column, most)) for column in columns], axis=1)
    found = list(islice(_strong(z), MOST_PAIRS))
    found.sort(key=lambda pair: -abs(pair[2]))
    return found, len(z)


def _strong(z: NDArray[np.float32]) -> Iterator[tuple[int, int, float]]:
    """The strongly correlated pairs of standardised columns (rows, columns), in the order of their places."""
    for start in range(0, z.shape[1], BLOCK):
        products = z[:, start : start + BLOCK].T @ z[:, start:] / len(z)
        first, second = np.nonzero(np.abs(products) > HIGH)
        later = second > first
        for a, b in zip(first[later].tolist(), second[later].tolist(), strict=True):
            yield start + a, start + b, max(-1.0, min(1.0, float(products[a, b])))


def _standardised(values: Numbers) -> NDArray[np.float32]:
    """Mean 0 and variance 1, gaps 0; all 0 where the values are the same."""
    gaps = np.isnan(values)
    if gaps.all():
        return np.zeros(len(values), np.float32)
    some = values / (np.nanmax(np.abs(values)) or 1.0)
    centred = np.where(gaps, 0.0, some - np.nanmean(some))
    spread = float(np.sqrt(np.mean(centred**2)))
    return (centred / spread if spread > 1e-13 else np.zeros_like(centred)).astype(np.float32)
