"""Clouds of points on a plot: dots where they are few, counted pixels where they are many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from gmstudio.data.base import Bounds
from gmstudio.gui.panels.binning import counts, dots, opacity
from gmstudio.gui.panels.layered import for_svg
from gmstudio.gui.panels.plane_row import Plot
from gmstudio.gui.panels.strokes import polygon, tinted

#: More points than this are drawn as an image.
FEW = 700
#: Cells per side of such an image, at most: beyond it dots grow with the plot.
FINEST = 300


class Cloud:
    """Points drawn over and over: the image is made anew only when the points, the view or the size changed."""

    def __init__(self, one: float = 0.75, dot: float = 3.0) -> None:
        self._one = one
        self._dot = dot
        self._key: tuple[object, ...] = ()
        self._points: NDArray[Any] | None = None
        self._image = QImage()

    def draw(self, painter: QPainter, plot: Plot, points: NDArray[Any], colour: QColor) -> None:
        """Draw (N, 2) points; those outside the plot are left out."""
        few = len(points) <= FEW
        if few and (for_svg(painter) or max(plot.rect.width(), plot.rect.height()) > FINEST):
            self._draw_dots(painter, plot, points, colour)
            return
        width, height = cells_of(plot.rect)
        key = (plot.bounds, width, height, colour.rgba())
        if points is not self._points or key != self._key:
            cells = counts(points, plot.bounds, width, height)
            self._image = tinted(dots(cells, 1.0) if few else opacity(cells, self._one), colour)
            self._points, self._key = points, key
        if (width, height) == (plot.rect.width(), plot.rect.height()):
            painter.drawImage(plot.rect.topLeft(), self._image)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(plot.rect, self._image)

    def _draw_dots(self, painter: QPainter, plot: Plot, points: NDArray[Any], colour: QColor) -> None:
        inside = within(points, plot.bounds)
        pen = QPen(colour, min(5.0, max(self._dot, plot.rect.width() / 90)))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        painter.drawPoints(polygon(plot.pixels(points[inside])))


def cells_of(rect: QRectF) -> tuple[int, int]:
    """Cells of a counted image of a plot: about one for each pixel."""
    return max(1, min(FINEST, round(rect.width()))), max(1, min(FINEST, round(rect.height())))


def within(points: NDArray[Any], bounds: Bounds) -> NDArray[np.bool_]:
    """Which of (N, 2) points are inside a rectangle of the plane."""
    left, right, bottom, top = bounds
    x, y = points[:, 0], points[:, 1]
    inside: NDArray[np.bool_] = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    return inside


def mark_centres(painter: QPainter, plot: Plot, centres: NDArray[Any], pen: QPen) -> None:
    """Draw a small cross at each of (K, 2) points."""
    painter.setPen(pen)
    for x, y in plot.pixels(centres):
        painter.drawLine(QPointF(x - 3, y), QPointF(x + 3, y))
        painter.drawLine(QPointF(x, y - 3), QPointF(x, y + 3))
