"""Numbers that arrive in portions, collected in one array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.tables.table import check_size

Numbers = NDArray[np.float64]


class Store:
    """Rows of so many columns, kept column by column; memory that is not filled is never touched.

    Args:
        columns: how many.
    """

    def __init__(self, columns: int) -> None:
        self._array: Numbers = np.empty((columns, 0))
        self.rows = 0

    def room(self, count: int, share: float) -> Numbers:
        """A view of (columns, count) for the next rows, to be filled.

        Args:
            count: how many rows come now.
            share: how much of the file they and those before them are.

        Raises:
            TableError: when there are more numbers than a table may have.
        """
        columns, capacity = self._array.shape
        rows = self.rows + count
        check_size(rows, columns)
        if rows > capacity:
            # The rest of the file will have rows of much the same length.  A little more saves a second copy, and costs
            # nothing.
            expected = int(rows / max(share, 0.5 * rows / (rows + 2**22)) * 1.05) + 1024
            grown = np.empty((columns, max(rows, expected)))
            grown[:, : self.rows] = self._array[:, : self.rows]
            self._array = grown
        start, self.rows = self.rows, rows
        return self._array[:, start:rows]

    @property
    def columns(self) -> list[Numbers]:
        """Every column, (rows,)."""
        return [column[: self.rows] for column in self._array]
