"""A widget whose picture is kept, so that what moves over it (crosshair, step line) costs no redrawing."""

from __future__ import annotations

import os
import time

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF, Qt, QTimer
from PySide6.QtGui import QColor, QFocusEvent, QFont, QPaintEngine, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from gmstudio.gui.theme import Theme, themes

# Qt hands large fills to threads of its own and waits for them; beside a training that fills every core that waiting
# takes longer than the fill.  Qt reads this at the first fill.
os.environ.setdefault("QT_NO_GUI_THREADPOOL", "1")


def small_font(base: QFont, less: float = 1.5, bold: bool = False) -> QFont:
    """A font some points smaller than `base`, never below 6.5."""
    font = QFont(base)
    font.setPointSizeF(max(6.5, (base.pointSizeF() if base.pointSizeF() > 0 else 9.0) - less))
    font.setBold(bold)
    return font


def write(painter: QPainter, rect: QRectF, text: str, align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignCenter) -> None:
    """Write a line into a rectangle, shortened by an ellipsis where it is too long."""
    metrics = painter.fontMetrics()
    if metrics.horizontalAdvance(text) > rect.width():
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(rect.width()))
    painter.drawText(rect, align.value | Qt.TextFlag.TextSingleLine.value, text)


def bubble(
    painter: QPainter,
    theme: Theme,
    font: QFont,
    room: QRectF,
    at: QPointF,
    text: str,
    colour: QColor | None = None,
) -> None:
    """Write a short text, of one line or several, in a box beside a point, kept inside a rectangle.

    Args:
        font: the widget's; the letters are a little smaller.
        room: where the box may stand.
        at: the point; its box is above it and to the right where there is room.
        colour: of the letters; that of text where None.
    """
    painter.setFont(small_font(font, 1.0))
    words = painter.fontMetrics().boundingRect(QRect(), Qt.AlignmentFlag.AlignLeft.value, text)
    box = QRectF(0, 0, words.width() + 11, words.height() + 5)
    box.moveTopLeft(QPointF(at.x() + 8, at.y() - box.height() - 6))
    if box.right() > room.right():
        box.moveRight(at.x() - 8)
    box.moveLeft(max(box.left(), room.left() + 1))
    box.moveTop(min(max(box.top(), room.top() + 1), room.bottom() - box.height()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(theme.pen("border"))
    painter.setBrush(theme.colour("raised", 0.94))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(colour or theme.colour("text"))
    flags = Qt.AlignmentFlag.AlignLeft.value | Qt.AlignmentFlag.AlignVCenter.value
    painter.drawText(box.adjusted(5, 0, 0, 0), flags, text)


def for_svg(painter: QPainter) -> bool:
    """Whether this goes into an SVG, which knows no clipping: what is outside must not be drawn at all."""
    return bool(painter.paintEngine().type() == QPaintEngine.Type.SVG)


class Layered(QWidget):
    """Base of plots: `paint_base` draws what is kept, `paint_overlay` what moves over it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme: Theme = themes().current
        self._kept: QPixmap | None = None
        self._ring = False
        self._refreshed = 0.0
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.timeout.connect(self.refresh)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        """Draw what is kept until `refresh`, on a background that is already filled."""

    def paint_overlay(self, painter: QPainter, size: QSizeF) -> None:
        """Draw what moves over the kept picture."""

    def refresh(self) -> None:
        """Draw everything anew, once, when the widget is painted next; costs nothing while it is hidden."""
        self._kept = None
        self._refreshed = time.monotonic()
        self._calm.stop()
        self.update()

    def refresh_calmly(self, seconds: float = 0.12) -> None:
        """Like `refresh`, but at most once in so many seconds: digits that change faster cannot be read anyway."""
        left = self._refreshed + seconds - time.monotonic()
        if left <= 0 or not self.isVisible():
            self.refresh()
        elif not self._calm.isActive():
            self._calm.start(max(1, round(1000 * left)))

    def apply_theme(self, theme: Theme) -> None:
        """Change colours."""
        self.theme = theme
        self.refresh()

    def paint_all(self, painter: QPainter, size: QSizeF, overlay: bool = True) -> None:
        """Draw everything, for a file: no kept picture is used, so that lines and text stay lines and text."""
        painter.fillRect(QRectF(0, 0, size.width(), size.height()), self.theme.colour("panel"))
        painter.setFont(self.font())
        painter.save()
        self.paint_base(painter, size)
        painter.restore()
        if overlay:
            self.paint_overlay(painter, size)

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        size = self.size() * ratio
        if self._kept is None or self._kept.size() != size or self._kept.devicePixelRatio() != ratio:
            self._kept = QPixmap(size)
            self._kept.setDevicePixelRatio(ratio)
            self._kept.fill(self.theme.colour("panel"))
            with QPainter(self._kept) as base:
                base.setFont(self.font())
                self.paint_base(base, QSizeF(self.size()))
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._kept)
            painter.setFont(self.font())
            self.paint_overlay(painter, QSizeF(self.size()))
            if self._ring and self.hasFocus():
                painter.setPen(self.theme.pen("accent"))
                painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def focusInEvent(self, event: QFocusEvent) -> None:
        # The frame is for those who come by keyboard; after a click it would only be in the way.
        keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        self._ring = event.reason() in keys
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
