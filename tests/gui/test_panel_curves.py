"""The panel of curves: what it plots, zoom, pan, and reading values under the mouse."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QMouseEvent, QPainter, QStandardItemModel
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.gui.panels import demo
from gmstudio.gui.panels.courses import QUANTITIES
from gmstudio.gui.panels.curves import CurvesPanel
from gmstudio.gui.panels.plotting.overlay import Level
from gmstudio.gui.panels.plotting.step_plot import StepPlot
from gmstudio.observation.frame import Metric, Truth, View

VIEW = View(demo.BOUNDS, grid=40, arrows=12, samples=100, batch=64, probe=(1.0, 0.5))
Begun, Wheel = Callable[..., Any], Callable[..., None]


@pytest.fixture
def curves(begun: Begun) -> CurvesPanel:
    return begun(CurvesPanel(), 420, 200)


def plotted(curves: CurvesPanel, steps: int) -> StepPlot:
    """The plot, with so many steps of the made run in it."""
    curves.show_metrics(demo.metrics(0, steps))
    curves.redraw()
    assert curves.plot is not None
    return curves.plot


def test_the_best_validation_is_marked_at_its_step(curves: CurvesPanel) -> None:
    curves.show_metrics([Metric(s, 0, "validation", v) for s, v in ((0, -3.0), (50, -1.5), (100, -1.8))])
    curves.redraw()
    assert curves.plot is not None
    assert [(ring.column, ring.step, ring.value) for ring in curves.plot.overlay.rings] == [(0, 50.0, -1.5)]
    assert "best -1.500 at step 50" in curves.summary()


def test_a_likelihood_that_is_estimated_says_how(curves: CurvesPanel) -> None:
    curves.begin(dataclasses.replace(demo.info(size=50), estimator="importance sampling, 32 draws"))
    assert curves.choice.itemText(0) == "Log-likelihood, 32 draws"
    assert "Validation: importance sampling, 32 draws. Training: the objective's own" in curves.choice.toolTip()
    assert plotted(curves, 40).overlay.heads == ("training bound", "validation")
    curves.begin(demo.info(size=50))
    assert curves.choice.itemText(0) == "Log-likelihood"
    assert plotted(curves, 40).overlay.heads == ("training", "validation")


def test_the_step_axis_grows_by_doubling_up_to_the_planned_length(curves: CurvesPanel) -> None:
    ends = []
    assert curves.plot is not None
    for step in (10, 400, 1100, 3999):
        curves.show_metrics([Metric(step, 0, "train", -2.0)])
        curves.redraw()
        ends.append(curves.plot.spans[0][1])
    assert ends == [31.25, 500, 2000, 4000]


def test_baselines_in_reach_are_shown_and_far_ones_do_not_flatten(curves: CurvesPanel) -> None:
    assert curves.plot is not None
    curves.show_metrics(demo.metrics(0, 400))
    curves.redraw()
    low, high = curves.plot.spans[1]
    levels = (("Gaussian", high + 0.3 * (high - low)), ("Absurd", -1e6), ("Unknown", math.nan))
    curves.show_truth(Truth(VIEW, baselines=levels))
    curves.redraw()
    assert curves.plot.spans[1][1] > high + 0.3 * (high - low)
    assert curves.plot.spans[1][0] == pytest.approx(low)
    assert {level.name for level in curves.plot.overlay.levels} == {"Gaussian", "Absurd"}
    curves.show_metric("kl")
    assert curves.plot.overlay.levels == []
    curves.show_metric("train")
    curves.begin(demo.info(size=50))
    assert curves.plot.overlay.levels == []


def test_a_model_that_overfits_does_not_flatten_what_is_near_the_baselines(curves: CurvesPanel) -> None:
    assert curves.plot is not None
    curves.show_truth(Truth(VIEW, baselines=(("Gaussian", -19.0),)))
    curves.show_metrics([Metric(50 * k, 0, "validation", -16.0 - 10.0 * k**2) for k in range(70)])
    curves.redraw()
    low, high = curves.plot.spans[1]
    assert -60.0 < low < -19.0 and -16.0 <= high < 0.0


def test_likelihoods_that_are_all_far_below_the_baselines_are_still_shown(curves: CurvesPanel) -> None:
    assert curves.plot is not None
    curves.show_truth(Truth(VIEW, baselines=(("Gaussian", -19.0),)))
    curves.show_metrics([Metric(50 * k, 0, "validation", -5e4 - 100.0 * k) for k in range(70)])
    curves.redraw()
    low, high = curves.plot.spans[1]
    assert low < -5.6e4 and high > -5e4


def test_before_anything_is_measured_the_baselines_alone_are_shown(curves: CurvesPanel) -> None:
    assert curves.plot is not None
    curves.show_truth(Truth(VIEW, baselines=(("Gaussian", -2.5), ("Truth", -1.5))))
    curves.redraw()
    low, high = curves.plot.spans[1]
    assert low < -2.5 and high > -1.5 and high - low < 2
    assert [(level.name, level.value) for level in curves.plot.overlay.levels] == [("Gaussian", -2.5), ("Truth", -1.5)]
    assert "to compare with: Gaussian -2.500 nats, Truth -1.500 nats" in curves.summary()
    curves.show_metric("kl")
    assert "Gaussian" not in curves.summary()


def test_pyqtgraph_is_loaded_only_when_there_is_something_to_plot() -> None:
    code = """
import sys
from PySide6.QtWidgets import QApplication
app = QApplication([])
from gmstudio.gui.panels import all_panels, demo
panel = next(kind for kind in all_panels() if kind.name == "curves")()
panel.show()
app.processEvents()
panel.grab()
assert "pyqtgraph" not in sys.modules
panel.begin(demo.info(size=50))
assert "pyqtgraph" in sys.modules
"""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_plot_is_made_in_a_quiet_moment_after_the_panel_is_shown(qtbot: QtBot) -> None:
    panel = CurvesPanel()
    qtbot.addWidget(panel)
    panel.show()
    assert panel.plot is None
    qtbot.waitUntil(lambda: panel.plot is not None, timeout=10_000)
    assert panel.grab().toImage() == panel.grab().toImage()
    assert panel.summary() == "Log-likelihood: no run yet."


def test_the_wheel_zooms_around_the_mouse_and_home_follows_again(
    curves: CurvesPanel, wheel: Wheel, qtbot: QtBot
) -> None:
    plot = plotted(curves, 950)
    curves.grab()
    home = plot.spans
    place = QPointF(220, 80)
    curves.grab()
    under = plot.overlay.step_at(place.x())
    wheel(plot.viewport(), place, 3)
    assert not plot.following and curves.follow.isVisible()
    (x0, x1), _ = plot.spans
    assert x1 - x0 < 0.9 * (home[0][1] - home[0][0])
    curves.grab()
    assert plot.overlay.step_at(place.x()) == pytest.approx(under, rel=0.01)
    zoomed = plot.spans
    curves.show_metrics(demo.metrics(950, 1500))
    curves.redraw()
    assert plot.spans == zoomed
    qtbot.keyClick(plot, Qt.Key.Key_Home)
    assert plot.following and not curves.follow.isVisible()
    assert plot.spans[0] == (0.0, 2000.0)


def test_dragging_pans_and_a_double_click_follows_again(curves: CurvesPanel, qtbot: QtBot) -> None:
    plot = plotted(curves, 950)
    curves.grab()
    home = plot.spans
    at = QPoint(200, 80)
    qtbot.mousePress(plot.viewport(), Qt.MouseButton.LeftButton, pos=at)
    for by in (20, 40, 60):
        move = QPointF(at + QPoint(by, 0))
        QApplication.sendEvent(
            plot.viewport(),
            QMouseEvent(
                QMouseEvent.Type.MouseMove,
                move,
                plot.viewport().mapToGlobal(move),
                Qt.MouseButton.NoButton,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            ),
        )
    qtbot.mouseRelease(plot.viewport(), Qt.MouseButton.LeftButton, pos=at + QPoint(60, 0))
    (x0, x1), _ = plot.spans
    assert x1 - x0 == pytest.approx(home[0][1]) and x0 < -50
    assert not plot.following
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert plot.spans == home and plot.following


def test_keys_zoom_and_pan(curves: CurvesPanel, qtbot: QtBot) -> None:
    plot = plotted(curves, 950)
    qtbot.keyClick(plot, Qt.Key.Key_Plus)
    (a, b), _ = plot.spans
    assert (b - a) == pytest.approx(1000 / 1.3)
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    (c, d), _ = plot.spans
    assert c - a == pytest.approx(0.1 * (b - a)) and d - c == pytest.approx(b - a)


def test_the_mouse_reads_every_column_at_its_step(curves: CurvesPanel) -> None:
    curves.show_metrics(
        [Metric(s, c, "validation", -1.0 - s / 100 - c) for s in (0, 50, 100) for c in (0, 1)]
        + [Metric(s, 0, "train", -4.0) for s in range(60)]
    )
    first, second = curves.read(70.2)
    assert (first.title, first.values) == ("Vanilla", ("−4.00", "−1.50"))
    assert (second.title, second.values) == ("Mollified", ("–", "−2.50"))
    curves.show_metrics([Metric(60, 0, "modes", 0.875)])
    curves.show_metric("modes")
    assert [reading.values for reading in curves.read(70)] == [("88%",), ("–",)]


def test_the_read_out_appears_under_the_mouse_and_goes_with_it(curves: CurvesPanel, qtbot: QtBot) -> None:
    plot = plotted(curves, 400)
    before = curves.grab().toImage()
    plot.point_at(QPointF(200, 60))
    during = curves.grab().toImage()
    plot.point_at(None)
    assert during != before and curves.grab().toImage() == before
    plot.point_at(QPointF(3, 3))
    assert plot.overlay.mouse is None


def test_a_metric_that_spans_decades_gets_a_logarithmic_axis(curves: CurvesPanel) -> None:
    plot = curves.plot
    assert plot is not None
    curves.show_metrics([Metric(s, 0, "mmd", 10.0 ** (-s / 100)) for s in range(0, 400, 50)])
    curves.show_metrics([Metric(s, 0, "kl", 0.5 + s / 1000) for s in range(0, 400, 50)])
    curves.show_metric("mmd")
    low, high = plot.spans[1]
    assert low < -3.5 and 0 < high < 0.5
    curves.show_metric("kl")
    assert plot.spans[1][0] > 0.4
    curves.show_metric("mmd")
    curves.show_metrics([Metric(400, 0, "mmd", -1e-4)])
    curves.redraw()
    assert plot.spans[1][0] < 0 < plot.spans[1][1] <= 1.1


def test_logarithmic_axes_are_marked_at_powers_and_round_numbers() -> None:
    from gmstudio.gui.panels.plotting.axis import log_marks

    assert [text for _, text in log_marks(-4, 0.2, 9)] == ["1e−4", "0.001", "0.01", "0.1", "1"]
    assert [text for _, text in log_marks(0, 1, 5)] == ["1", "2", "5", "10"]
    assert [value for value, _ in log_marks(0, 1, 5)] == pytest.approx([math.log10(v) for v in (1, 2, 5, 10)])
    fine = log_marks(math.log10(3.0), math.log10(4.0), 5)
    assert fine[0] == (pytest.approx(math.log10(3.0)), "3.0") and len(fine) >= 3
    assert len(log_marks(-20, 5, 4)) <= 5 and log_marks(1, 1, 4) == [] and log_marks(math.nan, 1, 4) == []


def test_what_cannot_be_had_is_greyed_with_the_reason_until_it_is_measured(curves: CurvesPanel) -> None:
    model = curves.choice.model()
    assert isinstance(model, QStandardItemModel)
    item = model.item(QUANTITIES.index("kl"))
    assert item.isEnabled()
    curves.show_truth(Truth(VIEW))
    assert not item.isEnabled() and "not known for these data" in item.text()
    curves.show_metrics([Metric(1, 0, "kl", 0.3)])
    assert item.isEnabled() and item.text() == "KL(truth ‖ model)"


def test_the_choice_of_what_is_plotted_grows_with_the_letters_and_back(curves: CurvesPanel, qapp: QApplication) -> None:
    # A sheet that a window has left behind would set the letters.
    sheet = qapp.styleSheet()
    qapp.setStyleSheet("")
    usual, letters = curves.choice.maximumHeight(), curves.choice.fontMetrics().height()
    font = curves.font()
    before = font.pointSizeF()
    for points in (20.0, 30.0):
        font.setPointSizeF(points)
        curves.setFont(font)
        assert curves.choice.maximumHeight() >= curves.choice.fontMetrics().height() + 4 > usual
        assert curves.choice.fontMetrics().height() > letters
    font.setPointSizeF(before)
    curves.setFont(font)
    assert curves.choice.maximumHeight() == usual
    qapp.setStyleSheet(sheet)


def test_the_menu_switches_smoothing_and_logarithms(curves: CurvesPanel) -> None:
    plot = plotted(curves, 900)
    menu = curves.menu()
    actions = {action.text(): action for action in menu.actions()}
    assert not actions["Follow the run\tHome"].isEnabled() and not actions["Logarithmic values"].isEnabled()
    actions["Smooth training"].trigger()
    assert not curves.smoothed
    assert [line.faint for line in curves.courses.lines("likelihood", curves.smoothed)] == [False] * 4
    actions["Logarithmic steps"].trigger()
    assert plot.spans[0][1] == pytest.approx(3.0)
    menu.deleteLater()


def test_nothing_is_drawn_while_hidden_and_all_of_it_when_shown_again(curves: CurvesPanel) -> None:
    plot = curves.plot
    assert plot is not None
    curves.hide()
    before = plot.spans
    curves.show_metrics(demo.metrics(0, 950))
    curves.redraw()
    assert plot.spans == before
    curves.show()
    assert plot.spans[0] == (0.0, 1000.0) and plot.spans[1][1] > -3


def test_lines_have_no_more_points_than_pixels_need(curves: CurvesPanel) -> None:
    plot = curves.plot
    assert plot is not None
    curves.show_metrics([Metric(s, 0, "train", math.sin(s)) for s in range(4000)])
    curves.redraw()
    counts = [len(curve.getData()[0]) for curve in plot._curves if curve.isVisible()]
    assert counts and max(counts) <= 2 * 420


def test_no_baseline_crosses_the_words_that_nothing_is_measured_yet(curves: CurvesPanel) -> None:
    plot = curves.plot
    assert plot is not None
    overlay = plot.overlay
    for levels in ((("Gaussian", -2.5),), (("Gaussian", -2.5), ("Mixture", -1.5))):
        curves.show_truth(Truth(VIEW, baselines=levels))
        curves.redraw()
        curves.grab()
        place = overlay.note_place(QFontMetricsF(plot.font()))
        assert overlay.note == "Not measured yet" and plot.rect().contains(place.toRect())
        lines = [overlay.at_y(value) for _, value in levels]
        assert all(not place.top() <= y <= place.bottom() for y in lines)


def test_the_words_stand_on_a_plate_where_a_plot_is_too_small_for_both(curves: CurvesPanel) -> None:
    assert curves.plot is not None
    overlay = curves.plot.overlay
    overlay.note = "Not measured yet"
    overlay.levels = [Level("", k / 8) for k in range(1, 8)]
    overlay.place(QRectF(0, 0, 200, 60), ((0.0, 1.0), (0.0, 1.0)), (False, False))
    pictures = []
    for lines in (True, False):
        image = QImage(200, 60, QImage.Format.Format_RGB32)
        image.fill(overlay.theme.colour("plot"))
        with QPainter(image) as painter:
            if lines:
                overlay.paint(painter)
            else:
                overlay._paint_note(painter)
            place = overlay.note_place(QFontMetricsF(painter.font()))
        assert any(place.top() < overlay.at_y(level.value) < place.bottom() for level in overlay.levels)
        pictures.append(image.copy(place.toRect().adjusted(1, 1, -1, -1)))
    assert pictures[0] == pictures[1]
