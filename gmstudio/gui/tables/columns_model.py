"""The columns of a table as rows of a view: ticked or not, with what is known of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal

from gmstudio.gui.tables.choice import Ticked, usable
from gmstudio.gui.tables.headed_model import RIGHT, HeadedModel, Index
from gmstudio.gui.tables.preview_model import number
from gmstudio.gui.theme import themes

if TYPE_CHECKING:
    from gmstudio.data.tables.profile import ColumnProfile, Profile
    from gmstudio.data.tables.reading import Column, Table

#: Role of the place in the table of the column that a row stands for.
PLACE = Qt.ItemDataRole.UserRole
HEADS: tuple[tuple[str, str], ...] = (
    ("Column", "Ticked columns are learned. Space ticks those that are selected."),
    ("Type", "What the values are. Only numbers can be learned."),
    ("Missing", "Rows in which the value is missing."),
    ("Distinct", "How many different values there are."),
    ("Smallest", "The smallest value."),
    ("Largest", "The largest value."),
    ("Distribution", "A histogram from the smallest to the largest value."),
    ("Remark", "What speaks against learning the column as it is."),
)
#: What a column of another kind than numbers holds.
WORDS = {"text": "text", "date": "dates", "boolean": "yes and no"}
NAME, TYPE, MISSING, DISTINCT, SMALLEST, LARGEST, DISTRIBUTION, REMARK = range(len(HEADS))


def remark(column: Column, facts: ColumnProfile | None) -> str:
    """What speaks against a column, in a few words; empty for nothing, and while its facts are not known."""
    if not usable(column):
        return f"{WORDS[column.kind]} cannot be learned"
    if facts is None:
        return ""
    if facts.constant:
        return "constant: nothing to learn"
    return "few values" if facts.few_valued else ""


class ColumnsModel(HeadedModel):
    """The columns and their ticks.

    Args:
        table: what was read.
        ticked: which columns are ticked; changed in place.

    Signals:
        ticks_changed(): the person has ticked or unticked.
    """

    heads = HEADS
    numbers = range(MISSING, LARGEST + 1)
    ticks_changed = Signal()

    def __init__(self, table: Table, ticked: Ticked) -> None:
        super().__init__()
        self._table, self.ticked = table, ticked
        self._profile: Profile | None = None

    def show_profile(self, profile: Profile) -> None:
        """Show what has been found out of the columns."""
        self._profile = profile
        self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, REMARK))

    def tick(self, places: Iterable[int], on: bool) -> None:
        """Tick or untick columns by their places."""
        self.ticked.set(list(places), on)
        last = self.index(self.rowCount() - 1, REMARK)
        self.dataChanged.emit(self.index(0, 0), last)
        self.ticks_changed.emit()

    @property
    def things(self) -> int:
        """How many columns the table has."""
        return len(self._table.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The first cell can be ticked where the column can be learned."""
        found = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        if index.column() == NAME and usable(self._table.columns[index.row()]):
            found |= Qt.ItemFlag.ItemIsUserCheckable
        return found

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        row, head = index.row(), index.column()
        if role == PLACE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, head)
        if role == Qt.ItemDataRole.CheckStateRole and head == NAME:
            return Qt.CheckState.Checked if self.ticked.on[row] else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.TextAlignmentRole and head in self.numbers:
            return RIGHT
        if role == Qt.ItemDataRole.ForegroundRole:
            if head == REMARK or (head == MISSING and self._table.columns[row].missing):
                return themes().current.colour("warning")
            return None if self.ticked.on[row] else themes().current.colour("muted")
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._hint(row, head)
        return None

    def _text(self, row: int, head: int) -> str:
        column = self._table.columns[row]
        facts = self._profile.columns[row] if self._profile is not None else None
        if head == NAME:
            return column.name
        if head == TYPE:
            return column.kind
        if head == MISSING:
            return f"{column.missing:,}"
        if head == REMARK:
            return remark(column, facts)
        if not DISTINCT <= head <= LARGEST or not usable(column):
            return ""
        if facts is None:
            return "…"
        if head == DISTINCT:
            return f"{facts.distinct:,}"
        return number(facts.minimum if head == SMALLEST else facts.maximum)

    def _hint(self, row: int, head: int) -> str:
        if head == NAME:
            return self._table.columns[row].name
        return HEADS[head][1]

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Tick or untick."""
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.tick([index.row()], Qt.CheckState(value) == Qt.CheckState.Checked)
        return True
