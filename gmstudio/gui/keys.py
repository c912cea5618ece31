"""Who gets Space and the arrows: the run, unless a widget that the person reached by keyboard needs them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QTabBar,
    QWidget,
)

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.schedule import SchedulePanel

_PRESSES = frozenset({Qt.Key.Key_Space})
_ARROWS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right})


def keeps(widget: QWidget, by_keyboard: bool) -> frozenset[Qt.Key]:
    """The keys that a widget with the focus keeps from the window's shortcuts.

    A person who has clicked a check box and presses Space wants to play; one who came to it with Tab wants to tick it.

    Args:
        widget: with the focus.
        by_keyboard: whether the focus came by Tab and not by a click.
    """
    if isinstance(widget, QAbstractButton):
        return _PRESSES if by_keyboard else frozenset()
    if isinstance(widget, QComboBox):
        return _PRESSES | _ARROWS if by_keyboard else frozenset()
    if isinstance(widget, (QAbstractSlider, QTabBar, QAbstractItemView)):
        return _ARROWS | _PRESSES if by_keyboard else _ARROWS
    panel: QWidget | None = widget
    while panel is not None and not isinstance(panel, Panel):
        panel = panel.parentWidget()
    if panel is None:
        return frozenset()
    # A plot that was only clicked leaves the arrows to the run; the handles of a schedule are there to be moved.
    return _ARROWS if by_keyboard or isinstance(panel, SchedulePanel) else frozenset()


class Keys(QObject):
    """Watches the focus widget alone, so that no other event passes through Python."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._kept: frozenset[Qt.Key] = frozenset()
        self._watched: QWidget | None = None
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self._app = app
        app.focusChanged.connect(self._moved)

    def _moved(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None and old is self._watched:
            old.removeEventFilter(self)
        self._watched = None
        if new is not None:
            by_keyboard = QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton
            self._kept = keeps(new, by_keyboard)
            if self._kept:
                self._watched = new
                new.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep a key before it becomes a shortcut."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            if plain and event.key() in self._kept:
                event.accept()
                return True
        return False

    def close(self) -> None:
        """Watch no longer."""
        self._app.focusChanged.disconnect(self._moved)
