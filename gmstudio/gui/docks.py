"""Docks with thin title bars."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.gui.icons import icon

BUTTON = 14
#: Pixels below which no dock asks to be higher.
LOW = 90


class TitleBar(QWidget):
    """A dock's name and three small buttons; dragging it moves the dock, a double click maximises it."""

    maximise = Signal()

    def __init__(self, dock: Dock, title: str, help: str, strip: QLayout | None) -> None:
        super().__init__(dock)
        self.setObjectName("titlebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setToolTip(help)
        self.label = QLabel(title, self)
        self.label.setObjectName("docktitle")
        policy = QSizePolicy.Policy.Ignored if strip is None else QSizePolicy.Policy.Maximum
        self.label.setSizePolicy(policy, QSizePolicy.Policy.Preferred)
        self.label.setMinimumWidth(0)
        row = QHBoxLayout(self)
        row.setContentsMargins(9, 2, 4, 2)
        row.setSpacing(1)
        row.addWidget(self.label, 1 if strip is None else 0)
        if strip is not None:
            row.addSpacing(8)
            row.addLayout(strip, 1)
            row.addSpacing(6)
        self.buttons = {
            "maximise": self._button(f"Give {title} the whole stage (M)"),
            "float": self._button(f"Put {title} into a window of its own"),
            "close": self._button(f"Close {title}; View brings it back"),
        }
        for button in self.buttons.values():
            row.addWidget(button)
        self.buttons["maximise"].clicked.connect(self.maximise)
        self.buttons["float"].clicked.connect(dock.toggle_floating)
        self.buttons["close"].clicked.connect(dock.close)
        self.tint()

    def _button(self, help: str) -> QToolButton:
        button = QToolButton(self)
        button.setIconSize(QSize(BUTTON, BUTTON))
        button.setToolTip(help)
        button.setAccessibleName(help)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def tint(self, maximised: bool = False) -> None:
        """Take the theme's colours; show whether the dock has the whole stage."""
        for name, button in self.buttons.items():
            button.setIcon(icon("restore" if name == "maximise" and maximised else name, "muted"))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Maximise instead of floating."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.maximise.emit()
            event.accept()


class Body(QFrame):
    """What stands under a title bar; it may become low, lest many docks make the window higher than the screen."""

    def __init__(self, dock: QWidget) -> None:
        super().__init__(dock)
        self.setObjectName("dockbody")

    def minimumSizeHint(self) -> QSize:
        """As narrow as its content may be, and low."""
        least = super().minimumSizeHint()
        return QSize(least.width(), min(least.height(), LOW))


class Dock(QDockWidget):
    """A dock around one widget.

    Args:
        name: for settings.
        title: for people.
        help: one sentence.
        widget: what it holds; None until it is first shown.
    """

    maximise = Signal(object)

    def __init__(self, name: str, title: str, help: str, widget: QWidget, parent: QWidget) -> None:
        super().__init__(title, parent)
        self.setObjectName(f"dock-{name}")
        self.setAccessibleName(title)
        self.name = name
        self.content = widget
        strip = _taken_strip(widget)
        body = Body(self)
        box = QVBoxLayout(body)
        box.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        box.setContentsMargins(1, 0, 1, 1)
        box.addWidget(widget)
        self.setWidget(body)
        self._strip = strip is not None
        self.bar = TitleBar(self, title, help, strip)
        self._no_bar = QWidget(self)
        self._no_bar.hide()
        self.setTitleBarWidget(self.bar)
        self.bar.maximise.connect(self._maximise)

    def _maximise(self) -> None:
        self.maximise.emit(self)

    def show_bar(self, shown: bool) -> None:
        """Show the title bar, or leave the title to the tab that says the same; switches stay where they are."""
        self.bar.label.setVisible(shown)
        shown = shown or self._strip
        wanted = self.bar if shown else self._no_bar
        if self.titleBarWidget() is not wanted:
            self.setTitleBarWidget(wanted)
            self.bar.setVisible(shown)

    def toggle_floating(self) -> None:
        """Float, or go back to the window."""
        self.setFloating(not self.isFloating())


def on_screen(widget: QWidget) -> bool:
    """Whether a widget can be seen: shown, in no minimised window, and in no dock behind another tab.

    Qt calls docks behind other tabs visible, and moves them to negative places outside of the window.
    """
    if not widget.isVisible() or widget.window().isMinimized():
        return False
    part: QWidget | None = widget
    while part is not None and not part.isWindow():
        place = part.geometry()
        if place.right() < 0 or place.bottom() < 0:
            return False
        part = part.parentWidget()
    return True


def _taken_strip(widget: QWidget) -> QLayout | None:
    """The widget's strip of switches, taken out of it: in the title bar it costs no height of its own."""
    strip, box = getattr(widget, "strip", None), widget.layout()
    if not isinstance(strip, QBoxLayout) or box is None:
        return None
    box.removeItem(strip)
    strip.setParent(None)
    strip.setContentsMargins(0, 0, 0, 0)
    return strip
