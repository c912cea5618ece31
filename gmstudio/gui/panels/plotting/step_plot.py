"""A pyqtgraph plot over the steps of a run: it follows the run until the person zooms or pans."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen

from gmstudio.gui.panels.chart import thin
from gmstudio.gui.panels.courses import Line, Span
from gmstudio.gui.panels.layered import small_font
from gmstudio.gui.panels.plotting.axis import StepAxis
from gmstudio.gui.panels.plotting.overlay import Level, Overlay, Reading, Ring
from gmstudio.gui.theme import Theme

Floats = NDArray[np.float64]
#: Milliseconds between two read-outs under a moving mouse.
HOVER = 33


class StepView(pg.ViewBox):  # type: ignore[misc]
    """The area inside the axes; the right button asks for a menu of ours."""

    wish_menu = Signal(QPoint)

    def mouseClickEvent(self, event: Any) -> None:
        """Act on the right button."""
        event.accept()
        if event.button() == Qt.MouseButton.RightButton:
            self.wish_menu.emit(event.screenPos().toPoint())


class StepCurve(pg.PlotCurveItem):  # type: ignore[misc]
    """A line that is thinned to the view, so that its bounds need not be searched for: they are the view's.

    Attributes:
        known: all that its picture depends on.
    """

    def __init__(self) -> None:
        self._bounds = QRectF()
        self.known: tuple[Any, ...] = ()
        super().__init__(antialias=True, skipFiniteCheck=True)

    def show_points(self, points: Floats, pen: QPen, bounds: QRectF) -> None:
        """Draw (N, 2) points, all of them about within `bounds`."""
        self._bounds = bounds
        self.setData(points[:, 0], points[:, 1], pen=pen)

    def boundingRect(self) -> QRectF:
        """The view that it was thinned for."""
        return self._bounds

    def dataBounds(self, *_: Any, **__: Any) -> tuple[None, None]:
        """Nothing: the view finds its limits elsewhere."""
        return None, None

    def pixelPadding(self) -> int:
        """None that matters."""
        return 0


class StepPlot(pg.PlotWidget):  # type: ignore[misc]
    """Lines over steps.

    Signals:
        following_changed(bool): whether the limits follow the run.
        menu_wanted(QPoint): the person asks for the menu, at this place of the screen.

    Attributes:
        overlay: what is painted over the lines.
        read: step -> what stands under the mouse there.
    """

    following_changed = Signal(bool)
    menu_wanted = Signal(QPoint)

    def __init__(self, theme: Theme) -> None:
        self.overlay = Overlay(theme)
        self.theme = theme
        self.read: Callable[[float], list[Reading]] = lambda step: []
        self.following = True
        self._axes = {side: StepAxis(side, theme, "step" if side == "bottom" else "") for side in ("left", "bottom")}
        self._view = StepView(enableMenu=False, defaultPadding=0.0)
        self._lines: list[Line] = []
        self._curves: list[StepCurve] = []
        self._home: tuple[Span, Span] = ((0.0, 1.0), (0.0, 1.0))
        self._logs = (False, False)
        self._bounded: tuple[Any, ...] = ()
        self._slack = 1.0
        self._ring = False
        super().__init__(viewBox=self._view, axisItems=self._axes)
        for axis in self._axes.values():
            # Behind the lines, since the grid belongs to the axes.
            axis.setZValue(-200)
        self._hover = QTimer(self)
        self._hover.setSingleShot(True)
        self._hover.setInterval(HOVER)
        self._hover.timeout.connect(self._repaint)
        self.setMinimumSize(120, 60)
        self.setCacheMode(pg.PlotWidget.CacheModeFlag.CacheNone)
        item = self.getPlotItem()
        item.hideButtons()
        item.layout.setContentsMargins(0, 6, 10, 1)
        item.setDownsampling(auto=True, mode="peak")
        item.setClipToView(True)
        self._view.disableAutoRange()
        self._view.sigRangeChanged.connect(self._ranged)
        self._view.sigRangeChangedManually.connect(self._moved)
        self._view.wish_menu.connect(self.menu_wanted)
        self.apply_theme(theme)

    # What is shown.

    def show_lines(self, lines: list[Line], x_span: Span, y_span: Span, logs: tuple[bool, bool], steps: int) -> None:
        """Draw lines.

        Args:
            lines: from the back to the front.
            x_span: the steps to show while following.
            y_span: the values to show while following, decimal logarithms where that axis is logarithmic.
            logs: whether the step axis and the value axis are logarithmic.
            steps: the planned length, which bounds zooming out.
        """
        if logs != self._logs:
            self._logs = logs
            self._axes["bottom"].set_logarithmic(logs[0])
            self._axes["left"].set_logarithmic(logs[1])
            self.following_changed.emit(self._set_following(True))
        self._lines = lines
        self._home = ((0.0, math.log10(x_span[1])) if logs[0] else x_span, y_span)
        self._bound(steps)
        if not (self.following and self._go_home()):
            self._draw_lines()
        self._repaint()

    def show_marks(self, levels: list[Level], rings: list[Ring], note: str) -> None:
        """Draw baselines, marked points, and a note where there is nothing else; at the next `show_lines`."""
        self.overlay.levels, self.overlay.rings, self.overlay.note = levels, rings, note

    def show_step(self, step: int | None) -> None:
        """Mark the step that is looked at."""
        if step != self.overlay.step:
            self.overlay.step = step
            self._repaint()

    @property
    def spans(self) -> tuple[Span, Span]:
        """What the axes span now, decimal logarithms where they are logarithmic."""
        (x0, x1), (y0, y1) = self._view.viewRange()
        return (float(x0), float(x1)), (float(y0), float(y1))

    def _go_home(self) -> bool:
        """Show all of it; whether that has changed anything, and so drawn the lines."""
        if self.spans == self._home:
            return False
        self._view.setRange(xRange=self._home[0], yRange=self._home[1], padding=0, disableAutoRange=False)
        return True

    def _bound(self, steps: int) -> None:
        """Keep zooming within what makes sense."""
        (x0, x1), (y0, y1) = self._home
        end = math.log10(max(steps, 2)) if self._logs[0] else float(steps)
        tall = 10.0 ** math.ceil(math.log10(max(y1 - y0, 1e-12)))
        bounded = (end, tall, self._logs)
        if bounded != self._bounded:
            self._bounded = bounded
            self._view.setLimits(
                xMin=-0.5 * end,
                xMax=1.5 * max(end, x1),
                minXRange=1e-3 if self._logs[0] else min(4.0, x1 - x0),
                minYRange=1e-5 * tall,
                maxYRange=1e3 * tall,
            )

    # Lines, thinned to the pixels.

    def _ranged(self, *_: Any) -> None:
        self._draw_lines()
        self._repaint()

    def _draw_lines(self) -> None:
        while len(self._curves) < len(self._lines):
            curve = StepCurve()
            self._curves.append(curve)
            self.addItem(curve, ignoreBounds=True)
        (x0, x1), (y0, y1) = self.spans
        bounds = QRectF(x0, y0 - (y1 - y0), x1 - x0, 3 * (y1 - y0))
        view = (self.spans, self._view.width(), self._logs, self._slack, self.theme.name)
        for index, curve in enumerate(self._curves):
            line = self._lines[index] if index < len(self._lines) else None
            known = (line.key if line is not None else None, view)
            if known == curve.known:
                continue
            curve.known = known
            points = self._thinned(line) if line is not None else None
            curve.setVisible(points is not None)
            if points is not None and line is not None:
                curve.show_points(points, self._pen(line), bounds)

    def _pen(self, line: Line) -> QPen:
        pen = self.theme.pen(self.theme.column(line.column))
        if line.faint:
            pen.setColor(self.theme.colour(self.theme.column(line.column), 0.28))
        if line.dashed:
            pen.setDashPattern([5, 3])
        return pen

    def _thinned(self, line: Line) -> Floats | None:
        """The visible part of a line in the axes' units; None where there is none."""
        (x0, x1), (y0, y1) = self.spans
        steps, values = line.steps, line.values
        first, last = (10.0**x if self._logs[0] else x for x in (x0, x1))
        start, stop = np.searchsorted(steps, (first, last), side="left")
        beyond = 1 if self._slack else 0
        part = slice(max(0, start - beyond), stop + 1 if self._slack else stop)
        steps, values = steps[part], values[part]
        good = np.isfinite(values) & (values > 0) if self._logs[1] else np.isfinite(values)
        if not good.all():
            steps, values = steps[good], values[good]
        if len(values) < 2:
            return None
        xs = np.log10(np.maximum(steps, 1.0)) if self._logs[0] else steps
        ys = np.log10(values) if self._logs[1] else values
        scale = max(self._view.width(), 1.0) / (x1 - x0)
        points = thin((xs - x0) * scale, ys)
        points[:, 0] = points[:, 0] / scale + x0
        # Far outside of the plot a line only costs time.
        slack = self._slack * (y1 - y0)
        points[:, 1] = np.clip(points[:, 1], y0 - slack, y1 + slack)
        return points

    # Following, or what the person chose.

    def _set_following(self, following: bool) -> bool:
        self.following = following
        return following

    def follow(self) -> None:
        """Show the whole run again, and what comes."""
        if not self.following:
            self.following_changed.emit(self._set_following(True))
        self._go_home()

    def _moved(self, *_: Any) -> None:
        if self.following:
            self.following_changed.emit(self._set_following(False))

    def zoom(self, factor: float) -> None:
        """Show `factor` times as many steps, around the middle."""
        self._view.scaleBy(x=factor)
        self._moved()

    def pan(self, share: float) -> None:
        """Move by a share of the width."""
        (x0, x1), _ = self.spans
        self._view.translateBy(x=share * (x1 - x0))
        self._moved()

    # Events.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Home follows; plus and minus zoom; the arrows pan."""
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Home:
            self.follow()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1 / 1.3)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1.3)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.pan(-0.1 if key == Qt.Key.Key_Left else 0.1)
        else:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu key; the mouse's own way is a click, since a drag with the right button zooms."""
        if event.reason() != QContextMenuEvent.Reason.Mouse:
            self.menu_wanted.emit(self.mapToGlobal(self.rect().center()))
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read the values under the mouse."""
        super().mouseMoveEvent(event)
        self.point_at(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Follow the run again."""
        super().mouseDoubleClickEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self.follow()

    def leaveEvent(self, event: QEvent) -> None:
        """Read no longer."""
        super().leaveEvent(event)
        self.point_at(None)

    def point_at(self, position: QPointF | None) -> None:
        """Show the values at a place of the widget; None for none."""
        inside = position is not None and self._view.sceneBoundingRect().contains(position)
        before, self.overlay.mouse = self.overlay.mouse, position if inside else None
        if (before is not None or inside) and not self._hover.isActive():
            self._hover.start()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show a frame to those who come by keyboard."""
        keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        self._ring = event.reason() in keys
        super().focusInEvent(event)
        self._repaint()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the frame."""
        super().focusOutEvent(event)
        self._repaint()

    def changeEvent(self, event: QEvent) -> None:
        """Letters have another size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and getattr(self, "plotItem", None) is not None:
            self._set_fonts()

    # Painting.

    def _repaint(self) -> None:
        self.viewport().update()

    def _set_fonts(self) -> None:
        for axis in self._axes.values():
            axis.setTickFont(small_font(self.font()))

    def apply_theme(self, theme: Theme) -> None:
        """Change colours."""
        self.theme = self.overlay.theme = theme
        self.setBackground(theme.colour("panel"))
        self._view.setBorder(theme.pen("border"))
        for axis in self._axes.values():
            axis.theme = theme
            axis.setTextPen(theme.colour("muted"))
            axis.redraw()
        self._set_fonts()
        self._draw_lines()
        self._repaint()

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Fill the panel, and the plot within it."""
        painter.fillRect(rect, self.theme.colour("panel"))
        painter.fillRect(self._view.sceneBoundingRect(), self.theme.colour("plot"))

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Paint baselines, marked points, the step and the read-out."""
        overlay = self.overlay
        overlay.place(self._view.sceneBoundingRect(), self.spans, self._logs)
        painter.setFont(self.font())
        overlay.paint(painter)
        if overlay.mouse is not None:
            step = overlay.step_at(overlay.mouse.x())
            overlay.paint_reading(painter, step, self.read(step))
        if self._ring and self.hasFocus():
            painter.setPen(self.theme.pen("accent"))
            painter.drawRect(QRectF(self.viewport().rect()).adjusted(0, 0, -1, -1))

    def paint_plot(self, painter: QPainter, target: QRectF, within: bool) -> None:
        """Draw everything but the read-out into a rectangle.

        Args:
            painter: of a picture or file.
            target: where.
            within: leave out what is outside the axes, for files that know no clipping.
        """
        mouse, self.overlay.mouse = self.overlay.mouse, None
        with self._cut() if within else _as_it_is():
            self.render(painter, target, self.viewport().rect(), Qt.AspectRatioMode.IgnoreAspectRatio)
        self.overlay.mouse = mouse

    @contextmanager
    def _cut(self) -> Iterator[None]:
        self._slack = 0.0
        self._draw_lines()
        try:
            yield
        finally:
            self._slack = 1.0
            self._draw_lines()


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield
