"""The strip of columns: which runs train side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec
from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QFocusEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QLabel, QMenu, QVBoxLayout, QWidget

from gmstudio import registry
from gmstudio.gui.cards import numbers
from gmstudio.gui.cards.calm import IconButton, set_state
from gmstudio.gui.cards.column_form import ColumnForm
from gmstudio.gui.cards.flow import FlowLayout
from gmstudio.gui.cards.summaries import summary
from gmstudio.gui.theme import themes
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.runs import Column, Experiment

MOST = 32


def describe_column(column: Column) -> str:
    """What a column has of its own, in words."""
    parts = [f"schedule: {summary(column.mollification)}" if column.mollification else "schedule of the card"]
    if column.seed is not None:
        parts.append(f"seed {column.seed}")
    if column.rate is not None:
        parts.append(f"rate {numbers.pretty(column.rate)}")
    return ", ".join(parts)


def free_title(title: str, columns: tuple[Column, ...]) -> str:
    """`title`, or `title` with the first number that no column has."""
    taken = {column.title for column in columns}
    numbered = (f"{title} {number}" for number in range(2, MOST + 2))
    return title if title not in taken else next(name for name in numbered if name not in taken)


def _on_screen(chip: QWidget, popup: QWidget) -> QPoint:
    """Under the chip, moved so that nothing is beyond the screen."""
    at = chip.mapToGlobal(QPoint(0, chip.height() + 4))
    room = chip.screen().availableGeometry()
    size = popup.sizeHint()
    x = max(room.left(), min(at.x(), room.right() - max(300, size.width())))
    return QPoint(x, max(room.top(), min(at.y(), room.bottom() - size.height())))


class Chip(QAbstractButton):
    """One column: a dot in its colour and its title."""

    def __init__(self, column: Column, index: int) -> None:
        super().__init__()
        self.setText(column.title)
        self._index = index
        self._ring = False
        self.setAccessibleName(f"Column {column.title}")
        self.setAccessibleDescription(describe_column(column))
        self.setToolTip(f"<b>{column.title}</b><br>{describe_column(column)}<br>Click to change.")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show a ring to those who come by keyboard."""
        self._ring = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)

    def sizeHint(self) -> QSize:
        """The title and the dot."""
        metrics = self.fontMetrics()
        return QSize(min(180, metrics.horizontalAdvance(self.text()) + 32), metrics.height() + 9)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A pill."""
        theme = themes().current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        token = theme.column(self._index)
        painter.setPen(theme.pen(token, 1.6) if self._ring and self.hasFocus() else theme.pen("border"))
        painter.setBrush(theme.colour(token, 0.18 if self.underMouse() or self.isDown() else 0.09))
        frame = self.rect().toRectF().adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(token))
        painter.drawEllipse(frame.center() - QPoint(round(frame.width() / 2) - 12, 0), 4, 4)
        painter.setPen(theme.colour("text"))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - 30)
        painter.drawText(self.rect().adjusted(22, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()


class ColumnStrip(QFrame):
    """Chips of all columns, and a button that adds one."""

    #: The new columns, a text for the undo list, and a key: equal keys merge, an empty one never does.
    edited = Signal(object, str, str)

    def __init__(self, experiment: Experiment) -> None:
        super().__init__()
        self.setObjectName("columns")
        self._experiment = experiment
        self.chips: list[Chip] = []
        self.popup: ColumnForm | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 4)
        layout.setSpacing(4)
        self._note = QLabel("Columns, trained side by side")
        self._note.setProperty("class", "section")
        layout.addWidget(self._note)
        self._holder = QWidget()
        self._flow = FlowLayout(self._holder, 5)
        layout.addWidget(self._holder)
        self.add_button = IconButton("plus", "Add a column")
        self.add_button.setObjectName("addcolumn")
        self.add_button.clicked.connect(self._ask_add)
        self.show_experiment(experiment)

    def show_experiment(self, experiment: Experiment) -> None:
        """Show the columns of an experiment without a signal."""
        rebuilt = not self.chips or experiment.columns != self._experiment.columns
        self._experiment = experiment
        if rebuilt:
            self._rebuild()
        self.add_button.setEnabled(len(experiment.columns) < MOST)
        if self.popup is not None:
            index = self._popup_index
            if index < len(experiment.columns):
                self.popup.show_column(experiment.columns[index], experiment.run)
            else:
                self.popup.close()

    def mark_restart(self, marked: bool) -> None:
        """Say whether added or removed columns wait for a restart."""
        self._note.setText("Columns · applies on restart" if marked else "Columns, trained side by side")
        set_state(self._note, "state", "restart" if marked else "")

    def _rebuild(self) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            widget = item.widget()
            if isinstance(widget, Chip):
                widget.hide()
                widget.deleteLater()
        self.chips = []
        for index, column in enumerate(self._experiment.columns):
            chip = Chip(column, index)
            chip.clicked.connect(self._opener(index))
            self.chips.append(chip)
            self._flow.addWidget(chip)
        self._flow.addWidget(self.add_button)
        self._holder.updateGeometry()

    def _opener(self, index: int) -> Callable[[], object]:
        return lambda: self.open(index)

    def open(self, index: int) -> ColumnForm:
        """Open the form of a column under its chip."""
        columns = self._experiment.columns
        popup = ColumnForm(columns[index], self._experiment.run, only=len(columns) == 1)
        popup.edited.connect(self._changed)
        popup.remove.connect(self._remove)
        popup.duplicate.connect(self._duplicate)
        popup.destroyed.connect(self._closed)
        self.popup, self._popup_index = popup, index
        chip = self.chips[index]
        popup.move(_on_screen(chip, popup))
        popup.show()
        popup.title.setFocus()
        return popup

    def _closed(self) -> None:
        self.popup = None

    def _changed(self, column: Column, name: str) -> None:
        index = self._popup_index
        columns = list(self._experiment.columns)
        before, columns[index] = columns[index], column
        what = {"title": f"Rename {before.title} to {column.title}"}
        text = what.get(name, f"Change the {name.replace('mollification', 'schedule')} of {column.title}")
        self.edited.emit(tuple(columns), text, f"columns.{index}.{name}")

    def _remove(self) -> None:
        if self.popup is not None:
            self.popup.close()
        self.remove(self._popup_index)

    def _duplicate(self) -> None:
        if self.popup is not None:
            self.popup.close()
        self.add(msgspec.structs.replace(self._experiment.columns[self._popup_index]))

    def remove(self, index: int) -> None:
        """Remove a column; the last one stays."""
        columns = self._experiment.columns
        if len(columns) > 1:
            kept = columns[:index] + columns[index + 1 :]
            self.edited.emit(kept, f"Remove column {columns[index].title}", "")

    def add(self, column: Column) -> None:
        """Add a column at the end, with a title of its own."""
        columns = self._experiment.columns
        if len(columns) < MOST:
            named = msgspec.structs.replace(column, title=free_title(column.title, columns))
            self.edited.emit((*columns, named), f"Add column {named.title}", "")

    def add_menu(self) -> QMenu:
        """What may be added."""
        menu = QMenu(self)
        seeds = [run.training.seed for run in self._experiment.runs()]
        off = cast(ScheduleSpec, registry.from_plain("schedule", {"kind": "off"}))
        offers = (
            ("Vanilla", Column(title="Vanilla", mollification=off)),
            ("Mollified, with the card's schedule", Column(title="Mollified")),
            ("Mollified, with its own schedule", Column(title="Mollified", mollification=self._card_schedule())),
            ("Mollified, with another seed", Column(title=f"Seed {max(seeds) + 1}", seed=max(seeds) + 1)),
        )
        for text, column in offers:
            action = QAction(text, menu)
            action.triggered.connect(self._adder(column))
            menu.addAction(action)
        return menu

    def _card_schedule(self) -> ScheduleSpec:
        return self._experiment.run.mollification

    def _adder(self, column: Column) -> Callable[[], object]:
        return lambda: self.add(column)

    def _ask_add(self) -> None:
        menu = self.add_menu()
        menu.exec(self.add_button.mapToGlobal(QPoint(0, self.add_button.height())))
        menu.deleteLater()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Change or remove the column under the mouse."""
        chip = self.childAt(event.pos())
        if not isinstance(chip, Chip):
            event.ignore()
            return
        index = self.chips.index(chip)
        menu = QMenu(self)
        menu.addAction("Change…", self._opener(index))
        removal = menu.addAction("Remove", lambda: self.remove(index))
        removal.setEnabled(len(self.chips) > 1)
        menu.exec(event.globalPos())
        menu.deleteLater()
