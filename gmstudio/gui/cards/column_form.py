"""The small form of one column: what it has of its own."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout

from gmstudio import registry
from gmstudio.gui.cards.chooser import Chooser
from gmstudio.gui.cards.form import label_width, tooltip
from gmstudio.gui.cards.number_box import NumberBox
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.registry import FieldInfo, Spec
from gmstudio.runs import Column, RunSpec, TrainingSpec

#: Pixels of the box that is ticked, and of what stands beside the names.
BOX, REST = 24, 192


class OwnNumber(QFrame):
    """A number that a column may have of its own: a check box and a spin box."""

    #: The column's own number, or None.
    edited = Signal(object)

    def __init__(self, info: FieldInfo) -> None:
        super().__init__()
        self.check = QCheckBox(f"Own {info.label.lower()}")
        self.check.setFixedWidth(label_width(self.check.font()) + BOX)
        self.check.setToolTip(tooltip(info))
        self.box = NumberBox(info)
        self.box.setAccessibleName(info.label)
        self.box.setToolTip(tooltip(info))
        self.message = QLabel()
        self.message.setProperty("class", "error")
        self.message.setWordWrap(True)
        self.message.hide()
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(6)
        layout.addWidget(self.check, 0, 0)
        layout.addWidget(self.box, 0, 1)
        layout.addWidget(self.message, 1, 0, 1, 2)
        self.check.clicked.connect(self._toggled)
        self.box.edited.connect(self.edited)
        self.box.refused.connect(self._refused)

    def show_value(self, own: float | None, common: float) -> None:
        """Show the column's own number, or the common one."""
        self.check.setChecked(own is not None)
        self.box.setEnabled(own is not None)
        self.box.show_value(common if own is None else own)

    def _toggled(self, checked: bool) -> None:
        self.box.setEnabled(checked)
        self.edited.emit(self.box.value if checked else None)

    def _refused(self, message: str) -> None:
        self.message.setText(message)
        self.message.setVisible(bool(message))


class ColumnForm(QFrame):
    """Title, schedule, seed and learning rate of one column; shown as a popup under its chip."""

    #: The new column, and the name of the field that changed.
    edited = Signal(object, str)
    remove = Signal()
    duplicate = Signal()

    def __init__(self, column: Column, run: RunSpec, *, only: bool) -> None:
        super().__init__(None, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("columnform")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(label_width(self.font()) + REST)
        self._column = column
        self._run = run
        infos = {info.name: info for info in registry.fields(TrainingSpec)}
        self.title = QLineEdit()
        self.title.setMaxLength(60)
        self.title.setAccessibleName("Title of the column")
        self.title.editingFinished.connect(self._titled)
        self.own_schedule = QCheckBox("Own schedule")
        self.own_schedule.setToolTip("Without one, the column uses the schedule of the Mollification card.")
        self.own_schedule.clicked.connect(self._own_schedule)
        self.schedule = Chooser("schedule", column.mollification or run.mollification)
        self.schedule.edited.connect(self._scheduled)
        self.seed = OwnNumber(infos["seed"])
        self.seed.edited.connect(self._seeded)
        self.rate = OwnNumber(infos["rate"])
        self.rate.edited.connect(self._rated)
        self._lay_out(only)
        self.show_column(column, run)

    def _lay_out(self, only: bool) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        for widget in (self.title, self.own_schedule, self.schedule, self.seed, self.rate):
            layout.addWidget(widget)
        buttons = QHBoxLayout()
        for text, signal in (("Duplicate", self.duplicate), ("Remove", self.remove)):
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.clicked.connect(signal)
            button.setObjectName(text.lower())
            buttons.addWidget(button)
            if text == "Remove":
                button.setEnabled(not only)
                button.setToolTip("The last column stays." if only else "Remove this column")
        layout.addLayout(buttons)

    @property
    def column(self) -> Column:
        """The column as the form stands."""
        return self._column

    def show_column(self, column: Column, run: RunSpec) -> None:
        """Show a column without a signal."""
        self._column, self._run = column, run
        self.title.setText(column.title)
        self.own_schedule.setChecked(column.mollification is not None)
        self.schedule.setVisible(column.mollification is not None)
        if column.mollification is not None:
            self.schedule.show_spec(column.mollification)
        self.seed.show_value(column.seed, run.training.seed)
        self.rate.show_value(column.rate, run.training.rate)
        self.adjustSize()

    def _change(self, name: str, value: Any) -> None:
        column = msgspec.structs.replace(self._column, **{name: value})
        if column != self._column:
            self._column = column
            self.edited.emit(column, name)

    def _titled(self) -> None:
        title = self.title.text().strip()
        if title:
            self._change("title", title)
        else:
            self.title.setText(self._column.title)

    def _own_schedule(self, checked: bool) -> None:
        self.schedule.setVisible(checked)
        schedule = cast(ScheduleSpec, self.schedule.spec)
        self._change("mollification", schedule if checked else None)
        self.adjustSize()

    def _scheduled(self, spec: Spec, name: str) -> None:
        self._change("mollification", spec)
        self.adjustSize()

    def _seeded(self, value: int | None) -> None:
        self._change("seed", value)

    def _rated(self, value: float | None) -> None:
        self._change("rate", value)
