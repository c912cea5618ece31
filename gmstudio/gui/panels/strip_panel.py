"""Base of the panels with a strip of switches over what they draw; in a dock the strip stands in the title bar."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QWidget,
)

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.layered import small_font

STRIP = 24
#: Letters that a switch keeps at least where it gives way.
KEPT = 1


class Switch(QToolButton):
    """A switch of a strip; one that gives way is narrower than its word where there is no room, and shortens it."""

    _gives_way = False

    def give_way(self) -> None:
        """Be shortened rather than make a window wider than its screen; the tooltip and the menu still tell all."""
        self._gives_way = True
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """All of it, or of what is shortened some letters."""
        whole = super().minimumSizeHint()
        letters = self.fontMetrics().horizontalAdvance("…" + "m" * KEPT)
        return QSize(min(whole.width(), letters), whole.height()) if self._gives_way else whole

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        air = self.sizeHint().width() - self.fontMetrics().horizontalAdvance(self.text())
        if self._gives_way and self.width() < self.sizeHint().width():
            room = self.width() - min(air, 8)
            option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
        QStylePainter(self).drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)


class StripPanel(Panel):
    """A panel with switches."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strip = QHBoxLayout()
        self.strip.setContentsMargins(6, 1, 6, 1)
        self.strip.setSpacing(4)
        self.strip.addStretch(1)

    def add_switch(self, text: str, help: str, on: bool, changed: Callable[[bool], None]) -> Switch:
        """Put a switch into the strip."""
        button = Switch(self)
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
