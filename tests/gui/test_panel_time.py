"""Panels over time: likelihood curves, the table of metrics, the schedule with its handles; and the probe."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSizeF, Qt
from PySide6.QtGui import QMouseEvent, QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio import runs
from gmstudio.gui.panels import demo
from gmstudio.gui.panels.chart import thin
from gmstudio.gui.panels.courses import QUANTITIES
from gmstudio.gui.panels.curves import CurvesPanel
from gmstudio.gui.panels.handles import Handles
from gmstudio.gui.panels.metrics import MetricsPanel
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.probe import ProbePanel, look_up
from gmstudio.gui.panels.schedule import SchedulePanel
from gmstudio.gui.panels.schedule_chart import SHARES, UNTIL
from gmstudio.gui.panels.series import Series, Smoothed, robust_limits
from gmstudio.mollification.schedules.curve import CurveSchedule
from gmstudio.observation.frame import Metric, Truth, View
from gmstudio.training.commands import SetSchedule

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

VIEW = View(demo.BOUNDS, grid=40, arrows=12, samples=100, batch=64, probe=(1.0, 0.5))


# Series


def test_a_series_keeps_its_values_and_overwrites_what_is_repeated() -> None:
    series = Series()
    for step in range(200):
        series.append(step, step * 2.0)
    series.append(150, -1.0)
    assert len(series) == 151 and series.values[-1] == -1.0
    assert series.at(149.5) == 298.0 and series.at(-1) is None and series.at(math.inf) == -1.0


def test_one_spike_flattens_neither_the_limits_nor_the_smoothed_curve() -> None:
    rng = np.random.default_rng(0)
    values = -2.0 + 0.1 * rng.normal(size=4000)
    calm = robust_limits([values])
    smooth, spiked = Smoothed(), values.copy()
    spiked[1000] = -450.0
    for step, value in enumerate(spiked):
        smooth.append(step, value)
    limits = robust_limits([spiked])
    assert limits is not None and calm is not None
    assert limits == pytest.approx(calm, abs=0.05)
    assert smooth.values[100:].min() > -2.3


def test_limits_hold_what_is_drawn_and_pass_over_what_is_not_finite() -> None:
    limits = robust_limits([np.array([1.0, 2.0, np.nan]), np.array([-np.inf, 4.0])])
    assert limits is not None and limits[0] < 1.0 and limits[1] > 4.0
    assert robust_limits([np.array([np.nan])]) is None
    flat = robust_limits([np.full(10, 3.0)])
    assert flat is not None and flat[0] < 3.0 < flat[1]


def test_a_thinned_line_keeps_the_extremes_of_every_pixel() -> None:
    rng = np.random.default_rng(2)
    xs, ys = np.linspace(0, 100, 20_001)[:-1], rng.normal(size=20_000)
    thinned = thin(xs, ys)
    assert len(thinned) == 200
    for column in (0, 57, 99):
        inside, kept = ys[np.floor(xs) == column], thinned[np.floor(thinned[:, 0]) == column, 1]
        assert (kept.min(), kept.max()) == (inside.min(), inside.max())
    assert len(thin(xs[:2], ys[:2])) == 2


# Curves


@pytest.fixture
def curves(qtbot: QtBot) -> CurvesPanel:
    panel = CurvesPanel()
    qtbot.addWidget(panel)
    panel.resize(420, 200)
    panel.show()
    panel.begin(demo.info(size=50))
    return panel


def test_the_best_validation_is_marked_at_its_step(curves: CurvesPanel) -> None:
    curves.show_metrics([Metric(s, 0, "validation", v) for s, v in ((0, -3.0), (50, -1.5), (100, -1.8))])
    curves.redraw()
    assert curves.plot is not None
    assert [(ring.column, ring.step, ring.value) for ring in curves.plot.overlay.rings] == [(0, 50.0, -1.5)]
    assert "best -1.500 at step 50" in curves.summary()


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


def wheel(panel: CurvesPanel, at: QPointF, notches: int) -> None:
    assert panel.plot is not None
    target = panel.plot.viewport()
    QApplication.sendEvent(
        target,
        QWheelEvent(
            at,
            target.mapToGlobal(at),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


def test_the_wheel_zooms_around_the_mouse_and_home_follows_again(curves: CurvesPanel, qtbot: QtBot) -> None:
    plot = curves.plot
    assert plot is not None
    curves.show_metrics(demo.metrics(0, 950))
    curves.redraw()
    curves.grab()
    home = plot.spans
    place = QPointF(220, 80)
    curves.grab()
    under = plot.overlay.step_at(place.x())
    wheel(curves, place, 3)
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
    plot = curves.plot
    assert plot is not None
    curves.show_metrics(demo.metrics(0, 950))
    curves.redraw()
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
    plot = curves.plot
    assert plot is not None
    curves.show_metrics(demo.metrics(0, 950))
    curves.redraw()
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
    plot = curves.plot
    assert plot is not None
    curves.show_metrics(demo.metrics(0, 400))
    curves.redraw()
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


def test_the_menu_switches_smoothing_and_logarithms(curves: CurvesPanel) -> None:
    plot = curves.plot
    assert plot is not None
    curves.show_metrics(demo.metrics(0, 900))
    curves.redraw()
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


# Metrics


@pytest.fixture
def table(qtbot: QtBot) -> MetricsPanel:
    panel = MetricsPanel()
    qtbot.addWidget(panel)
    panel.resize(420, 200)
    panel.show()
    panel.begin(demo.info(size=50))
    return panel


def test_the_better_column_stands_out_in_the_metrics_own_sense(table: MetricsPanel) -> None:
    pairs = {"kl": (0.5, 0.2), "train": (-1.0, -2.0), "mmd": (0.1, 0.1), "sigma2": (0.0, 0.5)}
    table.show_metrics([Metric(1, column, name, v) for name, both in pairs.items() for column, v in enumerate(both)])
    assert [table.table.better(name) for name in ("kl", "train", "mmd", "sigma2", "fisher")] == [1, 0, None, None, None]


def test_the_table_shows_the_values_of_the_step_that_is_looked_at(table: MetricsPanel) -> None:
    table.show_metrics([Metric(10, 0, "kl", 3.0), Metric(20, 0, "kl", 2.0)])
    assert table.table.value("kl", 0) == 2.0
    table.show_step(15)
    assert table.table.value("kl", 0) == 3.0
    table.show_step(5)
    assert table.table.value("kl", 0) is None


def test_what_cannot_be_known_is_said(table: MetricsPanel) -> None:
    table.show_truth(Truth(VIEW))
    assert "not known for these data" in table.summary()
    assert "Not known" in table.table.explain(QPointF(5, 19 + 18 * 2.5))
    assert table.table.explain(QPointF(5, 2)) == ""


def test_a_clicked_line_of_the_table_is_plotted(table: MetricsPanel, curves: CurvesPanel, qtbot: QtBot) -> None:
    table.chosen.connect(curves.show_metric)
    qtbot.mouseClick(table.table, Qt.MouseButton.LeftButton, pos=QPoint(20, 19 + round(18 * 4.5)))
    assert table.table.selected == "mmd" and curves.quantity == "mmd"
    assert curves.choice.currentText() == "MMD²" and curves.summary().startswith("MMD²")
    qtbot.keyClick(table.table, Qt.Key.Key_Down)
    assert curves.quantity == "sliced_wasserstein"
    for _ in range(9):
        qtbot.keyClick(table.table, Qt.Key.Key_Up)
    assert table.table.selected == "train" and curves.quantity == "likelihood"
    qtbot.mouseClick(table.table, Qt.MouseButton.LeftButton, pos=QPoint(20, 5))
    assert curves.quantity == "likelihood"


# The schedule


@pytest.fixture
def schedule(qtbot: QtBot) -> SchedulePanel:
    panel = SchedulePanel()
    qtbot.addWidget(panel)
    panel.resize(440, 220)
    panel.set_experiment(runs.twins(runs.default_run()))
    panel.show()
    panel.grab()
    return panel


def spot(panel: SchedulePanel, index: int) -> QPoint:
    chart = panel.chart
    chart.place(QSizeF(chart.size()))
    assert chart.handles is not None
    if index == UNTIL:
        return QPoint(round(chart.at_x(chart.handles.until)), round(chart.rect_.bottom()) + 6)
    share, gamma = chart.handles.places()[index]
    return QPoint(round(chart.at_x(share)), round(chart.at_y(gamma)))


def drag(panel: SchedulePanel, qtbot: QtBot, index: int, by: QPoint) -> tuple[list[SetSchedule], list[SetSchedule]]:
    during: list[SetSchedule] = []
    after: list[SetSchedule] = []
    panel.dragging.connect(during.append)
    panel.edited.connect(after.append)
    start = spot(panel, index)
    qtbot.mousePress(panel.chart, Qt.MouseButton.LeftButton, pos=start)
    for part in (0.5, 1.0):
        qtbot.mouseMove(panel.chart, start + QPoint(round(by.x() * part), round(by.y() * part)))
    assert not after
    qtbot.mouseRelease(panel.chart, Qt.MouseButton.LeftButton, pos=start + by)
    return during, after


def test_the_cards_schedules_are_shown_before_a_run(schedule: SchedulePanel) -> None:
    expected = runs.default_run().mollification.variance(SHARES)
    assert schedule.chart.curve(1) == pytest.approx(expected)
    assert not schedule.chart.curve(0).any()
    assert schedule.chart.active == 1 and schedule.which.currentText() == "Mollified"
    assert "Vanilla: no noise" in schedule.summary()


def test_dragging_a_point_turns_the_schedule_into_a_curve_and_is_one_edit(
    schedule: SchedulePanel, qtbot: QtBot
) -> None:
    before = schedule.chart.handles
    assert before is not None
    during, after = drag(schedule, qtbot, 2, QPoint(6, -8))
    assert len(during) == 2 and len(after) == 1
    assert after[0].column == 1 and isinstance(after[0].schedule, CurveSchedule)
    assert after[0].schedule.points[2][1] > before.points[2][1]
    assert after[0].schedule.until == before.until
    assert after[0].schedule.decreasing


def test_a_point_cannot_be_dragged_past_its_neighbours(schedule: SchedulePanel, qtbot: QtBot) -> None:
    _, after = drag(schedule, qtbot, 2, QPoint(300, 150))
    points = after[0].schedule.points  # type: ignore[attr-defined]
    assert points[1][0] < points[2][0] < points[3][0]
    assert points[1][1] >= points[2][1] >= points[3][1]


def test_a_click_without_a_drag_is_no_edit(schedule: SchedulePanel, qtbot: QtBot) -> None:
    during, after = drag(schedule, qtbot, 2, QPoint(0, 0))
    assert during == [] and after == []
    assert schedule.chart.selected == 2


def test_the_triangle_sets_where_the_noise_ends(schedule: SchedulePanel, qtbot: QtBot) -> None:
    _, after = drag(schedule, qtbot, UNTIL, QPoint(40, 0))
    assert schedule.chart.handles is not None
    assert after[0].schedule.until == pytest.approx(runs.default_run().mollification.until + 40 / 396, abs=0.02)


def test_a_double_click_adds_a_point_and_a_right_click_removes_it(schedule: SchedulePanel, qtbot: QtBot) -> None:
    edits: list[SetSchedule] = []
    schedule.edited.connect(edits.append)
    chart = schedule.chart
    assert chart.handles is not None
    count = len(chart.handles.points)
    places = chart.handles.places()
    share = (places[-2][0] + places[-1][0]) / 2
    at = QPoint(round(chart.at_x(share)), round(chart.at_y(places[-2][1] / 2)))
    assert chart.hit(QPointF(at)) is None
    qtbot.mouseDClick(chart, Qt.MouseButton.LeftButton, pos=at)
    assert chart.handles is not None and len(chart.handles.points) == count + 1
    assert chart.selected == count - 1
    qtbot.mouseClick(chart, Qt.MouseButton.RightButton, pos=spot(schedule, count - 1))
    assert len(chart.handles.points) == count and len(edits) == 2


def test_keys_choose_move_add_and_remove_points(schedule: SchedulePanel, qtbot: QtBot) -> None:
    edits: list[SetSchedule] = []
    schedule.edited.connect(edits.append)
    chart = schedule.chart
    assert chart.handles is not None
    before = chart.handles.points
    qtbot.keyClick(chart, Qt.Key.Key_PageDown)
    qtbot.keyClick(chart, Qt.Key.Key_PageDown)
    assert chart.selected == 1
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    assert chart.handles.points[1][1] == pytest.approx(before[1][1] - 0.01)
    qtbot.keyClick(chart, Qt.Key.Key_Insert)
    assert len(chart.handles.points) == len(before) + 1 and chart.selected == 2
    qtbot.keyClick(chart, Qt.Key.Key_Delete)
    assert len(chart.handles.points) == len(before)
    qtbot.keyClick(chart, Qt.Key.Key_PageUp)
    assert len(edits) == 3


def test_escape_takes_a_drag_back(schedule: SchedulePanel, qtbot: QtBot) -> None:
    edits: list[SetSchedule] = []
    schedule.edited.connect(edits.append)
    before = schedule.chart.handles
    start = spot(schedule, 2)
    qtbot.mousePress(schedule.chart, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(schedule.chart, start + QPoint(5, -20))
    assert schedule.chart.handles != before
    qtbot.keyClick(schedule.chart, Qt.Key.Key_Escape)
    qtbot.mouseRelease(schedule.chart, Qt.MouseButton.LeftButton, pos=start + QPoint(5, -20))
    assert schedule.chart.handles == before and edits == []


def test_what_happened_stays_when_what_is_left_is_planned_anew(schedule: SchedulePanel) -> None:
    info = demo.info(size=50)
    schedule.begin(info)
    schedule.show_step(1000)
    run = runs.default_run()
    flat = CurveSchedule(points=((0.0, 0.3), (1.0, 0.3)))
    schedule.set_experiment(runs.twins(run.changed(mollification=flat)))
    curve = schedule.chart.curve(1)
    past = SHARES <= 0.25
    expected = info.plans[1][np.minimum((SHARES * 4000).astype(int), 3999)]
    assert curve[past] == pytest.approx(expected[past])
    assert curve[~past][:-1] == pytest.approx(0.3)
    schedule.show_step(3000)
    assert schedule.chart.curve(1)[SHARES > 0.3][:-1] == pytest.approx(0.3)


def test_without_an_experiment_a_run_shows_its_plan_and_nothing_can_be_dragged(qtbot: QtBot) -> None:
    panel = SchedulePanel()
    qtbot.addWidget(panel)
    panel.resize(440, 220)
    panel.show()
    panel.begin(demo.info(size=50))
    panel.grab()
    assert panel.chart.handles is None
    assert panel.chart.curve(1)[0] == pytest.approx(1.0)
    qtbot.mouseClick(panel.chart, Qt.MouseButton.LeftButton, pos=QPoint(60, 60))
    qtbot.keyClick(panel.chart, Qt.Key.Key_Delete)


def test_noise_grows_again_only_where_that_is_asked_for() -> None:
    handles = Handles(((0.0, 1.0), (0.5, 0.4), (1.0, 0.0)), 1.0, 0.0, "step")
    assert handles.moved(2, 1.0, 0.9).points[2] == (1.0, 0.4)
    assert handles.moved(2, 1.0, 0.9, free=True).points[2] == (1.0, 0.9)
    assert handles.removed(0) == handles and handles.removed(1).points == ((0.0, 1.0), (1.0, 0.0))
    assert handles.ending(0.99).until == 1.0 and handles.ending(-3).until > 0


# The probe


def test_a_grid_is_read_linearly_between_its_cells() -> None:
    view = View((0.0, 4.0, 0.0, 2.0), grid=8)
    at = view.points(8).reshape(8, 8, 2)
    plane = 3 * at[..., 0] - at[..., 1]
    value = look_up(plane, view.bounds, (1.3, 0.9))
    assert value is not None and float(value) == pytest.approx(3 * 1.3 - 0.9, abs=1e-5)
    vector = look_up(at, view.bounds, (1.3, 0.9))
    assert vector == pytest.approx([1.3, 0.9], abs=1e-5)
    assert look_up(plane, view.bounds, (4.1, 1.0)) is None
    assert look_up(np.full((8, 8), np.nan), view.bounds, (1.0, 1.0)) is None


def test_the_probe_reads_every_column_and_the_truth_under_the_mouse(qtbot: QtBot) -> None:
    link, panel = PlaneLink(), ProbePanel()
    qtbot.addWidget(panel)
    panel.set_link(link)
    panel.resize(280, 500)
    panel.show()
    panel.begin(demo.info(size=50))
    frame = demo.frame(1000, VIEW)
    panel.show_frame(frame)
    panel.show_truth(demo.truth(VIEW))
    point = tuple(float(v) for v in VIEW.points(40)[20 * 40 + 30])
    link.set_probe((point[0], point[1]))
    numbers = panel.view.numbers()
    assert [n[0] for n in numbers] == ["Vanilla", "Mollified", "Truth"]
    column = frame.columns[1].log_density
    assert column is not None and numbers[1][2] == pytest.approx(float(column[20, 30]), abs=1e-4)
    link.set_probe(None)
    assert panel.view.point == point
    assert len(panel.view.paths()) == 2
    panel.grab()
    assert "Probe at" in panel.summary()
