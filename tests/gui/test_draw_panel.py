"""The drawing panel: strokes with the mouse, undo, keys, announcing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QUndoStack
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gmstudio.data.sets.drawing import Drawing
from gmstudio.gui.drawing.document import DrawingDocument
from gmstudio.gui.drawing.draw_panel import DrawPanel
from gmstudio.gui.drawing.render import ALPHAS, coverage
from gmstudio.gui.drawing.tools import TOOLS, Tool
from gmstudio.gui.theme import load

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def panel(shown: Callable[..., DrawPanel]) -> Iterator[DrawPanel]:
    undo = QUndoStack()
    yield shown(DrawPanel(undo), 420, 640)
    undo.clear()


def pixel(panel: DrawPanel, x: float, y: float) -> QPoint:
    return panel.canvas.to_pixel((x, y)).toPoint()


def stroke(panel: DrawPanel, *way: tuple[float, float]) -> None:
    canvas = panel.canvas
    QTest.mousePress(canvas, LEFT, NONE, pixel(panel, *way[0]))
    for at in way[1:]:
        QTest.mouseMove(canvas, pixel(panel, *at))
    QTest.mouseRelease(canvas, LEFT, NONE, pixel(panel, *way[-1]))


def test_a_stroke_is_one_undo_entry_and_one_specification(panel: DrawPanel) -> None:
    seen: list[Drawing] = []
    panel.changed.connect(seen.append)
    stroke(panel, (-2, 0), (-1, 1), (0, 0), (1, 1), (2, 0))
    assert panel.undo.count() == 1
    assert panel.undo.undoText() == "Brush stroke"
    assert seen[-1] == panel.spec
    drawn = panel.spec.points
    assert len(drawn) > 100
    panel.undo.undo()
    assert panel.spec.points == () == seen[-1].points
    panel.undo.redo()
    assert panel.spec.points == drawn == seen[-1].points


def test_strokes_are_undone_in_turn_to_the_bit(panel: DrawPanel) -> None:
    states = [panel.spec]
    for tool in TOOLS:
        panel.choose_tool(tool.name)
        stroke(panel, (-1, -1), (0, 0.2), (1, 1))
        states.append(panel.spec)
    panel.clear()
    states.append(panel.spec)
    assert panel.undo.count() == len(TOOLS) + 1
    for state in reversed(states[:-1]):
        panel.undo.undo()
        assert panel.spec == state
    for state in states[1:]:
        panel.undo.redo()
        assert panel.spec == state


def test_within_a_stroke_the_drawing_is_announced_at_most_ten_times_a_second(panel: DrawPanel, qtbot: QtBot) -> None:
    times: list[float] = []
    panel.changed.connect(lambda spec: times.append(time.monotonic()))
    canvas = panel.canvas
    QTest.mousePress(canvas, LEFT, NONE, pixel(panel, -2, 0))
    for i in range(40):
        QTest.mouseMove(canvas, pixel(panel, -2 + i / 10, 0))
        qtbot.wait(10)
    within = len(times)
    QTest.mouseRelease(canvas, LEFT, NONE, pixel(panel, 2, 0))
    assert within >= 2
    # The timer may come a little early.
    assert np.diff(times[:within]).min() > 0.08
    assert len(times) == within + 1
    assert not panel._timer.isActive()


def test_drawing_beyond_the_canvas_drops_the_points(panel: DrawPanel) -> None:
    stroke(panel, (3.9, 0), (4.6, 0), (4.6, 3))
    points = np.array(panel.spec.points)
    assert len(points) > 0
    assert np.abs(points).max() <= 4
    assert np.count_nonzero(points == 4) == 0


def test_a_stroke_that_changes_nothing_leaves_no_entry(panel: DrawPanel) -> None:
    panel.choose_tool("eraser")
    stroke(panel, (0, 0), (1, 1))
    assert panel.undo.count() == 0


def test_escape_gives_up_the_stroke(panel: DrawPanel) -> None:
    QTest.mousePress(panel.canvas, LEFT, NONE, pixel(panel, 0, 0))
    QTest.mouseMove(panel.canvas, pixel(panel, 1, 0))
    assert len(panel.canvas.document) > 0
    QTest.keyClick(panel.canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(panel.canvas, LEFT, NONE, pixel(panel, 1, 0))
    assert panel.spec.points == ()
    assert panel.undo.count() == 0


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_are_chosen_by_letter(panel: DrawPanel, tool: type[Tool]) -> None:
    QTest.keyClicks(panel.canvas, tool.key.lower())
    assert panel.canvas.tool.name == tool.name
    assert panel.buttons[tool.name].isChecked()


def test_letters_on_the_canvas_come_before_the_windows_shortcuts(panel: DrawPanel) -> None:
    action = QAction("Restart", panel)
    action.setShortcut("R")
    panel.addAction(action)
    pressed: list[bool] = []
    action.triggered.connect(pressed.append)
    panel.activateWindow()
    panel.canvas.setFocus()
    QTest.keyClick(panel.canvas, Qt.Key.Key_R)
    assert panel.canvas.tool.name == "ring"
    assert pressed == []


def test_brackets_change_the_radius_within_its_limits(panel: DrawPanel) -> None:
    start = panel.canvas.pen.radius
    QTest.keyClicks(panel.canvas, "]")
    assert panel.canvas.pen.radius == pytest.approx(start * 1.25)
    for _ in range(40):
        QTest.keyClicks(panel.canvas, "]")
    assert panel.canvas.pen.radius == 2.0
    for _ in range(60):
        QTest.keyClicks(panel.canvas, "[")
    assert panel.canvas.pen.radius == 0.05


def test_a_specification_within_a_stroke_is_the_same_as_one_made_afresh(panel: DrawPanel) -> None:
    seen: list[Drawing] = []
    panel.changed.connect(seen.append)
    for tool in ("brush", "eraser", "brush", "blob"):
        panel.choose_tool(tool)
        stroke(panel, (-1, -1), (0, 0.2), (1, 1))
        fresh = DrawingDocument(panel.canvas.document.points.copy())
        assert seen[-1].points == fresh.as_tuple


def test_the_spread_is_undone_and_merged(panel: DrawPanel) -> None:
    seen: list[Drawing] = []
    panel.changed.connect(seen.append)
    for spread in (0.1, 0.2, 0.3):
        panel.settings.spread_changed.emit(spread)
    assert panel.undo.count() == 1
    assert seen[-1].spread == 0.3
    panel.undo.undo()
    assert panel.spec == Drawing() == seen[-1]


def test_setting_a_drawing_is_silent_and_keeps_its_other_fields(panel: DrawPanel) -> None:
    seen: list[Drawing] = []
    panel.changed.connect(seen.append)
    spec = Drawing(points=((0.5, 0.25), (1.0, -2.0)), spread=0.2, size=100)
    panel.set_spec(spec)
    assert panel.spec == spec
    assert not seen
    assert panel.undo.count() == 0
    stroke(panel, (0, 0), (1, 0))
    assert panel.spec.size == 100
    assert panel.spec.points[:2] == spec.points


def test_undo_after_another_drawing_was_opened_does_no_harm(panel: DrawPanel) -> None:
    stroke(panel, (0, 0), (1, 0))
    other = Drawing(points=((0.5, 0.25),))
    panel.set_spec(other)
    panel.undo.undo()
    assert panel.spec == other


def test_the_panel_says_how_many_points_there_are(panel: DrawPanel) -> None:
    assert panel.settings.count.text() == "0 points"
    assert not panel.buttons["clear"].isEnabled()
    panel.choose_tool("point")
    stroke(panel, (1, 1))
    assert panel.settings.count.text() == "1 point"
    assert panel.canvas.accessibleDescription() == "1 point"
    assert panel.buttons["clear"].isEnabled()


def test_a_full_drawing_says_so_and_takes_no_more(panel: DrawPanel) -> None:
    panel.set_spec(Drawing(points=((0.0, 0.0),) * 100_000))
    assert panel.settings.count.property("full")
    stroke(panel, (1, 1), (2, 2))
    assert len(panel.spec.points) == 100_000
    assert panel.undo.count() == 0


def test_pixels_and_places_are_inverse_and_aspect_is_equal(panel: DrawPanel) -> None:
    canvas = panel.canvas
    for size in ((300, 500), (500, 300)):
        canvas.resize(*size)
        for at in ((0.0, 0.0), (-4.0, 4.0), (1.3, -2.7)):
            assert canvas.to_data(canvas.to_pixel(at)) == pytest.approx(at)
        assert canvas.frame().width() == pytest.approx(canvas.frame().height())


def test_every_point_is_on_the_picture_where_it_belongs() -> None:
    pixels = np.array([[10.5, 20.5], [99.9, 0.0], [50.0, 50.0]])
    alpha = ALPHAS[coverage(pixels, 100, 60, 1.3)]
    for x, y in pixels.astype(int):
        assert alpha[y, x] > 100
    assert alpha[40:, 70:].max() == 0
    # Dots on top of each other are denser.
    assert ALPHAS[coverage(np.repeat(pixels, 3, axis=0), 100, 60, 1.3)[20, 10]] > alpha[20, 10]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_canvas_shows_the_points_in_both_themes(panel: DrawPanel, theme: str) -> None:
    panel.apply_theme(load(theme))
    panel.set_spec(Drawing(points=((1.0, 1.0),) * 5))
    image = panel.canvas.grab().toImage()
    at = panel.canvas.to_pixel((1.0, 1.0)).toPoint()
    ratio = image.devicePixelRatio()
    colour = image.pixelColor(round(at.x() * ratio), round(at.y() * ratio))
    plot = load(theme).colour("plot")
    assert abs(colour.lightness() - plot.lightness()) > 60


def test_an_empty_canvas_invites_to_draw(panel: DrawPanel) -> None:
    before = panel.canvas.grab().toImage()
    panel.set_spec(Drawing(points=((-3.9, -3.9),)))
    assert panel.canvas.grab().toImage() != before
