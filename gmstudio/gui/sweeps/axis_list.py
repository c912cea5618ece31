"""One axis of a sweep: a list of entries to tick."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QItemSelectionModel,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gmstudio.gui.cards.calm import IconButton
from gmstudio.gui.sweeps.choices import Choice, choice, merged
from gmstudio.registry import Spec

_SPEC = Qt.ItemDataRole.UserRole
_REFUSAL = Qt.ItemDataRole.UserRole + 1
#: What stands between the parts of an entry, with the space before it; a space that no line is broken at.
_PARTS, _TIED = re.compile(" (?=[·—] )"), "\u00a0"
#: Pixels above and below the lines of an entry together.
PADDING = 6
_QUIETLY = QItemSelectionModel.SelectionFlag.NoUpdate


class _Ticks(QListWidget):
    """Shows which entry is the current one only while it has the keyboard; Space and Return tick it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # What is left of it must not start the sweep.
            event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        item = self.currentItem()
        if item is not None:
            item.setSelected(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.clearSelection()


class _Wrapped(QStyledItemDelegate):
    """Entries that go on beneath themselves where they are too long, before a dot or a dash if they can.

    Qt's own guess of their height is one line short where a text just fits.
    """

    def displayText(self, value: Any, locale: QLocale | QLocale.Language) -> str:
        """The text, whose parts after the first are not torn."""
        first, *rest = _PARTS.split(str(value))
        return first + "".join(f" {part.replace(' ', _TIED)}" for part in rest)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """As high as its lines are."""
        shown = QStyleOptionViewItem(option)
        self.initStyleOption(shown, index)
        view = shown.widget
        if not isinstance(view, QListWidget):
            return super().sizeHint(option, index)
        shown.rect = QRect(0, 0, view.viewport().width(), 1000)
        style = view.style()
        area = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, shown, view)
        margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, shown, view) + 1
        room = QRect(0, 0, area.width() - 2 * margin, 10_000)
        lines = shown.fontMetrics.boundingRect(room, Qt.TextFlag.TextWordWrap.value, shown.text).height()
        return QSize(room.width(), lines + PADDING)


class AxisList(QWidget):
    """The entries of an axis; those that are ticked are swept over, in this order.

    Args:
        title: what the entries are.
        hint: what they become in the table, shown on hover.
        card: what stands on the card of this axis is called.

    Signals:
        changed(): other entries are ticked.
        card_wanted(): the person wants what is on the card now.
    """

    changed = Signal()
    card_wanted = Signal()

    def __init__(self, title: str, hint: str, card: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        row = self._head = QHBoxLayout()
        self.heading = QLabel(title)
        self.heading.setProperty("class", "section")
        self.heading.setToolTip(hint)
        self.take = IconButton("plus", f"Add what is on the {card} card now, and tick it", 14)
        self.take.clicked.connect(self.card_wanted)
        row.addWidget(self.heading, 1)
        row.addWidget(self.take)
        box.addLayout(row)
        self.list = _Ticks()
        self.list.setObjectName("axis")
        self.list.setAccessibleName(title)
        self.list.setAccessibleDescription(hint)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        # What is too long goes on beneath itself.
        self.list.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.list.setWordWrap(True)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.setItemDelegate(_Wrapped(self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemChanged.connect(self._ticked)
        self.list.itemActivated.connect(self._toggle)
        box.addWidget(self.list, 1)

    def sizeHint(self) -> QSize:
        """Some thirty letters wide."""
        return QSize(240, 240)

    def add_button(self, button: QWidget) -> None:
        """Put a button beside the heading."""
        self._head.insertWidget(1, button)

    # What is in it.

    def show_entries(self, entries: Sequence[Choice], ticked: Sequence[Spec], origin: str = "") -> None:
        """Fill it; no signal.

        Args:
            entries: what can be chosen.
            ticked: what is, in the order of the table; it comes first.
            origin: where those come from that are not among the entries, such as ``from the file``.
        """
        known = {entry.spec: entry for entry in reversed(entries)}
        first = [known.get(spec) or choice(spec, origin) for spec in ticked]
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for entry in merged([*first, *entries]):
            self._add(entry, entry.spec in ticked, self.list.count())
        self.list.blockSignals(blocked)
        if self.list.count():
            self.list.setCurrentRow(0, _QUIETLY)
        self._show_count()

    def add(self, entry: Choice) -> None:
        """Add an entry and tick it; where it is already, tick that."""
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item.data(_SPEC) == entry.spec:
                item.setCheckState(Qt.CheckState.Checked)
                self.list.setCurrentItem(item, _QUIETLY)
                return
        row = self._after_ticked()
        blocked = self.list.blockSignals(True)
        self._add(entry, True, row)
        self.list.blockSignals(blocked)
        self.list.setCurrentRow(row, _QUIETLY)
        self._ticked()

    def _after_ticked(self) -> int:
        """The place below the last entry that is ticked."""
        rows = [row for row in range(self.list.count()) if self.list.item(row).checkState() == Qt.CheckState.Checked]
        return rows[-1] + 1 if rows else 0

    def _add(self, entry: Choice, on: bool, row: int) -> None:
        absent = bool(entry.refusal) and on
        item = QListWidgetItem(f"{entry.label.partition(' · ')[0]} — not here yet" if absent else entry.label)
        item.setData(_REFUSAL, entry.refusal)
        item.setData(_SPEC, entry.spec)
        usable = not entry.refusal or on
        flags = Qt.ItemFlag.ItemIsSelectable
        if usable:
            flags |= Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable
        item.setFlags(flags)
        item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        item.setToolTip("\n".join(text for text in (entry.label, entry.help, entry.refusal) if text))
        self.list.insertItem(row, item)

    # What is ticked.

    @property
    def ticked(self) -> tuple[Any, ...]:
        """The specifications that are ticked, from the top."""
        items = [self.list.item(row) for row in range(self.list.count())]
        return tuple(item.data(_SPEC) for item in items if item.checkState() == Qt.CheckState.Checked)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why some of what is ticked cannot be used, and what to do, each once."""
        items = [self.list.item(row) for row in range(self.list.count())]
        found = [str(item.data(_REFUSAL)) for item in items if item.checkState() == Qt.CheckState.Checked]
        return tuple(dict.fromkeys(text for text in found if text))

    def tick(self, spec: Spec, on: bool = True) -> None:
        """Tick an entry as if the person had."""
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item.data(_SPEC) == spec and item.flags() & Qt.ItemFlag.ItemIsUserCheckable:
                item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def _toggle(self, item: QListWidgetItem) -> None:
        if item.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            on = item.checkState() == Qt.CheckState.Checked
            item.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)

    def _ticked(self) -> None:
        self._show_count()
        self.changed.emit()

    def _show_count(self) -> None:
        self.heading.setText(f"{self._title}  ·  {len(self.ticked)}")
