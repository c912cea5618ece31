"""What the cards scroll in: never narrower than they are."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QScrollArea, QWidget

#: Pixels of its width at least, and most that the cards can ask for.
NARROWEST, WIDEST = 286, 420


class CardArea(QScrollArea):
    """Scrolls up and down; where the cards need more width, as with large letters, it grows, and its dock with it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumWidth(NARROWEST)

    def viewportEvent(self, event: QEvent) -> bool:
        """Grow when the cards are laid out anew; an area that shrank with each card that closes would be restless."""
        inside = self.widget()
        if event.type() == QEvent.Type.LayoutRequest and inside is not None:
            bar = self.verticalScrollBar()
            wanted = inside.minimumSizeHint().width() + (bar.sizeHint().width() if bar.isVisible() else 0)
            self.setMinimumWidth(max(self.minimumWidth(), min(wanted, WIDEST)))
        return super().viewportEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """With other letters the width is found anew."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.setMinimumWidth(NARROWEST)
