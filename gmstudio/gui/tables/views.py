"""The two views of the import dialog: the columns with their ticks, and the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSortFilterProxyModel, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QTableView, QWidget

from gmstudio.gui.tables import columns_model
from gmstudio.gui.tables.columns_model import PLACE, ColumnsModel
from gmstudio.gui.tables.histogram import HistogramDelegate
from gmstudio.gui.tables.preview_model import PreviewModel

if TYPE_CHECKING:
    from gmstudio.data.tables.reading import Table

#: Widths of the columns' facts in letters; the remark takes what is left.
WIDTHS = {"Column": 24, "Type": 10, "Missing": 10, "Distinct": 10, "Smallest": 11, "Largest": 11, "Distribution": 13}
#: Letters of a column of the preview, by its name: at least, at most.
NARROW, WIDE = 11, 24


class GridView(QTableView):
    """A table view with rows of one height, that measures nothing: a million rows cost no more than ten."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.horizontalHeader().setHighlightSections(False)
        rows = self.verticalHeader()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 8)
        rows.setHighlightSections(False)

    @property
    def letter(self) -> int:
        """Pixels of a letter of middling width."""
        return max(5, self.fontMetrics().averageCharWidth())


class ColumnsView(GridView):
    """The columns; Space ticks or unticks those that are selected."""

    def __init__(self, model: ColumnsModel, table: Table, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Columns of the table")
        self._columns = model
        self.found = QSortFilterProxyModel(self)
        self.found.setSourceModel(model)
        self.found.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setModel(self.found)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.verticalHeader().hide()
        self.setItemDelegateForColumn(columns_model.DISTRIBUTION, HistogramDelegate(table, self))
        heads = self.horizontalHeader()
        for place, (name, _) in enumerate(columns_model.HEADS):
            self.setColumnWidth(place, WIDTHS.get(name, 12) * self.letter)
        heads.setStretchLastSection(True)
        heads.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_found(self, text: str) -> None:
        """Show the columns whose names hold a text."""
        self.found.setFilterFixedString(text)

    def places(self) -> list[int]:
        """The places in the table of the columns that are shown."""
        return [int(self.found.index(row, 0).data(PLACE)) for row in range(self.found.rowCount())]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space ticks what is selected, or unticks it where the current column is ticked."""
        if event.key() != Qt.Key.Key_Space:
            super().keyPressEvent(event)
            return
        current = self.currentIndex()
        if current.isValid():
            on = not self._columns.ticked.on[int(current.data(PLACE))]
            self._columns.tick([int(index.data(PLACE)) for index in self.selectionModel().selectedRows()], on)


class PreviewView(GridView):
    """The rows of the table."""

    def __init__(self, model: PreviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Rows of the table")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.horizontalHeader().setDefaultSectionSize(NARROW * self.letter)
        self.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setModel(model)
        for place in range(model.columnCount()):
            name = str(model.headerData(place, Qt.Orientation.Horizontal))
            if len(name) + 4 > NARROW:
                self.setColumnWidth(place, min(len(name) + 4, WIDE) * self.letter)
        self.verticalHeader().setFixedWidth((len(f"{model.rowCount():,}") + 3) * self.letter)


class FindLine(QLineEdit):
    """A line that filters as one types; Return goes on to what was found instead of closing the dialog."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go on at Return; at the first Escape, take the text away."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.focusNextChild()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)
