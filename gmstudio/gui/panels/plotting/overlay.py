"""What lies over the lines of a plot: baselines, the best steps, the step that is looked at, the read-out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from gmstudio.gui.panels.courses import Span
from gmstudio.gui.panels.layered import small_font, write
from gmstudio.gui.panels.ticks import short
from gmstudio.gui.theme import Theme

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
#: Height of the names of baselines.
LETTERS = 13.0
_WRAPPED = Qt.AlignmentFlag.AlignCenter.value | Qt.TextFlag.TextWordWrap.value
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Level:
    """A dashed line across the plot."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Ring:
    """A marked point of a column's line."""

    column: int
    step: float
    value: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One line of the read-out: a column, and its values as words."""

    column: int
    title: str
    values: tuple[str, ...]


class Overlay:
    """Paints over a plot, in its pixels."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.levels: list[Level] = []
        self.rings: list[Ring] = []
        self.note = ""
        self.step: int | None = None
        self.mouse: QPointF | None = None
        self.heads: tuple[str, ...] = ()
        self._rect = QRectF()
        self._spans: tuple[Span, Span] = ((0.0, 1.0), (0.0, 1.0))
        self._logs = (False, False)

    def place(self, rect: QRectF, spans: tuple[Span, Span], logs: tuple[bool, bool]) -> None:
        """Lay it out over a plot."""
        self._rect, self._spans, self._logs = rect, spans, logs

    def at_x(self, step: float) -> float:
        """The pixel of a step."""
        value = math.log10(max(step, 1.0)) if self._logs[0] else step
        low, high = self._spans[0]
        return self._rect.left() + (value - low) / (high - low) * self._rect.width()

    def at_y(self, value: float) -> float:
        """The pixel of a value; far away where it has no logarithm."""
        if self._logs[1]:
            value = math.log10(value) if value > 0 else -1e6
        low, high = self._spans[1]
        return self._rect.bottom() - (value - low) / (high - low) * self._rect.height()

    def step_at(self, x: float) -> float:
        """The step at a pixel."""
        low, high = self._spans[0]
        value = low + (x - self._rect.left()) / max(self._rect.width(), 1.0) * (high - low)
        return 10.0 ** min(value, 12.0) if self._logs[0] else value

    def paint(self, painter: QPainter) -> None:
        """Draw all but the read-out."""
        rect = self._rect
        base = painter.font()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(small_font(base))
        floor = rect.top()
        for level in sorted(self.levels, key=lambda one: -one.value):
            floor = self._paint_level(painter, level, floor)
        painter.setFont(base)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for ring in self.rings:
            at = QPointF(self.at_x(ring.step), self.at_y(ring.value))
            if rect.contains(at):
                painter.setPen(QPen(self.theme.colour(self.theme.column(ring.column)), 1.5))
                painter.setBrush(self.theme.colour("plot"))
                painter.drawEllipse(at, 3.5, 3.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self.step is not None and rect.left() <= (x := self.at_x(self.step)) <= rect.right():
            painter.setPen(self.theme.pen("marker"))
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
        if self.note:
            self._paint_note(painter)

    def note_place(self, metrics: QFontMetricsF) -> QRectF:
        """Where the note stands: in the middle of the widest strip that no baseline crosses and no name is in."""
        rect = self._rect
        lines = sorted(y for level in self.levels if rect.top() <= (y := self.at_y(level.value)) <= rect.bottom())
        # A baseline has its name above it.
        tops, bottoms = [rect.top(), *lines], [*(y - LETTERS for y in lines), rect.bottom()]
        top, bottom = max(zip(tops, bottoms, strict=True), key=lambda strip: strip[1] - strip[0])
        words = metrics.boundingRect(rect.adjusted(14, 4, -14, -4), _WRAPPED, self.note)
        words.moveCenter(QPointF(rect.center().x(), (top + bottom) / 2))
        words.moveTop(min(max(words.top(), rect.top()), max(rect.top(), rect.bottom() - words.height())))
        return words

    def _paint_note(self, painter: QPainter) -> None:
        """Write the note on a plate, since a small plot may have no strip that is wide enough."""
        place = self.note_place(QFontMetricsF(painter.font()))
        painter.fillRect(place.adjusted(-6, 0, 6, 0), self.theme.colour("plot"))
        painter.setPen(self.theme.colour("muted"))
        painter.drawText(place, _WRAPPED, self.note)

    def _paint_level(self, painter: QPainter, level: Level, floor: float) -> float:
        """Draw a line with its name over it, or below it where another name is; returns how far down texts reach."""
        rect, y = self._rect, self.at_y(level.value)
        if not rect.top() <= y <= rect.bottom():
            return floor
        pen = self.theme.pen("muted")
        pen.setDashPattern([2, 3])
        painter.setPen(pen)
        painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
        words = f"{level.name} {short(level.value)}"
        wide = min(QFontMetricsF(painter.font()).horizontalAdvance(words) + 6, rect.width() - 4)
        top = y - LETTERS if y - LETTERS >= floor else max(y + 1, floor)
        if top + LETTERS > rect.bottom():
            return floor
        # At the left, where likelihoods are still far below.
        place = QRectF(rect.left() + 2, top, wide, LETTERS)
        painter.fillRect(place.adjusted(0, 1, 0, -1), self.theme.colour("plot", 0.7))
        painter.setPen(self.theme.colour("muted"))
        write(painter, place.adjusted(3, 0, 0, 0), words, _LEFT)
        return top + LETTERS

    def paint_reading(self, painter: QPainter, step: float, readings: list[Reading]) -> None:
        """Draw a line at the mouse, and beside it a box with the values of every column."""
        if self.mouse is None or not readings:
            return
        rect, x = self._rect, self.mouse.x()
        painter.setPen(self.theme.pen("axis"))
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
        painter.setFont(small_font(painter.font(), 1.0))
        metrics = QFontMetricsF(painter.font())
        rows = [(f"Step {max(0, round(step)):,}", self.heads), *((one.title, one.values) for one in readings)]
        count = max(len(values) for _, values in rows)
        first = min(max(metrics.horizontalAdvance(words) for words, _ in rows), 0.4 * rect.width())
        widths = [max(metrics.horizontalAdvance(v[k]) for _, v in rows if len(v) > k) + 10 for k in range(count)]
        high = metrics.height() + 1
        box = QRectF(0, 0, first + sum(widths) + 12, high * len(rows) + 6)
        box.moveLeft(x + 8 if x + 8 + box.width() <= rect.right() else x - 8 - box.width())
        box.moveLeft(max(box.left(), rect.left() + 1))
        box.moveTop(min(max(self.mouse.y() - box.height() / 2, rect.top() + 1), rect.bottom() - box.height() - 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.theme.pen("border"))
        painter.setBrush(self.theme.colour("raised", 0.95))
        painter.drawRoundedRect(box, 4, 4)
        for line, (words, values) in enumerate(rows):
            token = "muted" if not line else self.theme.column(readings[line - 1].column)
            painter.setPen(self.theme.colour(token))
            cell = QRectF(box.left() + 6, box.top() + 3 + line * high, first + 1, high)
            write(painter, cell, words, _LEFT)
            painter.setPen(self.theme.colour("muted" if not line else "text"))
            left = cell.right() - 1
            for wide, value in zip(widths, values, strict=False):
                write(painter, QRectF(left, cell.top(), wide + 1, high), value, _RIGHT)
                left += wide
