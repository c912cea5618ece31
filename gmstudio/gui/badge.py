"""The words over the foot of the stage while a step of the past is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget


class PastBadge(QLabel):
    """Floats over the window; hidden while what is shown is live."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("badge")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_step(self, step: int | None, replaying: bool, over: QWidget) -> None:
        """Say which step is shown.

        Args:
            step: of the past; None for live.
            replaying: whether the past is being replayed.
            over: at whose foot the words stand.
        """
        if step is None:
            self.hide()
            return
        key = "P holds" if replaying else "L for live"
        self.setText(f"Step {step:,} of the past — {key}")
        self.adjustSize()
        foot = over.mapTo(self._window, over.rect().bottomLeft())
        self.move(foot.x() + (over.width() - self.width()) // 2, foot.y() - self.height() - 8)
        self.show()
        self.raise_()
