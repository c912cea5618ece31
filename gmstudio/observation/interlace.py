"""A grid of numbers that is refreshed in interleaved passes, so that a picture moves long before all of it is new."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gmstudio.observation.frame import F32

#: Offsets (row, column) of the passes in a 4 x 4 cell: every prefix is spread as evenly as it can be (Bayer's order).
_ORDER = ((0, 0), (2, 2), (0, 2), (2, 0), (1, 1), (3, 3), (1, 3), (3, 1))
ORDER = (*_ORDER, (0, 1), (2, 3), (0, 3), (2, 1), (1, 0), (3, 2), (1, 2), (3, 0))
STRIDE = 4


class InterlacedGrid:
    """A (members, side, side) picture made of 16 interleaved passes.

    A pass is exact where it was computed.  Every other pixel is moved with it, by the interpolated change, and never
    beyond what lies between its old value and the interpolated new one; so the first pass shows the whole picture
    coarsely, and later ones neither comb nor flash while the weights move.  Pixels that were computed at the step of
    the pass stay as they are: once every pass has the same step, all values are exact.

    Args:
        members: E.
        side: pixels per side, at least 1.
    """

    def __init__(self, members: int, side: int) -> None:
        stride = min(STRIDE, side)
        self.side = side
        self.stride = stride
        self.offsets = tuple(at for at in ORDER if max(at) < stride)
        self.values: F32 = np.zeros((members, side, side), dtype=np.float32)
        #: The step at which each pass was computed; -1 for never.
        self.steps: NDArray[np.int64] = np.full(len(self.offsets), -1, dtype=np.int64)
        self._between = [_Between(side, stride, offset) for offset in range(stride)]
        self._next = 0

    def pixels(self, index: int) -> NDArray[np.int64]:
        """Flat indices of the pixels of a pass, row by row."""
        row, column = self.offsets[index]
        rows = np.arange(row, self.side, self.stride)
        columns = np.arange(column, self.side, self.stride)
        return (rows[:, None] * self.side + columns[None, :]).ravel()

    def due(self, step: int) -> int | None:
        """The pass that comes next, or None when all of them were computed at `step`."""
        for ahead in range(len(self.offsets)):
            index = (self._next + ahead) % len(self.offsets)
            if self.steps[index] != step:
                return index
        return None

    def put(self, index: int, values: F32, step: int) -> None:
        """Take the values (members, pixels) of a pass."""
        row, column = self.offsets[index]
        at = (slice(None), slice(row, None, self.stride), slice(column, None, self.stride))
        old = self.values[at]
        fresh = values.reshape(old.shape)
        coarse = self._spread(fresh, row, column)
        moved: F32
        if (self.steps < 0).all():
            moved = coarse
        else:
            moved = self.values + self._spread(fresh - old, row, column)
            low, high = np.minimum(self.values, coarse), np.maximum(self.values, coarse)
            np.maximum(np.minimum(moved, high, out=moved), low, out=moved)
        for other in np.flatnonzero(self.steps == step):
            r, c = self.offsets[other]
            kept = (slice(None), slice(r, None, self.stride), slice(c, None, self.stride))
            moved[kept] = self.values[kept]
        moved[at] = fresh
        self.values = moved
        self.steps[index] = step
        self._next = (index + 1) % len(self.offsets)

    def _spread(self, values: F32, row: int, column: int) -> F32:
        """Interpolate the values of the pass at this offset to the whole grid."""
        return self._between[column](self._between[row](values, 1), 2)

    @property
    def shown(self) -> bool:
        """Whether there is a picture at all."""
        return bool((self.steps >= 0).any())

    @property
    def oldest(self) -> int:
        """The step of the oldest pass; -1 while one was never computed."""
        return int(self.steps.min())


class _Between:
    """Linear interpolation from every `stride`-th pixel, from `offset` on, to all; constant beyond the ends.

    By slices, not by a matrix product: numpy's would wake the threads of its BLAS beside those of the training.
    """

    def __init__(self, side: int, stride: int, offset: int) -> None:
        last = len(range(offset, side, stride)) - 1
        at = np.clip((np.arange(side) - offset) / stride, 0, last)
        self._low = np.floor(at).astype(np.int64)
        self._high = np.minimum(self._low + 1, last)
        self._weight = (at - self._low).astype(np.float32)

    def __call__(self, values: F32, axis: int) -> F32:
        low = values.take(self._low, axis)
        low += (values.take(self._high, axis) - low) * (self._weight[:, None] if axis == 1 else self._weight)
        return low
