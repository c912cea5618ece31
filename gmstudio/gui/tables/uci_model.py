"""The catalogue of known data sets as rows of a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt

from gmstudio.gui.tables.headed_model import RIGHT, HeadedModel, Index
from gmstudio.gui.theme import themes

if TYPE_CHECKING:
    from gmstudio.data.uci.catalogue import Entry

HEADS: tuple[tuple[str, str], ...] = (
    ("Data set", "Its name."),
    ("Rows", "How many rows it has when it is prepared."),
    ("Columns", "How many columns it has when it is prepared."),
    ("Download", "How much is downloaded, when you ask for it."),
    ("State", "Whether it is on this machine."),
)
NAME, ROWS, COLUMNS, SIZE, STATE = range(len(HEADS))


def state_in_words(entry: Entry, here: bool) -> str:
    """Whether a set is on this machine."""
    if entry.bundled:
        return "bundled"
    return "downloaded" if here else "not downloaded"


class CatalogueModel(HeadedModel):
    """The entries and whether they are here.

    Args:
        entries: in the order of the list.
        here: whether an entry is on this machine.
    """

    heads = HEADS
    numbers = range(ROWS, SIZE + 1)

    def __init__(self, entries: tuple[Entry, ...], here: Callable[[Entry], bool]) -> None:
        super().__init__()
        self.entries = entries
        self._here = here
        self._states: list[str] = []
        self.look()

    def look(self) -> None:
        """Look again what is here."""
        self._states = [state_in_words(entry, self.is_here(entry)) for entry in self.entries]
        self.dataChanged.emit(self.index(0, STATE), self.index(len(self.entries) - 1, STATE))

    def is_here(self, entry: Entry) -> bool:
        """Whether an entry can be used at once."""
        return entry.bundled or self._here(entry)

    @property
    def things(self) -> int:
        """How many entries there are."""
        return len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(index.row(), index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in self.numbers:
            return RIGHT
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == STATE:
            return themes().current.colour("success" if self.is_here(self.entries[index.row()]) else "muted")
        if role == Qt.ItemDataRole.ToolTipRole:
            return HEADS[index.column()][1] if index.column() else self.entries[index.row()].preparation
        return None

    def _text(self, row: int, head: int) -> str:
        from gmstudio.data.uci.catalogue import size_in_words

        entry = self.entries[row]
        if head == NAME:
            return entry.title
        if head in (ROWS, COLUMNS):
            count = entry.rows if head == ROWS else entry.columns
            return f"{count:,}" if count else "–"
        if head == SIZE:
            return "–" if entry.bundled else size_in_words(entry.size)
        return self._states[row]
