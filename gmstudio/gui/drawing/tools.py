"""Drawing tools: what press, move and release of a pen do to a drawing; no widgets.

A tool's points depend on where the pen went, never on how fast or in how many events, and follow from its generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.gui.drawing.document import AddPoints, DrawingCommand, DrawingDocument, Points, RemovePoints

Position = tuple[float, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pen:
    """What all tools share.

    Attributes:
        radius: of the brush and the eraser, half the width of lines and rings, in the units of the data.
        density: points for each unit of area that is painted over.
    """

    radius: float = 0.3
    density: float = 60.0


@dataclass(frozen=True, slots=True)
class Outline:
    """What the canvas shows of a tool that is being dragged.

    Attributes:
        kind: a circle around `start`, or a line from `start` to `end`.
        start, end: in the units of the data.
        radius: of the circle.
    """

    kind: Literal["circle", "line"]
    start: Position
    end: Position
    radius: float = 0.0


class Tool:
    """Base of every tool.

    Args:
        generator: the source of all its randomness.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    key: ClassVar[str]
    #: Whether the pointer shows a circle of the pen's radius.
    round: ClassVar[bool] = True

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._start: Position = (0.0, 0.0)
        self._end: Position = (0.0, 0.0)

    def press(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """The pen comes down."""
        self._start = self._end = at
        return None

    def move(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """The pen moves while down."""
        self._end = at
        return None

    def release(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """The pen goes up."""
        return None

    def outline(self, pen: Pen) -> Outline | None:
        """What is being dragged out, while the pen is down."""
        return None

    def _disc(self, count: int, radius: float) -> Floats:
        """Uniform in a disc around 0, (count, 2)."""
        r = radius * np.sqrt(self._generator.random(count))
        angle = self._generator.random(count) * 2 * math.pi
        return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1)

    def _band(self, start: Position, end: Position, count: int, pen: Pen) -> AddPoints | None:
        """Points in discs along a segment."""
        share = self._generator.random((count, 1))
        centres = np.array(start) * (1 - share) + np.array(end) * share
        return _add(centres + self._disc(count, pen.radius))

    def _reach(self, at: Position, click: float) -> float:
        """How far the pen was dragged; `click` where it was not."""
        length = math.dist(self._start, at)
        return length if length > 1e-9 else click


def _add(points: Floats) -> AddPoints | None:
    return AddPoints(points.astype(np.float32)) if len(points) else None


class Brush(Tool):
    """Sprays points within its radius along the stroke, by distance."""

    name = "brush"
    title = "Brush"
    help = "Spray points along a stroke"
    key = "B"

    def __init__(self, generator: np.random.Generator) -> None:
        super().__init__(generator)
        self._owed = 0.0

    def press(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """One dab."""
        super().press(at, pen, document)
        self._owed = 0.0
        # At least one point, so that a click is always seen.
        count = max(1, round(pen.density * math.pi * pen.radius**2))
        return _add(np.array(at) + self._disc(count, pen.radius))

    def move(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """As many points as the area that the disc sweeps over asks for."""
        start, self._end = self._end, at
        length = math.dist(start, at)
        self._owed += pen.density * 2 * pen.radius * length
        count = int(self._owed)
        self._owed -= count
        return self._band(start, at, count, pen)


class Eraser(Tool):
    """Removes the points within its radius, all along the stroke."""

    name = "eraser"
    title = "Eraser"
    help = "Remove points along a stroke"
    key = "E"

    def press(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """Remove what is under it."""
        super().press(at, pen, document)
        return self._sweep(at, at, pen, document)

    def move(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """Remove what it sweeps over, so that a fast stroke leaves no holes."""
        start, self._end = self._end, at
        return self._sweep(start, at, pen, document)

    @staticmethod
    def _sweep(start: Position, end: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        # Of 100,000 points few are anywhere near: the exact distance is for those alone.
        low = np.minimum(start, end).astype(np.float32) - np.float32(pen.radius + 1e-3)
        high = np.maximum(start, end).astype(np.float32) + np.float32(pen.radius + 1e-3)
        x, y = document.points.T
        near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
        distance = distance_to_segment(document.points[near], start, end)
        indices = near[distance <= pen.radius].astype(np.int64)
        return RemovePoints.of(document, indices) if len(indices) else None


def distance_to_segment(points: Points | Floats, start: Position, end: Position) -> Floats:
    """Distance of points (N, 2) from the segment between two positions; (N,) float64."""
    p = np.asarray(points, dtype=np.float64) - np.array(start)
    way = np.array(end) - np.array(start)
    squared = float(way @ way)
    along = np.clip(p @ way / squared, 0.0, 1.0) if squared > 0 else np.zeros(len(p))
    away: Floats = np.hypot(*(p - along[:, None] * way).T)
    return away


class Single(Tool):
    """One point, exactly where it is put."""

    name = "point"
    title = "Point"
    help = "Put single points"
    key = "P"
    round = False

    def press(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """One point."""
        super().press(at, pen, document)
        return _add(np.array([at]))


class Line(Tool):
    """A straight band of points from where the pen comes down to where it goes up."""

    name = "line"
    title = "Line"
    help = "Drag a straight band of points"
    key = "L"

    def release(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """The band."""
        length = math.dist(self._start, at)
        count = max(2, round(pen.density * 2 * pen.radius * max(length, pen.radius)))
        return self._band(self._start, at, count, pen)

    def outline(self, pen: Pen) -> Outline | None:
        """The line."""
        return Outline("line", self._start, self._end, pen.radius)


class Ring(Tool):
    """A ring around where the pen comes down, as large as it is dragged."""

    name = "ring"
    title = "Ring"
    help = "Drag a ring from its centre"
    key = "R"

    def release(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """The ring; a click makes one of twice the pen's radius."""
        radius = self._reach(at, 2 * pen.radius)
        count = max(3, round(pen.density * 2 * pen.radius * 2 * math.pi * radius))
        angle = self._generator.random(count) * 2 * math.pi
        circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return _add(np.array(self._start) + circle + self._disc(count, pen.radius))

    def outline(self, pen: Pen) -> Outline | None:
        """The circle."""
        return Outline("circle", self._start, self._end, self._reach(self._end, 2 * pen.radius))


class Blob(Tool):
    """A Gaussian around where the pen comes down; dragging sets two standard deviations."""

    name = "blob"
    title = "Blob"
    help = "Drag a Gaussian from its centre"
    key = "G"

    def release(self, at: Position, pen: Pen, document: DrawingDocument) -> DrawingCommand | None:
        """The Gaussian; a click makes one of the pen's radius."""
        reach = self._reach(at, pen.radius)
        count = max(5, round(pen.density * math.pi * reach**2))
        return _add(np.array(self._start) + self._generator.standard_normal((count, 2)) * reach / 2)

    def outline(self, pen: Pen) -> Outline | None:
        """The circle of two standard deviations."""
        return Outline("circle", self._start, self._end, self._reach(self._end, pen.radius))


TOOLS: tuple[type[Tool], ...] = (Brush, Eraser, Single, Line, Ring, Blob)

#: Titles of the symmetries, with the number of turned copies; 0 is a mirror.
SYMMETRIES: tuple[tuple[str, int], ...] = (
    ("No symmetry", 1),
    ("Mirror", 0),
    ("2-fold", 2),
    ("3-fold", 3),
    ("4-fold", 4),
    ("6-fold", 6),
)


def symmetric(command: DrawingCommand | None, folds: int) -> DrawingCommand | None:
    """The command with mirrored (0) or turned (2 and more) copies of the points that it adds."""
    if not isinstance(command, AddPoints) or folds == 1:
        return command
    points = command.points
    if folds == 0:
        return AddPoints(np.concatenate([points, points * np.array([-1, 1], dtype=np.float32)]))
    copies = []
    for turn in range(folds):
        angle = 2 * math.pi * turn / folds
        c, s = math.cos(angle), math.sin(angle)
        copies.append(points @ np.array([[c, s], [-s, c]], dtype=np.float32))
    return AddPoints(np.concatenate(copies))
