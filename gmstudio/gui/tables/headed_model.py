"""Things of one kind as rows of a view, and what is known of each under heads that stay."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class HeadedModel(QAbstractTableModel):
    """Base of models whose columns are always the same.

    Attributes:
        heads: what stands over each column, and what is said of it on hover.
        numbers: the columns that hold numbers, which stand at the right.
    """

    heads: ClassVar[tuple[tuple[str, str], ...]]
    numbers: ClassVar[range]

    @property
    def things(self) -> int:
        """How many things there are."""
        raise NotImplementedError

    def rowCount(self, parent: Index = NO_INDEX) -> int:
        """One for each thing."""
        return 0 if parent.isValid() else self.things

    def columnCount(self, parent: Index = NO_INDEX) -> int:
        """One for each head."""
        return 0 if parent.isValid() else len(self.heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The heads."""
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.heads[section][0]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.heads[section][1]
        if role == Qt.ItemDataRole.TextAlignmentRole and section in self.numbers:
            return RIGHT
        return None
