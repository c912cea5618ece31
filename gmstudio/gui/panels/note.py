"""A muted line that is never cut: it is written in as many words as there is room for."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.gui.panels.layered import small_font, write
from gmstudio.gui.theme import Theme, themes

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class Note(QWidget):
    """The first of some texts that fits, or nothing; all of it is said on hover.

    Args:
        texts: from the longest to the shortest.
        help: shown on hover.
    """

    def __init__(self, texts: tuple[str, ...], help: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.texts = texts
        self.theme: Theme = themes().current
        self.setToolTip(help)
        self.setAccessibleName(texts[0] if texts else "")
        self.setAccessibleDescription(help)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @property
    def shown(self) -> str:
        """What is written now."""
        return next((text for text in self.texts if self._wide(text) <= self.width()), "")

    @property
    def _letters(self) -> QFont:
        # Asked for anew each time: the window's letters may be made larger.
        return small_font(self.font(), 0.5)

    def _wide(self, text: str) -> int:
        return QFontMetrics(self._letters).horizontalAdvance(text) + 2

    def apply_theme(self, theme: Theme) -> None:
        """Change colours."""
        self.theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """The room of the longest text."""
        return QSize(max(map(self._wide, self.texts), default=0), QFontMetrics(self._letters).height() + 2)

    def minimumSizeHint(self) -> QSize:
        """It gives way."""
        return QSize(0, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setFont(self._letters)
            painter.setPen(self.theme.colour("muted"))
            write(painter, QRectF(self.rect()), self.shown, _LEFT)
