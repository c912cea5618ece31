"""One editor for each kind of field: it shows a value, and says what a person made of it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from gmstudio.gui.cards import numbers
from gmstudio.gui.cards.calm import CalmCombo, CalmSlider, set_state
from gmstudio.gui.cards.number_box import NumberBox
from gmstudio.registry import FieldInfo, SpecError


class Editor(QWidget):
    """Base of every editor: one row of a form."""

    #: The new value, made by the person; already of the field's type and within its limits.
    edited = Signal(object)
    #: What is wrong with what stands there; empty when nothing is any more.
    refused = Signal(str)

    def __init__(self, info: FieldInfo) -> None:
        super().__init__()
        self.info = info
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_value(self, value: Any) -> None:
        """Show `value` without a signal."""
        raise NotImplementedError

    def commit(self) -> None:
        """Take what is typed but not yet entered."""

    def _fill(self, *widgets: QWidget) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in widgets:
            layout.addWidget(widget)
            widget.setAccessibleName(self.info.label)
            widget.setAccessibleDescription(self.info.help)
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setFocusProxy(widgets[0])


class NumberEditor(Editor):
    """A number, with a slider where its range is small."""

    def __init__(self, info: FieldInfo) -> None:
        super().__init__(info)
        self.box = NumberBox(info, unit=not numbers.has_slider(info))
        self.box.refused.connect(self.refused)
        self.box.edited.connect(self._typed)
        self.slider: QSlider | None = None
        if numbers.has_slider(info):
            self.slider = self._make_slider()
            self.box.setFixedWidth(66)
            self._fill(self.box, self.slider)
        else:
            self._fill(self.box)

    def _make_slider(self) -> QSlider:
        slider = CalmSlider()
        slider.setRange(0, numbers.ticks(self.info))
        slider.setPageStep(max(1, slider.maximum() // 10))
        slider.valueChanged.connect(self._slid)
        return slider

    def show_value(self, value: Any) -> None:
        """Show a number."""
        self.box.show_value(value)
        self._place(value)

    def _place(self, value: float) -> None:
        if self.slider is not None:
            with QSignalBlocker(self.slider):
                self.slider.setValue(numbers.tick_of(value, self.info))

    def _typed(self, value: float) -> None:
        self._place(value)
        self.edited.emit(value)

    def _slid(self, position: int) -> None:
        value = numbers.at_tick(position, self.info)
        try:
            self.info.check(value)
        except SpecError:
            # The end of the slider is a limit that the number must not reach.
            self._place(self.box.value)
            return
        if value != self.box.value:
            self.box.show_value(value)
            self.refused.emit("")
            self.edited.emit(value)

    def commit(self) -> None:
        """Take what is typed."""
        self.box.commit()


class ChoiceEditor(Editor):
    """One of a few values."""

    def __init__(self, info: FieldInfo) -> None:
        super().__init__(info)
        self.combo = CalmCombo()
        for choice in info.choices:
            self.combo.addItem(str(choice).replace("-", " ").replace("_", " ").capitalize(), choice)
        self.combo.activated.connect(self._chosen)
        self._fill(self.combo)

    def show_value(self, value: Any) -> None:
        """Show a choice."""
        self.combo.setCurrentIndex(self.info.choices.index(value))

    def _chosen(self, index: int) -> None:
        self.edited.emit(self.info.choices[index])


class FlagEditor(Editor):
    """Yes or no."""

    def __init__(self, info: FieldInfo) -> None:
        super().__init__(info)
        self.box = QCheckBox()
        self.box.clicked.connect(self._clicked)
        self._fill(self.box)

    def show_value(self, value: Any) -> None:
        """Show yes or no."""
        self.box.setChecked(bool(value))

    def _clicked(self, checked: bool) -> None:
        self.edited.emit(checked)


class TextEditor(Editor):
    """A short text; for files, with a button that asks for one."""

    def __init__(self, info: FieldInfo) -> None:
        super().__init__(info)
        self.line = QLineEdit()
        self.line.editingFinished.connect(self.commit)
        self._value = ""
        if info.widget == "file":
            button = QToolButton()
            button.setText("…")
            button.setToolTip("Choose a file")
            button.clicked.connect(self._ask)
            self._fill(self.line, button)
        else:
            self._fill(self.line)

    def show_value(self, value: Any) -> None:
        """Show a text."""
        self._value = str(value)
        if self.line.text() != self._value:
            self.line.setText(self._value)
            self.line.setCursorPosition(0)

    def commit(self) -> None:
        """Take what is typed."""
        if self.line.text() != self._value:
            self._value = self.line.text()
            self.edited.emit(self._value)

    def _ask(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.info.label, self._value)
        if name:
            self.line.setText(name)
            self.commit()


class JsonEditor(Editor):
    """A value that no other editor knows, as JSON text, such as ``[64, 64]``."""

    def __init__(self, info: FieldInfo) -> None:
        super().__init__(info)
        self.line = QLineEdit()
        self.line.editingFinished.connect(self.commit)
        self._text = ""
        self._fill(self.line)

    def show_value(self, value: Any) -> None:
        """Show a value."""
        self._text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
        self.line.setText(self._text)
        self.line.setCursorPosition(0)
        set_state(self.line, "state", "")

    def commit(self) -> None:
        """Take what is typed."""
        if self.line.text() == self._text:
            return
        try:
            value = json.loads(self.line.text())
        except (ValueError, RecursionError):
            set_state(self.line, "state", "error")
            self.refused.emit(f"{self.info.label} cannot be read. Write it as JSON, such as [64, 64].")
            return
        self._text = self.line.text()
        self.edited.emit(value)


class NoteEditor(Editor):
    """A value that is made elsewhere in the window: drawn points, the points of a curve."""

    _PLACES = {"points": ("point", "draw in the Drawing panel"), "curve": ("point", "drag in the Schedule panel")}

    def __init__(self, info: FieldInfo) -> None:
        super().__init__(info)
        self.note = QLabel()
        self.note.setProperty("muted", True)
        self.note.setWordWrap(True)
        self._fill(self.note)

    def show_value(self, value: Any) -> None:
        """Say how many there are, and where they are made."""
        noun, place = self._PLACES.get(self.info.widget, ("entry", "made elsewhere"))
        count = len(value)
        self.note.setText(f"{count:,} {noun}{'' if count == 1 else 's'}: {place}")


def editor(info: FieldInfo) -> Editor:
    """The editor for a field."""
    if info.widget in ("points", "curve"):
        return NoteEditor(info)
    if info.kind in ("int", "float"):
        return NumberEditor(info)
    if info.kind == "choice":
        return ChoiceEditor(info)
    if info.kind == "bool":
        return FlagEditor(info)
    if info.kind == "str":
        return TextEditor(info)
    return JsonEditor(info)
