"""Base of the panels with a strip of switches over what they draw; in a dock the strip stands in the title bar."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.layered import small_font

STRIP = 24


class StripPanel(Panel):
    """A panel with switches."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strip = QHBoxLayout()
        self.strip.setContentsMargins(6, 1, 6, 1)
        self.strip.setSpacing(4)
        self.strip.addStretch(1)

    def add_switch(self, text: str, help: str, on: bool, changed: Callable[[bool], None]) -> QToolButton:
        """Put a switch into the strip."""
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(help)
        button.setAccessibleName(text)
        button.setAccessibleDescription(help)
        button.setCheckable(True)
        button.setChecked(on)
        button.setAutoRaise(True)
        button.setFont(small_font(self.font(), 0.5))
        button.setMaximumHeight(STRIP - 2)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.toggled.connect(changed)
        self.strip.addWidget(button)
        return button

    def add_choice(self, name: str, help: str, items: tuple[str, ...], changed: Callable[[int], None]) -> QComboBox:
        """Put a list of alternatives into the strip."""
        box = QComboBox(self)
        box.addItems(items)
        box.setAccessibleName(name)
        box.setToolTip(help)
        box.setFont(small_font(self.font(), 0.5))
        box.setMaximumHeight(STRIP - 2)
        box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.currentIndexChanged.connect(changed)
        self.strip.addWidget(box)
        return box

    def extend_menu(self, menu: QMenu) -> None:
        """Offer the switches of the strip in a menu, too."""
        menu.addSeparator()
        for index in range(self.strip.count()):
            item = self.strip.itemAt(index)
            widget = item.widget() if item is not None else None
            if isinstance(widget, QToolButton) and widget.isCheckable() and widget.isEnabled():
                action = menu.addAction(widget.text())
                action.setCheckable(True)
                action.setChecked(widget.isChecked())
                action.toggled.connect(widget.setChecked)
