"""What should be known of a table, one beneath the other, with buttons for what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gmstudio.gui.tables.notices import Notice


class NoticeList(QScrollArea):
    """The notices.

    Signals:
        wanted(Notice): the person takes what a notice offers.
    """

    wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What should be known of the table")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.buttons: dict[QPushButton, Notice] = {}
        self._fill([self._calm("Looking at the columns…")])

    def show_notices(self, notices: Sequence[Notice]) -> None:
        """Show what there is to know."""
        self.buttons = {}
        if notices:
            self._fill([self._frame(notice) for notice in notices])
        else:
            self._fill([self._calm("Nothing to remark: no missing values, no duplicates, no constant columns.")])

    def _fill(self, widgets: Sequence[QWidget]) -> None:
        inside = QWidget()
        inside.setObjectName("noticelist")
        box = QVBoxLayout(inside)
        box.setContentsMargins(0, 0, 6, 0)
        box.setSpacing(6)
        for widget in widgets:
            box.addWidget(widget)
        box.addStretch(1)
        self.setWidget(inside)

    def _calm(self, text: str) -> QLabel:
        calm = QLabel(text)
        calm.setProperty("muted", True)
        calm.setWordWrap(True)
        return calm

    def _frame(self, notice: Notice) -> QFrame:
        frame = QFrame()
        frame.setObjectName("notice")
        box = QVBoxLayout(frame)
        box.setContentsMargins(9, 6, 9, 7)
        box.setSpacing(5)
        text = QLabel(notice.text)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        box.addWidget(text)
        if notice.offer:
            metrics = self.fontMetrics()
            button = QPushButton(metrics.elidedText(notice.offer, Qt.TextElideMode.ElideRight, 230))
            button.setToolTip(notice.offer)
            button.setAccessibleName(notice.offer)
            button.setAccessibleDescription(notice.text)
            button.setAutoDefault(False)
            button.clicked.connect(self._pressed)
            self.buttons[button] = notice
            box.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        return frame

    def _pressed(self) -> None:
        self.wanted.emit(self.buttons[self.sender()])  # type: ignore[index]

    def show_done(self, done: Sequence[bool]) -> None:
        """Disable the buttons, in their order, whose offers are taken."""
        for button, is_done in zip(self.buttons, done, strict=True):
            button.setEnabled(not is_done)
