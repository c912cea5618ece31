"""The curves of schedules over the training, their axes, and what they make of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter, QPen

from gmstudio.gui.panels.chart import LEFT, RIGHT, Chart
from gmstudio.gui.panels.layered import small_font
from gmstudio.gui.panels.schedule_blur import TIMES, Preview, told, width_marks
from gmstudio.gui.panels.ticks import short
from gmstudio.mollification.base import ScheduleSpec

#: Shares of the training at which curves are drawn.
SHARES: NDArray[np.float64] = np.linspace(0.0, 1.0, 401)
#: Differences of the variance below this cannot be seen.
VISIBLE = 0.01
#: Pixels for a second axis, and of the largest preview.
SECOND, LARGEST = 26.0, 44.0
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

Curve = NDArray[np.float64]


class ScheduleCurves(Chart):
    """Curves of all columns: noise variances, and blurs as far as their logarithm has fallen."""

    x_title = "t / T"

    def __init__(self) -> None:
        super().__init__()
        self.titles: tuple[str, ...] = ()
        self.specs: tuple[ScheduleSpec, ...] = ()
        self.planned: tuple[Curve, ...] = ()
        self.happened: tuple[Curve, ...] = ()
        self.now: float | None = None
        self.active = 0
        #: What columns are mollified by as long as there are no schedules.
        self.by: tuple[str, ...] = ()
        #: The longer side of the images, in pixels; 0 where it is not known.
        self.side = 0
        self.preview: Preview | None = None
        self.y_span = (0.0, 1.04)

    def blurred(self, column: int) -> bool:
        """Whether a column is mollified by a blur."""
        by = self.specs[column].by if column < len(self.specs) else next(iter(self.by[column : column + 1]), "noise")
        return by == "blur"

    def kinds(self) -> set[bool]:
        """Whether there are columns with noise (False) and with a blur (True); those without any do not count."""
        return {self.blurred(column) for column in self._order() if self.curve(column).any()}

    def told(self, column: int, gamma: float, digits: int = 3) -> str:
        """How far a column is mollified, in letters."""
        return told(gamma, self.side, digits) if self.blurred(column) else f"σ² {short(gamma, digits)}"

    def curve(self, column: int) -> Curve:
        """The noise variance of a column at SHARES: what happened, then what is planned."""
        if column < len(self.specs):
            planned = self.planned[column]
            if self.now is None or column >= len(self.happened):
                return planned
            return np.where(self.now >= SHARES, self.happened[column], planned)
        return self.happened[column]

    # Where things are: an axis for blurs at the right, or at the left where there is nothing else; images above.

    @property
    def _two_axes(self) -> bool:
        return bool(self.side) and self.kinds() == {False, True}

    def area(self, size: QSizeF) -> QRectF:
        above = self._images_room(size)
        return super().area(size).adjusted(0, above, -SECOND * self._two_axes, 0)

    def _images_room(self, size: QSizeF) -> float:
        """Height of the images above the plot; 0 where there is no room for them, or nothing to show."""
        if self.preview is None or not self.titles or size.height() < 130:
            return 0.0
        # The first one stands beside its place, and must not reach the second.
        across = (size.width() - LEFT - RIGHT - SECOND) / 6
        return min(LARGEST, 0.24 * size.height(), across)

    def y_marks(self) -> list[tuple[float, str]]:
        if self.side and self.kinds() == {True}:
            return width_marks(self.side, self.rect_.height() / self.y_span[1])
        return [(value, "σ² 1" if value == 1.0 else words) for value, words in super().y_marks()]

    # Drawing

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        super().paint_base(painter, size)
        if self._two_axes:
            self._paint_second_axis(painter)
        self._paint_images(painter, size)

    def _paint_second_axis(self, painter: QPainter) -> None:
        painter.setFont(small_font(self.font()))
        rect = self.rect_
        for value, words in width_marks(self.side, rect.height() / self.y_span[1]):
            y = self.at_y(value)
            painter.setPen(self.theme.pen("axis"))
            painter.drawLine(QPointF(rect.right(), y), QPointF(rect.right() + 3, y))
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(QRectF(rect.right() + 5, y - 8, SECOND + 5, 16), _LEFT, words)

    def _paint_images(self, painter: QPainter, size: QSizeF) -> None:
        """The image of the preview as the active column's training sees it at some times, above their places."""
        room = self._images_room(size) - 4
        if self.preview is None or room <= 0:
            return
        curve, ratio = self.curve(self.active), self.devicePixelRatioF()
        for share in TIMES:
            gamma = float(np.interp(share, SHARES, curve))
            image = self.preview.image(gamma, self.blurred(self.active), room, ratio)
            wide, high = image.width() / ratio, image.height() / ratio
            left = min(max(self.at_x(share) - wide / 2, self.rect_.left()), self.rect_.right() - wide)
            left, top = (round(x * ratio) / ratio for x in (left, self.rect_.top() - 4 - high))
            painter.drawImage(QRectF(left, top, wide, high), image)

    def paint_lines(self, painter: QPainter) -> None:
        for column in self._order():
            colour = self.theme.colour(self.theme.column(column))
            ys = self.curve(column)
            if column < len(self.specs) and self.now:
                planned = self.planned[column]
                if np.abs(planned - ys).max() > VISIBLE:
                    pen = QPen(self.theme.colour(self.theme.column(column), 0.55), 1)
                    pen.setDashPattern([2, 3])
                    self.line(painter, SHARES, planned, pen)
            self._thick(painter, ys, QPen(colour, 1.8 if column == self.active or not self.specs else 1.2))

    def _thick(self, painter: QPainter, ys: Curve, pen: QPen) -> None:
        # Qt's wide antialiased strokes are slow for thousands of points; every second pixel is enough here.
        step = 1 if pen.widthF() <= 1 else max(1, round(2 * len(SHARES) / max(self.rect_.width(), 1)))
        at = np.append(np.arange(0, len(SHARES) - 1, step), len(SHARES) - 1)
        self.line(painter, SHARES[at], ys[at], pen)

    def _order(self) -> list[int]:
        count = len(self.specs) or len(self.happened)
        return sorted(range(count), key=lambda column: column == self.active)
