"""Square windows on the plane that frame a data set with a little air."""

from __future__ import annotations

from gmstudio.data.base import Bounds


def square(left: float, right: float, bottom: float, top: float, *, tail: float = 0.0) -> Bounds:
    """The smallest square around a rectangle, widened.

    Args:
        left, right, bottom, top: the rectangle, in the units of the data.
        tail: how far the mass reaches beyond it, such as four standard deviations of the noise.

    Returns:
        A square with a twentieth of air on every side.
    """
    half = max(right - left, top - bottom) / 2 + tail
    half *= 1.1
    x, y = (left + right) / 2, (bottom + top) / 2
    return (x - half, x + half, y - half, y + half)
