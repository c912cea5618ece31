"""A button whose words give way where there is little room."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from gmstudio.gui.panels.layered import small_font

_AIR, _LEAST, _MOST = 26, 52, 190


class GivingButton(QToolButton):
    """A button that opens something below it; hidden until there is something to choose."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._words = ""
        self.setFont(small_font(self.font(), 0.5))
        self.setAutoRaise(True)
        self.setMaximumHeight(22)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.hide()

    def say(self, words: str) -> None:
        """Write words, all of them where there is room."""
        self._words = words
        self._write()
        self.updateGeometry()

    def _write(self) -> None:
        room = max(self.width() - _AIR - self.fontMetrics().horizontalAdvance(" ▾"), 10)
        short = self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideMiddle, room)
        if self.text() != f"{short} ▾":
            self.setText(f"{short} ▾")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._write()

    def sizeHint(self) -> QSize:
        """The room of all words, within reason."""
        wide = self.fontMetrics().horizontalAdvance(f"{self._words} ▾") + _AIR + 6
        return QSize(min(wide, _MOST), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """It gives way."""
        return QSize(_LEAST, super().minimumSizeHint().height())
