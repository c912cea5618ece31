"""Base of plots over time: axes, a grid, and lines thinned to the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gmstudio.gui.panels.layered import Layered, bubble, for_svg, small_font, write
from gmstudio.gui.panels.strokes import polygon
from gmstudio.gui.panels.ticks import label, ticks

LEFT, RIGHT, TOP, BOTTOM = 34.0, 10.0, 8.0, 17.0

Span = tuple[float, float]


class Chart(Layered):
    """A plot with its own x and y span; subclasses draw on it with `at_x`, `at_y` and `line`."""

    #: What is measured along the axes; written at their ends.
    x_title = ""
    y_title = ""

    def __init__(self) -> None:
        super().__init__()
        self.x_span: Span = (0.0, 1.0)
        self.y_span: Span = (0.0, 1.0)
        self.rect_: QRectF = QRectF()
        self.hint = ""
        self.setMinimumSize(120, 70)

    def area(self, size: QSizeF) -> QRectF:
        """The rectangle inside the axes."""
        return QRectF(LEFT, TOP, max(10.0, size.width() - LEFT - RIGHT), max(10.0, size.height() - TOP - BOTTOM))

    def place(self, size: QSizeF) -> None:
        """Lay the axes out for a size; called before anything is drawn or hit."""
        self.rect_ = self.area(size)

    def at_x(self, value: float) -> float:
        """The pixel of a value along x."""
        low, high = self.x_span
        return self.rect_.left() + (value - low) / ((high - low) or 1.0) * self.rect_.width()

    def at_y(self, value: float) -> float:
        """The pixel of a value along y."""
        low, high = self.y_span
        return self.rect_.bottom() - (value - low) / ((high - low) or 1.0) * self.rect_.height()

    def values(self, position: QPointF) -> tuple[float, float]:
        """The values at a position of the widget."""
        (x0, x1), (y0, y1), rect = self.x_span, self.y_span, self.rect_
        x = x0 + (position.x() - rect.left()) / rect.width() * (x1 - x0)
        return x, y0 + (rect.bottom() - position.y()) / rect.height() * (y1 - y0)

    def line(self, painter: QPainter, xs: NDArray[Any], ys: NDArray[Any], pen: QPen) -> None:
        """Draw a line through values, thinned to the pixels; values that are not finite are left out."""
        finite = np.isfinite(ys)
        xs, ys = xs[finite], ys[finite]
        if len(xs) < 2:
            return
        low, high = self.x_span
        px = self.rect_.left() + (xs - low) / ((high - low) or 1.0) * self.rect_.width()
        low, high = self.y_span
        py = self.rect_.bottom() - (ys - low) / ((high - low) or 1.0) * self.rect_.height()
        # Far outside of the plot a line only costs time.
        slack = 0 if for_svg(painter) else 2000
        py = np.clip(py, self.rect_.top() - slack, self.rect_.bottom() + slack)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(polygon(thin(px, py)))

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        self.place(size)
        rect = self.rect_
        painter.fillRect(rect, self.theme.colour("plot"))
        self._paint_axes(painter)
        painter.save()
        painter.setClipRect(rect.adjusted(0, -1, 1, 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_lines(painter)
        painter.restore()
        painter.setPen(self.theme.pen("border"))
        painter.drawRect(rect)
        if self.hint:
            painter.setPen(self.theme.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter.value | Qt.TextFlag.TextWordWrap.value
            painter.drawText(rect.adjusted(10, 4, -10, -4), flags, self.hint)

    def paint_lines(self, painter: QPainter) -> None:
        """Draw the contents, clipped to the axes and antialiased."""

    def x_label(self, value: float, step: float) -> str:
        """The text of a tick along x."""
        return label(value, step)

    def y_marks(self) -> list[tuple[float, str]]:
        """The ticks along y, and their texts."""
        marks = ticks(*self.y_span, max(2, int(self.rect_.height() // 28)))
        step = marks[1] - marks[0] if len(marks) > 1 else 1.0
        return [(value, label(value, step)) for value in marks]

    def _paint_axes(self, painter: QPainter) -> None:
        rect = self.rect_
        painter.setFont(small_font(self.font()))
        grid, axis, text = self.theme.pen("grid"), self.theme.pen("axis"), self.theme.colour("muted")
        metrics = painter.fontMetrics()
        title_from = rect.right() - metrics.horizontalAdvance(self.x_title) - 6 if self.x_title else rect.right() + 40
        marks = ticks(*self.x_span, max(2, int(rect.width() // 70)))
        step = marks[1] - marks[0] if len(marks) > 1 else 1.0
        for value in marks:
            x = self.at_x(value)
            painter.setPen(grid)
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
            painter.setPen(axis)
            painter.drawLine(QPointF(x, rect.bottom()), QPointF(x, rect.bottom() + 3))
            painter.setPen(text)
            words = self.x_label(value, step)
            wide = metrics.horizontalAdvance(words)
            if x + wide / 2 < title_from:
                place = QRectF(x - wide / 2 - 1, rect.bottom() + 3, wide + 2, BOTTOM - 4)
                place.moveLeft(max(place.left(), 1.0))
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)
        painter.setPen(text)
        write(
            painter,
            QRectF(rect.left(), rect.bottom() + 3, rect.width(), BOTTOM - 4),
            self.x_title,
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
        )
        for value, words in self.y_marks():
            y = self.at_y(value)
            painter.setPen(grid)
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
            painter.setPen(axis)
            painter.drawLine(QPointF(rect.left() - 3, y), QPointF(rect.left(), y))
            painter.setPen(text)
            place = QRectF(0, y - 8, rect.left() - 5, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)

    def bubble(self, painter: QPainter, at: QPointF, text: str, colour: QColor | None = None) -> None:
        """Write a short text in a box beside a point, kept inside the axes."""
        bubble(painter, self.theme, self.font(), self.rect_, at, text, colour)

    def step_line(self, painter: QPainter, value: float) -> None:
        """Draw the line of the step that is looked at."""
        if self.x_span[0] <= value <= self.x_span[1]:
            painter.setPen(self.theme.pen("marker"))
            painter.drawLine(
                QPointF(self.at_x(value), self.rect_.top()), QPointF(self.at_x(value), self.rect_.bottom())
            )


def thin(xs: NDArray[Any], ys: NDArray[Any]) -> NDArray[np.float64]:
    """Points of a line, in pixels, reduced to the extremes within each pixel column: it looks the same.

    Args:
        xs: (N,), rising.
        ys: (N,).

    Returns:
        (M, 2), M at most about twice the number of pixel columns.
    """
    if len(xs) < 3:
        return np.stack([xs, ys], axis=1).astype(np.float64)
    columns = np.floor(xs).astype(np.int64)
    starts = np.concatenate([[0], np.flatnonzero(columns[1:] != columns[:-1]) + 1])
    if len(starts) * 3 > len(xs):
        return np.stack([xs, ys], axis=1).astype(np.float64)
    low, high = np.minimum.reduceat(ys, starts), np.maximum.reduceat(ys, starts)
    # Each column goes from the end that is nearer to the last one, so that no zigzag is added.
    middle = low + high
    rising = np.ones(len(starts), dtype=bool)
    np.greater_equal(middle[1:], middle[:-1], out=rising[1:])
    points = np.empty((2 * len(starts), 2))
    points[0::2, 0] = points[1::2, 0] = xs[starts]
    points[0::2, 1] = np.where(rising, low, high)
    points[1::2, 1] = np.where(rising, high, low)
    return points
