"""The canvas: shows a drawing and turns the pen's way into commands."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.gui.drawing.document import DrawingCommand, DrawingDocument, merged
from gmstudio.gui.drawing.render import coverage, tinted
from gmstudio.gui.drawing.tools import TOOLS, Brush, Outline, Pen, Position, Tool, symmetric
from gmstudio.gui.theme import Theme, themes

MIN_RADIUS, MAX_RADIUS = 0.05, 2.0
EMPTY = "Draw here"
EMPTY_MORE = "Brush (B), line (L), ring (R), blob (G) — or drop a picture"


class Canvas(QWidget):
    """A square of the plane on which points are drawn.

    Args:
        seed: of the tools' randomness.
    """

    #: Within a stroke: the drawing has changed.
    drawn = Signal()
    #: A stroke has ended: its merged command and the drawing before it.
    stroked = Signal(object, object, str)
    #: The person chose a tool or a radius by key.
    tool_chosen = Signal(str)
    radius_chosen = Signal(float)

    def __init__(self, seed: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setAccessibleName("Drawing canvas")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 160)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        generator = np.random.default_rng(seed)
        self.tools: dict[str, Tool] = {tool.name: tool(generator) for tool in TOOLS}
        self.tool: Tool = self.tools[Brush.name]
        self.pen = Pen()
        self.folds = 1
        self._document = DrawingDocument()
        self._before: DrawingDocument | None = None
        self._stroke: DrawingCommand | None = None
        self._pointer: Position | None = None
        self._layer: QImage | None = None
        self._theme: Theme = themes().current

    @property
    def document(self) -> DrawingDocument:
        """What is drawn."""
        return self._document

    @document.setter
    def document(self, document: DrawingDocument) -> None:
        self._document = document
        self._layer = None
        noun = "point" if len(document) == 1 else "points"
        self.setAccessibleDescription(f"{len(document):,} {noun}")
        self.update()

    @property
    def stroking(self) -> bool:
        """Whether the pen is down."""
        return self._before is not None

    def choose(self, name: str) -> None:
        """Take another tool; a stroke that is being made ends."""
        self._finish()
        self.tool = self.tools[name]
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Paint in other colours."""
        self._theme = theme
        self._layer = None
        self.update()

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(320, 320)

    def frame(self) -> QRectF:
        """The square of the widget that shows the canvas, in its pixels."""
        left, right, bottom, top = self._document.bounds
        scale = min((self.width() - 2) / (right - left), (self.height() - 2) / (top - bottom))
        width, height = scale * (right - left), scale * (top - bottom)
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    @property
    def scale(self) -> float:
        """Pixels for each unit of the data."""
        left, right, _, _ = self._document.bounds
        return self.frame().width() / (right - left)

    def to_data(self, at: QPointF) -> Position:
        """The place in the plane under a pixel; also outside the canvas."""
        left, _, _, top = self._document.bounds
        frame = self.frame()
        return left + (at.x() - frame.left()) / self.scale, top - (at.y() - frame.top()) / self.scale

    def to_pixel(self, at: Position) -> QPointF:
        """The pixel of a place."""
        left, _, _, top = self._document.bounds
        frame = self.frame()
        return QPointF(frame.left() + (at[0] - left) * self.scale, frame.top() + (top - at[1]) * self.scale)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a stroke."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._before, self._stroke = self._document, None
        at = self._pointer = self.to_data(event.position())
        self._do(self.tool.press(at, self.pen, self._document))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with the stroke, or show the pointer."""
        at = self._pointer = self.to_data(event.position())
        if self.stroking:
            self._do(self.tool.move(at, self.pen, self._document))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the stroke."""
        if event.button() == Qt.MouseButton.LeftButton and self.stroking:
            self._do(self.tool.release(self.to_data(event.position()), self.pen, self._document))
            self._finish()

    def leaveEvent(self, event: QEvent) -> None:
        """No pointer any more."""
        self._pointer = None
        self.update()

    def event(self, event: QEvent) -> bool:
        """Take the tools' letters before the window's shortcuts do."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            mine = event.text().upper() in {tool.key for tool in TOOLS} | {"[", "]"}
            if mine and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tools by letter, the radius by brackets; Escape gives up the stroke."""
        text = event.text().upper()
        for tool in TOOLS:
            if text == tool.key and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.tool_chosen.emit(tool.name)
                return
        if text in ("[", "]"):
            factor = 1.25 if text == "]" else 0.8
            self.radius_chosen.emit(min(MAX_RADIUS, max(MIN_RADIUS, self.pen.radius * factor)))
        elif event.key() == Qt.Key.Key_Escape and self.stroking:
            self.cancel()
        else:
            super().keyPressEvent(event)

    def cancel(self) -> None:
        """Give up the stroke that is being made."""
        if self._before is not None:
            self.document, self._before, self._stroke = self._before, None, None
            self.drawn.emit()

    def _do(self, command: DrawingCommand | None) -> None:
        command = symmetric(command, self.folds)
        if command is None:
            self.update()
            return
        self.document = command.apply(self._document)
        self._stroke = command if self._stroke is None else merged(self._stroke, command)
        self.drawn.emit()

    def _finish(self) -> None:
        before, stroke = self._before, self._stroke
        self._before = self._stroke = None
        self.update()
        if before is not None and stroke is not None and not np.array_equal(before.points, self._document.points):
            self.stroked.emit(stroke, before, self.tool.title)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw the points anew."""
        self._layer = None
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Grid, points, tool."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("panel"))
        frame = self.frame()
        painter.fillRect(frame, self._theme.colour("plot"))
        self._paint_grid(painter, frame)
        if len(self._document):
            painter.drawImage(frame.topLeft(), self._points_layer(frame))
        elif not self.stroking:
            self._paint_empty(painter, frame)
        painter.setClipRect(frame)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_tool(painter)
        painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._theme.pen("accent" if self.hasFocus() else "border"))
        painter.drawRect(frame.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _paint_grid(self, painter: QPainter, frame: QRectF) -> None:
        left, right, bottom, top = self._document.bounds
        for x in range(math.ceil(left), math.floor(right) + 1):
            painter.setPen(self._theme.pen("border" if x == 0 else "grid"))
            at = self.to_pixel((x, 0)).x()
            painter.drawLine(QPointF(at, frame.top()), QPointF(at, frame.bottom()))
        for y in range(math.ceil(bottom), math.floor(top) + 1):
            painter.setPen(self._theme.pen("border" if y == 0 else "grid"))
            at = self.to_pixel((0, y)).y()
            painter.drawLine(QPointF(frame.left(), at), QPointF(frame.right(), at))

    def _points_layer(self, frame: QRectF) -> QImage:
        if self._layer is None:
            ratio = self.devicePixelRatioF()
            left, _, _, top = self._document.bounds
            scale = self.scale * ratio
            points = self._document.points
            pixels = np.stack([(points[:, 0] - left) * scale, (top - points[:, 1]) * scale], axis=1)
            width, height = max(1, round(frame.width() * ratio)), max(1, round(frame.height() * ratio))
            # A point on the very border belongs to the last pixel.
            pixels = np.minimum(pixels, np.array([width - 1, height - 1], dtype=np.float32))
            dot = (1.3 if len(points) < 20_000 else 0.7) * ratio
            self._layer = tinted(coverage(pixels, width, height, dot), self._theme.colour("data"))
            self._layer.setDevicePixelRatio(ratio)
        return self._layer

    def _paint_empty(self, painter: QPainter, frame: QRectF) -> None:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.5)
        font.setBold(True)
        painter.setPen(self._theme.colour("muted"))
        painter.setFont(font)
        middle = frame.center().y()
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(
            QRectF(frame.left(), middle - 40, frame.width(), 34), Qt.AlignmentFlag.AlignCenter.value, EMPTY
        )
        painter.setFont(self.font())
        below = QRectF(frame.left() + 20, middle + 2, max(1.0, frame.width() - 40), frame.height() / 2 - 4)
        painter.drawText(below, int(flags), EMPTY_MORE)

    def _paint_tool(self, painter: QPainter) -> None:
        outline = self.tool.outline(self.pen) if self.stroking else None
        if outline is not None:
            self._paint_outline(painter, outline)
        elif self._pointer is not None and self.tool.round:
            self._circle(painter, self._pointer, self.pen.radius)

    def _paint_outline(self, painter: QPainter, outline: Outline) -> None:
        if outline.kind == "line":
            painter.setPen(self._theme.pen("accent", 1.4))
            painter.drawLine(self.to_pixel(outline.start), self.to_pixel(outline.end))
            self._circle(painter, outline.start, outline.radius)
            self._circle(painter, outline.end, outline.radius)
        else:
            self._circle(painter, outline.start, outline.radius)

    def _circle(self, painter: QPainter, at: Position, radius: float) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._theme.pen("accent", 1.4))
        reach = radius * self.scale
        painter.drawEllipse(self.to_pixel(at), reach, reach)
