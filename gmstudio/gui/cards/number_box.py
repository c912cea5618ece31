"""A spin box for whole and real numbers that lets a person finish typing before it judges."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QPainter,
    QResizeEvent,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QWidget,
)

from gmstudio.gui.cards import numbers
from gmstudio.gui.cards.calm import draw_chevron, is_override, set_state
from gmstudio.registry import FieldInfo, SpecError


class StepButton(QAbstractButton):
    """The small upper or lower arrow of a number."""

    def __init__(self, up: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self._up = up
        self.setAutoRepeat(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Increase" if up else "Decrease")
        self.setCursor(Qt.CursorShape.ArrowCursor)

    def sizeHint(self) -> QSize:
        """A small button."""
        return QSize(16, 12)

    def paintEvent(self, event: Any) -> None:
        """A chevron, stronger under the mouse."""
        painter = QPainter(self)
        token = "text" if self.underMouse() and self.isEnabled() else "muted"
        draw_chevron(painter, self.width() / 2, self.height() / 2, up=self._up, token=token)
        painter.end()

    def enterEvent(self, event: Any) -> None:
        """Repaint for the mouse."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Repaint without the mouse."""
        self.update()
        super().leaveEvent(event)


class NumberBox(QAbstractSpinBox):
    """A spin box for whole and real numbers that lets a person finish typing before it judges.

    A number that cannot be used stays where it is, with its message, until it is mended or Escape is pressed.
    """

    edited = Signal(object)
    refused = Signal(str)

    def __init__(self, info: FieldInfo, *, unit: bool = True) -> None:
        super().__init__()
        self._info = info
        self._unit = info.unit if unit else ""
        self._value: int | float = info.default if isinstance(info.default, (int, float)) else 0
        self._names: dict[int | float, str] = {}
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._steps = (StepButton(True, self), StepButton(False, self))
        self._steps[0].clicked.connect(self.stepUp)
        self._steps[1].clicked.connect(self.stepDown)
        self.lineEdit().setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setProperty("number", True)
        self.editingFinished.connect(self.commit)
        self._show()

    @property
    def value(self) -> int | float:
        """The last number that could be used."""
        return self._value

    def name(self, value: float, text: str) -> None:
        """Show a word for a number that stands for more than itself, such as ``automatic`` for 0; it can be typed."""
        self._names[value] = text
        self._show()

    def show_value(self, value: float) -> None:
        """Show `value` without a signal."""
        self._value = value
        set_state(self, "state", "")
        self._show()

    def commit(self) -> None:
        """Judge what stands there."""
        text = self.lineEdit().text()
        if text == self._text():
            self._accept(self._value)
            return
        try:
            named = [value for value, name in self._names.items() if name == text.strip().lower()]
            value = named[0] if named else numbers.parse(text, self._info)
        except SpecError as error:
            set_state(self, "state", "error")
            self.refused.emit(str(error))
            return
        self._accept(value)

    def _accept(self, value: int | float) -> None:
        if self.property("state") == "error":
            set_state(self, "state", "")
        self.refused.emit("")
        changed, self._value = value != self._value, value
        self._show()
        if changed:
            self.edited.emit(value)

    def _text(self) -> str:
        if self._value in self._names:
            return self._names[self._value]
        if self.hasFocus():
            return numbers.plain(self._value)
        return numbers.pretty(self._value, self._unit)

    def _show(self) -> None:
        text = self._text()
        if self.lineEdit().text() != text:
            self.lineEdit().setText(text)
            self.lineEdit().setCursorPosition(0)

    def stepBy(self, steps: int) -> None:
        """Go up or down by `steps`."""
        with QSignalBlocker(self):
            self.commit()
        self._accept(numbers.stepped(self._value, steps, self._info))
        self.selectAll()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Both ways, always: steps end at the limits."""
        return QAbstractSpinBox.StepEnabledFlag.StepUpEnabled | QAbstractSpinBox.StepEnabledFlag.StepDownEnabled

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Let everything be typed; `commit` judges."""
        return QValidator.State.Acceptable, text, position

    def fixup(self, text: str) -> str:
        """Leave the text as it is."""
        return text

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the bare number, ready to be typed over."""
        super().focusInEvent(event)
        if self.property("state") != "error":
            self._show()
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show the number with its unit."""
        super().focusOutEvent(event)
        if self.property("state") != "error":
            self._show()

    def event(self, event: QEvent) -> bool:
        """Leave Space to the window: a number has none, and there it starts the training."""
        if isinstance(event, QKeyEvent) and is_override(event, Qt.Key.Key_Space):
            event.ignore()
            return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape takes back what was typed."""
        if event.key() == Qt.Key.Key_Escape and self.lineEdit().text() != self._text():
            self._accept(self._value)
            self.selectAll()
            return
        if event.key() == Qt.Key.Key_Space:
            self.commit()
            event.ignore()
            return
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step only with the focus, so that scrolling past changes nothing."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the arrows at the right."""
        super().resizeEvent(event)
        half = max(8, (self.height() - 4) // 2)
        for index, button in enumerate(self._steps):
            button.setGeometry(self.width() - 18, 2 + index * half, 16, half)

    def sizeHint(self) -> QSize:
        """Wide enough for a number with its unit."""
        return QSize(96, 26)

    def minimumSizeHint(self) -> QSize:
        """Narrow docks may squeeze it."""
        return QSize(56, 26)
