"""The schedule with its handles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSizeF, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from gmstudio import runs
from gmstudio.gui.docks import Dock
from gmstudio.gui.panels import demo
from gmstudio.gui.panels.handles import Handles
from gmstudio.gui.panels.layered import small_font
from gmstudio.gui.panels.note import Note
from gmstudio.gui.panels.schedule import SchedulePanel
from gmstudio.gui.panels.schedule_chart import UNTIL
from gmstudio.gui.panels.schedule_curves import SHARES
from gmstudio.mollification.schedules.curve import CurveSchedule
from gmstudio.training.commands import SetSchedule

Begun, Shown = Callable[..., Any], Callable[..., Any]


@pytest.fixture
def schedule(shown: Shown) -> SchedulePanel:
    panel = shown(SchedulePanel(), 440, 220)
    panel.set_experiment(runs.twins(runs.default_run()))
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


def test_the_hint_is_as_long_as_there_is_room_for_and_never_cut(schedule: SchedulePanel, qtbot: QtBot) -> None:
    note = Note(schedule.strip_note.texts, "All of it.")
    qtbot.addWidget(note)
    note.show()
    seen = []
    for width in range(note.sizeHint().width() + 1):
        note.resize(width, 20)
        assert QFontMetrics(small_font(note.font(), 0.5)).horizontalAdvance(note.shown) <= width
        seen.append(note.shown)
    assert list(dict.fromkeys(seen)) == ["", *reversed(note.texts)]
    assert note.toolTip() == "All of it." and schedule.strip_note.toolTip() == schedule.help


def test_the_strip_stands_in_the_title_of_a_dock(shown: Shown) -> None:
    panel, host = SchedulePanel(), QMainWindow()
    panel.set_experiment(runs.twins(runs.default_run()))
    dock = Dock("schedule", panel.title, panel.help, panel, host)
    host.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    shown(host, 325, 190)
    assert panel.which.isVisible() and panel.which.parentWidget() is dock.bar
    assert panel.strip_note.isVisible() and panel.strip_note.parentWidget() is dock.bar
    assert panel.chart.height() > 140


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


def test_without_an_experiment_a_run_shows_its_plan_and_nothing_can_be_dragged(begun: Begun, qtbot: QtBot) -> None:
    panel = begun(SchedulePanel(), 440, 220)
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
