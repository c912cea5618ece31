"""Interpolation that keeps the order of its points: piecewise cubic Hermite, after Fritsch and Carlson."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pchip(x: Floats, y: Floats, at: Floats) -> Floats:
    """Interpolate so that the curve rises only where the points rise and never leaves the range of its neighbours.

    Args:
        x: (K,) strictly increasing, K at least 2.
        y: (K,).
        at: where to evaluate, any shape; outside of `x` the nearest end's value is returned.

    Returns:
        The values, of the shape of `at`.

    Fritsch and Carlson, "Monotone piecewise cubic interpolation", SIAM J. Numer. Anal. 17 (1980); the slopes are the
    weighted harmonic means of Fritsch and Butland (1984).
    """
    width = np.diff(x)
    secant = np.diff(y) / width
    slope = slopes(width, secant)
    at = np.clip(at, x[0], x[-1])
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(width) - 1)
    h, begin, end = width[piece], slope[piece], slope[piece + 1]
    t = (at - x[piece]) / h
    bend = (begin + end - 2.0 * secant[piece]) * h
    turn = (3.0 * secant[piece] - 2.0 * begin - end) * h
    inside = y[piece] + t * (begin * h + t * (turn + t * bend))
    # Rounding may pass the ends of a piece by one unit in the last place; a variance may not.
    return np.clip(inside, np.minimum(y[piece], y[piece + 1]), np.maximum(y[piece], y[piece + 1]))


def slopes(width: Floats, secant: Floats) -> Floats:
    """The slopes at K points of intervals of `width` (K - 1,) with slopes `secant` (K - 1,); returns (K,)."""
    if len(width) == 1:
        return np.repeat(secant, 2)
    result = np.zeros(len(width) + 1)
    left, right = secant[:-1], secant[1:]
    first, second = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
    same = left * right > 0.0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = (first + second) / (first / left + second / right)
    result[1:-1] = np.where(same, mean, 0.0)
    result[0] = _end(width[0], width[1], secant[0], secant[1])
    result[-1] = _end(width[-1], width[-2], secant[-1], secant[-2])
    return result


def _end(width: float, next_width: float, secant: float, next_secant: float) -> float:
    """The one-sided three-point slope at an end, limited so that the curve keeps its shape."""
    slope = ((2.0 * width + next_width) * secant - width * next_secant) / (width + next_width)
    if np.sign(slope) != np.sign(secant):
        return 0.0
    if np.sign(secant) != np.sign(next_secant) and abs(slope) > abs(3.0 * secant):
        return 3.0 * secant
    return float(slope)
