"""Numbers and names at the axes of plots of the plane, in the units of the data."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QFontMetricsF, QPainter

from gmstudio.gui.panels.layered import small_font
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.ticks import label, ticks
from gmstudio.gui.theme import Theme

LEFT, BOTTOM = 26.0, 14.0


def _units(link: PlaneLink, axis: int) -> tuple[float, float]:
    return (0.0, 1.0) if link.plane is None else link.plane.units(axis)


def left_room(link: PlaneLink, font: QFont) -> float:
    """Pixels for the numbers of the y axis: those of a column of a table may be long."""
    if link.plane is None:
        return LEFT
    zero, one = _units(link, 1)
    marks = ticks(zero + one * link.bounds[2], zero + one * link.bounds[3], 6)
    step = marks[1] - marks[0] if len(marks) > 1 else 1.0
    metrics = QFontMetricsF(small_font(font))
    return max([LEFT, *(metrics.horizontalAdvance(label(mark, step)) + 9.0 for mark in marks)])


def paint_axes(painter: QPainter, rect: QRectF, link: PlaneLink, theme: Theme, with_y: bool) -> None:
    """Write round numbers below a plot and, where asked for, at its left.

    Args:
        painter: with the font of the numbers.
        rect: of the plot.
        link: the view that it shows.
        theme: for the colours.
        with_y: whether the y axis has numbers.
    """
    (x0, x1), (y0, y1) = _units(link, 0), _units(link, 1)
    left, right, bottom, top = link.bounds
    text, line = theme.colour("muted"), theme.pen("axis")
    marks = ticks(x0 + x1 * left, x0 + x1 * right, max(2, min(6, int(rect.width() // 45))))
    step = marks[1] - marks[0] if len(marks) > 1 else right - left
    scale = rect.width() / (right - left)
    for value in marks:
        x = rect.left() + ((value - x0) / x1 - left) * scale
        painter.setPen(line)
        painter.drawLine(QPointF(x, rect.bottom()), QPointF(x, rect.bottom() + 3))
        painter.setPen(text)
        words = label(value, step)
        half = painter.fontMetrics().horizontalAdvance(words) / 2
        # Numbers at the very ends would run into those of the neighbours.
        if rect.left() <= x - half + 2 and x + half - 2 <= rect.right():
            here = QRectF(x - half - 1, rect.bottom() + 2, 2 * half + 2, BOTTOM - 2)
            painter.drawText(here, Qt.AlignmentFlag.AlignCenter, words)
    marks = ticks(y0 + y1 * bottom, y0 + y1 * top, max(2, min(6, int(rect.height() // 34)))) if with_y else []
    step = marks[1] - marks[0] if len(marks) > 1 else top - bottom
    room = left_room(link, painter.font()) if with_y and link.plane is not None else LEFT
    for value in marks:
        y = rect.bottom() - ((value - y0) / y1 - bottom) * rect.height() / (top - bottom)
        painter.setPen(line)
        painter.drawLine(QPointF(rect.left() - 3, y), QPointF(rect.left(), y))
        painter.setPen(text)
        here = QRectF(rect.left() - room, y - 8, room - 5, 16)
        painter.drawText(here, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, label(value, step))


def fitting_name(name: str, metrics: QFontMetrics, room: int) -> str:
    """A name, or a shorter one that says the same, or what there is room for of it.

    Args:
        metrics: of the letters.
        room: in pixels.
    """
    if metrics.horizontalAdvance(name) > room:
        # The direction of greatest variance is the first principal component.
        name = name.replace("Principal axis", "PC")
    return metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)


def paint_names(
    painter: QPainter, rect: QRectF, names: tuple[str, str], theme: Theme, font: QFont, with_y: bool
) -> None:
    """Write what runs along the axes into the corners of a plot, where there is room.

    Args:
        painter: anything.
        rect: of the plot.
        names: of x and y.
        theme: for the colours.
        font: of the letters.
        with_y: whether to name the y axis.
    """
    if rect.width() < 90 or rect.height() < 60:
        return
    painter.save()
    painter.setFont(font)
    metrics = painter.fontMetrics()
    for axis in (0, 1) if with_y else (0,):
        name = fitting_name(names[axis], metrics, int(rect.width() * 0.7))
        box = QRectF(0, 0, metrics.horizontalAdvance(name) + 8.0, metrics.height() + 1.0)
        if axis == 0:
            box.moveBottomRight(QPointF(rect.right() - 2, rect.bottom() - 2))
        else:
            box.moveTopLeft(QPointF(rect.left() + 2, rect.top() + 2))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("raised", 0.8))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(theme.colour("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)
    painter.restore()
