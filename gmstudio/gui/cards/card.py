"""A card: a heading with an icon, a summary when it is closed, and a body."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.gui.cards.calm import draw_chevron, is_override
from gmstudio.gui.icons import icon


class Elided(QLabel):
    """One line of text that is cut with … where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        self._full = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_text(self, text: str) -> None:
        """Show another text."""
        self._full = text
        self._cut()

    @property
    def full(self) -> str:
        """The whole text."""
        return self._full

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut anew."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        room = self.contentsRect().width()
        self.setText(QFontMetrics(self.font()).elidedText(self._full, Qt.TextElideMode.ElideRight, room))


class Heading(QFrame):
    """The heading of a card; a click, Space or Enter opens and closes it."""

    clicked = Signal()

    def __init__(self, title: str, icon_name: str) -> None:
        super().__init__()
        self.setObjectName("cardheading")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(title)
        self._icon_name = icon_name
        self._open = True
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 5, 24, 5)
        layout.setSpacing(7)
        self._icon = QLabel()
        self.title = QLabel(title)
        self.title.setProperty("class", "cardtitle")
        self.summary = Elided()
        self.summary.setProperty("class", "cardsummary")
        self.chip = QLabel("applies on restart")
        self.chip.setProperty("class", "chip")
        self.chip.setToolTip("This differs from what is being trained. Restart to train with it.")
        self.chip.hide()
        for widget in (self._icon, self.title, self.summary):
            layout.addWidget(widget, 1 if widget is self.summary else 0)
        layout.addWidget(self.chip)
        self.paint_icon()

    def paint_icon(self) -> None:
        """Take the icon in the theme's colour."""
        self._icon.setPixmap(icon(self._icon_name).pixmap(QSize(16, 16)))

    def show_open(self, open_: bool) -> None:
        """Point the arrow."""
        self._open = open_
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The frame and the arrow."""
        super().paintEvent(event)
        painter = QPainter(self)
        draw_chevron(painter, self.width() - 14.0, self.height() / 2, up=self._open, token="muted")
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open or close."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def event(self, event: QEvent) -> bool:
        """Take Space before the window's shortcuts do: the focus came here by Tab."""
        if isinstance(event, QKeyEvent) and is_override(event, Qt.Key.Key_Space):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open or close by key."""
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


class Card(QFrame):
    """A collapsible card.

    Args:
        name: of the part of a run that it holds, such as ``data``.
        title: its heading.
        body: what it opens to.
    """

    #: Opened (True) or closed (False) by the person.
    toggled = Signal(bool)

    def __init__(self, name: str, title: str, body: QWidget) -> None:
        super().__init__()
        self.name = name
        self.setProperty("class", "card")
        self.setObjectName(f"card-{name}")
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.heading = Heading(title, f"card-{name}")
        self.heading.clicked.connect(self._toggle)
        self.body = body
        self._summary = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self.heading)
        self._holder = QWidget()
        inner = QVBoxLayout(self._holder)
        inner.setContentsMargins(8, 2, 10, 10)
        inner.addWidget(body)
        layout.addWidget(self._holder)
        self.open = True

    @property
    def open(self) -> bool:
        """Whether the body shows."""
        return self._open

    @open.setter
    def open(self, value: bool) -> None:
        self._open = value
        self._holder.setVisible(value)
        self.heading.show_open(value)
        self._show_summary()

    @property
    def summary(self) -> str:
        """The line that stands for the card when it is closed."""
        return self._summary

    @summary.setter
    def summary(self, text: str) -> None:
        self._summary = text
        self._show_summary()
        self.setAccessibleDescription(text)
        self.heading.setAccessibleDescription(text)
        self.heading.setToolTip(text)

    def mark_restart(self, marked: bool) -> None:
        """Say whether a change waits for a restart."""
        self.heading.chip.setVisible(marked)
        self._show_summary()

    def _show_summary(self) -> None:
        shown = not self._open and self.heading.chip.isHidden()
        self.heading.summary.show_text(self._summary if shown else "")

    def _toggle(self) -> None:
        self.open = not self.open
        self.toggled.emit(self.open)
