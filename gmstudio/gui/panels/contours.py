"""Lines of equal height through a grid: marching squares, vectorised over the cells that a line crosses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# For each of the 16 corner patterns (bit 0 lower left, 1 lower right, 2 upper right, 3 upper left) the edges that a
# segment joins (0 bottom, 1 right, 2 top, 3 left); the two saddles have a second segment.
_FIRST = np.array(
    [
        [-1, -1], [3, 0], [0, 1], [3, 1], [1, 2], [3, 0], [0, 2], [3, 2],
        [2, 3], [2, 0], [0, 1], [2, 1], [1, 3], [1, 0], [0, 3], [-1, -1],
    ]
)  # fmt: skip
_SECOND = {5: (1, 2), 10: (2, 3)}


def contour(values: NDArray[Any], level: float) -> NDArray[np.float64]:
    """The line at which `values` cross `level`.

    Args:
        values: (rows, columns); what is not finite counts as far below the level.
        level: the height of the line.

    Returns:
        (N, 4) separate segments x1, y1, x2, y2 in units of cells: the value [j, i] stands at x = i, y = j.
    """
    above = values > level
    mixed = above[:-1, :-1] ^ above[:-1, 1:]
    mixed |= above[:-1, 1:] ^ above[1:, 1:]
    mixed |= above[1:, :-1] ^ above[1:, 1:]
    flat = np.flatnonzero(mixed)
    if not len(flat):
        return np.empty((0, 4))
    j, i = np.divmod(flat, mixed.shape[1])
    corners = np.stack([values[j, i], values[j, i + 1], values[j + 1, i + 1], values[j + 1, i]]).astype(np.float64)
    corners = np.maximum(np.nan_to_num(corners, nan=-np.inf, posinf=1e300), level - 1e6)
    higher = corners > level
    code = higher[0] | higher[1] << 1 | higher[2] << 2 | higher[3] << 3
    crossings = _crossings(corners - level)
    first = _FIRST[code]
    parts = [_join(crossings, np.arange(len(code)), first[:, 0], first[:, 1], i, j)]
    for saddle, (a, b) in _SECOND.items():
        at = np.flatnonzero(code == saddle)
        if len(at):
            parts.append(_join(crossings, at, np.full(len(at), a), np.full(len(at), b), i[at], j[at]))
    return np.concatenate(parts)


def _crossings(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the line crosses the bottom, right, top and left edges of each cell: (4, N, 2) from the lower left."""
    lower_left, lower_right, upper_right, upper_left = corners
    with np.errstate(divide="ignore", invalid="ignore"):
        bottom = lower_left / (lower_left - lower_right)
        right = lower_right / (lower_right - upper_right)
        top = upper_left / (upper_left - upper_right)
        left = lower_left / (lower_left - upper_left)
    zero, one = np.zeros_like(bottom), np.ones_like(bottom)
    return np.stack(
        [
            np.stack([bottom, zero], -1),
            np.stack([one, right], -1),
            np.stack([top, one], -1),
            np.stack([zero, left], -1),
        ]
    )


def _join(
    crossings: NDArray[np.float64],
    cells: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> NDArray[np.float64]:
    corner = np.stack([i, j], -1)
    return np.concatenate([crossings[start, cells] + corner, crossings[end, cells] + corner], axis=1)


def enclosing(log_density: NDArray[Any], shares: tuple[float, ...]) -> tuple[float, ...]:
    """The heights whose lines enclose given shares of the mass on the grid (highest-density regions).

    Args:
        log_density: any shape, natural logarithm; what is not finite holds no mass.
        shares: each in (0, 1).

    Returns:
        One log-density for each share; empty where the grid holds no mass.
    """
    heights = np.asarray(log_density, dtype=np.float32).ravel()
    top = np.fmax.reduce(heights, initial=-np.inf)
    if not np.isfinite(top):
        return ()
    # Sorting 40,000 heights takes milliseconds; 1,024 steps over 20 nats find the level to 0.02 nats.
    depth = np.fmin(np.fmax((top - heights) * np.float32(51.2), 0), np.float32(1023))
    depth = np.where(np.isfinite(depth), depth, np.float32(1023)).astype(np.int64)
    number = np.bincount(depth, minlength=1024)
    mass = np.cumsum(number * np.exp(-(np.arange(1024) + 0.5) / 51.2))
    at = np.searchsorted(mass, np.asarray(shares) * mass[-1])
    return tuple(float(top - (k + 1) / 51.2) for k in at)
