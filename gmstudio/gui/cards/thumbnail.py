"""A small picture of a schedule."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.gui.theme import themes
from gmstudio.mollification.base import ScheduleSpec


class Thumbnail(QWidget):
    """gamma over the whole training, small."""

    def __init__(self, schedule: ScheduleSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._schedule = schedule
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_schedule(schedule)

    def show_schedule(self, schedule: ScheduleSpec) -> None:
        """Draw another schedule."""
        self._schedule = schedule
        blur = schedule.by == "blur"
        self.setAccessibleName("Blur over the training" if blur else "Noise variance over the training")
        self.setToolTip(
            "How far the blur is from the start to the end of the training: 1 is as wide as the image"
            if blur
            else "Noise variance σ² from the start to the end of the training"
        )
        self.setAccessibleDescription(self.words())
        self.update()

    def words(self) -> str:
        """The curve in words."""
        if self._schedule.off:
            return "No noise."
        start, middle, end = self._schedule.variance(np.array([0.0, 0.5, 1.0]))
        if self._schedule.by == "blur":
            return f"Blur: {start:.2g} of its range at the start, {middle:.2g} half way, {end:.2g} at the end."
        return f"Noise variance {start:.2g} at the start, {middle:.2g} half way, {end:.2g} at the end."

    @property
    def _letters(self) -> str:
        return "blur(t)" if self._schedule.by == "blur" else "σ²(t)"

    def sizeHint(self) -> QSize:
        """A strip."""
        return QSize(120, 54)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axis, area and curve."""
        theme = themes().current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.pen("grid"))
        painter.setBrush(theme.colour("plot"))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, 5, 5)
        inside = frame.adjusted(7, 7, -7, -7)
        u = np.linspace(0.0, 1.0, 97)
        sigma2 = self._schedule.variance(u)
        x = inside.left() + u * inside.width()
        y = inside.bottom() - sigma2 * inside.height()
        curve = QPainterPath()
        curve.addPolygon(QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]))
        area = QPainterPath(curve)
        area.lineTo(inside.bottomRight())
        area.lineTo(inside.bottomLeft())
        token = "muted" if self._schedule.off else "mollified"
        painter.fillPath(area, theme.colour(token, 0.16))
        painter.setPen(theme.pen("border"))
        painter.drawLine(inside.bottomLeft(), inside.bottomRight())
        painter.setPen(theme.pen(token, 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(curve)
        painter.setPen(theme.colour("muted"))
        font = painter.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() - 1.5))
        painter.setFont(font)
        painter.drawText(inside, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight, self._letters)
        painter.end()
