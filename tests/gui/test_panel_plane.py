"""Plots of the plane: one view for all of them, and pictures on calm levels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSizeF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.gui.panels import demo
from gmstudio.gui.panels.data import DataPanel
from gmstudio.gui.panels.density import DensityPanel, Top
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.plane_row import arrange
from gmstudio.gui.panels.samples import SamplesPanel
from gmstudio.gui.panels.score import ANGLE_ERROR, NORM_ERROR, ScorePanel
from gmstudio.observation.frame import View

Begun, Wheel = Callable[..., Any], Callable[..., None]
VIEW = View(demo.BOUNDS, grid=40, arrows=12, samples=800, batch=128)


@pytest.fixture
def pair(begun: Begun) -> tuple[DensityPanel, SamplesPanel, PlaneLink]:
    link = PlaneLink()
    density, samples = DensityPanel(), SamplesPanel()
    for panel, size in ((density, (480, 260)), (samples, (900, 500))):
        panel.set_link(link)
        begun(panel, *size, size=300)
        panel.show_frame(demo.frame(100, VIEW))
    return density, samples, link


def test_the_wheel_zooms_every_plot_about_the_point_under_the_mouse(
    pair: tuple[DensityPanel, SamplesPanel, PlaneLink], wheel: Wheel, qtbot: QtBot
) -> None:
    density, samples, link = pair
    plot = density.row.plots()[1]
    at = plot.rect.center() + QPointF(20, -10)
    point = plot.point(at)
    with qtbot.waitSignal(link.view_wanted, timeout=2000) as wanted:
        wheel(density.row, at, 2)
    assert link.bounds[1] - link.bounds[0] == pytest.approx(6.0 / 1.44)
    assert density.row.plots()[1].point(at) == pytest.approx(point)
    assert samples.row.plots()[0].bounds == link.bounds == wanted.args[0]


def test_the_view_is_asked_for_once_when_it_has_come_to_rest(qtbot: QtBot) -> None:
    link = PlaneLink()
    asked: list[object] = []
    link.view_wanted.connect(asked.append)
    for _ in range(5):
        link.zoom(0.9)
    qtbot.waitUntil(lambda: bool(asked))
    qtbot.wait(200)
    assert asked == [link.bounds]


def test_dragging_pans_and_a_double_click_goes_home(
    pair: tuple[DensityPanel, SamplesPanel, PlaneLink], qtbot: QtBot
) -> None:
    density, _, link = pair
    plot = density.row.plots()[0]
    start = plot.rect.center().toPoint()
    qtbot.mousePress(density.row, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(density.row, start + QPoint(30, 0))
    qtbot.mouseRelease(density.row, Qt.MouseButton.LeftButton, pos=start + QPoint(30, 0))
    assert link.bounds[0] == pytest.approx(-3 - 30 / plot.scale, abs=1.5 / plot.scale)
    assert link.bounds[2:] == (-3, 3)
    qtbot.mouseDClick(density.row, Qt.MouseButton.LeftButton, pos=start)
    assert link.bounds == link.home == demo.BOUNDS


def test_keys_pan_zoom_move_the_crosshair_and_go_home(
    pair: tuple[DensityPanel, SamplesPanel, PlaneLink], qtbot: QtBot
) -> None:
    density, _, link = pair
    qtbot.keyClick(density.row, Qt.Key.Key_Plus)
    qtbot.keyClick(density.row, Qt.Key.Key_Right)
    assert link.bounds[1] - link.bounds[0] == pytest.approx(5.0) and link.bounds[0] == pytest.approx(-2.0)
    qtbot.keyClick(density.row, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert link.probe == pytest.approx((0.5, 0.1))
    qtbot.keyClick(density.row, Qt.Key.Key_Home)
    assert link.at_home


def test_the_mouse_moves_the_probe_and_leaving_keeps_its_last_place(
    pair: tuple[DensityPanel, SamplesPanel, PlaneLink], qtbot: QtBot
) -> None:
    density, samples, link = pair
    seen: list[object] = []
    link.probe_moved.connect(seen.append)
    qtbot.mouseMove(density.row, density.row.plots()[0].rect.center().toPoint())
    assert link.hovering and link.probe == pytest.approx((0, 0), abs=0.05)
    qtbot.mouseMove(density.row, QPoint(1, 1))
    assert not link.hovering and link.probe == pytest.approx((0, 0), abs=0.05)
    assert seen[-1] is None
    assert samples.link is link


def test_zooming_ends_before_numbers_do() -> None:
    link = PlaneLink()
    for _ in range(200):
        link.zoom(0.5)
    assert 0 < link.bounds[1] - link.bounds[0] < 1e-2
    for _ in range(200):
        link.zoom(2.0)
    assert link.bounds[1] - link.bounds[0] < 8 * 31
    link.go_home()
    assert link.at_home


@pytest.mark.parametrize("count", [1, 2, 3, 5, 32])
@pytest.mark.parametrize("size", [(480, 260), (300, 900), (1600, 400)])
def test_plots_are_equal_keep_their_aspect_stay_inside_and_apart(count: int, size: tuple[int, int]) -> None:
    rects = arrange(count, QSizeF(*size), 1.5, 46.0)
    assert len(rects) == count
    for rect in rects:
        assert rect.width() == pytest.approx(rects[0].width())
        # Plots stand on whole pixels.
        assert abs(rect.width() - 1.5 * rect.height()) <= 1
        assert rect.left() >= 0 and rect.right() <= size[0] + 1
        assert rect.top() >= 0 and rect.bottom() <= size[1] + 1
    assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])


def test_a_tall_narrow_place_puts_two_plots_under_each_other() -> None:
    first, second = arrange(2, QSizeF(300, 700), 1.0, 0.0)
    assert second.top() > first.bottom()


def test_a_pixel_maps_to_a_point_and_back(pair: tuple[DensityPanel, SamplesPanel, PlaneLink]) -> None:
    plot = pair[0].row.plots()[1]
    assert plot.point(plot.at((0.3, -1.2))) == pytest.approx((0.3, -1.2))
    assert plot.point(plot.rect.topLeft()) == pytest.approx((-3, 3))
    assert plot.pixels(np.array([[0.3, -1.2]]))[0] == pytest.approx(plot.at((0.3, -1.2)).toTuple())


def test_levels_ignore_small_changes_and_follow_large_ones_slowly() -> None:
    top = Top()
    top.follow([np.full((20, 20), -1.0, dtype=np.float32)])
    top.follow([np.full((20, 20), -0.8, dtype=np.float32)])
    assert top.value == -1.0
    top.follow([np.full((20, 20), 3.0, dtype=np.float32)])
    assert top.value is not None and -1.0 < top.value < 1.0
    spiky = np.full((50, 50), -1.0, dtype=np.float32)
    spiky[0, 0] = 400.0
    fresh = Top()
    fresh.follow([spiky])
    assert fresh.value == -1.0


def test_a_known_truth_fixes_the_levels() -> None:
    top = Top()
    top.fix(np.full((9, 9), 1.5, dtype=np.float32))
    top.follow([np.full((9, 9), 30.0, dtype=np.float32)])
    assert top.value == pytest.approx(1.6)


def test_the_truth_stands_beside_the_columns(begun: Begun) -> None:
    panel = begun(DensityPanel(), size=300)
    assert not panel.exact.isEnabled()
    panel.show_truth(demo.truth(VIEW))
    panel.show_frame(demo.frame(100, VIEW))
    panel.exact.setChecked(True)
    assert [heading.title for heading in panel.row.headings] == ["Vanilla", "Mollified", "Truth"]
    panel.grab()
    panel.log.setChecked(False)
    assert panel.limits()[0] == 0.0
    panel.grab()


def test_a_hidden_panel_draws_nothing(qtbot: QtBot) -> None:
    panel = DensityPanel()
    qtbot.addWidget(panel)
    panel.begin(demo.info(size=300))
    panel.show_frame(demo.frame(100, VIEW))
    QApplication.processEvents()
    assert not panel._pictures
    panel.resize(300, 200)
    panel.show()
    panel.grab()
    assert set(panel._pictures) == {0, 1}


def test_a_frame_with_the_same_arrays_makes_no_new_picture(begun: Begun) -> None:
    panel = begun(DensityPanel(), size=300)
    frame = demo.frame(100, VIEW)
    panel.show_frame(frame)
    panel.grab()
    image = panel._pictures[0][2]
    panel.show_frame(frame)
    panel.grab()
    assert panel._pictures[0][2] is image


def test_score_errors_need_the_truth_and_are_its_angles_and_distances(begun: Begun) -> None:
    panel = begun(ScorePanel(), size=300)
    score = np.zeros((12, 12, 2), dtype=np.float32)
    score[..., 0] = 2.0
    panel.mode.setCurrentIndex(ANGLE_ERROR)
    assert panel.values(score) is None
    panel.show_frame(demo.frame(100, VIEW))
    assert "not known" in panel.row.hint
    turned = np.zeros_like(score)
    turned[..., 1] = 2.0
    panel.show_truth(type(demo.truth(VIEW))(VIEW, None, turned))
    values = panel.values(score)
    assert values is not None and values == pytest.approx(np.full(values.shape, math.pi / 2))
    panel.mode.setCurrentIndex(NORM_ERROR)
    values = panel.values(score)
    assert values is not None and values == pytest.approx(np.full(values.shape, math.log10(math.sqrt(8))), abs=1e-5)
    panel.grab()


@pytest.mark.parametrize(
    ("kind", "part", "never"),
    [
        (DensityPanel, "log_density", "This model has no density."),
        (ScorePanel, "score", "This model has no score."),
        (SamplesPanel, "samples", "This model cannot draw samples."),
    ],
)
def test_a_model_is_said_to_lack_only_what_a_picture_that_is_up_to_date_lacks(
    begun: Begun, kind: Any, part: str, never: str
) -> None:
    panel = begun(kind(), 400, 200)
    frame = demo.frame(100, VIEW)
    without = tuple(replace(column, **{part: None}) for column in frame.columns)
    assert panel.missing(replace(frame, columns=without, age=3)) == "Waiting for the first picture…"
    assert panel.missing(replace(frame, columns=without, age=0)) == never
    panel.live = False
    assert panel.missing(replace(frame, columns=without, age=0)) == "Not kept in this record."
    last = replace(frame, columns=without, step=panel.info.steps)
    assert panel.missing(last) == never, "the last picture holds all that the model has"
    assert panel.missing(frame) == ""


def test_the_batch_panel_says_how_noisy_each_column_is(qtbot: QtBot) -> None:
    panel = DataPanel()
    qtbot.addWidget(panel)
    panel.begin(demo.info(size=300))
    panel.show_frame(demo.frame(1000, VIEW))
    assert [heading.note for heading in panel.row.headings] == ["clean", "σ² = 0.47"]


def test_contours_follow_once_the_frames_pause(begun: Begun, qtbot: QtBot) -> None:
    panel = begun(DensityPanel(), size=300)
    for step in (100, 200, 300):
        panel.show_frame(demo.frame(step, VIEW))
        panel.grab()
    assert panel.frame is not None
    last = [column.log_density for column in panel.frame.columns]
    qtbot.waitUntil(lambda: all(panel._lines[k].log_density is last[k] for k in (0, 1)), timeout=3000)
    level, ends = panel._lines[0].segments[0]
    assert len(ends) and -4.5 < level < 0
    assert np.abs(ends).max() < 3.0
