"""What each action does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QCursor, QKeySequence
from PySide6.QtWidgets import QApplication, QInputDialog, QMenu

from gmstudio import registry
from gmstudio.gui.actions import ACTIONS
from gmstudio.gui.docks import Dock
from gmstudio.gui.documents import Documents
from gmstudio.gui.drops import Drops
from gmstudio.gui.exports import Exports
from gmstudio.gui.features import Features
from gmstudio.gui.guests import hosts_of
from gmstudio.gui.palette import Entry
from gmstudio.gui.sweeps.opening import Sweeps
from gmstudio.gui.tables.opening import Tables
from gmstudio.gui.theme import themes
from gmstudio.runs import Experiment
from gmstudio.training.commands import SetSchedule

if TYPE_CHECKING:
    from gmstudio.gui.main_window import MainWindow

DEVICES = (
    ("auto", "The best there is"),
    ("cpu", "Processor"),
    ("cuda", "NVIDIA GPU (CUDA)"),
    ("mps", "Apple GPU (MPS)"),
)
CARD_ROOMS: tuple[tuple[str, registry.Room, str], ...] = (
    ("data", "data", "data"),
    ("model", "model", "model"),
    ("objective", "objective", "objective"),
    ("mollification", "schedule", "schedule"),
)
STAGE_SCALE = 1.5


class Handlers(QObject):
    """The doing part of a window's actions."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.documents = Documents(window)
        self.exports = Exports(window)
        self.features = Features(window)
        self.tables = Tables(window)
        self.drops = Drops(window)
        self.sweeps = Sweeps(window)
        self._panel_actions: list[QAction] = []
        self._usual_scale: float | None = None

    def table(self) -> dict[str, Callable[[], object]]:
        """Id of an action -> what it does."""
        window, work, documents, exports = self.window, self.window.workbench, self.documents, self.exports
        return {
            "file.new": documents.new,
            "file.open": documents.ask_open,
            "file.table": self.tables.ask,
            "file.images": self.tables.ask_images,
            "file.folder": self.tables.ask_folder,
            "file.uci": self.tables.pick,
            "file.save": documents.save,
            "file.save_as": documents.ask_save_as,
            "file.quit": window.close,
            "export.folder": exports.folder,
            "export.script": exports.script,
            "export.spec": exports.spec,
            "export.metrics": exports.metrics,
            "export.panels": exports.panels,
            "export.window": exports.window_picture,
            "edit.undo": window.undo.undo,
            "edit.redo": window.undo.redo,
            "run.play": work.toggle,
            "run.step": partial(work.step, 1),
            "run.step100": partial(work.step, 100),
            "run.stop": work.stop,
            "run.restart": work.restart,
            "run.reseed": work.reseed,
            "run.fork": work.resume,
            "run.live": work.go_live,
            "run.replay": window.timeline.replay,
            "run.rename": self.rename_run,
            "features.own": self.features.use_own,
            "features.file": self.features.ask,
            "sweep.new": self.sweeps.new,
            "sweep.open": self.sweeps.ask_open,
            "view.maximise": self.maximise,
            "view.reset": self.reset_layout,
            "view.larger": partial(self.letters, 1.1),
            "view.smaller": partial(self.letters, 1 / 1.1),
            "view.usual": partial(self.letters, 0.0),
            "view.full": self.full_screen,
            "view.palette": self.open_palette,
            "view.describe": self.describe,
            "layout.stage": self.layout_stage,
            "layout.study": self.layout_study,
            "layout.all": self.layout_all,
            "theme.system": partial(self.choose_theme, "system"),
            "theme.light": partial(self.choose_theme, "light"),
            "theme.dark": partial(self.choose_theme, "dark"),
            "help.guide": self.guide,
            "help.keys": self.show_keys,
            "help.about": self.about,
        }

    # Menus that depend on what there is.

    def fill_menus(self, menus: dict[str, QMenu]) -> None:
        """Add panels, recent projects and devices."""
        panels = QMenu("Panels", self.window)
        menus["View"].insertMenu(self.window.actions_.action("view.maximise"), panels)
        for number, dock in enumerate(self.panel_docks(), start=1):
            action = dock.toggleViewAction()
            panels.addAction(action)
            if number <= 9:
                jump = QAction(dock.windowTitle(), self)
                jump.setShortcut(QKeySequence(str(number)))
                jump.triggered.connect(partial(self.show_dock, dock))
                self.window.addAction(jump)
                self._panel_actions.append(jump)
        self.recent = QMenu("Open recent", self.window)
        menus["File"].insertMenu(self.window.actions_.action("file.save"), self.recent)
        self.recent.aboutToShow.connect(self._fill_recent)
        devices = QMenu("Device", self.window)
        menus["Run"].addMenu(devices)
        group = QActionGroup(devices)
        chosen = self.window.settings.text("device", "auto")
        self.window.workbench.device = chosen
        for name, title in DEVICES:
            action = devices.addAction(title)
            action.setCheckable(True)
            action.setChecked(name == chosen)
            action.triggered.connect(partial(self.choose_device, name))
            group.addAction(action)
        self.features.show()
        self.show_theme()

    def panel_docks(self) -> list[Dock]:
        """The docks in the order of the keys 1 to 9."""
        order = ("stage", "bottom", "right", "left")
        docks = [dock for area in order for dock in self.window.layout_.area(area)]
        # Those that only some runs have anything for change no key of the others.
        return sorted(docks, key=lambda dock: bool(hosts_of(dock)))

    def _fill_recent(self) -> None:
        self.recent.clear()
        for path in self.window.settings.recent():
            action = self.recent.addAction(Path(path).stem)
            action.setToolTip(path)
            action.triggered.connect(partial(self.documents.open, Path(path)))
        if self.recent.isEmpty():
            self.recent.addAction("No projects yet").setEnabled(False)

    def entries(self) -> list[Entry]:
        """Everything that the palette can do now."""
        found: list[Entry] = []
        for info in ACTIONS:
            action = self.window.actions_.action(info.id)
            if action.isEnabled() and info.id != "view.palette":
                where = info.menu.replace("/", " › ")
                key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                found.append(Entry(action.text().rstrip("…"), action.trigger, key or where, info.help))
        for part, room, word in CARD_ROOMS:
            found.extend(
                Entry(f"Choose {word}: {c.title}", partial(self.choose, part, c), "Card", c.summary)
                for c in registry.components(room)
            )
        found.extend(
            Entry(f"Panel: {dock.windowTitle()}", partial(self.show_dock, dock), str(number) if number < 10 else "")
            for number, dock in enumerate(self.panel_docks(), start=1)
        )
        found.extend(
            Entry(f"Open recent: {Path(path).stem}", partial(self.documents.open, Path(path)), "File", path)
            for path in self.window.settings.recent()
        )
        found.extend(Entry(f"Device: {title}", partial(self.choose_device, name), "Run") for name, title in DEVICES)
        return found

    # Run.

    def choose(self, part: str, chosen: registry.Component) -> None:
        """Put another component on a card."""
        from gmstudio.gui.workbench import Replace

        work = self.window.workbench
        run = work.deck.experiment.run.changed(**{part: chosen.spec()})
        work.undo.push(Replace(work, work.deck.experiment.changed(run=run), f"Choose {chosen.title}"))

    def choose_device(self, name: str) -> None:
        """Train there from the next run on."""
        self.window.workbench.device = name
        self.window.settings.set("device", name)

    def shape_schedule(self, edit: SetSchedule) -> None:
        """The person has dragged the schedule in its panel."""
        deck = self.window.deck
        before = deck.experiment
        if edit.column < len(before.columns):
            deck.edit_schedule(edit.column, edit.schedule)

    def rename_run(self) -> None:
        """Ask for the name of the run that is shown."""
        self.window.runs.rename_shown()

    def show_run_title(self) -> None:
        """The name of the run that is shown, in the toolbar."""
        experiment = self.window.workbench.trained or self.window.deck.experiment
        self.window.toolbar.show_title(self.window.runs.title_of_shown() or title_of(experiment))

    # View.

    def show_dock(self, dock: Dock) -> None:
        """Show a panel, and put the keys there."""
        if self.window.layout_.maximised not in (None, dock):
            self.window.layout_.restore_maximised()
        dock.show()
        dock.raise_()
        dock.content.setFocus()

    def maximise(self) -> None:
        """Maximise the panel under the mouse, or else the one with the keys, or else the density."""
        layout = self.window.layout_
        if layout.maximised is not None:
            layout.restore_maximised()
            return
        under = QApplication.widgetAt(QCursor.pos())
        for widget in (under, QApplication.focusWidget()):
            while widget is not None and not isinstance(widget, Dock):
                widget = widget.parentWidget()
            if isinstance(widget, Dock):
                layout.toggle_maximised(widget)
                return
        docks = layout.area("stage")
        if docks:
            layout.toggle_maximised(layout.docks.get("density", docks[0]))

    def reset_layout(self) -> None:
        """Every dock at its first place."""
        self._leave_stage()
        self.window.layout_.arrange()

    def layout_stage(self) -> None:
        """For a projector: the densities alone, large."""
        if self._usual_scale is None:
            self._usual_scale = self.window.scale
        self.window.set_scale(max(self.window.scale, STAGE_SCALE))
        self.window.layout_.show_only({"density"})

    def layout_study(self) -> None:
        """Cards, the stage and the curves."""
        self._leave_stage()
        layout = self.window.layout_
        names = {dock.name for area in ("left", "stage", "bottom") for dock in layout.area(area)}
        layout.show_only(names)

    def layout_all(self) -> None:
        """Every panel."""
        self._leave_stage()
        self.window.layout_.show_only(set(self.window.docks))

    def _leave_stage(self) -> None:
        if self._usual_scale is not None:
            self.window.set_scale(self._usual_scale)
            self._usual_scale = None

    def letters(self, factor: float) -> None:
        """Scale letters by a factor; 0 for their usual size."""
        self.window.set_scale(self.window.scale * factor if factor else 1.0)

    def full_screen(self) -> None:
        """Use the whole screen, or a window again."""
        self.window.setWindowState(self.window.windowState() ^ Qt.WindowState.WindowFullScreen)
        self.window.actions_.action("view.full").setChecked(self.window.isFullScreen())

    def choose_theme(self, name: str) -> None:
        """Use a theme from now on."""
        self.window.settings.set("theme", name)
        themes().choose(name)
        self.show_theme()

    def show_theme(self) -> None:
        """Tick the theme in use."""
        for name in ("system", "light", "dark"):
            self.window.actions_.action(f"theme.{name}").setChecked(themes().choice == name)

    def open_palette(self) -> None:
        """Open the command palette."""
        self.window.palette_.open()

    # Help.

    def describe(self) -> None:
        """Show what all plots show, in words."""
        from gmstudio.gui.help import describe

        describe(self.window)

    def guide(self) -> None:
        """Open the user guide."""
        from gmstudio.gui.help import open_guide

        open_guide(self.window)

    def show_keys(self) -> None:
        """List the keys."""
        from gmstudio.gui.help import show_keys

        show_keys(self.window)

    def about(self) -> None:
        """Versions and paths."""
        from gmstudio.gui.help import about

        about(self.window)

    def ask_text(self, title: str, label: str, text: str) -> str | None:
        """Ask for a line of text; None when the person thinks better of it."""
        answer, good = QInputDialog.getText(self.window, title, label, text=text)
        return answer.strip() if good and answer.strip() else None


def title_of(experiment: Experiment) -> str:
    """What an experiment is, in a line."""
    run = experiment.run
    return f"{registry.of(run.model).title} on {run.data.name}"
