"""The view of a sweep's table: models over their columns, a mark at the better cell, a bar where runs are under way."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from gmstudio.gui.sweeps.table_model import BEST, SHARE, TableModel
from gmstudio.gui.theme import themes

#: Room at both sides of a cell's text, in pixels, and what the mark of the better one needs.
PADDING, MARK = 12, 14
#: Room of the warning in a cell with failed runs, in pixels.
ICON = 26
WIDEST_NAME = 260
#: Cells that are looked at for the widths of columns, at most.
MOST_FITTED = 2000


class GroupedHeader(QHeaderView):
    """Two storeys: a model over its columns, the schedules beneath."""

    def __init__(self, model: TableModel, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._table = model
        self.setHighlightSections(False)
        self.setSectionsClickable(False)
        self.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)

    @property
    def storey(self) -> int:
        """Pixels of the models' storey."""
        return self.fontMetrics().height() + 9

    def sizeHint(self) -> QSize:
        """Room for both."""
        size = super().sizeHint()
        return QSize(size.width(), self.fontMetrics().height() + 10 + self.storey)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Schedules, then the models above them with a line beneath each."""
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        theme = themes().current
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        for name, first, count in self._table.groups():
            left = self.sectionViewportPosition(first)
            width = sum(self.sectionSize(first + i) for i in range(count))
            area = QRectF(left + 6, 2, width - 12, self.storey - 4)
            painter.setPen(theme.colour("text"))
            text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, round(area.width()))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
            painter.setPen(theme.pen("axis", 1.0))
            painter.drawLine(QPointF(left + 6, self.storey), QPointF(left + width - 6, self.storey))
        painter.end()


class CellDelegate(QStyledItemDelegate):
    """A cell with a small triangle where it is the better one, and a bar where its runs are under way."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Text, mark and bar."""
        super().paint(painter, option, index)
        share, best = index.data(SHARE), index.data(BEST)
        if share is None and not best:
            return
        theme, area = themes().current, QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if best:
            font = QFont(option.font)
            font.setBold(True)
            left = area.right() - PADDING - QFontMetrics(font).horizontalAdvance(str(index.data())) - MARK
            left = max(left, area.left() + 2)
            middle = area.center().y()
            painter.setBrush(theme.colour("accent"))
            tip, foot = QPointF(left + 4, middle - 4), middle + 3.5
            painter.drawPolygon(QPolygonF([tip, QPointF(left, foot), QPointF(left + 8, foot)]))
        if share is not None:
            track = QRectF(area.left() + PADDING, area.bottom() - 4, area.width() - 2 * PADDING, 2.5)
            painter.setBrush(theme.colour("border"))
            painter.drawRoundedRect(track, 1.2, 1.2)
            track.setWidth(track.width() * float(share))
            painter.setBrush(theme.colour("accent"))
            painter.drawRoundedRect(track, 1.2, 1.2)
        painter.restore()


class SweepTable(QTableView):
    """The table."""

    def __init__(self, model: TableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = model
        self.setObjectName("sweeptable")
        self.setAccessibleName("Table of the sweep")
        self.setHorizontalHeader(GroupedHeader(model, self))
        self.setModel(model)
        self.setItemDelegate(CellDelegate(self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        heads = self.verticalHeader()
        heads.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        heads.setSectionsClickable(False)
        heads.setHighlightSections(False)
        heads.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._fitted = False
        model.modelReset.connect(self._anew)
        self._anew()

    def fit(self) -> None:
        """Give every column room for what stands in it, and the data sets room for their names; columns only grow."""
        font = QFont(self.font())
        font.setBold(True)
        metrics, model = QFontMetrics(font), self._table
        usual = metrics.horizontalAdvance("−00.00 ± 0.00") + 2 * PADDING + MARK
        heads = self.horizontalHeader()
        rows = range(min(model.rowCount(), MOST_FITTED // max(1, model.columnCount())))
        for name, first, count in model.groups():
            share = (metrics.horizontalAdvance(name) + 2 * PADDING) // count + 1
            for column in range(first, first + count):
                title = str(model.headerData(column, Qt.Orientation.Horizontal))
                texts = [title, *(str(model.index(row, column).data()) for row in rows)]
                wanted = max(metrics.horizontalAdvance(text) for text in texts) + 2 * PADDING + MARK
                if any(not _plain(model.index(row, column)) for row in rows):
                    wanted += ICON
                width = min(max(usual, share, wanted), 2 * usual)
                if not self._fitted or width > heads.sectionSize(column):
                    heads.resizeSection(column, width)
        self._fitted = model.columnCount() > 0
        names = [str(model.headerData(i, Qt.Orientation.Vertical)) for i in range(model.rowCount())]
        widest = max((metrics.horizontalAdvance(name) for name in names), default=80)
        self.verticalHeader().setFixedWidth(round(0.92 * min(widest, WIDEST_NAME)) + 30)
        self.verticalHeader().setDefaultSectionSize(metrics.height() + 14)

    def _anew(self) -> None:
        self._fitted = False
        self.fit()


def _plain(index: QModelIndex) -> bool:
    """Whether a cell has no warning in it."""
    return index.data(Qt.ItemDataRole.DecorationRole) is None
