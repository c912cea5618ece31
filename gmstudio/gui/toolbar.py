"""The bar at the top: play, step, speed, reseed, undo, the run's name."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QSizePolicy, QToolBar, QToolButton, QWidget

from gmstudio.gui.actions import Actions
from gmstudio.gui.icons import icon

SPEEDS: tuple[tuple[str, float | None], ...] = (
    ("Full speed", None),
    ("200 steps/s", 200.0),
    ("50 steps/s", 50.0),
    ("10 steps/s", 10.0),
    ("3 steps/s", 3.0),
    ("1 step/s", 1.0),
)
ICON = 20


class MainBar(QToolBar):
    """The toolbar.

    Signals:
        speed_chosen(float or None): steps a second.
    """

    speed_chosen = Signal(object)

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__("Toolbar", parent)
        self.setObjectName("main")
        self.setMovable(False)
        self.setIconSize(QSize(ICON, ICON))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._actions = actions
        self._play_icon = "play"
        self.play = QToolButton(self)
        self.play.setObjectName("play")
        self.play.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.play.clicked.connect(actions.action("run.play").trigger)
        self._add("run.restart")
        self.addWidget(self.play)
        for id in ("run.step", "run.step100"):
            self._add(id)
        self.speed = QComboBox(self)
        for title, rate in SPEEDS:
            self.speed.addItem(icon("speed"), title, rate)
        self.speed.setToolTip("How fast to train at most")
        self.speed.setAccessibleName("Speed")
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.currentIndexChanged.connect(self._chosen)
        self.addWidget(self.speed)
        self._add("run.reseed")
        self.addSeparator()
        self._add("edit.undo")
        self._add("edit.redo")
        self.title = QLabel(self)
        self.title.setObjectName("runname")
        self.title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.title.setMinimumWidth(0)
        self.title.setAccessibleName("Run")
        self.addWidget(self.title)
        self._add("export.folder")
        self._add("view.palette")
        self.show_play(False, False, False)

    def _add(self, id: str) -> None:
        self.addAction(self._actions.action(id))
        button = self.widgetForAction(self._actions.action(id))
        if isinstance(button, QToolButton):
            button.setAccessibleName(self._actions.action(id).text())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_play(self, playing: bool, changed: bool, over: bool) -> None:
        """Show what Space does now.

        Args:
            playing: whether it trains.
            changed: whether cards differ from what it trains.
            over: whether the run has ended, or none has begun with these cards.
        """
        fresh = changed and not playing
        self._play_icon = "pause" if playing else "play"
        text = "Pause" if playing else "Apply and restart" if fresh else "Start" if over else "Play"
        self.play.setText(text)
        self.play.setIcon(icon(self._play_icon, "window" if fresh else "accent-text"))
        self.play.setAccessibleName(text)
        self.play.setToolTip(f"{text} (Space)" + ("\nCards were changed; R starts anew with them." if changed else ""))
        if self.play.property("changed") != fresh:
            self.play.setProperty("changed", fresh)
            self.play.style().unpolish(self.play)
            self.play.style().polish(self.play)

    def show_title(self, text: str) -> None:
        """The name of the run that is shown."""
        self.title.setText(text)
        self.title.setToolTip(text)

    def _chosen(self, index: int) -> None:
        self.speed_chosen.emit(SPEEDS[index][1])

    def set_scale(self, scale: float) -> None:
        """Make icons as much larger as letters are."""
        size = QSize(round(ICON * scale), round(ICON * scale))
        self.setIconSize(size)
        self.play.setIconSize(size)
        self.speed.setIconSize(size * 0.8)

    def retint(self) -> None:
        """Take icons of the theme's colour."""
        for index in range(self.speed.count()):
            self.speed.setItemIcon(index, icon("speed"))
        fresh = bool(self.play.property("changed"))
        self.play.setIcon(icon(self._play_icon, "window" if fresh else "accent-text"))
