"""What the colours of latent points mean: the data in small, or the classes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from gmstudio.gui.panels.layered import write
from gmstudio.gui.panels.plane_row import Plot
from gmstudio.gui.panels.point_colours import Colouring, draw_coloured
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import RunInfo

#: Width of the small picture of the data, and how many of its points are in it.
INSET, POINTS = 96.0, 500
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def paint_inset(painter: QPainter, rect: QRectF, theme: Theme, colouring: Colouring, info: RunInfo) -> None:
    """Draw the data of the plane small, coloured as their latent points are.

    Args:
        rect: where; its title stands in the line above it.
        colouring: of the rows of the data.
        info: of the run.
    """
    left, right, bottom, top = info.bounds
    aspect = (right - left) / (top - bottom)
    wide = min(rect.width() - 2, rect.height() * aspect)
    plot = Plot(QRectF(rect.left(), rect.top(), wide, wide / aspect), info.bounds)
    painter.fillRect(plot.rect, theme.colour("plot"))
    data = info.data[:POINTS, :2]
    draw_coloured(painter, plot, data, colouring, theme.colour("data"), 2.4)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(theme.pen("border"))
    painter.drawRect(plot.rect)
    painter.setPen(theme.colour("muted"))
    write(painter, QRectF(rect.left(), rect.top() - 17, rect.width(), 15), "Data", _LEFT)


def paint_classes(painter: QPainter, rect: QRectF, theme: Theme, colouring: Colouring) -> None:
    """List the classes with their colours; those for which there is no room are counted.

    Args:
        rect: where; the title stands in the line above it.
        colouring: with the names of the classes.
    """
    line = painter.fontMetrics().height() + 2.0
    room = max(1, int(rect.height() // line))
    names = colouring.names
    shown = len(names) if len(names) <= room else max(0, room - 1)
    painter.setPen(theme.colour("muted"))
    write(painter, QRectF(rect.left(), rect.top() - 17, rect.width(), 15), "Class", _LEFT)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for place, (name, colour) in enumerate(zip(names[:shown], colouring.colours, strict=False)):
        middle = rect.top() + (place + 0.5) * line
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(rect.left() + 5, middle), 4.0, 4.0)
        painter.setPen(theme.colour("text"))
        write(painter, QRectF(rect.left() + 14, middle - line / 2, rect.width() - 14, line), name, _LEFT)
    if shown < len(names):
        painter.setPen(theme.colour("muted"))
        under = QRectF(rect.left(), rect.top() + shown * line, rect.width(), line)
        write(painter, under, f"+ {len(names) - shown}", _LEFT)
