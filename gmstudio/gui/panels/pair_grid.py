"""A grid of scatter plots of every pair of some columns, with their histograms on the diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QImage, QMouseEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QToolTip

from gmstudio.gui.panels.binning import dots, opacity
from gmstudio.gui.panels.layered import Layered, small_font, write
from gmstudio.gui.panels.points import FEW
from gmstudio.gui.panels.quantiles import Span, histogram
from gmstudio.gui.panels.strokes import polygon, tinted
from gmstudio.gui.panels.ticks import label, ticks

HEAD, LEFT, FOOT, GAP, BETWEEN = 17.0, 34.0, 15.0, 3.0, 12.0
#: Below the diagonal, above it.
LOWER, UPPER = 1, 2
BOTH = LOWER | UPPER
#: Pixels of a cell's image per side at most: beyond it points grow with the cell.
FINEST = 240
#: Pixels per side from which on a cell has room for dots larger than a pixel.
BIG = 60
#: Cells of a histogram.
BINS = 30
_CENTRE = Qt.AlignmentFlag.AlignCenter


@dataclass(frozen=True)
class Layer:
    """Points of one kind.

    Attributes:
        name: tells layers apart.
        points: (N, C) of all columns.
        token: of the theme, for the colour.
        grid: in which of the grids.
        half: on which side of the diagonal: `LOWER`, `UPPER` or `BOTH`.
        one: opacity of one point.
        filled: whether its histogram is filled and not a line.
    """

    name: str
    points: NDArray[Any]
    token: str
    grid: int = 0
    half: int = BOTH
    one: float = 0.75
    filled: bool = False


@dataclass(frozen=True)
class Title:
    """What stands over a grid: at its left or at its right, in the colour of a token."""

    words: str
    token: str
    grid: int = 0
    right: bool = False


class PairGrid(Layered):
    """The grids of a pair plot; a click on a pair chooses its plane.

    Signals:
        pair_chosen(int, int): the columns across and up of the pair that was clicked.
    """

    pair_chosen = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self.names: tuple[str, ...] = ()
        self.columns: tuple[int, ...] = ()
        self.spans: dict[int, Span] = {}
        self.layers: tuple[Layer, ...] = ()
        self.titles: tuple[Title, ...] = ()
        self.grids = 1
        self.marked: tuple[int, int] | None = None
        self.hint = ""
        self._ground_kept: tuple[object, QPixmap] | None = None
        self._shapes: dict[str, tuple[NDArray[Any], dict[tuple[int, Span], NDArray[np.float64]]]] = {}
        self._images: dict[str, tuple[tuple[object, ...], NDArray[Any], QImage]] = {}
        self.setMinimumSize(140, 110)

    def show_layers(self, layers: tuple[Layer, ...]) -> None:
        """Draw these points, from the back to the front."""
        self.layers = layers
        names = {layer.name for layer in layers}
        self._images = {name: kept for name, kept in self._images.items() if name in names}
        self._shapes = {name: kept for name, kept in self._shapes.items() if name in names}
        self.refresh()

    # Where things are.

    def areas(self, size: QSizeF) -> list[QRectF]:
        """The rectangles of the grids, side by side or one above the other, whichever gives squarer cells."""
        wide = (size.width() - LEFT * self.grids - (self.grids - 1) * BETWEEN) / self.grids - 4
        tall = (size.height() - (HEAD + FOOT) * self.grids) / self.grids - 2
        beside = min(wide, size.height() - HEAD - FOOT - 2)
        if self.grids > 1 and min(size.width() - LEFT - 4, tall) > beside:
            return [
                QRectF(LEFT, HEAD + k * (tall + HEAD + FOOT), max(8.0, size.width() - LEFT - 4), max(8.0, tall))
                for k in range(self.grids)
            ]
        high = max(8.0, size.height() - HEAD - FOOT - 2)
        return [QRectF(LEFT + k * (wide + LEFT + BETWEEN), HEAD, max(8.0, wide), high) for k in range(self.grids)]

    def cell(self, area: QRectF, row: int, column: int) -> QRectF:
        """The cell of a grid; row 0 is at the top."""
        wide, tall = self._cell_size(area)
        return QRectF(area.left() + column * (wide + GAP), area.top() + row * (tall + GAP), wide, tall)

    def _cell_size(self, area: QRectF) -> tuple[int, int]:
        count = max(1, len(self.columns))
        wide, tall = ((side - (count - 1) * GAP) / count for side in (area.width(), area.height()))
        return max(1, int(wide)), max(1, int(tall))

    def under(self, position: QPointF) -> tuple[int, int] | None:
        """Row and column of the cell at a position."""
        for area in self.areas(QSizeF(self.size())):
            for row in range(len(self.columns)):
                for column in range(len(self.columns)):
                    if self.cell(area, row, column).contains(position):
                        return row, column
        return None

    # Drawing.

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        if not self.columns or self.hint:
            painter.setPen(self.theme.colour("muted"))
            flags = _CENTRE.value | Qt.TextFlag.TextWordWrap.value
            painter.drawText(QRectF(0, 0, size.width(), size.height()).adjusted(12, 8, -12, -8), flags, self.hint)
            return
        if isinstance(painter.device(), QPixmap):
            painter.drawPixmap(0, 0, self._ground(size))
        else:
            self._paint_ground(painter, size)
        for index, area in enumerate(self.areas(size)):
            moving = [layer for layer in self.layers if layer.grid == index and not layer.filled]
            for layer in moving:
                painter.drawImage(self._covered(area), self._image(layer, area))
            self._paint_diagonal(painter, area, moving, self._heights(index))

    def _ground(self, size: QSizeF) -> QPixmap:
        """All that does not move, kept: text and the data are the dearest part of a picture."""
        still = tuple((layer.name, id(layer.points), layer.token) for layer in self.layers if layer.filled)
        shown = (self.columns, tuple(self.spans[c] for c in self.columns), self.titles, self.grids, self.marked, still)
        key = (size.toTuple(), self.devicePixelRatioF(), shown, self.theme.name, self.font().key())
        if self._ground_kept is None or self._ground_kept[0] != key:
            pixmap = QPixmap((size * self.devicePixelRatioF()).toSize())
            pixmap.setDevicePixelRatio(self.devicePixelRatioF())
            pixmap.fill(self.theme.colour("panel"))
            with QPainter(pixmap) as painter:
                painter.setFont(self.font())
                self._paint_ground(painter, size)
            self._ground_kept = (key, pixmap)
        return self._ground_kept[1]

    def _paint_ground(self, painter: QPainter, size: QSizeF) -> None:
        areas = self.areas(size)
        for index, area in enumerate(areas):
            self._paint_cells(painter, area)
            still = [layer for layer in self.layers if layer.grid == index and layer.filled]
            for layer in still:
                painter.drawImage(self._covered(area), self._image(layer, area))
            self._paint_diagonal(painter, area, still, self._heights(index))
            self._paint_names(painter, area)
            self._paint_numbers(painter, area)
        painter.setFont(small_font(self.font(), 0.5, bold=True))
        for title in self.titles:
            area = areas[title.grid]
            painter.setPen(self.theme.colour(title.token))
            side = Qt.AlignmentFlag.AlignRight if title.right else Qt.AlignmentFlag.AlignLeft
            half = QRectF(area.left(), area.top() - HEAD, area.width() / 2 - 4, HEAD - 2)
            if title.right:
                half.translate(area.width() / 2 + 4, 0)
            write(painter, half, title.words, side | Qt.AlignmentFlag.AlignVCenter)

    def _covered(self, area: QRectF) -> QRectF:
        """What the cells cover, in whole pixels of the cells."""
        wide, tall = self._cell_size(area)
        count = len(self.columns)
        return QRectF(area.left(), area.top(), count * wide + (count - 1) * GAP, count * tall + (count - 1) * GAP)

    def _paint_cells(self, painter: QPainter, area: QRectF) -> None:
        count = len(self.columns)
        for row in range(count):
            for column in range(count):
                rect = self.cell(area, row, column)
                painter.fillRect(rect, self.theme.colour("plot"))
                marked = row != column and self.marked in (
                    (self.columns[column], self.columns[row]),
                    (self.columns[row], self.columns[column]),
                )
                painter.setPen(self.theme.pen("accent" if marked else "border"))
                painter.drawRect(rect)

    def _image(self, layer: Layer, area: QRectF) -> QImage:
        """All pairs of a layer as one image, made anew only when points, columns or sizes have changed."""
        wide, tall = self._cell_size(area)
        colour = self.theme.colour(layer.token)
        key = (self.columns, tuple(self.spans[c] for c in self.columns), wide, tall, layer.half, colour.rgba())
        kept = self._images.get(layer.name)
        if kept is None or kept[0] != key or kept[1] is not layer.points:
            kept = self._images[layer.name] = (key, layer.points, self._made(layer, wide, tall, colour))
        return kept[2]

    def _made(self, layer: Layer, wide: int, tall: int, colour: QColor) -> QImage:
        count, gap = len(self.columns), int(GAP)
        # Larger cells than the finest are drawn from fewer pixels, which then grow.
        shrink = max(1.0, max(wide, tall) / FINEST)
        w, h, g = (max(1, round(side / shrink)) for side in (wide, tall, gap))
        alpha = np.zeros((count * h + (count - 1) * g, count * w + (count - 1) * g), dtype=np.uint8)
        across = [self._places(layer.points, c, w) for c in self.columns]
        up = [self._places(layer.points, c, h) for c in self.columns]
        few = len(layer.points) <= FEW and min(w, h) >= BIG
        for row in range(count):
            for column in range(count):
                if row == column or not layer.half & (LOWER if row > column else UPPER):
                    continue
                x, y = across[column], up[row]
                inside = (x >= 0) & (y >= 0)
                flat = (h - 1 - y[inside]) * w + x[inside]
                cells = np.bincount(flat, minlength=w * h).reshape(h, w)
                top, left = row * (h + g), column * (w + g)
                alpha[top : top + h, left : left + w] = dots(cells, layer.one) if few else opacity(cells, layer.one)
        return tinted(alpha, colour)

    def _places(self, points: NDArray[Any], column: int, cells: int) -> NDArray[np.int64]:
        """The cell of each point along an axis; -1 outside."""
        low, high = self.spans[column]
        with np.errstate(invalid="ignore"):
            at = np.floor((points[:, column] - low) * (cells / (high - low)))
            at[~((at >= 0) & (at < cells))] = -1
        return at.astype(np.int64)

    def _heights(self, grid: int) -> dict[int, float]:
        """The height of the histograms of each column: some more than that of the data, which thus stand still."""
        mine = [layer for layer in self.layers if layer.grid == grid]
        still = [layer for layer in mine if layer.filled] or mine
        air = 1.3 if still and still[0].filled else 1.0
        return {
            column: air * max((float(self._shape(layer, column).max()) for layer in still), default=1.0) or 1.0
            for column in self.columns
        }

    def _shape(self, layer: Layer, column: int) -> NDArray[np.float64]:
        """The histogram of a column; those of points that stand still are kept."""
        key = (column, self.spans[column])
        kept = self._shapes.get(layer.name)
        if kept is None or kept[0] is not layer.points:
            kept = self._shapes[layer.name] = (layer.points, {})
        if key not in kept[1]:
            kept[1][key] = histogram(layer.points[:, column], self.spans[column], BINS)
        return kept[1][key]

    def _paint_diagonal(self, painter: QPainter, area: QRectF, layers: list[Layer], heights: dict[int, float]) -> None:
        for k, column in enumerate(self.columns):
            rect = self.cell(area, k, k)
            painter.save()
            painter.setClipRect(rect)
            room = rect.adjusted(1, min(self._line, rect.height() / 3), -1, 0)
            for layer in layers:
                shape = self._shape(layer, column) / heights[column]
                paint_steps(painter, room, shape, self.theme.colour(layer.token), layer.filled)
            painter.restore()

    @property
    def _line(self) -> float:
        """The height of the line for a name."""
        return QFontMetricsF(small_font(self.font(), 1.0, bold=True)).height() + 2.0

    def _paint_names(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(small_font(self.font(), 1.0, bold=True))
        painter.setPen(self.theme.colour("text"))
        for k, column in enumerate(self.columns):
            rect = self.cell(area, k, k)
            line = QRectF(rect.left() + 3, rect.top() + 1, rect.width() - 6, self._line - 1)
            # In little room the beginning alone says more than both ends.
            mode = Qt.TextElideMode.ElideRight if line.width() < 70 else Qt.TextElideMode.ElideMiddle
            name = painter.fontMetrics().elidedText(self.names[column], mode, int(line.width()))
            painter.drawText(line, _CENTRE, name)

    def _paint_numbers(self, painter: QPainter, area: QRectF) -> None:
        """A few round numbers below the last row and at the left of the first column."""
        painter.setFont(small_font(self.font(), 2.0))
        painter.setPen(self.theme.colour("muted"))
        metrics, last = painter.fontMetrics(), len(self.columns) - 1
        for k, column in enumerate(self.columns):
            low, high = self.spans[column]
            foot = self.cell(area, last, k)
            marks = ticks(low, high, max(2, min(4, int(foot.width() // 46))))
            step = marks[1] - marks[0] if len(marks) > 1 else high - low
            for value in marks:
                words = label(value, step)
                x = foot.left() + (value - low) / (high - low) * foot.width()
                half = metrics.horizontalAdvance(words) / 2
                if foot.left() - 1 <= x - half and x + half <= foot.right() + 1:
                    painter.drawText(QRectF(x - half - 1, foot.bottom() + 1, 2 * half + 2, FOOT - 2), _CENTRE, words)
            if k == 0:
                continue
            side = self.cell(area, k, 0)
            marks = ticks(low, high, max(2, min(4, int(side.height() // 30))))
            step = marks[1] - marks[0] if len(marks) > 1 else high - low
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            for value in marks:
                y = side.bottom() - (value - low) / (high - low) * side.height()
                if side.top() + 4 <= y <= side.bottom() - 4:
                    write(painter, QRectF(side.left() - LEFT, y - 7, LEFT - 4, 14), label(value, step), right)

    # What the person does.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the pair under the mouse."""
        found = self.under(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found is not None and found[0] != found[1]:
            self.pair_chosen.emit(self.columns[found[1]], self.columns[found[0]])
        else:
            super().mousePressEvent(event)

    def explain(self, position: QPointF) -> str:
        """What the cell at a position shows: its columns, and how they are correlated in each layer."""
        found = self.under(position)
        if found is None:
            return ""
        across, up = self.columns[found[1]], self.columns[found[0]]
        if across == up:
            return self.names[across]
        told = [f"{layer.name} {_correlation(layer.points, across, up):+.2f}" for layer in self.layers]
        return f"{self.names[across]} × {self.names[up]}; " + self.tr("correlations: {}").format(", ".join(told))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.explain(QPointF(event.pos())), self)
            return True
        return super().event(event)


def paint_steps(painter: QPainter, rect: QRectF, shape: NDArray[Any], colour: QColor, filled: bool) -> None:
    """Draw a histogram.

    Args:
        rect: where.
        shape: (bins,) heights, 1 for that of the rectangle.
        colour: of the line, or fainter of the area.
        filled: whether it is an area.
    """
    x = rect.left() + np.repeat(np.arange(len(shape) + 1), 2)[1:-1] * (rect.width() / len(shape))
    y = rect.bottom() - np.repeat(np.clip(shape, 0, 2), 2) * (rect.height() * 0.94)
    line = np.stack([x, y], axis=1)
    if filled:
        foot = np.array([[rect.right(), rect.bottom()], [rect.left(), rect.bottom()]])
        painter.setPen(Qt.PenStyle.NoPen)
        soft = QColor(colour)
        soft.setAlphaF(0.35)
        painter.setBrush(soft)
        painter.drawPolygon(polygon(np.concatenate([line, foot])))
    else:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 1))
        painter.drawPolyline(polygon(line))


def _correlation(points: NDArray[Any], across: int, up: int) -> float:
    pair = points[:, [across, up]].astype(np.float64)
    pair = pair[np.isfinite(pair).all(axis=1)]
    if len(pair) < 2:
        return 0.0
    pair -= pair.mean(axis=0)
    scale = np.sqrt((pair**2).sum(axis=0))
    return float((pair[:, 0] * pair[:, 1]).sum() / max(scale[0] * scale[1], 1e-300))
