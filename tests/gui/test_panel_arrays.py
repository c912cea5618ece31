"""What panels compute before they draw: contours, counted points, levels, ticks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from gmstudio.gui.panels.arrows import arrows, finer, lengths
from gmstudio.gui.panels.binning import counts, dots, opacity
from gmstudio.gui.panels.contours import contour, enclosing
from gmstudio.gui.panels.strokes import levels, picture, polygon, segments_path, tinted
from gmstudio.gui.panels.ticks import label, short, ticks


def bowl(side: int = 81, half: float = 2.0) -> np.ndarray:
    x = np.linspace(-half, half, side)
    return (x[None, :] ** 2 + x[:, None] ** 2).astype(np.float32)


def test_the_contour_of_a_paraboloid_is_the_circle_of_that_radius() -> None:
    segments = contour(bowl(), 1.0) * 4.0 / 80 - 2.0
    assert len(segments) > 100
    assert np.hypot(segments[:, 0], segments[:, 1]) == pytest.approx(1.0, abs=2e-3)
    length = np.hypot(segments[:, 0] - segments[:, 2], segments[:, 1] - segments[:, 3]).sum()
    assert length == pytest.approx(2 * math.pi, rel=2e-3)


def test_every_end_of_a_contour_meets_another_unless_it_is_at_the_border() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 40))
    ends = contour(values, 0.2).reshape(-1, 2)
    border = (ends[:, 0] == 0) | (ends[:, 0] == 39) | (ends[:, 1] == 0) | (ends[:, 1] == 29)
    _, inverse, number = np.unique(ends.round(9), axis=0, return_inverse=True, return_counts=True)
    assert (number[inverse.ravel()][~border] == 2).all()


def test_a_contour_ignores_what_is_not_finite() -> None:
    values = bowl()
    values[40, 40] = np.nan
    values[0, :] = -np.inf
    assert np.isfinite(contour(values, 1.0)).all()
    assert len(contour(np.full((5, 5), np.nan), 0.0)) == 0


def test_lines_enclose_the_shares_of_a_gaussian_mass() -> None:
    log_density = -bowl(201, 5.0) / 2 - math.log(2 * math.pi)
    # The region of mass m of a standard Gaussian in the plane is the disc on which log p > log(1 - m) - log(2 pi).
    expected = [math.log(1 - m) - math.log(2 * math.pi) for m in (0.5, 0.9, 0.99)]
    assert enclosing(log_density, (0.5, 0.9, 0.99)) == pytest.approx(expected, abs=0.05)
    assert enclosing(np.full((4, 4), -np.inf), (0.5,)) == ()


def test_counted_points_are_those_of_histogram2d() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(5000, 2)).astype(np.float64)
    points[0] = np.nan
    expected, _, _ = np.histogram2d(points[1:, 1], points[1:, 0], bins=(40, 60), range=((-1, 2), (-3, 1.5)))
    assert (counts(points, (-3, 1.5, -1, 2), 60, 40)[::-1] == expected).all()


def test_opacity_grows_with_the_count_and_stays_below_one() -> None:
    assert opacity(np.array([0, 1, 2]), 0.5) == pytest.approx([0, 128, 191])


def test_dots_are_three_pixels_wide_and_whole_at_the_border() -> None:
    cells = np.zeros((6, 6), dtype=np.int64)
    cells[2, 2] = cells[5, 5] = 1
    image = dots(cells, 1.0)
    assert image[1:4, 1:4].tolist() == [[102, 255, 102], [255, 255, 255], [102, 255, 102]]
    assert image[4:, 4:].tolist() == [[102, 255], [255, 255]] and np.count_nonzero(image) == 13


def test_levels_are_clipped_and_what_is_not_a_number_is_the_lowest() -> None:
    values = np.array([-9.0, 0.0, 0.5, 1.0, 7.0, np.nan, -np.inf, np.inf], dtype=np.float32)
    assert levels(values, 0.0, 1.0).tolist() == [0, 0, 127, 255, 255, 0, 0, 255]


def test_a_picture_has_its_first_row_at_the_bottom() -> None:
    table = np.arange(256, dtype=np.uint32) | 0xFF000000
    image = picture(np.array([[1, 2, 3], [4, 5, 6]], dtype=np.uint8), table)
    assert [[image.pixelColor(x, y).blue() for x in range(3)] for y in range(2)] == [[4, 5, 6], [1, 2, 3]]


def test_a_tint_is_premultiplied() -> None:
    image = tinted(np.array([[0, 255]], dtype=np.uint8), QColor(200, 100, 50))
    assert image.format() == QImage.Format.Format_ARGB32_Premultiplied
    assert image.pixelColor(0, 0).alpha() == 0
    assert image.pixelColor(1, 0).getRgb() == (200, 100, 50, 255)


def test_a_path_holds_every_finite_segment() -> None:
    path = segments_path(np.array([[0, 1, 2, 3], [4, 5, np.nan, 7], [8, 9, 10, 11.5]]))
    assert path.elementCount() == 4
    assert (path.elementAt(3).x, path.elementAt(3).y) == (10, 11.5)
    assert path.elementAt(2).isMoveTo() and path.elementAt(3).isLineTo()
    assert segments_path(np.empty((0, 4))).isEmpty()


def test_a_polygon_holds_its_points() -> None:
    shape = polygon(np.array([[1.5, 2], [3, 4]]))
    assert [(p.x(), p.y()) for p in shape] == [(1.5, 2.0), (3.0, 4.0)]


def test_arrows_end_at_their_tips_and_their_heads_are_short() -> None:
    strokes = arrows(np.zeros((1, 2)), np.array([[10.0, 0.0]]))
    assert strokes.shape == (3, 4)
    assert strokes[:, 2].max() == 10
    assert strokes[1:, :2] == pytest.approx(np.array([[10.0, 0.0]] * 2))
    assert (strokes[1:, 2] < 10).all() and strokes[1, 3] == pytest.approx(-strokes[2, 3])


def test_drawn_lengths_grow_and_saturate() -> None:
    drawn = lengths(np.array([0.0, 1.0, 1e9]), 1.0)
    assert drawn == pytest.approx([0, 0.5, 1.0])


def test_a_finer_field_interpolates_linear_fields_exactly_between_the_cells() -> None:
    n, k = 6, 4
    at = np.arange(n) + 0.5
    field = np.stack(np.broadcast_arrays(at[None, :] * 2, at[:, None] * 3), axis=-1).astype(np.float32)
    fine = finer(field, k)
    middle = (np.arange(n * k) + 0.5) / k
    inside = (middle >= 0.5) & (middle <= n - 0.5)
    assert fine[:, inside, 0] == pytest.approx(np.broadcast_to(middle[inside] * 2, (n * k, inside.sum())), abs=1e-5)
    assert fine[inside][:, :, 1] == pytest.approx(np.broadcast_to((middle[inside] * 3)[:, None], (inside.sum(), n * k)))


@pytest.mark.parametrize(("low", "high"), [(-3, 3), (0, 4000), (1e-5, 2e-5), (-1234.5, 77), (2, 2.001)])
def test_ticks_are_round_inside_and_not_too_many(low: float, high: float) -> None:
    marks = ticks(low, high, 5)
    assert 2 <= len(marks) <= 6
    slack = (high - low) * 1e-6
    assert all(low - slack <= mark <= high + slack for mark in marks)
    assert np.diff(marks) == pytest.approx(marks[1] - marks[0])
    assert len({label(mark, marks[1] - marks[0]) for mark in marks}) == len(marks)


def test_nothing_has_no_ticks() -> None:
    assert ticks(1, 1, 5) == [] and ticks(0, math.inf, 5) == [] and ticks(math.nan, 1, 5) == []


def test_numbers_are_written_short() -> None:
    assert [short(v) for v in (None, math.nan, 0.0, -1.2345, 123.4, 12345.6, 4.2e-7, math.inf)] == [
        "–",
        "–",
        "0.00",
        "−1.23",
        "123",
        "12,346",
        "4.20e−7",
        "∞",
    ]
