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


def opacity(cells: NDArray[np.int64], one: float) -> NDArray[np.uint8]:
    """The opacity, 0 to 255, of cells in which points of opacity `one` lie over each other."""
    table = 1.0 - np.power(1.0 - one, np.arange(int(cells.max(initial=0)) + 1, dtype=np.float64))
    return np.asarray(np.round(255 * table).astype(np.uint8)[cells], dtype=np.uint8)


def dots(cells: NDArray[np.int64], one: float) -> NDArray[np.uint8]:
    """The opacity, 0 to 255, of round dots of three pixels, one at each counted cell."""
    rows, columns = cells.shape
    result = np.zeros((rows + 2, columns + 2), dtype=np.uint8)
    j, i = np.nonzero(cells)
    full, soft = round(255 * one), round(255 * one * 0.4)
    # From weak to strong: where dots meet the stronger part stays.
    for dj, di in ((0, 0), (0, 2), (2, 0), (2, 2)):
        result[j + dj, i + di] = soft
    for dj, di in ((0, 1), (1, 0), (1, 1), (1, 2), (2, 1)):
        result[j + dj, i + di] = full
    return result[1:-1, 1:-1]
