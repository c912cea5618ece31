"""Where the docks stand: first places, presets, one panel on the whole stage, and what is remembered.

The stage is a main window inside the main window: so the sides keep their sizes when the window changes its own, and
the stage's panels share what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from PySide6.QtCore import QByteArray, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QMainWindow, QTabBar, QTabWidget

from gmstudio.gui.docks import Dock
from gmstudio.gui.settings import Settings

#: Raised when docks get other names, so that an old state is not restored.
VERSION = 2
#: Width of the sides and height of the foot, in heights of a line of text.
SIDE, FOOT = 19, 12.5
#: From this width on the probe is shown at first.
WIDE = 1600
AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "stage": Qt.DockWidgetArea.TopDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
}
ACROSS, DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical


class Stage(QMainWindow):
    """The middle of the window."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stage")
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)


def prepare(host: QMainWindow) -> None:
    """Let docks be nested and tabbed in a main window."""
    host.setDockOptions(
        QMainWindow.DockOption.AllowNestedDocks
        | QMainWindow.DockOption.AllowTabbedDocks
        | QMainWindow.DockOption.GroupedDragging
    )
    host.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)


class Layout(QObject):
    """Arranges the docks of a window.

    Args:
        window: the window.
        stage: its middle.
        docks: name -> dock.
        places: name -> area (``left``, ``stage``, ``bottom``, ``right``) and place in it.
        settings: where arrangements are remembered.

    Signals:
        changed(): docks have come, gone or moved.
    """

    changed = Signal()

    def __init__(
        self,
        window: QMainWindow,
        stage: Stage,
        docks: Mapping[str, Dock],
        places: Mapping[str, tuple[str, int]],
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window, self._stage, self._settings = window, stage, settings
        self.docks, self._places = dict(docks), dict(places)
        self._before: tuple[QByteArray, QByteArray] | None = None
        self.maximised: Dock | None = None
        self._restored = False
        self._tidy = QTimer(self)
        self._tidy.setSingleShot(True)
        self._tidy.timeout.connect(self.tidy_tabs)
        for host in (window, stage):
            prepare(host)
        for corner, area in (
            (Qt.Corner.TopLeftCorner, "left"),
            (Qt.Corner.BottomLeftCorner, "left"),
            (Qt.Corner.TopRightCorner, "right"),
            (Qt.Corner.BottomRightCorner, "right"),
        ):
            window.setCorner(corner, AREAS[area])
        for dock in self.docks.values():
            dock.maximise.connect(self.toggle_maximised)
            dock.visibilityChanged.connect(self._changed)
            dock.topLevelChanged.connect(self._changed)

    def _changed(self) -> None:
        self._tidy.start()
        self.changed.emit()

    def _host(self, dock: Dock) -> QMainWindow:
        return self._stage if self._places[dock.name][0] == "stage" else self._window

    def area(self, area: str) -> list[Dock]:
        """The docks whose first place is in an area, in order."""
        names = sorted((place, name) for name, (where, place) in self._places.items() if where == area)
        return [self.docks[name] for _, name in names]

    def _in_place(self, area: str) -> list[Dock]:
        return [dock for dock in self.area(area) if not dock.isHidden() and not dock.isFloating()]

    # Arrangements.

    def arrange(self) -> None:
        """Every dock at its first place; those of the right are shown where there is room."""
        wide = self._window.width() >= WIDE
        self.show_only(
            {name for name, (area, _) in self._places.items() if area != "right" or (wide and name != "runs")}
        )

    def show_only(self, names: Iterable[str]) -> None:
        """Show these docks and no others, at their first places."""
        wanted = set(names)
        self._forget_maximised()
        for dock in self.docks.values():
            dock.setFloating(False)
            self._host(dock).removeDockWidget(dock)
        for area in AREAS:
            docks = self.area(area)
            for dock in docks:
                self._host(dock).addDockWidget(AREAS[area], dock)
            if area == "stage":
                self._grid(docks)
            elif area == "left":
                self._stack(docks)
            else:
                for first, second in pairwise(docks):
                    self._window.splitDockWidget(first, second, ACROSS if area == "bottom" else DOWN)
        for name, dock in self.docks.items():
            dock.setVisible(name in wanted)
        self._stage.setVisible(any(dock.name in wanted for dock in self.area("stage")))
        self.share_out()

    def _grid(self, docks: list[Dock]) -> None:
        """Two rows: the first half above, the second below."""
        half = (len(docks) + 1) // 2
        above, below = docks[:half], docks[half:]
        for first, second in pairwise(above):
            self._stage.splitDockWidget(first, second, ACROSS)
        for first, second in zip(above, below, strict=False):
            self._stage.splitDockWidget(first, second, DOWN)

    def _stack(self, docks: list[Dock]) -> None:
        for first, second in pairwise(docks):
            self._window.tabifyDockWidget(first, second)
        if docks:
            docks[0].raise_()

    def share_out(self) -> None:
        """Give the sides their usual sizes and the stage the rest, evenly."""
        line = self._window.fontMetrics().height()
        for area, flow, size in (("left", ACROSS, SIDE), ("right", ACROSS, SIDE), ("bottom", DOWN, FOOT)):
            docks = self._in_place(area)
            self._window.resizeDocks(docks, [round(size * line)] * len(docks), flow)
        self._even(self._window, self._in_place("bottom"), ACROSS)
        for flow in (ACROSS, DOWN):
            self._even(self._stage, self._in_place("stage"), flow)

    def _even(self, host: QMainWindow, docks: list[Dock], flow: Qt.Orientation) -> None:
        host.resizeDocks(docks, [1000] * len(docks), flow)

    def even_stage(self) -> None:
        """Share the stage out again after its height has changed, unless sizes are remembered."""
        if not self._restored and self.maximised is None:
            self._even(self._stage, self._in_place("stage"), DOWN)

    def settled(self) -> None:
        """The window has its size now: share it out, unless sizes are remembered."""
        self.tidy_tabs()
        if not self._restored:
            self.share_out()

    def tidy_tabs(self) -> None:
        """Show the whole titles of tabbed docks, and not the same again in their title bars."""
        for dock in self.docks.values():
            dock.show_bar(dock.isFloating() or not self._host(dock).tabifiedDockWidgets(dock))
        for bar in self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            bar.setElideMode(Qt.TextElideMode.ElideNone)
            bar.setExpanding(False)
            bar.setDrawBase(False)

    # One dock on the whole stage.

    def toggle_maximised(self, dock: Dock) -> None:
        """Give a dock the whole window, or put all back."""
        if self.maximised is not None:
            self.restore_maximised()
            return
        if dock.isFloating():
            dock.setWindowState(dock.windowState() ^ Qt.WindowState.WindowMaximized)
            return
        self._before = self._state()
        self.maximised = dock
        for other in self.docks.values():
            if other is not dock and not other.isFloating():
                other.hide()
        dock.show()
        self._stage.setVisible(self._host(dock) is self._stage)
        dock.bar.tint(maximised=True)
        self.changed.emit()

    def restore_maximised(self) -> None:
        """Put all back."""
        before, dock = self._before, self.maximised
        self._forget_maximised()
        if before is not None:
            self._restore(before)
        if dock is not None:
            dock.raise_()
        self.changed.emit()

    def _forget_maximised(self) -> None:
        if self.maximised is not None:
            self.maximised.bar.tint()
        self.maximised = self._before = None
        self._stage.show()

    def _state(self) -> tuple[QByteArray, QByteArray]:
        return self._window.saveState(VERSION), self._stage.saveState(VERSION)

    def _restore(self, state: tuple[QByteArray, QByteArray]) -> bool:
        outer = self._window.restoreState(state[0], VERSION)
        inner = self._stage.restoreState(state[1], VERSION)
        return outer and inner

    # Remembered between two starts.

    def restore(self) -> bool:
        """Put the docks where they were; returns False where nothing usable is remembered."""
        state = self._settings.data("window/state"), self._settings.data("window/stage")
        if state[0].isEmpty() or state[1].isEmpty():
            return False
        # Both main windows must know a dock before they can put it somewhere.
        self.arrange()
        self._restored = self._restore(state)
        self._stage.setVisible(any(not dock.isHidden() for dock in self.area("stage")))
        return self._restored

    def remember(self) -> None:
        """Keep the arrangement for the next start."""
        outer, inner = self._before if self._before is not None else self._state()
        self._settings.set("window/state", outer)
        self._settings.set("window/stage", inner)

    def close(self) -> None:
        """Stop the timer."""
        self._tidy.stop()
