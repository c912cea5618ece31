"""The rows of a table as a view shows them, straight from the arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtGui import QFontDatabase

from gmstudio.gui.tables.headed_model import NO_INDEX, RIGHT, Index
from gmstudio.gui.theme import themes

if TYPE_CHECKING:
    from gmstudio.data.tables.reading import Table


def number(value: float) -> str:
    """A number in at most nine characters or so; a dash where it is missing."""
    return "–" if value != value else f"{value:.6g}"


class PreviewModel(QAbstractTableModel):
    """Every row of a table: nothing is made before it is looked at.

    Args:
        table: what was read.
    """

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table
        self._font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self._used = [True] * len(table.columns)

    def show_used(self, used: list[bool]) -> None:
        """Fade the columns that are left out."""
        self._used = used
        if self._table.rows and used:
            last = self.index(self._table.rows - 1, len(used) - 1)
            self.dataChanged.emit(self.index(0, 0), last, [Qt.ItemDataRole.ForegroundRole])
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(used) - 1)

    def rowCount(self, parent: Index = NO_INDEX) -> int:
        """As many as the table has."""
        return 0 if parent.isValid() else self._table.rows

    def columnCount(self, parent: Index = NO_INDEX) -> int:
        """As many as the table has."""
        return 0 if parent.isValid() else len(self._table.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """One value."""
        if role == Qt.ItemDataRole.DisplayRole:
            values = self._table.columns[index.column()].values
            return self._table.columns[index.column()].kind if values is None else number(float(values[index.row()]))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT
        if role == Qt.ItemDataRole.ForegroundRole and not self._used[index.column()]:
            return themes().current.colour("muted", 0.6)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Names of columns, numbers of rows as messages count them: a header is row 1."""
        if orientation == Qt.Orientation.Vertical:
            return f"{self._table.first + section:,}" if role == Qt.ItemDataRole.DisplayRole else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._table.columns[section].name
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT
        return None
