"""The whole run in one line: the noise, the key frames, the edits, where it is and where the person looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QToolTip, QWidget

from gmstudio.gui.icons import icon
from gmstudio.gui.theme import Theme, themes

#: Pictures a second when the past is played back.
REPLAY_RATE = 20
PLAN_POINTS = 160
EMPTY = "Press Space to train; the run's timeline appears here"
_KEYS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageUp: -10,
    Qt.Key.Key_PageDown: 10,
}


class Track(QWidget):
    """The line itself.

    Signals:
        scrubbed(int): the step that the person points at.
    """

    scrubbed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Timeline of the run")
        self.theme: Theme = themes().current
        self.steps = 0
        self.step = 0
        self.looking: int | None = None
        #: What stands there as long as there is no run.
        self.words = EMPTY
        self.frames: NDArray[np.int64] = np.zeros(0, np.int64)
        self.edits: list[tuple[int, str]] = []
        self._noise: NDArray[np.float64] = np.zeros((0, 0))
        self._kept: QPixmap | None = None
        self._kept_of: object = None

    def sizeHint(self) -> QSize:
        """A thin line, as wide as there is room."""
        return QSize(400, max(28, self.fontMetrics().height() * 2 - 2))

    def show_plans(self, plans: NDArray[np.float64] | None) -> None:
        """Draw the planned noise (columns, steps) behind; of a long plan only as much as can be seen."""
        if plans is None or not plans.size:
            self._noise = np.zeros((0, 0))
        else:
            at = np.linspace(0, plans.shape[1] - 1, min(plans.shape[1], PLAN_POINTS)).astype(int)
            self._noise = np.clip(plans[:, at], 0, 1)
        self.update()

    @property
    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(6, 3, -6, -3)

    def x_of(self, step: float) -> float:
        """Where a step is, in pixels."""
        area = self._area
        return area.left() + area.width() * step / max(1, self.steps)

    def step_at(self, x: float) -> int:
        """Which step is there."""
        area = self._area
        share = (x - area.left()) / max(1.0, area.width())
        return round(min(max(share, 0.0), 1.0) * self.steps)

    def nearest(self, step: int) -> int:
        """The key frame at or before a step; the first where there is none before."""
        if not len(self.frames):
            return step
        return int(self.frames[max(0, int(np.searchsorted(self.frames, step, side="right")) - 1)])

    def go(self, by: int) -> None:
        """Look at the key frame so many places further."""
        if not len(self.frames):
            return
        here = self.looking if self.looking is not None else int(self.frames[-1])
        place = int(np.searchsorted(self.frames, here, side="right")) - 1 + by
        self.scrubbed.emit(int(self.frames[min(max(place, 0), len(self.frames) - 1)]))

    def event(self, event: QEvent) -> bool:
        """Keep the arrow keys when the line has the focus, instead of stepping the run."""
        mine = (*_KEYS, Qt.Key.Key_Home, Qt.Key.Key_End)
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in mine:
            event.accept()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go from key frame to key frame, Home and End to the first and last."""
        if event.key() in _KEYS:
            self.go(_KEYS[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End) and len(self.frames):
            self.scrubbed.emit(int(self.frames[0 if event.key() == Qt.Key.Key_Home else -1]))
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Look there."""
        self._point(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub while the button is down; say what is there otherwise."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._point(event)
            return
        if not self.steps:
            return
        near = [text for step, text in self.edits if abs(self.x_of(step) - event.position().x()) < 5]
        text = "\n".join(near) or f"Step {self.step_at(event.position().x()):,}"
        QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def _point(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and len(self.frames):
            self.scrubbed.emit(self.nearest(min(self.step_at(event.position().x()), self.step)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Noise, what is done, key frames, edits, the marks."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, theme = self._area, self.theme
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("field"))
        painter.drawRoundedRect(area, 5, 5)
        if not self.steps:
            painter.setPen(theme.colour("muted"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self.words)
            return
        done = QRectF(area.left(), area.top(), self.x_of(self.step) - area.left(), area.height())
        painter.setBrush(theme.colour("accent-soft"))
        painter.drawRoundedRect(done, 5, 5)
        self._paint_record(painter, area)
        self._paint_marks(painter, area)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("accent"), 1.5))
            painter.drawRoundedRect(area, 5, 5)

    def _paint_record(self, painter: QPainter, area: QRectF) -> None:
        """Noise and key frames: kept as a picture, since only the needles move."""
        key = (self.size(), self.devicePixelRatioF(), self.steps, id(self._noise), id(self.frames), self.theme.name)
        if self._kept is None or self._kept_of != key:
            self._kept_of = key
            self._kept = QPixmap(self.size() * self.devicePixelRatioF())
            self._kept.setDevicePixelRatio(self.devicePixelRatioF())
            self._kept.fill(Qt.GlobalColor.transparent)
            with QPainter(self._kept) as record:
                record.setRenderHint(QPainter.RenderHint.Antialiasing)
                self._paint_noise(record, area)
                self._paint_ticks(record, area)
        painter.drawPixmap(0, 0, self._kept)

    def _paint_noise(self, painter: QPainter, area: QRectF) -> None:
        for column, plan in enumerate(self._noise):
            if not plan.any():
                continue
            x = np.linspace(area.left(), area.right(), len(plan))
            y = area.bottom() - (area.height() - 6) * plan
            painter.setPen(QPen(self.theme.colour(self.theme.column(column), 0.75), 1))
            painter.drawPolyline(QPolygonF([QPointF(a, b) for a, b in zip(x, y, strict=True)]))

    def _paint_ticks(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(QPen(self.theme.colour("axis", 0.55), 1))
        last = -10.0
        for x in area.left() + area.width() * self.frames / max(1, self.steps):
            if x - last >= 3:
                painter.drawLine(QPointF(x, area.bottom() - 5), QPointF(x, area.bottom() - 1))
                last = x

    def _paint_marks(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        for step, _ in self.edits:
            self._triangle(painter, self.x_of(step), area.top(), self.theme.colour("warning"))
        if self.looking is None:
            self._needle(painter, self.x_of(self.step), area, self.theme.colour("accent"))
        else:
            self._needle(painter, self.x_of(self.step), area, self.theme.colour("axis"))
            self._needle(painter, self.x_of(self.looking), area, self.theme.colour("marker"))

    def _triangle(self, painter: QPainter, x: float, y: float, colour: QColor) -> None:
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(x - 4, y), QPointF(x + 4, y), QPointF(x, y + 6)]))

    def _needle(self, painter: QPainter, x: float, area: QRectF, colour: QColor) -> None:
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(x - 1.5, area.top() - 2, 3, area.height() + 4), 1.5, 1.5)


class Timeline(QWidget):
    """The track with its buttons: play the past back, and back to live.

    Signals:
        scrubbed(int): the person looks at that step.
        live(): the person wants to see what happens now.
    """

    scrubbed = Signal(int)
    live = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Timeline")
        self.track = Track(self)
        self.replay_button = self._button("film", "Play the past back, as a film (P)")
        self.live_button = self._button("live", "Back to what happens now (L)")
        self.live_button.setText("Live")
        self.live_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.live_button.setEnabled(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 1, 8, 1)
        row.setSpacing(4)
        row.addWidget(self.replay_button)
        row.addWidget(self.track, 1)
        row.addWidget(self.live_button)
        self._film = QTimer(self)
        self._film.setInterval(1000 // REPLAY_RATE)
        self._film.timeout.connect(self._next)
        self.track.scrubbed.connect(self._scrubbed)
        self.replay_button.clicked.connect(self.replay)
        self.live_button.clicked.connect(self.live)

    def _button(self, name: str, help: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(name))
        button.setToolTip(help)
        button.setAccessibleName(help)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    @property
    def looking(self) -> int | None:
        """The step of the past that is shown; None when live."""
        return self.track.looking

    @property
    def replaying(self) -> bool:
        """Whether the past is being played back."""
        return self._film.isActive()

    def begin(self, steps: int, plans: NDArray[np.float64] | None) -> None:
        """Show a run of so many steps, live.

        Args:
            steps: length of the run; 0 for no run.
            plans: (columns, steps) noise variance, drawn behind; or None.
        """
        self.stop_replay()
        self.track.steps = steps
        self.track.show_plans(plans)
        self.track.step, self.track.edits = 0, []
        self.track.frames = np.zeros(0, np.int64)
        self.show_looking(None)

    def say(self, words: str) -> None:
        """Say what is shown as long as there is no run; empty for nothing."""
        words = words or EMPTY
        if words != self.track.words:
            self.track.words = words
            self.track.update()

    def show_plans(self, plans: NDArray[np.float64]) -> None:
        """The noise has been planned, for every step of the run; only now is known how many steps its epochs have."""
        self.track.steps = plans.shape[1]
        self.track.show_plans(plans)

    def show_step(self, step: int) -> None:
        """The run has made so many steps."""
        if step != self.track.step:
            self.track.step = step
            self.track.update()

    def show_record(self, frames: list[int], edits: list[tuple[int, str]]) -> None:
        """The steps of which there are pictures, and what was edited when."""
        if len(frames) != len(self.track.frames) or (frames and frames[-1] != self.track.frames[-1]):
            self.track.frames = np.asarray(frames, np.int64)
        self.track.edits = edits
        self.replay_button.setEnabled(len(frames) > 1)
        self.track.update()

    def show_looking(self, step: int | None) -> None:
        """Mark the step of the past that is shown; None for live."""
        self.track.looking = step
        self.live_button.setEnabled(step is not None)
        where = "live" if step is None else f"looking at step {step:,}"
        self.track.setAccessibleDescription(f"{where}; {self.track.step:,} of {self.track.steps:,} steps made")
        self.track.update()

    def replay(self) -> None:
        """Play the past back from the start (or from where the person looks); again: hold."""
        if self.replaying:
            self.stop_replay()
            return
        frames = self.track.frames
        if len(frames) < 2:
            return
        at_end = self.looking is None or self.looking >= int(frames[-1])
        self.scrubbed.emit(int(frames[0]) if at_end else self.looking)
        self.replay_button.setIcon(icon("pause"))
        self._film.start()

    def stop_replay(self) -> None:
        """Hold the film."""
        self._film.stop()
        self.replay_button.setIcon(icon("film"))

    def _next(self) -> None:
        frames = self.track.frames
        here = self.looking
        place = int(np.searchsorted(frames, -1 if here is None else here, side="right"))
        if here is None or place >= len(frames):
            self.stop_replay()
            return
        self.scrubbed.emit(int(frames[place]))

    def _scrubbed(self, step: int) -> None:
        self.stop_replay()
        self.scrubbed.emit(step)

    def apply_theme(self, theme: Theme) -> None:
        """Change colours."""
        self.track.theme = theme
        self.replay_button.setIcon(icon("pause" if self.replaying else "film"))
        self.live_button.setIcon(icon("live"))
        self.update()

    def summary(self) -> str:
        """The line in words."""
        if not self.track.steps:
            return f"Timeline: no run yet. {self.track.words}."
        where = "live" if self.looking is None else f"looking at step {self.looking:,}"
        return (
            f"Timeline: {self.track.step:,} of {self.track.steps:,} steps made, {len(self.track.frames)} pictures, "
            f"{len(self.track.edits)} edits; {where}."
        )
