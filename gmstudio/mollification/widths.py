"""How wide a blur is along a schedule, and what it does along one side of an image; without torch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

#: The finest blur, in pixels: less than this changes hardly anything.
FINEST = 0.3


def width(gamma: NDArray[np.float64] | float, side: int) -> NDArray[np.float64]:
    """The blur's standard deviation in pixels where a schedule stands at gamma.

    Args:
        gamma: 1 at the start, 0 at the end, of any shape.
        side: the longer side of the images, W.

    Returns:
        W^gamma FINEST^(1 - gamma), log-linear in gamma from the side of the image to `FINEST`; 0 where gamma is 0: then
        the images are clean.
    """
    gamma = np.asarray(gamma, dtype=np.float64)
    return np.where(gamma > 0.0, FINEST * (side / FINEST) ** gamma, 0.0)


def gamma_of(width: float, side: int) -> float:
    """Where a schedule stands when the blur has a width in pixels: the inverse of `width`, from 0 to 1."""
    if width <= FINEST:
        return 0.0
    return min(math.log(width / FINEST) / math.log(side / FINEST), 1.0)


def cosines(n: int) -> NDArray[np.float64]:
    """The orthonormal discrete cosine transform (type II) of n numbers, as a matrix (n, n)."""
    at = np.arange(n)
    matrix = np.cos(math.pi / n * (at[None, :] + 0.5) * at[:, None]) * math.sqrt(2.0 / n)
    matrix[0] *= math.sqrt(0.5)
    return np.asarray(matrix)


def smear(n: int, width: float) -> NDArray[np.float64]:
    """The blur along one side of n pixels, (n, n): of an image from the left, and transposed from the right."""
    basis = cosines(n)
    falls = np.exp(-0.5 * np.square(math.pi / n * np.arange(n) * width))
    return np.asarray((basis.T * falls) @ basis)
