"""Messages inside the window that wait for nobody: what happened, what it means, what to try."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.gui.icons import icon

Button = tuple[str, Callable[[], object]]
_ICONS = {"danger": "warning", "warning": "warning", "info": "info"}
MAX_BANNERS = 3


class Banner(QFrame):
    """One message.

    Args:
        title: what happened, in a few words.
        what: one or two sentences.
        remedy: what to try.
        kind: ``danger``, ``warning`` or ``info``.
        buttons: text and what it does; each closes the banner.
    """

    closed = Signal(object)

    def __init__(
        self, title: str, what: str = "", remedy: str = "", kind: str = "info", buttons: Sequence[Button] = ()
    ) -> None:
        super().__init__()
        self.title, self.kind = title, kind
        self.text = " ".join(part for part in (what, remedy) if part)
        self.setObjectName("banner")
        self.setProperty("kind", kind)
        self.setAccessibleName(f"{title}. {self.text}")
        self.picture = QLabel(self)
        heading = QLabel(title, self)
        heading.setObjectName("banner-title")
        heading.setTextFormat(Qt.TextFormat.PlainText)
        words = QLabel(self.text, self)
        words.setWordWrap(True)
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words.setVisible(bool(self.text))
        words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        column = self._column = QVBoxLayout()
        column.setSpacing(1)
        column.addWidget(heading)
        column.addWidget(words)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(10)
        row.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        self._actions: dict[QPushButton, Callable[[], object]] = {}
        for text, do in buttons:
            button = QPushButton(text, self)
            self._actions[button] = do
            button.clicked.connect(self._pressed)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.bar: QProgressBar | None = None
        self.cross = QToolButton(self)
        self.cross.setToolTip("Close this message")
        self.cross.setAccessibleName("Close this message")
        self.cross.setIconSize(QSize(14, 14))
        self.cross.clicked.connect(self.dismiss)
        row.addWidget(self.cross, 0, Qt.AlignmentFlag.AlignTop)
        self.tint()

    def tint(self) -> None:
        """Take the theme's colours."""
        token = {"danger": "danger", "warning": "warning"}.get(self.kind, "accent")
        self.picture.setPixmap(icon(_ICONS[self.kind], token).pixmap(20, 20))
        self.cross.setIcon(icon("close", "muted"))

    def fit(self, width: int) -> None:
        """Be as high as the text needs at this width: bars ask for no heights at widths."""
        box = self._row
        self.setFixedHeight(box.totalHeightForWidth(width) if box.hasHeightForWidth() else box.totalSizeHint().height())

    def show_share(self, share: float) -> None:
        """Show how much of something is done, from 0 to 1, as a bar."""
        if self.bar is None:
            self.bar = QProgressBar(self)
            self.bar.setRange(0, 1000)
            self.bar.setTextVisible(False)
            self.bar.setFixedHeight(6)
            self.bar.setAccessibleName(f"{self.title}: how much is done")
            self._column.addSpacing(5)
            self._column.addWidget(self.bar)
            # What is hidden has no height in a layout.
            self.bar.show()
            self.fit(self.width())
        self.bar.setValue(round(1000 * share))

    def buttons(self) -> list[QPushButton]:
        """The buttons, from left to right."""
        return list(self._actions)

    def _pressed(self) -> None:
        do = self._actions[self.sender()]  # type: ignore[index]
        self.dismiss()
        do()

    def dismiss(self) -> None:
        """Take the message away."""
        self.closed.emit(self)


class Banners(QWidget):
    """The place above the stage where messages stand, the newest first.

    Signals:
        changed(): a message has come or gone.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(6, 4, 6, 2)
        self._box.setSpacing(4)
        self.shown: list[Banner] = []

    def show_message(self, banner: Banner) -> Banner:
        """Show a message; one with the same title and text is shown once."""
        for other in self.shown:
            if (other.title, other.text) == (banner.title, banner.text):
                banner.deleteLater()
                return other
        banner.closed.connect(self._closed)
        self.shown.insert(0, banner)
        self._box.insertWidget(0, banner)
        banner.fit(self._room())
        while len(self.shown) > MAX_BANNERS:
            self._closed(self.shown[-1])
        self.changed.emit()
        return banner

    def _room(self) -> int:
        margins = self._box.contentsMargins()
        # A bar that is hidden has no width yet.
        width = self.width() if self.isVisible() else self.window().width() - 8
        return max(200, width - margins.left() - margins.right())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the texts break anew."""
        super().resizeEvent(event)
        for banner in self.shown:
            banner.fit(self._room())

    def clear(self, kind: str | None = None) -> None:
        """Take away all messages, or those of a kind."""
        for banner in list(self.shown):
            if kind in (None, banner.kind):
                self._closed(banner)

    def _closed(self, banner: Banner) -> None:
        if banner in self.shown:
            self.shown.remove(banner)
            self._box.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
            self.changed.emit()

    def tint(self) -> None:
        """Take the theme's colours."""
        for banner in self.shown:
            banner.tint()
