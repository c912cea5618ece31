"""Which columns and rows of a table a choice leaves, and how that reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gmstudio.data.tables.preparing import Parts
    from gmstudio.data.tables.reading import Column, Table


def sentence(parts: Parts, columns: int) -> str:
    """What a choice makes: ``1,296 rows to train on, 144 to validate, 159 to test; 11 columns``."""
    return (
        f"{parts.train:,} rows to train on, {parts.validation:,} to validate, {parts.test:,} to test; {columns} columns"
    )


class Ticked:
    """The columns of a table that are ticked, and in how many rows they miss a value.

    Args:
        table: what was read.
        columns: names to tick; empty for all that can be used.
    """

    def __init__(self, table: Table, columns: tuple[str, ...] = ()) -> None:
        self._table = table
        self._gaps: NDArray[np.int32] | None = None
        wanted = set(columns)
        self.on = [usable(column) and (not wanted or column.name in wanted) for column in table.columns]

    def set(self, places: list[int], on: bool) -> None:
        """Tick or untick columns by their places; those that cannot be used stay as they are."""
        for place in places:
            column = self._table.columns[place]
            if not usable(column) or self.on[place] == on:
                continue
            self.on[place] = on
            if self._gaps is not None and column.missing:
                self._gaps += (1 if on else -1) * _gaps(column)

    @property
    def names(self) -> tuple[str, ...]:
        """The ticked columns, in the order of the file."""
        return tuple(column.name for column, on in zip(self._table.columns, self.on, strict=True) if on)

    @property
    def all(self) -> bool:
        """Whether every column that can be used is ticked."""
        return all(on for column, on in zip(self._table.columns, self.on, strict=True) if usable(column))

    @property
    def missing(self) -> int:
        """Values that are missing in the ticked columns."""
        return sum(column.missing for column, on in zip(self._table.columns, self.on, strict=True) if on)

    @property
    def gaps(self) -> int:
        """Rows in which a ticked column misses a value."""
        return self._table.rows - int(np.count_nonzero(self.whole))

    @property
    def whole(self) -> NDArray[np.bool_]:
        """For each row, whether no ticked column misses a value."""
        if not self.missing:
            return np.ones(self._table.rows, np.bool_)
        if self._gaps is None:
            self._gaps = np.zeros(self._table.rows, np.int32)
            for column, on in zip(self._table.columns, self.on, strict=True):
                if on and column.missing:
                    self._gaps += _gaps(column)
        found: NDArray[np.bool_] = self._gaps == 0
        return found


def usable(column: Column) -> bool:
    """Whether a column holds numbers that can be learned."""
    return column.values is not None


def _gaps(column: Column) -> NDArray[np.int32]:
    """1 where a value is missing."""
    assert column.values is not None
    return np.isnan(column.values).astype(np.int32)
