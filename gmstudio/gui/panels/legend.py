"""Colour bars with numbers."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter

from gmstudio.gui.panels.layered import for_svg, write
from gmstudio.gui.panels.strokes import from_pixels, lookup
from gmstudio.gui.panels.ticks import label, ticks
from gmstudio.gui.theme import Table, Theme

#: Pixels that a colour bar needs at the right of the plots.
BAR_SIDE = 46.0


def colour_bar(
    painter: QPainter,
    rect: QRectF,
    theme: Theme,
    table: Table,
    limits: tuple[float, float],
    title: str,
    marks: list[tuple[float, str]] | None = None,
) -> None:
    """Draw a colour bar with its title above and numbers at its right.

    Args:
        rect: where; its title stands in the line above it.
        limits: the values at the lower and upper end.
        title: what is measured, in a few letters.
        marks: values and their texts; round numbers where None.
    """
    low, high = limits
    bar = QRectF(rect.left(), rect.top(), 9, rect.height())
    column = lookup(table)[::-1].reshape(256, 1)
    painter.drawImage(bar, from_pixels(np.ascontiguousarray(column), QImage.Format.Format_RGB32))
    painter.setPen(theme.pen("border"))
    painter.drawRect(bar)
    if marks is None:
        values = ticks(low, high, max(2, int(rect.height() // 36)))
        step = values[1] - values[0] if len(values) > 1 else high - low
        marks = [(value, label(value, step)) for value in values]
    line, text = theme.pen("axis"), theme.colour("muted")
    for value, words in marks:
        y = bar.bottom() - (value - low) / max(high - low, 1e-12) * bar.height()
        painter.setPen(line)
        painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 3, y))
        painter.setPen(text)
        y = min(max(y, rect.top() + 5), rect.bottom() - 5)
        write(painter, QRectF(bar.right() + 5, y - 8, rect.right() - bar.right() - 5, 16), words, LEFT_MIDDLE)
    painter.setPen(text)
    write(painter, QRectF(rect.left(), rect.top() - 17, rect.width(), 15), title, LEFT_MIDDLE)


def draw_inside(painter: QPainter, area: QRectF, plot: QRectF, image: QImage) -> None:
    """Draw an image that covers `area`, cut to the plot."""
    target = area.intersected(plot)
    if target.isEmpty():
        return
    across, down = image.width() / area.width(), image.height() / area.height()
    source = QRectF(
        (target.left() - area.left()) * across,
        (target.top() - area.top()) * down,
        target.width() * across,
        target.height() * down,
    )
    if for_svg(painter):
        # An SVG takes whole images only: cut out the cells that are in sight.
        cells = source.toAlignedRect().intersected(image.rect())
        image = image.copy(cells)
        source = QRectF(0, 0, cells.width(), cells.height())
        size = QSizeF(cells.width() / across, cells.height() / down)
        target = QRectF(QPointF(area.left() + cells.left() / across, area.top() + cells.top() / down), size)
    painter.drawImage(target, image, source)


LEFT_MIDDLE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
