"""Points as images: counted into pixels, so that half a million cost hardly more than a thousand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Bounds


def counts(points: NDArray[Any], bounds: Bounds, width: int, height: int) -> NDArray[np.int64]:
    """How many points fall into each cell of a grid; points outside, or not finite, are not counted.

    Args:
        points: (N, 2).
        bounds: left, right, bottom, top of the grid.
        width, height: its cells.

    Returns:
        (height, width), row 0 at the top.
    """
    left, right, bottom, top = bounds
    with np.errstate(invalid="ignore"):
        i = np.floor((points[:, 0] - left) * (width / (right - left)))
        j = np.floor((top - points[:, 1]) * (height / (top - bottom)))
        inside = (i >= 0) & (i < width) & (j >= 0) & (j < height)
    cells = j[inside].astype(np.int64) * width + i[inside].astype(np.int64)
    return np.bincount(cells, minlength=width * height).reshape(height, width)


def opacity(cells: NDArray[np.int64], one: float) -> NDArray[np.float64]:
    """The opacity of cells in which points of opacity `one` lie over each other."""
    table = 1.0 - np.power(1.0 - one, np.arange(int(cells.max(initial=0)) + 1, dtype=np.float64))
    return np.asarray(table[cells], dtype=np.float64)
