"""Axes of a fixed size, whose ticks and numbers look as in the painted panels."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from gmstudio.gui.panels.layered import for_svg
from gmstudio.gui.panels.ticks import label, ticks
from gmstudio.gui.theme import Theme

WIDTH, HEIGHT = 50, 17
#: How far texts reach over the ends of an axis.
OVER = 24
_FLAGS = Qt.TextFlag.TextSingleLine.value
_RIGHT = _FLAGS | Qt.AlignmentFlag.AlignRight.value | Qt.AlignmentFlag.AlignVCenter.value
_CENTRE = _FLAGS | Qt.AlignmentFlag.AlignCenter.value

Mark = tuple[float, str]


def marks(low: float, high: float, most: int) -> list[Mark]:
    """Places along a linear axis and their texts."""
    found = ticks(low, high, most)
    step = found[1] - found[0] if len(found) > 1 else 1.0
    return [(value, label(value, step)) for value in found]


def log_marks(low: float, high: float, most: int) -> list[Mark]:
    """Places along a logarithmic axis and their texts.

    Args:
        low: decimal logarithm of the lower end.
        high: of the upper end.
        most: number of marks, about.

    Returns:
        decimal logarithms with the texts of their powers.
    """
    if not (math.isfinite(low) and math.isfinite(high) and -300 < low < high < 300):
        return []
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    if high - low >= 1.7:
        stride = max(1, math.ceil((last - first + 1) / max(most, 2)))
        return [(float(k), _power(10.0**k)) for k in range(first, last + 1, stride)]
    if high - low >= 0.6:
        every = [(m, k) for k in range(first - 1, last + 1) for m in (1, 2, 5)]
        inside = [m * 10.0**k for m, k in every if low - 1e-9 <= math.log10(m) + k <= high + 1e-9]
        return [(math.log10(value), _power(value)) for value in inside]
    return [(math.log10(value), text) for value, text in marks(10**low, 10**high, most) if value > 0]


def _power(value: float) -> str:
    if 0.000999 < value < 1e4:
        return f"{value:,.10g}"
    return f"{value:.0e}".replace("-", "−").replace("e+0", "e").replace("e−0", "e−")


class StepAxis(pg.AxisItem):  # type: ignore[misc]
    """One axis of a `StepPlot`."""

    def __init__(self, orientation: str, theme: Theme, title: str = "") -> None:
        super().__init__(orientation)
        self.theme = theme
        self.logarithmic = False
        self.title = title
        self.setStyle(autoExpandTextSpace=False, tickLength=-3)
        self.setGrid(255)
        self.enableAutoSIPrefix(False)
        if orientation == "left":
            self.setWidth(WIDTH)
        else:
            self.setHeight(HEIGHT)

    def set_logarithmic(self, on: bool) -> None:
        """Whether its values are decimal logarithms."""
        if on != self.logarithmic:
            self.logarithmic = on
            self.redraw()

    def redraw(self) -> None:
        """Draw it anew when it is painted next."""
        self.picture = None
        self.update()

    def boundingRect(self) -> QRectF:
        """The axis with its grid, and its texts where they reach over the ends."""
        rect: QRectF = super().boundingRect()
        return rect.adjusted(-OVER, 0, OVER, 0) if self.orientation == "bottom" else rect.adjusted(0, -9, 0, 9)

    def paint(self, painter: QPainter, option: Any, widget: Any) -> None:
        """Draw it; what is kept for the screen has the wrong size in an SVG, whose resolution differs."""
        if not for_svg(painter):
            super().paint(painter, option, widget)
            return
        painter.setFont(self.style["tickFont"])
        specs = self.generateDrawSpecs(painter)
        if specs is not None:
            self.drawPicture(painter, *specs)

    def generateDrawSpecs(self, painter: QPainter) -> Any:
        """The axis line, the grid with its ticks, and the texts."""
        view = self.linkedView()
        rect: QRectF = view.mapRectToItem(self, view.boundingRect())
        low, high = self.range
        across = self.orientation == "bottom"
        length = rect.width() if across else rect.height()
        if length < 1 or not high > low:
            return None
        most = max(2, int(length // (70 if across else 28)))
        found = (log_marks if self.logarithmic else marks)(low, high, most)
        at = [(text, (value - low) / (high - low) * length) for value, text in found if low <= value <= high]
        lines, texts = self._along(rect, at, painter) if across else self._up(rect, at)
        ends = (rect.bottomLeft(), rect.bottomRight()) if across else (rect.bottomLeft(), rect.topLeft())
        return (self.theme.pen("border"), *ends), lines, texts

    def _along(self, rect: QRectF, at: list[tuple[str, float]], painter: QPainter) -> tuple[list[Any], list[Any]]:
        grid, axis = self.theme.pen("grid"), self.theme.pen("axis")
        metrics = QFontMetricsF(self.style["tickFont"] or painter.font())
        end = rect.right() - metrics.horizontalAdvance(self.title) - 6
        lines: list[Any] = []
        texts: list[Any] = [(QRectF(rect.left(), rect.bottom() + 3, rect.width(), HEIGHT - 4), _RIGHT, self.title)]
        for text, place in at:
            x = rect.left() + place
            lines.append((grid, QPointF(x, rect.top()), QPointF(x, rect.bottom())))
            lines.append((axis, QPointF(x, rect.bottom()), QPointF(x, rect.bottom() + 3)))
            wide = metrics.horizontalAdvance(text)
            if x + wide / 2 < end:
                texts.append((QRectF(x - wide / 2 - 2, rect.bottom() + 3, wide + 4, HEIGHT - 4), _CENTRE, text))
        return lines, texts

    def _up(self, rect: QRectF, at: list[tuple[str, float]]) -> tuple[list[Any], list[Any]]:
        grid, axis = self.theme.pen("grid"), self.theme.pen("axis")
        lines: list[Any] = []
        texts: list[Any] = []
        for text, place in at:
            y = rect.bottom() - place
            lines.append((grid, QPointF(rect.left(), y), QPointF(rect.right(), y)))
            lines.append((axis, QPointF(rect.left() - 3, y), QPointF(rect.left(), y)))
            texts.append((QRectF(rect.left() - WIDTH, y - 8, WIDTH - 5, 16), _RIGHT, text))
        return lines, texts
