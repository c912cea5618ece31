"""A row of plots of the plane, one for each column, with equal scales, zoomed and panned together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QCursor,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.data.base import Bounds
from gmstudio.gui.panels.age import NOTES
from gmstudio.gui.panels.layered import Layered, small_font, write
from gmstudio.gui.panels.plane_axes import BOTTOM, LEFT, left_room, paint_axes, paint_names
from gmstudio.gui.panels.plane_link import PlaneLink, Point

HEADER, GAP, EDGE = 17.0, 6.0, 4.0


@dataclass(frozen=True)
class Plot:
    """Where one plot stands and which part of the plane it shows."""

    rect: QRectF
    bounds: Bounds

    @property
    def scale(self) -> float:
        """Pixels to one unit of the data, along both axes."""
        return self.rect.width() / (self.bounds[1] - self.bounds[0])

    def pixels(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Where points (..., 2) of the plane are on the widget."""
        result = np.asarray(points, dtype=np.float64) - (self.bounds[0], self.bounds[3])
        result *= (self.scale, -self.rect.height() / (self.bounds[3] - self.bounds[2]))
        result += (self.rect.left(), self.rect.top())
        return result

    def at(self, point: Point) -> QPointF:
        """Where a point of the plane is on the widget."""
        x, y = self.pixels(np.array(point))
        return QPointF(float(x), float(y))

    def point(self, position: QPointF) -> Point:
        """Which point of the plane is at a position of the widget."""
        left, right, bottom, top = self.bounds
        x = left + (position.x() - self.rect.left()) / self.rect.width() * (right - left)
        y = top - (position.y() - self.rect.top()) / self.rect.height() * (top - bottom)
        return x, y

    def area(self, bounds: Bounds) -> QRectF:
        """Where a rectangle of the plane is on the widget."""
        return QRectF(self.at((bounds[0], bounds[3])), self.at((bounds[1], bounds[2])))


@dataclass(frozen=True)
class Heading:
    """What stands over one plot: a title in the colour of a theme's token, and a muted note at the right."""

    title: str
    token: str
    note: str = ""


def arrange(count: int, size: QSizeF, aspect: float, side: float, left: float = LEFT) -> list[QRectF]:
    """Where `count` plots of width / height `aspect` stand, in as many lines as make them largest.

    Args:
        size: of the widget.
        side: pixels kept free at the right for a legend.
        left: pixels kept free at the left for numbers.
    """
    if count < 1:
        return []
    best: tuple[float, int] = (-math.inf, 1)
    for lines in range(1, count + 1):
        width, height = _room(count, lines, size, side + left - LEFT)
        best = max(best, (min(width, height * aspect), -lines))
    lines = -best[1]
    per_line = math.ceil(count / lines)
    # Whole pixels: pictures of the plots' own size are then copied and not resampled.
    width = float(math.floor(max(best[0], 8.0)))
    height = float(max(1, round(width / aspect)))
    used = left + per_line * width + (per_line - 1) * GAP + side + EDGE
    x0 = left + math.floor(max(0.0, (size.width() - used) / 2))
    y0 = HEADER + math.floor(max(0.0, (size.height() - lines * (height + HEADER + BOTTOM)) / 2))
    return [
        QRectF(x0 + (k % per_line) * (width + GAP), y0 + (k // per_line) * (height + HEADER + BOTTOM), width, height)
        for k in range(count)
    ]


def _room(count: int, lines: int, size: QSizeF, side: float) -> tuple[float, float]:
    per_line = math.ceil(count / lines)
    width = (size.width() - LEFT - side - EDGE - (per_line - 1) * GAP) / per_line
    return width, size.height() / lines - HEADER - BOTTOM


class PlaneRow(Layered):
    """Plots of the plane side by side.

    Wheel: zoom about the mouse. Drag: pan. Double click or Home: home view. Arrow keys pan, + and - zoom, with Shift
    the arrow keys move the crosshair.

    Args:
        draw: draws the contents of the plot with a given index; it is clipped to the plot.
        legend: draws the legend in the given rectangle, `side` pixels wide; not called where `side` is 0.
    """

    menu_wanted = Signal(object)

    def __init__(
        self,
        draw: Callable[[QPainter, int, Plot], None],
        legend: Callable[[QPainter, QRectF], None] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._draw = draw
        self._legend = legend
        self._headings: tuple[Heading, ...] = ()
        self.side = 0.0
        self.hint = ""
        self._ground_kept: tuple[object, QPixmap] | None = None
        self._grabbed: tuple[Plot, Point] | None = None
        self.link = PlaneLink(self)
        self._connect(True)
        self.setMinimumSize(120, 90)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def set_link(self, link: PlaneLink) -> None:
        """Share the view and the crosshair with the other plots of the window."""
        self._connect(False)
        self.link = link
        self._connect(True)
        self.refresh()

    def _connect(self, on: bool) -> None:
        pairs = (
            (self.link.bounds_changed, self._moved),
            (self.link.plane_changed, self._moved),
            (self.link.probe_moved, self._probed),
        )
        for signal, slot in pairs:
            if on:
                signal.connect(slot)
            else:
                signal.disconnect(slot)

    @property
    def headings(self) -> tuple[Heading, ...]:
        """What stands over the plots; there are as many plots as headings."""
        return self._headings

    def set_headings(self, headings: tuple[Heading, ...]) -> None:
        """Change the plots' headings, and with them the number of plots."""
        if headings != self._headings:
            self._headings = headings
            self.refresh()

    def plots(self, size: QSizeF | None = None) -> list[Plot]:
        """The plots as they stand on the widget, or on a picture of the given size."""
        left, right, bottom, top = self.link.bounds
        aspect = (right - left) / (top - bottom)
        rects = arrange(
            len(self._headings), size or QSizeF(self.size()), aspect, self.side, left_room(self.link, self.font())
        )
        return [Plot(rect, self.link.bounds) for rect in rects]

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        plots = self.plots(size)
        if not plots:
            self._paint_hint(painter, QRectF(0, 0, size.width(), size.height()))
            return
        if isinstance(painter.device(), QPixmap):
            painter.drawPixmap(0, 0, self._ground(plots, size))
        else:
            self._paint_ground(painter, plots)
        axis_font = small_font(self.font())
        for index, plot in enumerate(plots):
            painter.save()
            painter.setClipRect(plot.rect)
            self._draw(painter, index, plot)
            painter.restore()
            painter.setPen(self.theme.pen("border"))
            painter.drawRect(plot.rect)
            if self.link.plane is not None:
                first = plot.rect.left() <= plots[0].rect.left() + 1
                paint_names(painter, plot.rect, self.link.plane.names, self.theme, axis_font, with_y=first)
            self._paint_note(painter, plot, self._headings[index], axis_font)
        if self.side and self._legend is not None:
            last = plots[-1].rect if len(plots) == 1 else max((p.rect for p in plots), key=lambda r: r.right())
            painter.setFont(axis_font)
            tall = QRectF(last.right() + GAP, plots[0].rect.top(), self.side - GAP, plots[0].rect.height())
            self._legend(painter, tall)
        if self.hint:
            self._paint_hint(painter, QRectF(0, 0, size.width(), size.height()))

    def _ground(self, plots: list[Plot], size: QSizeF) -> QPixmap:
        """Axes and titles, kept: text is the dearest part of a frame, and only a zoom changes it."""
        titles = tuple((heading.title, heading.token) for heading in self._headings)
        look = (self.theme.name, self.font().key(), self.link.plane)
        key = (size.toTuple(), self.devicePixelRatioF(), plots, titles, look)
        if self._ground_kept is None or self._ground_kept[0] != key:
            pixmap = QPixmap((size * self.devicePixelRatioF()).toSize())
            pixmap.setDevicePixelRatio(self.devicePixelRatioF())
            pixmap.fill(self.theme.colour("panel"))
            with QPainter(pixmap) as painter:
                painter.setFont(self.font())
                self._paint_ground(painter, plots)
            self._ground_kept = (key, pixmap)
        return self._ground_kept[1]

    def _paint_ground(self, painter: QPainter, plots: list[Plot]) -> None:
        bold = small_font(self.font(), 0.5, bold=True)
        for heading, plot in zip(self._headings, plots, strict=True):
            painter.fillRect(plot.rect, self.theme.colour("plot"))
            rect = QRectF(plot.rect.left(), plot.rect.top() - HEADER, plot.rect.width(), HEADER - 2)
            painter.setFont(bold)
            painter.setPen(self.theme.colour(heading.token))
            write(painter, rect, heading.title, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
            painter.setFont(small_font(self.font()))
            paint_axes(painter, plot.rect, self.link, self.theme, with_y=plot.rect.left() <= plots[0].rect.left() + 1)

    def _paint_note(self, painter: QPainter, plot: Plot, heading: Heading, font: QFont) -> None:
        if not heading.note:
            return
        taken = QFontMetricsF(small_font(font, 0.0, bold=True)).horizontalAdvance(heading.title) + 16
        if taken < plot.rect.width():
            rect = QRectF(plot.rect.left(), plot.rect.top() - HEADER, plot.rect.width(), HEADER - 2)
            painter.setFont(font)
            painter.setPen(self.theme.colour("muted"))
            align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            note, room = heading.note, rect.adjusted(taken, 0, 0, 0)
            while NOTES in note and painter.fontMetrics().horizontalAdvance(note) > room.width():
                note = note.partition(NOTES)[2]
            write(painter, room, note, align)

    def _paint_hint(self, painter: QPainter, area: QRectF) -> None:
        metrics = painter.fontMetrics()
        flags = Qt.AlignmentFlag.AlignCenter.value | Qt.TextFlag.TextWordWrap.value
        room = area.adjusted(16, 8, -16, -8)
        text = QRectF(metrics.boundingRect(room.toRect(), flags, self.hint)).adjusted(-10, -5, 10, 5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.theme.pen("border"))
        painter.setBrush(self.theme.colour("raised", 0.92))
        painter.drawRoundedRect(text, 6, 6)
        painter.setPen(self.theme.colour("muted"))
        painter.drawText(room, flags, self.hint)

    def paint_overlay(self, painter: QPainter, size: QSizeF) -> None:
        probe = self.link.probe
        if probe is None or not self.link.hovering:
            return
        pen = self.theme.pen("text")
        pen.setColor(self.theme.colour("marker"))
        painter.setPen(pen)
        for plot in self.plots(size):
            at = plot.at(probe)
            if not plot.rect.contains(at):
                continue
            # A gap in the middle leaves the point itself in sight.
            for a, b in (((-1e4, 0.0), (-4.0, 0.0)), ((4.0, 0.0), (1e4, 0.0))):
                start = max(plot.rect.left(), at.x() + a[0]), min(plot.rect.right(), at.x() + b[0])
                painter.drawLine(QPointF(start[0], at.y()), QPointF(start[1], at.y()))
                start = max(plot.rect.top(), at.y() + a[0]), min(plot.rect.bottom(), at.y() + b[0])
                painter.drawLine(QPointF(at.x(), start[0]), QPointF(at.x(), start[1]))

    def _moved(self, _bounds: object) -> None:
        self.refresh()

    def _probed(self, _point: object) -> None:
        self.update()

    def _under(self, position: QPointF) -> Plot | None:
        return next((plot for plot in self.plots() if plot.rect.contains(position)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        plot = self._under(event.position())
        if plot is not None and event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._grabbed = (plot, plot.point(event.position()))
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grabbed = None
        self.setCursor(Qt.CursorShape.CrossCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.link.go_home()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is not None:
            rect, held = self._grabbed[0].rect, self._grabbed[1]
            here = Plot(rect, self.link.bounds).point(event.position())
            self.link.pan(held[0] - here[0], held[1] - here[1])
            return
        plot = self._under(event.position())
        self.link.set_probe(plot.point(event.position()) if plot is not None else None)

    def leaveEvent(self, event: QEvent) -> None:
        self.link.set_probe(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        plot = self._under(event.position())
        turned = event.angleDelta().y() or event.angleDelta().x()
        if plot is None or not turned:
            event.ignore()
            return
        self.link.zoom(1.0 / 1.2 ** (turned / 120.0), plot.point(event.position()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        left, right, bottom, top = self.link.bounds
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }
        key = Qt.Key(event.key())
        if key in steps:
            dx, dy = steps[key][0] * (right - left), steps[key][1] * (top - bottom)
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                x, y = self.link.probe or ((left + right) / 2, (bottom + top) / 2)
                self.link.set_probe((x + dx / 50, y + dy / 50))
            else:
                self.link.pan(dx / 10, dy / 10)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.link.zoom(1 / 1.2)
        elif key == Qt.Key.Key_Minus:
            self.link.zoom(1.2)
        elif key == Qt.Key.Key_Home:
            self.link.go_home()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("Home view"), self.link.go_home).setEnabled(not self.link.at_home)
        menu.addAction(self.tr("Zoom in"), self._zoom_in)
        menu.addAction(self.tr("Zoom out"), self._zoom_out)
        self.menu_wanted.emit(menu)
        menu.popup(event.globalPos() if event.reason() == QContextMenuEvent.Reason.Mouse else QCursor.pos())

    def _zoom_in(self) -> None:
        self.link.zoom(1 / 1.5)

    def _zoom_out(self) -> None:
        self.link.zoom(1.5)
