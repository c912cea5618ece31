"""The line at the window's foot: state, step, speed, time left, memory, device, project."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from gmstudio.gui.theme import Theme, themes
from gmstudio.sessions import Status

WORDS = {
    "": "Ready",
    "preview": "Preview, untrained",
    "building": "Building…",
    "running": "Training",
    "paused": "Paused",
    "finished": "Finished",
    "stopped": "Stopped",
    "failed": "Failed",
}
_TOKENS = {
    "building": "warning",
    "running": "success",
    "paused": "warning",
    "finished": "accent",
    "failed": "danger",
}


class StatusLine(QStatusBar):
    """Shows a `Status` in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Status")
        self.setSizeGripEnabled(False)
        self.labels = {name: QLabel(self) for name in ("state", "step", "rate", "left", "memory", "device", "project")}
        for name, label in self.labels.items():
            label.setObjectName(name)
            label.setAccessibleName(name.capitalize())
            if name != "project":
                self.addWidget(label)
        self.addPermanentWidget(self.labels["project"])
        self._state = ""
        self.show_status(None)

    def show_status(self, status: Status | None) -> None:
        """Show how a session is doing; None for no session."""
        state = status.state if status is not None else ""
        self._state = state
        dot = themes().current.colours[_TOKENS.get(state, "axis")]
        # What is measured once, at the end, may take minutes.
        over = state == "running" and status is not None and 0 < status.steps <= status.step
        word = "Measuring…" if over else WORDS.get(state, state)
        self._say("state", f'<span style="color:{dot}">●</span>&nbsp; {word}')
        if status is None:
            for name in ("step", "rate", "left", "memory", "device"):
                self._say(name, "")
            return
        self._say("step", f"Step {status.step:,} of {status.steps:,}" if status.steps else "")
        self._say("rate", f"{status.rate:,.0f} steps/s" if state == "running" and status.rate else "")
        self._say("left", f"{duration(status.seconds_left)} left" if status.seconds_left is not None else "")
        self._say("memory", f"{status.memory / 2**20:,.0f} MB" if status.memory else "")
        engine = f" · {status.engine}" if status.engine else ""
        self._say("device", f"{status.device.upper()}{engine}" if status.device else "")
        self.labels["device"].setToolTip(f"Engine: {status.note}" if status.note else "Where and how it trains")

    def show_project(self, name: str, help: str) -> None:
        """The project's name, and where it is."""
        self._say("project", name)
        self.labels["project"].setToolTip(help)

    def _say(self, name: str, text: str) -> None:
        label = self.labels[name]
        if label.text() != text:
            label.setText(text)
            label.setVisible(bool(text))

    def apply_theme(self, theme: Theme) -> None:
        """Change colours."""
        self.labels["state"].setText("")


def duration(seconds: float) -> str:
    """Seconds in words: ``8 s``, ``2:05 min``, ``3:10 h``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600:,}:{whole % 3600 // 60:02d} h"
