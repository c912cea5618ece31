"""Bars, one for each latent dimension, a plot for each column."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from gmstudio.gui.panels.age import joined
from gmstudio.gui.panels.latent_axes import axis_name
from gmstudio.gui.panels.latent_codes import Dimensions
from gmstudio.gui.panels.layered import Layered, bubble, small_font, write
from gmstudio.gui.panels.ticks import label, short, ticks

LEFT, HEAD, FOOT, GAP, EDGE = 34.0, 18.0, 19.0, 14.0, 6.0
#: A plot is at least so wide; else the plots stand below each other.
LEAST = 150.0
#: A bar is at most so wide.
WIDEST = 46.0
#: Heights at which the axis may end: it stays calm while the bars grow.
TOPS = tuple(m * 10.0**k for k in range(-1, 4) for m in (1.0, 1.5, 2.0, 3.0, 5.0, 7.5))
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Bars:
    """What one plot shows.

    Attributes:
        title: of the column.
        column: its number, for its colour.
        found: what its posteriors say.
    """

    title: str
    column: int
    found: Dimensions

    def order(self, ranked: bool) -> list[int]:
        """The dimensions from left to right."""
        count = len(self.found.kl)
        return [int(k) for k in np.argsort(-self.found.kl, kind="stable")] if ranked else list(range(count))


class DimensionBars(Layered):
    """The plots; the dimension under the mouse, or chosen by the arrow keys, is told."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars: tuple[Bars, ...] = ()
        self.ranked = True
        self.hint = ""
        #: Of which step the bars are, where they lag behind the run.
        self.lag = ""
        #: Dimensions of the model; there may be more than are in a frame.
        self.latent = 0
        #: Number of the plot, and of the bar in it from the left, that is told; None for none.
        self.told: tuple[int, int] | None = None
        self._top = 0.0
        self.setMinimumSize(120, 90)

    def forget(self) -> None:
        """Another run comes: its axis may end elsewhere."""
        self._top, self.told, self.lag = 0.0, None, ""

    def show_bars(self, bars: tuple[Bars, ...], ranked: bool, latent: int, hint: str) -> None:
        """What is drawn from the next `refresh` on."""
        self.bars, self.ranked, self.latent, self.hint = bars, ranked, latent, hint
        highest = max((float(one.found.kl.max(initial=0.0)) for one in bars), default=0.0)
        if not 0.35 * self._top < highest <= self._top:
            self._top = next((top for top in TOPS if top >= 1.04 * highest), 1.04 * highest)

    @property
    def top(self) -> float:
        """Where the axes end, in nats; the same for all columns."""
        return self._top or 1.0

    def plots(self, size: QSizeF) -> list[QRectF]:
        """Where the plots' axes are."""
        count = len(self.bars)
        if not count:
            return []
        beside = (size.width() - LEFT - EDGE - (count - 1) * GAP) / count >= LEAST
        across, down = (count, 1) if beside else (1, count)
        wide = max(20.0, (size.width() - LEFT - EDGE - (across - 1) * GAP) / across)
        tall = max(10.0, size.height() / down - HEAD - FOOT)
        return [
            QRectF(LEFT + (k % across) * (wide + GAP), HEAD + (k // across) * (tall + HEAD + FOOT), wide, tall)
            for k in range(count)
        ]

    def slots(self, rect: QRectF, count: int) -> tuple[float, float]:
        """The left end of the first bar's place, and the width of a place, in a plot."""
        width = min(WIDEST, rect.width() / max(1, count))
        return rect.left() + (rect.width() - count * width) / 2 if width == WIDEST else rect.left(), width

    # Drawing.

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        plots = self.plots(size)
        for one, rect in zip(self.bars, plots, strict=True):
            painter.fillRect(rect, self.theme.colour("plot"))
            self._paint_heading(painter, rect, one)
            self._paint_scale(painter, rect, rect.left() <= LEFT + 1)
            self._paint_bars(painter, rect, one)
            painter.setPen(self.theme.pen("border"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect)
        if self.hint:
            painter.setFont(self.font())
            painter.setPen(self.theme.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter.value | Qt.TextFlag.TextWordWrap.value
            painter.drawText(QRectF(10, 4, size.width() - 20, size.height() - 8), flags, self.hint)

    def _paint_heading(self, painter: QPainter, rect: QRectF, one: Bars) -> None:
        line = QRectF(rect.left(), rect.top() - HEAD, rect.width(), HEAD - 2)
        bold = small_font(self.font(), 0.5, bold=True)
        painter.setFont(bold)
        painter.setPen(self.theme.colour(self.theme.column(one.column)))
        write(painter, line, one.title, _LEFT)
        taken = QFontMetricsF(bold).horizontalAdvance(one.title) + 10
        painter.setFont(small_font(self.font()))
        painter.setPen(self.theme.colour("muted"))
        words = one.found.words()
        if self.latent > len(one.found.kl):
            words = f"first {len(one.found.kl)} of {self.latent}: {words}"
        room = line.adjusted(taken, 0, 0, 0)
        choices = [joined(words, self.lag), joined(words.split(", ")[0], self.lag), self.lag]
        fitting = (w for w in choices if painter.fontMetrics().horizontalAdvance(w) < room.width())
        write(painter, room, next(fitting, ""), _RIGHT)

    def _paint_scale(self, painter: QPainter, rect: QRectF, numbers: bool) -> None:
        painter.setFont(small_font(self.font()))
        marks = ticks(0.0, self.top, max(2, int(rect.height() // 28)))
        step = marks[1] - marks[0] if len(marks) > 1 else 1.0
        for value in marks:
            y = rect.bottom() - value / self.top * rect.height()
            painter.setPen(self.theme.pen("grid"))
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
            if not numbers:
                continue
            painter.setPen(self.theme.pen("axis"))
            painter.drawLine(QPointF(rect.left() - 3, y), QPointF(rect.left(), y))
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(QRectF(0, y - 8, rect.left() - 5, 16), _RIGHT, label(value, step))
        painter.setPen(self.theme.colour("muted"))
        write(painter, rect.adjusted(5, 2, -4, 0), "nats", Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)

    def _paint_bars(self, painter: QPainter, rect: QRectF, one: Bars) -> None:
        order = one.order(self.ranked)
        left, width = self.slots(rect, len(order))
        token, active = self.theme.column(one.column), one.found.active
        air = 0.12 * width if width >= 4 else 0.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, width >= 4)
        for place, dimension in enumerate(order):
            height = min(1.0, max(0.0, float(one.found.kl[dimension]) / self.top)) * rect.height()
            x = left + place * width
            on = bool(active[dimension])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.colour(token, 0.9) if on else self.theme.colour("muted", 0.55))
            painter.drawRect(QRectF(x + air, rect.bottom() - height, max(1.0, width - 2 * air), height))
            if on:
                # The mark of an active dimension: a line under it, so that colour is not all that tells them apart.
                painter.setBrush(self.theme.colour("text"))
                painter.drawRect(QRectF(x + air, rect.bottom() + 1, max(1.0, width - 2 * air), 2.5))
        painter.setFont(small_font(self.font()))
        painter.setPen(self.theme.colour("muted"))
        for here, name in self.names(rect, one):
            painter.drawText(here, Qt.AlignmentFlag.AlignCenter, name)

    def names(self, rect: QRectF, one: Bars) -> list[tuple[QRectF, str]]:
        """The names of dimensions below a plot, as many as there is room for, and where they stand."""
        order = one.order(self.ranked)
        left, width = self.slots(rect, len(order))
        room = QFontMetricsF(small_font(self.font())).horizontalAdvance(axis_name(max(order, default=0))) + 6
        stride = max(1, math.ceil(room / width))
        places = list(range(0, len(order), stride))
        if stride > 1 and self.ranked:
            # Every fifth name of a ranking tells nothing: its ends do.
            places = [0, len(order) - 1] if rect.width() > 2.5 * room else [0]
        found: list[tuple[QRectF, str]] = []
        for place in places:
            here = QRectF(left + (place + 0.5) * width - room / 2, rect.bottom() + 4, room, FOOT - 5)
            here.moveLeft(min(max(here.left(), rect.left() - 8), rect.right() + 6 - room))
            if not found or here.left() >= found[-1][0].right():
                found.append((here, axis_name(order[place])))
        return found

    def paint_overlay(self, painter: QPainter, size: QSizeF) -> None:
        if self.told is None or self.told[0] >= len(self.bars):
            return
        plot, place = self.told
        one, rect = self.bars[plot], self.plots(size)[plot]
        order = one.order(self.ranked)
        if not order:
            return
        dimension = order[min(place, len(order) - 1)]
        left, width = self.slots(rect, len(order))
        x = left + (min(place, len(order) - 1) + 0.5) * width
        painter.setPen(self.theme.pen("marker"))
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
        bubble(painter, self.theme, self.font(), rect, QPointF(x, rect.top() + 46), self.words(one, dimension))

    def words(self, one: Bars, dimension: int) -> str:
        """What is known of a dimension of a column."""
        found = one.found
        active = "active" if found.active[dimension] else "not active"
        return (
            f"{axis_name(dimension)}, {active}\nKL {short(float(found.kl[dimension]))} nats\n"
            f"variance of the mean {short(float(found.variance[dimension]))}\n"
            f"mean variance {short(float(found.blur[dimension]))}"
        )

    # What the person does.

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        told = None
        for number, (one, rect) in enumerate(zip(self.bars, self.plots(QSizeF(self.size())), strict=True)):
            count = len(one.found.kl)
            left, width = self.slots(rect, count)
            place = math.floor((event.position().x() - left) / width)
            if rect.adjusted(-1, -HEAD, 1, FOOT).contains(event.position()) and 0 <= place < count:
                told = (number, place)
        self._tell(told)

    def leaveEvent(self, event: QEvent) -> None:
        self._tell(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if by is None or not self.bars:
            super().keyPressEvent(event)
            return
        counts = [len(one.found.kl) for one in self.bars]
        flat = sum(counts[: self.told[0]]) + self.told[1] + by if self.told is not None else 0
        flat = min(max(flat, 0), max(0, sum(counts) - 1))
        plot = next(k for k in range(len(counts)) if flat < sum(counts[: k + 1]))
        self._tell((plot, flat - sum(counts[:plot])))

    def _tell(self, told: tuple[int, int] | None) -> None:
        if told != self.told:
            self.told = told
            self.update()
