"""The chart on which schedules are seen and dragged."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen

from gmstudio.gui.panels.handles import Handles
from gmstudio.gui.panels.layered import small_font
from gmstudio.gui.panels.schedule_curves import SHARES, ScheduleCurves
from gmstudio.gui.panels.strokes import polygon
from gmstudio.mollification.base import ScheduleSpec

REACH = 9.0
UNTIL = -1


class ScheduleChart(ScheduleCurves):
    """Curves of all columns; those of the active column can be dragged.

    Signals:
        dragging(column, ScheduleSpec): while a handle moves.
        edited(column, ScheduleSpec): when it is let go, or after a key.
        activated(column): a click on the curve of another column.
    """

    dragging = Signal(int, object)
    edited = Signal(int, object)
    activated = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        #: Index of the chosen handle, UNTIL, or None.
        self.selected: int | None = None
        self._handles: Handles | None = None
        self._before: Handles | None = None
        self._held = False
        self._offset = QPointF()
        self._hover: int | None = None

    # What is shown

    def set_specs(self, titles: tuple[str, ...], specs: tuple[ScheduleSpec, ...]) -> None:
        """Show these schedules, one for each column; a drag that goes on is not disturbed by its own echo."""
        self.titles, self.specs = titles, specs
        self.planned = tuple(spec.variance(SHARES) for spec in specs)
        if self.active >= len(specs):
            self.active = 0
        if not self._held:
            self._take_handles()
        self.refresh()

    def choose(self, column: int) -> None:
        """Let another column's curve be dragged."""
        if 0 <= column < len(self.specs) and column != self.active:
            self.active = column
            self._take_handles()
            self.refresh()

    def _take_handles(self) -> None:
        spec = self.specs[self.active] if self.specs else None
        fresh = Handles.of(spec) if spec is not None else None
        if fresh != self._handles:
            self._handles = fresh
            if fresh is None or (self.selected is not None and self.selected >= len(fresh.points)):
                self.selected = None

    @property
    def handles(self) -> Handles | None:
        """The handles of the active column."""
        return self._handles

    def x_label(self, value: float, step: float) -> str:
        near = self._handles is not None and abs(self.at_x(value) - self.at_x(self._handles.until)) < 18
        return "" if near else super().x_label(value, step)

    def paint_overlay(self, painter: QPainter, size: QSizeF) -> None:
        self.place(size)
        if self.now is not None:
            past = QRectF(self.rect_.topLeft(), QPointF(round(self.at_x(self.now)), self.rect_.bottom()))
            painter.fillRect(past.toRect(), self.theme.colour("accent", 0.09))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.now is not None:
            self._paint_now(painter, self.now)
        if self._handles is not None:
            self._paint_handles(painter, self._handles)

    def _paint_now(self, painter: QPainter, now: float) -> None:
        self.step_line(painter, now)
        for column in self._order():
            value = float(np.interp(now, SHARES, self.curve(column)))
            painter.setPen(QPen(self.theme.colour("plot"), 1))
            painter.setBrush(self.theme.colour(self.theme.column(column)))
            painter.drawEllipse(QPointF(self.at_x(now), self.at_y(value)), 4, 4)
        if not self._held and self._hover is None and self.titles:
            value = float(np.interp(now, SHARES, self.curve(self.active)))
            at = QPointF(self.at_x(now), self.at_y(value))
            self.bubble(
                painter, at, self.told(self.active, value, 2), self.theme.colour(self.theme.column(self.active))
            )

    def _paint_handles(self, painter: QPainter, handles: Handles) -> None:
        colour = self.theme.colour(self.theme.column(self.active))
        for index, (share, gamma) in enumerate(handles.places()):
            chosen = index == self.selected
            painter.setPen(QPen(colour, 1.5))
            painter.setBrush(colour if chosen or index == self._hover else self.theme.colour("plot"))
            radius = 5.0 if chosen or index == self._hover else 4.0
            painter.drawEllipse(QPointF(self.at_x(share), self.at_y(gamma)), radius, radius)
        x, y = self.at_x(handles.until), self.rect_.bottom()
        if handles.until < 1.0:
            pen = QPen(colour, 1)
            pen.setDashPattern([3, 3])
            painter.setPen(pen)
            painter.drawLine(QPointF(x, self.rect_.top()), QPointF(x, y))
        painter.setPen(QPen(self.theme.colour("panel"), 1))
        painter.setBrush(colour)
        painter.drawPolygon(polygon(np.array([[x, y + 1], [x + 6, y + 10], [x - 6, y + 10]])))
        shown = self.selected if self._held or self.hasFocus() else self._hover
        if self._hover is not None and not self._held:
            shown = self._hover
        if shown is not None:
            self._paint_value(painter, handles, shown)

    def _paint_value(self, painter: QPainter, handles: Handles, index: int) -> None:
        if index == UNTIL:
            what = "blur" if self.blurred(self.active) else "noise"
            at, text = QPointF(self.at_x(handles.until), self.rect_.bottom()), f"{what} ends at {handles.until:.0%}"
            if self.steps:
                text += f" (step {round(handles.until * self.steps):,})"
        elif index < len(handles.points):
            share, gamma = handles.places()[index]
            at, text = QPointF(self.at_x(share), self.at_y(gamma)), f"t/T {share:.3f}   {self.told(self.active, gamma)}"
            if self.steps:
                text += f"   step {round(share * self.steps):,}"
        else:
            return
        painter.setFont(small_font(self.font()))
        self.bubble(painter, at, text)

    # The mouse

    def hit(self, position: QPointF) -> int | None:
        """The handle at a position: an index, UNTIL, or None."""
        if self._handles is None:
            return None
        self.place(QSizeF(self.size()))
        best: tuple[float, int] | None = None
        for index, (share, gamma) in enumerate(self._handles.places()):
            away = QPointF(self.at_x(share), self.at_y(gamma)) - position
            distance = float(np.hypot(away.x(), away.y()))
            if distance <= REACH and (best is None or distance < best[0]):
                best = (distance, index)
        grip = QPointF(self.at_x(self._handles.until), self.rect_.bottom() + 7) - position
        if abs(grip.x()) <= REACH and -6 <= grip.y() <= 8 and (best is None or position.y() > self.rect_.bottom() + 2):
            return UNTIL
        return best[1] if best is not None else None

    def _place_of(self, index: int) -> QPointF:
        assert self._handles is not None
        if index == UNTIL:
            return QPointF(self.at_x(self._handles.until), self.rect_.bottom())
        share, gamma = self._handles.places()[index]
        return QPointF(self.at_x(share), self.at_y(gamma))

    def _column_at(self, position: QPointF) -> int | None:
        share = self.values(position)[0]
        for column in reversed(self._order()):
            value = float(np.interp(share, SHARES, self.curve(column)))
            if abs(self.at_y(value) - position.y()) < REACH:
                return column
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        hit = self.hit(event.position())
        if event.button() == Qt.MouseButton.RightButton:
            if hit is not None and hit != UNTIL and self._handles is not None:
                self._settle(self._handles.removed(hit))
            return
        if event.button() != Qt.MouseButton.LeftButton or self._handles is None:
            return
        if hit is None:
            column = self._column_at(event.position())
            if column is not None and column != self.active:
                self.activated.emit(column)
            self.selected = None
        else:
            self.selected, self._held, self._before = hit, True, self._handles
            self._offset = self._place_of(hit) - event.position()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._held or self._handles is None or self.selected is None:
            hover = self.hit(event.position())
            if hover != self._hover:
                self._hover = hover
                self.setCursor(Qt.CursorShape.ArrowCursor if hover is None else Qt.CursorShape.PointingHandCursor)
                self.update()
            return
        # The handle keeps its distance from the mouse: it does not jump when it is taken at its rim.
        share, gamma = self.values(event.position() + self._offset)
        free = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if self.selected == UNTIL:
            self._change(self._handles.ending(share))
        else:
            self._change(self._handles.moved(self.selected, share, gamma, free))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._held:
            self._held = False
            if self._handles is not None and self._handles != self._before:
                self._emit_edited()
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if (
            event.button() != Qt.MouseButton.LeftButton
            or self._handles is None
            or self.hit(event.position()) is not None
        ):
            return
        share, gamma = self.values(event.position())
        handles, index = self._handles.added(share, gamma)
        if handles != self._handles:
            self.selected = index
            self._settle(handles)

    def leaveEvent(self, event: Any) -> None:
        self._hover = None
        self.update()

    # The keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, handles = Qt.Key(event.key()), self._handles
        if handles is None:
            super().keyPressEvent(event)
            return
        stride = 0.05 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.01
        moves = {
            Qt.Key.Key_Left: (-stride, 0.0),
            Qt.Key.Key_Right: (stride, 0.0),
            Qt.Key.Key_Up: (0.0, stride),
            Qt.Key.Key_Down: (0.0, -stride),
        }
        if key == Qt.Key.Key_Escape and self._held and self._before is not None:
            self._held = False
            self._change(self._before)
        elif key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            self._select_next(1 if key == Qt.Key.Key_PageDown else -1)
        elif key in moves and self.selected is not None:
            self._nudge(handles, self.selected, *moves[key])
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.selected not in (None, UNTIL):
            assert self.selected is not None
            self._settle(handles.removed(self.selected))
        elif key == Qt.Key.Key_Insert:
            self._insert(handles)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat() and self._before is not None and not self._held:
            if self._handles != self._before:
                self._emit_edited()
            self._before = None
        super().keyReleaseEvent(event)

    def _nudge(self, handles: Handles, index: int, dx: float, dy: float) -> None:
        if self._before is None:
            self._before = handles
        if index == UNTIL:
            self._change(handles.ending(handles.until + dx))
        else:
            share, gamma = handles.places()[index]
            self._change(handles.moved(index, share + dx, gamma + dy))

    def _select_next(self, by: int) -> None:
        """Go through the handles from left to right; the end of the noise comes after the last."""
        assert self._handles is not None
        stops = [*range(len(self._handles.points)), UNTIL]
        at = stops.index(self.selected) if self.selected in stops else (-1 if by > 0 else 0)
        self.selected = stops[(at + by) % len(stops)]
        self.update()

    def _insert(self, handles: Handles) -> None:
        """Add a handle on the curve, in the middle after the chosen one."""
        at = self.selected if self.selected is not None and 0 <= self.selected < len(handles.points) - 1 else 0
        places = handles.places()
        share = (places[at][0] + places[at + 1][0]) / 2
        added, index = handles.added(share, float(np.interp(share, SHARES, handles.spec().variance(SHARES))))
        if added != handles:
            self.selected = index
            self._settle(added)

    # Changes

    def _change(self, handles: Handles) -> None:
        if handles == self._handles:
            return
        self._handles = handles
        spec = handles.spec()
        self.specs = (*self.specs[: self.active], spec, *self.specs[self.active + 1 :])
        self.planned = tuple(spec.variance(SHARES) for spec in self.specs)
        self.refresh()
        self.dragging.emit(self.active, spec)

    def _settle(self, handles: Handles) -> None:
        if handles == self._handles:
            return
        self._change(handles)
        if self.selected is not None and self.selected >= len(handles.points):
            self.selected = None
        self._emit_edited()

    def _emit_edited(self) -> None:
        self.edited.emit(self.active, self.specs[self.active])
