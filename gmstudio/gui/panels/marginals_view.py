"""Small plots of single columns: histograms over bars from the 5 % to the 95 % quantile, or quantiles on quantiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPen
from PySide6.QtWidgets import QToolTip

from gmstudio.gui.panels.layered import Layered, small_font
from gmstudio.gui.panels.pair_grid import paint_steps
from gmstudio.gui.panels.quantiles import Span, chance_band, histogram, quantiles, ranked
from gmstudio.gui.panels.strokes import polygon
from gmstudio.gui.panels.ticks import label, short, ticks

TITLE, FOOT, BAR, GAP, HEAD = 15.0, 13.0, 4.0, 10.0, 16.0
BINS = 36
#: The bars' ends and their middles.
ENDS = (0.05, 0.5, 0.95)
#: Shares at which quantiles are drawn against quantiles.
SHARES = (np.arange(80) + 0.5) / 80
_CENTRE = Qt.AlignmentFlag.AlignCenter


@dataclass(frozen=True)
class Kind:
    """Values of one kind: the data, or the samples of a model.

    Attributes:
        words: what they are.
        points: (N, C).
        token: of the theme, for the colour.
        data: whether they are the data, which the others are held against.
    """

    words: str
    points: NDArray[Any]
    token: str
    data: bool = False


class MarginalsView(Layered):
    """The plots."""

    def __init__(self) -> None:
        super().__init__()
        self.names: tuple[str, ...] = ()
        self.columns: tuple[int, ...] = ()
        self.spans: dict[int, Span] = {}
        self.kinds: tuple[Kind, ...] = ()
        self.quantiles_shown = False
        self.hint = ""
        self._ranked: dict[tuple[str, int], tuple[NDArray[Any], NDArray[Any]]] = {}
        self.setMinimumSize(140, 110)

    def places(self, size: QSizeF) -> list[QRectF]:
        """Where the plots stand: as many to a line as make them about twice as wide as they are high."""
        count = len(self.columns)
        if not count:
            return []
        wanted = 1.15 if self.quantiles_shown else 1.7
        tall = size.height() - HEAD

        def fault(across: int) -> float:
            """How far the plots are from their best shape, and how much room is left empty."""
            empty = -count % across
            return abs(math.log(max(self._shape(across, size.width(), tall), 1e-3) / wanted)) + 0.2 * empty

        best = min(range(1, count + 1), key=fault)
        lines = math.ceil(count / best)
        wide, high = size.width() / best, tall / lines
        return [
            QRectF((k % best) * wide + GAP / 2, HEAD + (k // best) * high, wide - GAP, high - 2) for k in range(count)
        ]

    def _shape(self, across: int, width: float, height: float) -> float:
        """Width over height of what is left for a plot itself."""
        around = TITLE + FOOT + (0.0 if self.quantiles_shown else BAR * len(self.kinds) + 3)
        return (width / across - GAP) / max(1.0, height / math.ceil(len(self.columns) / across) - around)

    def ordered(self, kind: Kind, column: int) -> NDArray[Any]:
        """The values of a column in order; kept as long as the points are the same."""
        kept = self._ranked.get((kind.words, column))
        if kept is None or kept[0] is not kind.points:
            kept = self._ranked[kind.words, column] = (kind.points, ranked(kind.points[:, column]))
        return kept[1]

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        if not self.columns or self.hint:
            painter.setPen(self.theme.colour("muted"))
            flags = _CENTRE.value | Qt.TextFlag.TextWordWrap.value
            painter.drawText(QRectF(0, 0, size.width(), size.height()).adjusted(12, 8, -12, -8), flags, self.hint)
            return
        self._paint_head(painter, size.width())
        for column, place in zip(self.columns, self.places(size), strict=True):
            self._paint_name(painter, place, column)
            if self.quantiles_shown:
                self._paint_quantiles(painter, place, column)
            else:
                self._paint_histogram(painter, place, column)

    def _paint_head(self, painter: QPainter, width: float) -> None:
        painter.setFont(small_font(self.font(), 0.5, bold=True))
        x = GAP / 2
        for kind in self.kinds:
            wide = painter.fontMetrics().horizontalAdvance(kind.words) + 2.0
            if x + wide > width:
                break
            painter.setPen(self.theme.colour(kind.token))
            painter.drawText(QRectF(x, 0, wide, HEAD - 1), Qt.AlignmentFlag.AlignVCenter, kind.words)
            x += wide + 10

    def _paint_name(self, painter: QPainter, place: QRectF, column: int) -> None:
        painter.setFont(small_font(self.font(), 1.0))
        painter.setPen(self.theme.colour("text"))
        name = painter.fontMetrics().elidedText(self.names[column], Qt.TextElideMode.ElideMiddle, int(place.width()))
        painter.drawText(QRectF(place.left(), place.top(), place.width(), TITLE), _CENTRE, name)

    def _frame(self, painter: QPainter, plot: QRectF) -> None:
        painter.fillRect(plot, self.theme.colour("plot"))
        painter.setPen(self.theme.pen("border"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(plot)

    def _numbers(self, painter: QPainter, plot: QRectF, span: Span, top: float) -> None:
        painter.setFont(small_font(self.font(), 2.0))
        painter.setPen(self.theme.colour("muted"))
        marks = ticks(*span, max(2, min(7, int(plot.width() // 34))))
        step = marks[1] - marks[0] if len(marks) > 1 else span[1] - span[0]
        for value in marks:
            words = label(value, step)
            x = plot.left() + (value - span[0]) / (span[1] - span[0]) * plot.width()
            half = painter.fontMetrics().horizontalAdvance(words) / 2
            if plot.left() - 3 <= x - half and x + half <= plot.right() + 3:
                painter.drawText(QRectF(x - half - 1, top, 2 * half + 2, FOOT), _CENTRE, words)

    def _paint_histogram(self, painter: QPainter, place: QRectF, column: int) -> None:
        span = self.spans[column]
        bars = BAR * len(self.kinds) + 3
        plot = QRectF(place.left(), place.top() + TITLE, place.width(), place.height() - TITLE - FOOT - bars)
        if plot.height() < 8:
            return
        self._frame(painter, plot)
        shapes = [(kind, histogram(kind.points[:, column], span, BINS)) for kind in self.kinds]
        still = [float(shape.max()) for kind, shape in shapes if kind.data] or [float(s.max()) for _, s in shapes]
        most = 1.3 * max(still, default=1.0) or 1.0
        painter.save()
        painter.setClipRect(plot)
        for kind, shape in shapes:
            paint_steps(painter, plot, shape / most, self.theme.colour(kind.token), kind.data)
        painter.restore()
        scale = plot.width() / (span[1] - span[0])
        for k, kind in enumerate(self.kinds):
            low, middle, high = quantiles(self.ordered(kind, column), np.array(ENDS))
            if not math.isfinite(low):
                continue
            y = plot.bottom() + 3 + k * BAR
            left, right = (min(max(v, span[0]), span[1]) for v in (low, high))
            bar = QRectF(plot.left() + (left - span[0]) * scale, y, max(1.0, (right - left) * scale), BAR - 1)
            painter.fillRect(bar, self.theme.colour(kind.token, 0.8))
            if span[0] <= middle <= span[1]:
                x = plot.left() + (middle - span[0]) * scale
                painter.fillRect(QRectF(x - 1, y - 1, 2, BAR + 1), self.theme.colour("text"))
        self._numbers(painter, plot, span, plot.bottom() + bars)

    def _paint_quantiles(self, painter: QPainter, place: QRectF, column: int) -> None:
        span = self.spans[column]
        plot = QRectF(place.left(), place.top() + TITLE, place.width(), place.height() - TITLE - FOOT)
        data = next((kind for kind in self.kinds if kind.data), None)
        if plot.height() < 8:
            return
        self._frame(painter, plot)
        if data is None or not len(self.ordered(data, column)):
            return
        painter.save()
        painter.setClipRect(plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        given = self.ordered(data, column)
        across = quantiles(given, SHARES)
        models = [kind for kind in self.kinds if not kind.data]
        size = min((len(kind.points) for kind in models), default=len(given))
        low, high = chance_band(given, SHARES, min(size, len(given)))
        band = np.concatenate([np.stack([across, low], 1), np.stack([across, high], 1)[::-1]])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("data", 0.3))
        painter.drawPolygon(polygon(self._at(plot, span, band)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.theme.colour("data"), 1))
        painter.drawLine(plot.bottomLeft(), plot.topRight())
        for kind in models:
            up = quantiles(self.ordered(kind, column), SHARES)
            if np.isfinite(up).all():
                painter.setPen(QPen(self.theme.colour(kind.token), 1))
                painter.drawPolyline(polygon(self._at(plot, span, np.stack([across, up], 1))))
        painter.restore()
        self._numbers(painter, plot, span, plot.bottom())

    def _at(self, plot: QRectF, span: Span, points: NDArray[np.float64]) -> NDArray[np.float64]:
        share = np.clip((points - span[0]) / (span[1] - span[0]), -1.0, 2.0)
        return share * (plot.width(), -plot.height()) + (plot.left(), plot.bottom())

    # Words.

    def told(self, column: int) -> str:
        """The quantiles of a column in words."""
        parts = []
        for kind in self.kinds:
            low, middle, high = quantiles(self.ordered(kind, column), np.array(ENDS))
            parts.append(f"{kind.words} {short(float(middle))} ({short(float(low))} to {short(float(high))})")
        return f"{self.names[column]}: {', '.join(parts)}"

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = QPointF(event.pos())
            places = zip(self.columns, self.places(QSizeF(self.size())), strict=True)
            column = next((column for column, place in places if place.contains(at)), None)
            words = "" if column is None else self.told(column) + self.tr("; medians, and 5 to 95 %")
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)
