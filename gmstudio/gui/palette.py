"""The command palette: type a few letters, press Return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGraphicsDropShadowEffect,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

Index = QModelIndex | QPersistentModelIndex
WIDTH, ROWS = 560, 11


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette.

    Attributes:
        title: what is searched, such as ``Choose model: Glow``.
        run: what is done.
        hint: a key or a place, shown at the right.
        help: shown on hover.
    """

    title: str
    run: Callable[[], object]
    hint: str = ""
    help: str = ""


def match(query: str, title: str) -> float | None:
    """How well a title fits: None where the letters are not in it in this order, else more is better.

    A run of letters, and letters at the beginnings of words, count more; short titles are preferred.
    """
    text, wanted = title.casefold(), query.casefold().strip()
    if not wanted:
        return 0.0
    if wanted in text:
        at = text.index(wanted)
        starts = at == 0 or not text[at - 1].isalnum()
        return 100.0 + (20.0 if starts else 0.0) - at * 0.1 - len(text) * 0.01
    words = wanted.split()
    if len(words) > 1 and all(word in text for word in words):
        return 80.0 - len(text) * 0.01
    score, at = 0.0, -1
    for letter in wanted.replace(" ", ""):
        found = text.find(letter, at + 1)
        if found < 0:
            return None
        score += 3.0 if found == at + 1 else 2.0 if found == 0 or not text[found - 1].isalnum() else 0.0
        score -= 0.05 * (found - at)
        at = found
    return score - len(text) * 0.01


def search(query: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that fit, best first."""
    scored = [(match(query, entry.title), -place, entry) for place, entry in enumerate(entries)]
    found = [(score, place, entry) for score, place, entry in scored if score is not None]
    return [entry for _, _, entry in sorted(found, key=lambda item: item[:2], reverse=True)]


class _Found(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def show(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.entries[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return entry.help or None
        if role == Qt.ItemDataRole.UserRole:
            return entry.hint
        return None


class _Lines(QStyledItemDelegate):
    """A title at the left, its key at the right."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self.initStyleOption(option, index)
        style = QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        painter.save()
        painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
        place = option.rect.adjusted(0, 0, -12, 0)
        hint = str(index.data(Qt.ItemDataRole.UserRole) or "")
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, hint)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(WIDTH, option.fontMetrics.height() + 13)


class Palette(QFrame):
    """A list of everything, over the window's middle.

    Args:
        window: what it floats over.
        entries: called whenever it opens.
    """

    def __init__(self, window: QWidget, entries: Callable[[], list[Entry]]) -> None:
        super().__init__(window)
        self.setObjectName("commands")
        self.setAccessibleName("Find an action")
        self._entries = entries
        self._known: list[Entry] = []
        self._before: QWidget | None = None
        self.line = QLineEdit(self)
        self.line.setPlaceholderText("What do you want to do?")
        self.line.setAccessibleName("Search")
        self.found = _Found(self)
        self.list = QListView(self)
        self.list.setModel(self.found)
        self.list.setItemDelegate(_Lines(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Actions found")
        box = QVBoxLayout(self)
        box.setContentsMargins(6, 4, 6, 6)
        box.setSpacing(2)
        box.addWidget(self.line)
        box.addWidget(self.list)
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(32)
        shadow.setOffset(0, 8)
        self.setGraphicsEffect(shadow)
        self.line.textChanged.connect(self._search)
        self.line.installEventFilter(self)
        self.list.clicked.connect(self._clicked)
        self.hide()

    def open(self) -> None:
        """Show it, empty, with everything."""
        self._before = QApplication.focusWidget()
        self._known = self._entries()
        self.line.clear()
        self._search("")
        self._place()
        self.show()
        self.raise_()
        self.line.setFocus()

    def dismiss(self) -> None:
        """Hide it and give the keys back to whom they belonged."""
        if self.isVisible():
            self.hide()
            if self._before is not None:
                self._before.setFocus()
            self._before = None

    def _place(self) -> None:
        parent = self.window()
        row = self.fontMetrics().height() + 13
        width = min(max(WIDTH, row * 22), parent.width() - 40)
        height = min(row * ROWS + self.line.sizeHint().height() + 22, parent.height() - 80)
        self.setGeometry((parent.width() - width) // 2, max(40, parent.height() // 9), width, height)

    def _search(self, text: str) -> None:
        self.found.show(search(text, self._known))
        if self.found.entries:
            self.list.setCurrentIndex(self.found.index(0))

    def _clicked(self, index: QModelIndex) -> None:
        self._run(index.row())

    def _run(self, row: int) -> None:
        if 0 <= row < len(self.found.entries):
            entry = self.found.entries[row]
            self.dismiss()
            entry.run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the line: up, down, Return, Escape; leaving it closes the palette."""
        if event.type() == QEvent.Type.FocusOut and self.isVisible() and self.isActiveWindow():
            self.hide()
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        key = event.key()
        row = self.list.currentIndex().row()
        moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS - 1, Qt.Key.Key_PageUp: 1 - ROWS}
        if key == Qt.Key.Key_Escape:
            self.dismiss()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(row)
        elif key in moves and self.found.entries:
            target = min(max(row + moves[Qt.Key(key)], 0), len(self.found.entries) - 1)
            self.list.setCurrentIndex(self.found.index(target))
        else:
            return False
        return True
