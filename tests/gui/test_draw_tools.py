"""Tools: where their points land, how many there are, and what they do not depend on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from gmstudio.gui.drawing.document import AddPoints, DrawingCommand, DrawingDocument
from gmstudio.gui.drawing.tools import (
    TOOLS,
    Blob,
    Brush,
    Eraser,
    Line,
    Pen,
    Position,
    Ring,
    Single,
    Tool,
    distance_to_segment,
    symmetric,
)

PEN = Pen(radius=0.4, density=200.0)
Floats = NDArray[np.float64]


def stroke(tool: Tool, way: list[Position], document: DrawingDocument | None = None, pen: Pen = PEN) -> DrawingDocument:
    document = DrawingDocument() if document is None else document

    def do(command: DrawingCommand | None) -> None:
        nonlocal document
        assert document is not None
        document = document if command is None else command.apply(document)

    do(tool.press(way[0], pen, document))
    for at in way[1:]:
        do(tool.move(at, pen, document))
    do(tool.release(way[-1], pen, document))
    return document


def made(kind: type[Tool], seed: int = 3) -> Tool:
    return kind(np.random.default_rng(seed))


@pytest.mark.parametrize("kind", TOOLS)
def test_equal_generators_give_equal_points(kind: type[Tool]) -> None:
    start = DrawingDocument.of(np.random.default_rng(0).uniform(-2, 2, (500, 2)))
    way = [(-1.0, 0.0), (0.0, 0.5), (1.0, 0.0)]
    assert stroke(made(kind), way, start) == stroke(made(kind), way, start)


def test_the_brush_stays_within_its_radius_of_the_stroke() -> None:
    points = stroke(made(Brush), [(-2, 1), (2, 1)]).points
    assert distance_to_segment(points, (-2, 1), (2, 1)).max() <= PEN.radius + 1e-4
    assert np.abs(points[:, 1] - 1).max() > 0.9 * PEN.radius


def test_the_brush_leaves_points_by_area_whatever_the_number_of_events() -> None:
    few = len(stroke(made(Brush), [(-2, 0), (2, 0)]))
    many = len(stroke(made(Brush), [(x, 0.0) for x in np.linspace(-2, 2, 301).tolist()]))
    swept = 2 * PEN.radius * 4 + math.pi * PEN.radius**2
    assert abs(few - many) <= 1
    assert few == pytest.approx(PEN.density * swept, abs=2)


def test_a_thin_brush_still_leaves_a_point_at_a_click() -> None:
    assert len(stroke(made(Brush), [(0, 0)], pen=Pen(radius=0.05, density=1.0))) == 1


def test_brush_points_are_spread_evenly_over_the_disc() -> None:
    points = stroke(made(Brush), [(0, 0)], pen=Pen(radius=1.0, density=2000.0)).points
    inner = np.mean(np.hypot(*points.T) <= math.sqrt(0.5))
    assert inner == pytest.approx(0.5, abs=0.03)


def test_the_eraser_removes_what_it_passes_over_and_nothing_else() -> None:
    grid = np.stack(np.meshgrid(np.linspace(-3, 3, 61), np.linspace(-3, 3, 61)), axis=-1).reshape(-1, 2)
    start = DrawingDocument.of(grid)
    # One fast move: no holes between its two events.
    left = stroke(made(Eraser), [(-2, -2), (2, 2)], start)
    away = distance_to_segment(start.points, (-2, -2), (2, 2))
    np.testing.assert_array_equal(left.points, start.points[away > PEN.radius])


def test_a_single_point_is_exactly_where_it_is_put() -> None:
    np.testing.assert_array_equal(stroke(made(Single), [(1.25, -0.5), (2, 2)]).points, [[1.25, -0.5]])


def test_a_line_is_a_band_between_its_ends() -> None:
    points = stroke(made(Line), [(-2, -1), (0, 3), (2, 1)]).points
    assert distance_to_segment(points, (-2, -1), (2, 1)).max() <= PEN.radius + 1e-4
    assert points[:, 0].min() < -1.9
    assert points[:, 0].max() > 1.9


def test_a_ring_has_the_radius_that_is_dragged() -> None:
    points = stroke(made(Ring), [(0.5, 0.5), (2.5, 0.5)]).points
    radius = np.hypot(*(points - np.float32(0.5)).T)
    assert np.abs(radius - 2).max() <= PEN.radius + 1e-4
    assert np.median(radius) == pytest.approx(2, abs=0.05)
    angle = np.arctan2(*(points - np.float32(0.5)).T)
    assert np.histogram(angle, 8, (-math.pi, math.pi))[0].min() > len(points) / 16


def test_a_blob_is_a_gaussian_of_half_the_dragged_length() -> None:
    points = stroke(made(Blob), [(0, 0), (1.2, 0)], pen=Pen(density=1500.0)).points
    assert points.std(axis=0) == pytest.approx([0.6, 0.6], rel=0.05)
    assert points.mean(axis=0) == pytest.approx([0, 0], abs=0.04)


@pytest.mark.parametrize("kind", TOOLS)
@pytest.mark.parametrize("at", [(4.0, 4.0), (-3.95, 0.0), (9.0, 9.0)])
def test_points_beyond_the_canvas_are_dropped_not_squashed(kind: type[Tool], at: Position) -> None:
    document = stroke(made(kind), [at, (at[0] + 0.1, at[1])])
    points = document.points
    assert np.abs(points).max(initial=0) <= 4
    if kind is not Single:
        assert np.count_nonzero(np.abs(points) == 4) == 0
    if at == (9.0, 9.0) and kind is not Blob:
        assert len(points) == 0


@pytest.mark.parametrize("folds", [2, 3, 4, 6])
def test_a_turned_stroke_is_the_same_after_a_turn(folds: int) -> None:
    command = symmetric(AddPoints(np.array([[1.0, 0.2], [0.5, -0.1]], dtype=np.float32)), folds)
    assert isinstance(command, AddPoints)
    angle = 2 * math.pi / folds
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned = command.points @ turn.T

    def ordered(points: NDArray[np.generic]) -> Floats:
        rounded = np.round(np.asarray(points, dtype=np.float64), 4) + 0.0
        return np.asarray(rounded[np.lexsort(rounded.T)])

    assert len(command.points) == 2 * folds
    np.testing.assert_allclose(ordered(turned), ordered(command.points), atol=2e-4)


def test_a_mirrored_stroke_has_its_mirror_image() -> None:
    command = symmetric(AddPoints(np.array([[1, 2]], dtype=np.float32)), 0)
    assert isinstance(command, AddPoints)
    np.testing.assert_array_equal(command.points, [[1, 2], [-1, 2]])


def test_symmetry_leaves_the_eraser_alone() -> None:
    document = DrawingDocument.of([[0, 0], [1, 1]])
    command = made(Eraser).press((0, 0), PEN, document)
    assert symmetric(command, 4) is command
