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
from gmstudio.gui.guests import Guests, hosts_of
from gmstudio.gui.settings import Settings
from gmstudio.observation.frame import RunInfo

#: Raised when docks come or get other names, so that an old state is not restored.
VERSION = 4
#: Kinds of data, each with an arrangement of its own: points of the plane, tables of more than two columns, and images.
PLANE, TABLE, IMAGES = "plane", "table", "images"
#: Where the arrangements are remembered: that of the window, and that of the stage for each kind.
WINDOW_KEY = "window/state"
STAGE_KEYS = {PLANE: "window/stage", TABLE: "window/table-stage", IMAGES: "window/images-stage"}
#: Parts of the stage.
STAGE = ("stage", "aside", "tabs")
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
        places: name -> area (``left``, ``stage``, ``bottom``, ``right``) and place in it, for points of the plane;
            where a dock's content has a `table_place` or an `image_place`, that is its place for tables or images.
            Where it names others that it stands `behind`, it is a tab of the first of these that is on the stage.
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
        self.docks, self.kind = dict(docks), PLANE
        of_tables, of_images = dict(places), {}
        for name, dock in docks.items():
            of_tables[name] = getattr(dock.content, "table_place", None) or places[name]
            of_images[name] = getattr(dock.content, "image_place", None) or of_tables[name]
        self._all_places = {PLANE: dict(places), TABLE: of_tables, IMAGES: of_images}
        self.guests = Guests(self.docks)
        self._kept: dict[str, QByteArray] = {}
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

    @property
    def _places(self) -> dict[str, tuple[str, int]]:
        return self._all_places[self.kind]

    def _host(self, dock: Dock) -> QMainWindow:
        return self._stage if self._places[dock.name][0] in STAGE else self._window

    def area(self, area: str) -> list[Dock]:
        """The docks whose first place is in an area, in order."""
        parts = STAGE if area == "stage" else (area,)
        found = [(parts.index(where), n, name) for name, (where, n) in self._places.items() if where in parts]
        return [self.docks[name] for _, _, name in sorted(found)]

    def _part(self, part: str) -> list[Dock]:
        """The docks of one part of the stage, but for those that are tabs behind others."""
        return [dock for dock in self.area("stage") if self._places[dock.name][0] == part and not hosts_of(dock)]

    def _in_place(self, area: str) -> list[Dock]:
        return [dock for dock in self.area(area) if not dock.isHidden() and not dock.isFloating()]

    # Arrangements.

    def arrange(self) -> None:
        """Every dock at its first place; those of the right are shown where there is room."""
        self.show_only({name for name in self.docks if self._at_first(name)})

    def _at_first(self, name: str) -> bool:
        """Whether a dock is shown before somebody asks for it."""
        if self._places[name][0] != "right":
            return True
        return self.kind == PLANE and self._window.width() >= WIDE and name != "runs" and not self._rare(name)

    def _rare(self, name: str) -> bool:
        """Whether a dock is hidden among points of the plane until somebody asks for it."""
        return bool(getattr(self.docks[name].content, "place", ("", 0))[0] == "hidden")

    # Kinds of data.

    def suit(self, info: RunInfo) -> None:
        """Take the stage's arrangement for the data of a run, and show the panels that fit its model.

        Each kind of data keeps its own arrangement; the sides stay as they are.
        """
        kind = PLANE if info.space is None else TABLE if info.picture is None else IMAGES
        if kind != self.kind:
            self.restore_maximised()
        if self.maximised is None:
            self.guests.note_closed()
        self.guests.info = info
        if kind != self.kind:
            self._change_kind(kind)
        if self.maximised is None:
            self.guests.come_and_go()

    def _change_kind(self, kind: str) -> None:
        self._kept[self.kind] = self._stage.saveState(VERSION)
        moved = self.area("stage")
        self.kind = kind
        docks = self.area("stage")
        moved += [dock for dock in docks if dock not in moved]
        for dock in moved:
            self._take_away(dock)
        rare = [dock for dock in moved if dock not in docks]
        for dock in rare:
            self._window.addDockWidget(AREAS["right"], dock)
        self._stack(rare)
        for dock in docks:
            self._stage.addDockWidget(AREAS["stage"], dock)
        # Docks that were taken away are hidden until they have their places: side by side they would widen the window.
        state = self._kept.get(kind) or self._settings.data(STAGE_KEYS[kind])
        if state.isEmpty() or not self._stage.restoreState(state, VERSION):
            self._fill_stage(docks)
            for dock in docks:
                dock.setVisible(self.guests.welcome(dock.name))
            self._front()
            self._share_stage((ACROSS, DOWN))
        self._show_stage()
        self._tidy.start()
        self.changed.emit()

    def _take_away(self, dock: Dock) -> None:
        """Take a dock out of the main window in which it stands: under another kind of data it may be the other one."""
        dock.setFloating(False)
        for host in (self._window, self._stage):
            if dock.parent() is host:
                host.removeDockWidget(dock)

    def _fill_stage(self, docks: list[Dock]) -> None:
        for dock in docks:
            self._stage.addDockWidget(AREAS["stage"], dock)
        if self._part("tabs"):
            self._beside()
        else:
            self._grid([dock for dock in docks if not hosts_of(dock)])
        self.guests.seat(self._stage, lambda name: self._places[name][0] in STAGE)

    def _front(self) -> None:
        """Show the first of the stage's tabs, and of those behind others."""
        if self._part("tabs"):
            self._part("tabs")[0].raise_()
        for dock in self.guests.docks[:1]:
            dock.raise_()

    def _show_stage(self) -> None:
        self._stage.setVisible(any(not dock.isHidden() for dock in self.area("stage")))

    def show_only(self, names: Iterable[str]) -> None:
        """Show these docks and no others, at their first places."""
        wanted = set(names)
        self.guests.close_all_but(wanted)
        self._forget_maximised()
        for dock in self.docks.values():
            self._take_away(dock)
        for area in AREAS:
            docks = self.area(area)
            if area == "stage":
                self._fill_stage(docks)
                continue
            for dock in docks:
                self._window.addDockWidget(AREAS[area], dock)
            if area == "left":
                self._stack(docks)
            else:
                usual = [dock for dock in docks if not self._rare(dock.name)]
                rare = [dock for dock in docks if self._rare(dock.name)]
                # Those that are rarely seen share one place.
                for first, second in pairwise([*usual, *rare[:1]]):
                    self._window.splitDockWidget(first, second, ACROSS if area == "bottom" else DOWN)
                self._stack(rare)
        for name, dock in self.docks.items():
            dock.setVisible(name in wanted and self.guests.welcome(name))
        self._stage.setVisible(any(dock.name in wanted for dock in self.area("stage")))
        self._front()
        self.share_out()

    def _grid(self, docks: list[Dock]) -> None:
        """Two rows: the first half above, the second below."""
        half = (len(docks) + 1) // 2
        above, below = docks[:half], docks[half:]
        for first, second in pairwise(above):
            self._stage.splitDockWidget(first, second, ACROSS)
        for first, second in zip(above, below, strict=False):
            self._stage.splitDockWidget(first, second, DOWN)

    def _beside(self) -> None:
        """The first panels large at the left; beside them others above, and tabs below, or tabs alone."""
        main, aside, tabs = (self._part(part) for part in STAGE)
        for first, second in pairwise([*main, *aside]):
            self._stage.splitDockWidget(first, second, ACROSS)
        self._stage.splitDockWidget(([*main, *aside])[-1], tabs[0], DOWN if aside else ACROSS)
        self._stack(tabs)

    def _stack(self, docks: list[Dock]) -> None:
        for first, second in pairwise(docks):
            self._host(first).tabifyDockWidget(first, second)
        if docks:
            docks[0].raise_()

    def share_out(self) -> None:
        """Give the sides their usual sizes and the stage the rest, evenly."""
        line = self._window.fontMetrics().height()
        for area, flow, size in (("left", ACROSS, SIDE), ("right", ACROSS, SIDE), ("bottom", DOWN, FOOT)):
            docks = self._in_place(area)
            self._window.resizeDocks(docks, [round(size * line)] * len(docks), flow)
        self._even(self._window, self._in_place("bottom"), ACROSS)
        self._share_stage((ACROSS, DOWN))

    def _share_stage(self, flows: tuple[Qt.Orientation, ...]) -> None:
        if not self._part("tabs"):
            for flow in flows:
                self._even(self._stage, self._in_place("stage"), flow)
            return
        main, aside, tabs = (self._part(part) for part in STAGE)
        beside = aside or tabs[:1]
        for flow, docks, shares in ((ACROSS, [*main, *beside], (1150, 850)), (DOWN, [*aside, *tabs[:1]], (1000, 1000))):
            if flow in flows:
                self._stage.resizeDocks(docks, list(shares[: len(docks)]), flow)

    def _even(self, host: QMainWindow, docks: list[Dock], flow: Qt.Orientation) -> None:
        host.resizeDocks(docks, [1000] * len(docks), flow)

    def even_stage(self) -> None:
        """Share the stage out again after its height has changed, unless sizes are remembered."""
        if not self._restored and self.maximised is None:
            self._share_stage((DOWN,))

    def settled(self) -> None:
        """The window has its size now: share it out, unless sizes are remembered."""
        self.tidy_tabs()
        if not self._restored:
            self.share_out()

    def tidy_tabs(self) -> None:
        """Show the whole titles of tabbed docks, and not the same again in their title bars."""
        for dock in self.docks.values():
            dock.show_bar(dock.isFloating() or not self._host(dock).tabifiedDockWidgets(dock))
        for host in (self._window, self._stage):
            for bar in host.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
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
        self.guests.note_closed()
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
            self.guests.come_and_go()
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
        state = self._settings.data(WINDOW_KEY), self._settings.data(STAGE_KEYS[self.kind])
        if state[0].isEmpty() or state[1].isEmpty():
            return False
        # Both main windows must know a dock before they can put it somewhere.
        self.arrange()
        self._restored = self._restore(state)
        self.guests.come_and_go()
        self._show_stage()
        return self._restored

    def remember(self) -> None:
        """Keep the arrangement for the next start."""
        outer, inner = self._before if self._before is not None else self._state()
        self._settings.set(WINDOW_KEY, outer)
        for kind, state in {**self._kept, self.kind: inner}.items():
            self._settings.set(STAGE_KEYS[kind], state)

    def close(self) -> None:
        """Stop the timer."""
        self._tidy.stop()
