"""Planes through data of many columns: what is drawn of them on paper.

A plane is spanned in standardised columns ``z = (x - shift) / scale``, so that one unit of either axis is one standard
deviation, whatever the units of the columns.  Its points are ``z = offset + a u + b v`` with orthonormal u and v, both
orthogonal to the offset; so where a row of the data falls on the plane, ``(u . z, v . z)``, does not depend on where
the plane passes.  Numpy alone: panels use it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Bounds

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

#: Columns of a table that are kept in frames and offered for planes: the first so many.
MOST_COLUMNS = 256
#: Letters of a column's name that are kept.
MOST_LETTERS = 80


@dataclass(frozen=True)
class Plane:
    """A plane through D columns.

    Attributes:
        names: what stands at its two axes.
        shift: (D,) the columns' centres.
        scale: (D,) their units, positive.
        offset: (D,) standardised point of the plane that is nearest to the columns' centres.
        directions: two orthonormal standardised vectors (D,).
        through: what the plane passes through, in a word or two.
    """

    names: tuple[str, str]
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    directions: tuple[tuple[float, ...], tuple[float, ...]]
    through: str = "mean"

    @property
    def dim(self) -> int:
        """D."""
        return len(self.shift)

    @cached_property
    def base(self) -> F64:
        """(D,) the point of the plane at (0, 0), in the units of the data."""
        base: F64 = np.array(self.shift) + np.array(self.scale) * np.array(self.offset)
        return base

    @cached_property
    def axes(self) -> F64:
        """(2, D) by how much the data change along one unit of each axis."""
        axes: F64 = np.array(self.directions) * np.array(self.scale)
        return axes

    @cached_property
    def _readers(self) -> tuple[NDArray[np.int64], F64, F64]:
        """The columns that matter for `project`, their weights (2, used), and the constant (2,)."""
        directions = np.array(self.directions)
        used = np.flatnonzero(directions.any(axis=0))
        weights = directions[:, used] / np.array(self.scale)[used]
        return used, weights, (weights * np.array(self.shift)[used]).sum(axis=1)

    def lift(self, points: NDArray[np.floating]) -> F32:
        """Points (N, 2) of the plane as rows of the data: (N, D)."""
        rows: F32 = (self.base + points[:, :1] * self.axes[0] + points[:, 1:] * self.axes[1]).astype(np.float32)
        return rows

    def project(self, rows: NDArray[np.floating]) -> F32:
        """Where rows of the data (N, C) fall on the plane: (N, 2).

        Args:
            rows: all D columns, or the first C of them where the others do not matter to the plane.
        """
        used, weights, constant = self._readers
        # Not a matrix product: it would wake the threads of numpy's BLAS beside those of the training.
        found = np.einsum("nc,kc->nk", rows[:, used].astype(np.float64), weights) - constant
        flat: F32 = found.astype(np.float32)
        return flat

    def takes(self, width: int) -> bool:
        """Whether `project` can be asked where rows of the first `width` columns fall."""
        used = self._readers[0]
        return width in widths(self.dim) and (not len(used) or int(used[-1]) < width)

    def column(self, axis: int) -> int | None:
        """The column that runs along an axis; None where it is a mixture of several."""
        used = np.flatnonzero(np.array(self.directions[axis]))
        return int(used[0]) if len(used) == 1 and self.directions[axis][used[0]] == 1.0 else None

    def units(self, axis: int) -> tuple[float, float]:
        """What to write at an axis: the value at coordinate 0, and by how much it grows with one unit.

        The units of the data where a column runs along the axis, standard deviations elsewhere.
        """
        column = self.column(axis)
        return (0.0, 1.0) if column is None else (self.shift[column], self.scale[column])

    def written(self, x: float, y: float) -> tuple[float, float]:
        """What is written at the axes for a point (x, y) of the plane."""
        (x0, x1), (y0, y1) = self.units(0), self.units(1)
        return x0 + x * x1, y0 + y * y1


@dataclass(frozen=True, eq=False)
class Space:
    """What is known of the columns of data that have more than two.

    Attributes:
        names: of the columns that are kept; see `widths`.
        mean, median, spread: (D,) of the training rows; the spread is a standard deviation, 1 for a constant column.
        principal: (2, D) directions of greatest variance of the standardised columns.
        log_volume: nats by which a standardised log-likelihood exceeds that in the units of the data.
    """

    names: tuple[str, ...]
    mean: F64
    median: F64
    spread: F64
    principal: F64
    log_volume: float = 0.0

    @property
    def dim(self) -> int:
        """D."""
        return len(self.mean)

    def same(self, other: Space | None) -> bool:
        """Whether these are the same columns with the same rows."""
        if other is None or self.names != other.names or self.dim != other.dim:
            return False
        return all(
            np.array_equal(getattr(self, part), getattr(other, part)) for part in ("mean", "spread", "principal")
        )

    def columns_plane(self, across: int, up: int, centre: F64 | None = None, through: str = "mean") -> Plane:
        """The plane of two columns, the others held at a centre.

        Args:
            across, up: the columns of the two axes.
            centre: (D,) or fewer, in the units of the data; the mean where None, and for the columns that it lacks.
            through: what the centre is called.
        """
        directions = np.zeros((2, self.dim))
        directions[0, across] = directions[1, up] = 1.0
        return self._plane((self.names[across], self.names[up]), directions, centre, through)

    def principal_plane(self, centre: F64 | None = None, through: str = "mean") -> Plane:
        """The plane of greatest variance of the standardised columns; arguments as for `columns_plane`."""
        return self._plane(("Principal axis 1", "Principal axis 2"), self.principal, centre, through)

    def _plane(self, names: tuple[str, str], directions: F64, centre: F64 | None, through: str) -> Plane:
        middle = self.mean.copy()
        if centre is not None:
            middle[: len(centre)] = np.where(np.isfinite(centre), centre, middle[: len(centre)])
        z = (middle - self.mean) / self.spread
        for direction in directions:
            z = z - (z * direction).sum() * direction
        return Plane(
            names,
            tuple(self.mean.tolist()),
            tuple(self.spread.tolist()),
            tuple(z.tolist()),
            (tuple(directions[0].tolist()), tuple(directions[1].tolist())),
            through,
        )


def widths(dim: int) -> tuple[int, int]:
    """How many of D columns may be kept in frames: the first ones of a table, or all, which are those of pictures."""
    return min(dim, MOST_COLUMNS), dim


def framing(points: NDArray[np.floating], air: float = 0.15) -> Bounds:
    """A square window that holds nearly all of the points (N, 2): all but 0.2 % at each side, with some air."""
    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite):
        return (-4.0, 4.0, -4.0, 4.0)
    low, high = np.quantile(finite.astype(np.float64), (0.002, 0.998), axis=0)
    half = max(float((high - low).max()) / 2, 1e-3) * (1 + air)
    x, y = (low + high) / 2
    return (float(x - half), float(x + half), float(y - half), float(y + half))


def names_of(columns: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Names for the first `count` columns: their own, cut where they are very long, or x1, x2 and so on."""
    given = columns[:count] if len(columns) >= count else tuple(f"x{k + 1}" for k in range(count))
    return tuple(name if len(name) <= MOST_LETTERS else name[: MOST_LETTERS - 1] + "…" for name in given)
