"""A drawing as an immutable value, and the commands that turn one into the next; no widgets.

Every command knows its inverse exactly, with the order of the points, so that undo restores the same bits.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmstudio.data.base import Bounds
from gmstudio.data.sets.drawing import CANVAS, MOST_POINTS

Points = NDArray[np.float32]
Indices = NDArray[np.int64]

#: Coordinates are kept to this many decimals: far below a pixel, and short in files.
DECIMALS = 4


def _no_points() -> Points:
    return np.zeros((0, 2), dtype=np.float32)


def inside(points: ArrayLike, bounds: Bounds) -> Points:
    """The points within `bounds`, (K, 2), rounded to `DECIMALS`; those outside and those not finite are dropped."""
    array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    left, right, bottom, top = bounds
    with np.errstate(invalid="ignore"):
        x, y = array[:, 0], array[:, 1]
        kept = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    return np.round(array[kept], DECIMALS).astype(np.float32)


@dataclass(frozen=True, eq=False)
class DrawingDocument:
    """Drawn points.

    Attributes:
        points: (N, 2) float32, in the units of the data; read-only.
        bounds: of the canvas; no point is outside.
        limit: the largest N.
    """

    points: Points = field(default_factory=_no_points)
    bounds: Bounds = CANVAS
    limit: int = MOST_POINTS

    def __post_init__(self) -> None:
        self.points.flags.writeable = False

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DrawingDocument)
            and self.bounds == other.bounds
            and self.limit == other.limit
            and np.array_equal(self.points, other.points)
        )

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, points: ArrayLike, bounds: Bounds = CANVAS) -> DrawingDocument:
        """A drawing of given points; those outside are dropped, and so are those beyond the limit."""
        return cls(inside(points, bounds)[:MOST_POINTS], bounds)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def full(self) -> bool:
        """Whether no more points fit."""
        return len(self.points) >= self.limit

    @property
    def fingerprint(self) -> tuple[int, int]:
        """Differs between drawings that differ: a count and a checksum."""
        return len(self.points), zlib.crc32(self.points.tobytes())

    def with_points(self, points: Points) -> DrawingDocument:
        """The same canvas with other points."""
        return DrawingDocument(points, self.bounds, self.limit)

    def near(self, x: float, y: float, radius: float) -> Indices:
        """Indices, ascending, of the points within `radius` of (x, y)."""
        distance = (self.points[:, 0] - x) ** 2 + (self.points[:, 1] - y) ** 2
        return np.flatnonzero(distance <= radius**2).astype(np.int64)

    @cached_property
    def as_tuple(self) -> tuple[tuple[float, float], ...]:
        """The points as a specification holds them."""
        return _rows(self.points)

    def extend_tuple(self, earlier: DrawingDocument) -> None:
        """Make `as_tuple` cheaper where this drawing begins with all of an earlier one, as within a stroke."""
        n = len(earlier)
        if n and "as_tuple" not in self.__dict__ and np.array_equal(self.points[:n], earlier.points):
            self.__dict__["as_tuple"] = earlier.as_tuple + _rows(self.points[n:])


def _rows(points: Points) -> tuple[tuple[float, float], ...]:
    x, y = np.round(points.astype(np.float64), DECIMALS).T
    return tuple(zip(x.tolist(), y.tolist(), strict=True))


class DrawingCommand(Protocol):
    """A change of a drawing."""

    def apply(self, document: DrawingDocument) -> DrawingDocument:
        """The drawing after the change."""

    def inverse(self, document: DrawingDocument) -> DrawingCommand:
        """What takes the drawing after the change back to `document`, the drawing before it."""


@dataclass(frozen=True, eq=False)
class AddPoints:
    """Add points.

    Attributes:
        points: (K, 2); those outside the canvas are dropped, and those for which there is no more room.
        at: (K,) ascending places that they take in the result; None for the end.
    """

    points: Points
    at: Indices | None = None

    def added(self, document: DrawingDocument) -> Points:
        """The points that are really added."""
        return inside(self.points, document.bounds)[: max(0, document.limit - len(document))]

    def apply(self, document: DrawingDocument) -> DrawingDocument:
        """With the points."""
        if self.at is None:
            return document.with_points(np.concatenate([document.points, self.added(document)]))
        total = len(document) + len(self.points)
        result = np.empty((total, 2), dtype=np.float32)
        taken = np.zeros(total, dtype=bool)
        taken[self.at] = True
        result[taken] = self.points
        result[~taken] = document.points
        return document.with_points(result)

    def inverse(self, document: DrawingDocument) -> DrawingCommand:
        """Remove them."""
        if self.at is not None:
            return RemovePoints(self.at, self.points)
        points = self.added(document)
        return RemovePoints(np.arange(len(document), len(document) + len(points)), points)


@dataclass(frozen=True, eq=False)
class RemovePoints:
    """Remove points.

    Attributes:
        indices: (K,) ascending.
        points: (K, 2), what stands there.
    """

    indices: Indices
    points: Points

    @classmethod
    def of(cls, document: DrawingDocument, indices: Indices) -> RemovePoints:
        """Remove the points with these indices."""
        return cls(indices, document.points[indices])

    def apply(self, document: DrawingDocument) -> DrawingDocument:
        """Without the points."""
        return document.with_points(np.delete(document.points, self.indices, axis=0))

    def inverse(self, document: DrawingDocument) -> DrawingCommand:
        """Put them back where they were."""
        return AddPoints(self.points, self.indices)


@dataclass(frozen=True, eq=False)
class Replace:
    """Put other points in the place of all: a symmetry, an import.

    Attributes:
        points: (K, 2); those outside the canvas are dropped, and those beyond the limit.
    """

    points: Points

    def apply(self, document: DrawingDocument) -> DrawingDocument:
        """With these points alone."""
        return document.with_points(inside(self.points, document.bounds)[: document.limit])

    def inverse(self, document: DrawingDocument) -> DrawingCommand:
        """The points that were there."""
        return Replace(document.points)


@dataclass(frozen=True, eq=False)
class Clear:
    """Remove everything."""

    def apply(self, document: DrawingDocument) -> DrawingDocument:
        """The empty canvas."""
        return document.with_points(_no_points())

    def inverse(self, document: DrawingDocument) -> DrawingCommand:
        """The points that were there."""
        return Replace(document.points)


@dataclass(frozen=True, eq=False)
class Sequence:
    """Several commands, one after another: a stroke.

    Attributes:
        commands: in the order in which they are applied.
    """

    commands: tuple[DrawingCommand, ...]

    def apply(self, document: DrawingDocument) -> DrawingDocument:
        """After all of them."""
        for command in self.commands:
            document = command.apply(document)
        return document

    def inverse(self, document: DrawingDocument) -> DrawingCommand:
        """Their inverses, last first."""
        inverses: list[DrawingCommand] = []
        for command in self.commands:
            inverses.append(command.inverse(document))
            document = command.apply(document)
        return Sequence(tuple(reversed(inverses)))


def merged(first: DrawingCommand, second: DrawingCommand) -> DrawingCommand:
    """One command that does `first`, then `second`; adding and removing merge into one small command each."""
    before = first.commands if isinstance(first, Sequence) else (first,)
    last = _one(before[-1], second) if before else None
    commands = (*before, second) if last is None else (*before[:-1], last)
    return commands[0] if len(commands) == 1 else Sequence(commands)


def _one(first: DrawingCommand, second: DrawingCommand) -> DrawingCommand | None:
    if isinstance(first, AddPoints) and isinstance(second, AddPoints) and first.at is None and second.at is None:
        return AddPoints(np.concatenate([first.points, second.points]))
    if isinstance(first, RemovePoints) and isinstance(second, RemovePoints):
        return _both_removals(first, second)
    return None


def _both_removals(first: RemovePoints, second: RemovePoints) -> RemovePoints:
    # The second's indices count what the first left over; a gap moves all indices behind it up by one.
    gaps = first.indices - np.arange(len(first.indices))
    original = second.indices + np.searchsorted(gaps, second.indices, side="right")
    indices = np.concatenate([first.indices, original])
    points = np.concatenate([first.points, second.points])
    order = np.argsort(indices, kind="stable")
    return RemovePoints(indices[order], points[order])
