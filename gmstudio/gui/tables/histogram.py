"""A column's distribution, small, in a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gmstudio.gui.tables.columns_model import PLACE
from gmstudio.gui.theme import themes

if TYPE_CHECKING:
    from gmstudio.data.tables.reading import Table

BARS = 24
#: Values that are looked at: a picture of 24 bars gains nothing from more.
LOOKED_AT = 4096


def heights(values: NDArray[np.floating] | None) -> NDArray[np.float64] | None:
    """The heights of `BARS` bars, the highest 1, of evenly spread values; None where there is nothing to draw."""
    if values is None:
        return None
    some = np.asarray(values[:: max(1, len(values) // LOOKED_AT)], dtype=np.float64)
    some = some[np.isfinite(some)]
    if not len(some) or some.min() == some.max():
        return None
    # Halved first: the range of the largest doubles is no double.
    counts, _ = np.histogram(some / 2, bins=BARS)
    tall: NDArray[np.float64] = counts / counts.max()
    return tall


class HistogramDelegate(QStyledItemDelegate):
    """Paints the histogram of the column that a row stands for; each is computed when it is first seen.

    Args:
        table: what was read.
        parent: the view.
    """

    def __init__(self, table: Table, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = table
        self._known: dict[int, NDArray[np.float64] | None] = {}

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """The bars over the row's background."""
        super().paint(painter, option, index)
        column = int(index.data(PLACE))
        if column not in self._known:
            self._known[column] = heights(self._table.columns[column].values)
        bars = self._known[column]
        if bars is None:
            return
        rect = QRectF(option.rect).adjusted(6, 3, -6, -3)
        step = rect.width() / BARS
        colour = themes().current.colour("data", 0.75)
        for place, height in enumerate(bars.tolist()):
            if height:
                tall = max(1.0, height * rect.height())
                painter.fillRect(QRectF(rect.left() + place * step, rect.bottom() - tall, step - 0.6, tall), colour)
