"""Choosing a few columns of many."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from gmstudio.gui.panels.giving_button import GivingButton
from gmstudio.gui.theme import Theme, themes
from gmstudio.paths import resource


class ColumnButton(GivingButton):
    """Says how many columns are shown, and offers others.

    Signals:
        chosen(tuple of int): other columns, in the order of the data.
    """

    chosen = Signal(tuple)

    def __init__(self, most: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.most = most
        self.names: tuple[str, ...] = ()
        self.columns: tuple[int, ...] = ()
        self.chooser: ColumnChooser | None = None
        self.setToolTip(self.tr("Which columns are shown: up to {}").format(most))
        self.clicked.connect(self.choose)

    def offer(self, names: tuple[str, ...], columns: tuple[int, ...]) -> None:
        """Offer columns of these names, some of which are shown."""
        self.names, self.columns = names, columns
        self.say(self.tr("{} of {} columns").format(len(columns), len(names)))
        self.setAccessibleName(self.tr("Columns: {}").format(", ".join(names[k] for k in columns)))
        self.setVisible(len(names) > 2)

    def choose(self) -> None:
        """Open the list below the button."""
        self.chooser = ColumnChooser(self)
        self.chooser.adjustSize()
        self.chooser.move(self.mapToGlobal(QPoint(self.width() - self.chooser.width(), self.height() + 2)))
        self.chooser.show()
        self.chooser.filter.setFocus()

    def take(self, columns: tuple[int, ...]) -> None:
        """Show these columns from now on."""
        if columns != self.columns:
            self.offer(self.names, columns)
            self.chosen.emit(columns)


class ColumnChooser(QFrame):
    """A list of columns with ticks, and a line that narrows it down."""

    def __init__(self, button: ColumnButton) -> None:
        super().__init__(button, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("commands")
        self._button = button
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Type a part of a name"))
        self.filter.setAccessibleName(self.tr("Part of a column's name"))
        self.filter.textChanged.connect(self._narrow)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Columns"))
        self.list.setMinimumSize(240, 260)
        for index, name in enumerate(button.names):
            item = QListWidgetItem(name)
            item.setToolTip(name)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Checked if index in button.columns else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.setStyleSheet(_ticks(themes().current))
        self.list.itemChanged.connect(self._ticked)
        self.note = QLabel()
        box = QVBoxLayout(self)
        for widget in (self.filter, self.list, self.note):
            box.addWidget(widget)
        self._say()

    @property
    def ticked(self) -> tuple[int, ...]:
        """The columns that are ticked."""
        rows = range(self.list.count())
        return tuple(row for row in rows if self.list.item(row).checkState() == Qt.CheckState.Checked)

    def _ticked(self, item: QListWidgetItem) -> None:
        columns = self.ticked
        if len(columns) > self._button.most or not columns:
            # One too many, or the last one: put it back.
            over = len(columns) > self._button.most
            self.list.blockSignals(True)
            item.setCheckState(Qt.CheckState.Unchecked if over else Qt.CheckState.Checked)
            self.list.blockSignals(False)
        else:
            self._button.take(columns)
        self._say()

    def _say(self) -> None:
        count, most = len(self.ticked), self._button.most
        self.note.setText(
            self.tr("{} of at most {}").format(count, most) + (self.tr(": untick one first") * (count >= most))
        )

    def _narrow(self, text: str) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(text.casefold() not in item.text().casefold())


def _ticks(theme: Theme) -> str:
    """Boxes to tick in the theme's colours."""
    box, ticked = theme.colours["axis"], theme.colours["accent"]
    image = resource(f"icons/checked-{theme.name}.svg").as_posix()
    return (
        f"QListWidget::indicator {{ width: 13px; height: 13px; border: 1px solid {box}; border-radius: 4px; }}"
        f"QListWidget::indicator:checked {{ background: {ticked}; border-color: {ticked}; image: url('{image}'); }}"
    )
