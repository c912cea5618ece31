"""Everything that the window can do, as data: menus, toolbar, keys, the list of shortcuts, the palette come from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from gmstudio.gui.icons import icon

MENUS = ("File", "Edit", "Run", "View", "Help")


@dataclass(frozen=True, slots=True)
class WindowState:
    """What decides which actions can be used.

    Attributes:
        always: true.
        runnable: whether cards are there to start from.
        run: whether a run is shown.
        stoppable: whether a run is alive.
        steppable: whether a step can be made.
        past: whether a step of the past is shown.
        frames: whether there are key frames.
        undoable, redoable: whether there is something on the undo stack.
        resumable: whether a run can be gone on with from its last checkpoint.
        checkpointed: whether the run shown has weights to export.
    """

    always: bool = True
    runnable: bool = False
    run: bool = False
    stoppable: bool = False
    steppable: bool = False
    past: bool = False
    frames: bool = False
    undoable: bool = False
    redoable: bool = False
    resumable: bool = False
    checkpointed: bool = False


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """One action.

    Attributes:
        id: ``menu.verb``, unique.
        title: as in menus.
        menu: where it stands; ``Menu`` or ``Menu/Submenu``; empty for keys and palette only.
        keys: shortcuts; the first is shown.
        icon: name of an icon.
        when: the field of `WindowState` that enables it.
        help: one sentence.
        checkable: whether it is a switch.
        rule: whether a line stands above it in its menu.
    """

    id: str
    title: str
    menu: str = ""
    keys: tuple[str, ...] = ()
    icon: str = ""
    when: str = "always"
    help: str = ""
    checkable: bool = False
    rule: bool = False


_A = ActionInfo
ACTIONS: tuple[ActionInfo, ...] = (
    _A("file.new", "New project", "File", ("Ctrl+N",), "new", help="Begin an untitled project."),
    _A("file.open", "Open…", "File", ("Ctrl+O",), "open",
       help="Open a project, the specification of a run, or a table."),
    _A("file.table", "Open table…", "File", ("Ctrl+T",), "table",
       help="Train on the columns of a table: CSV, Parquet, NPY, ARFF. It can also be dropped on the window."),
    _A("file.images", "Open images…", "File",
       help="Train on small images: IDX as of MNIST, NPZ, NPY, CIFAR-10. They can also be dropped on the window."),
    _A("file.folder", "Open a folder of images…", "File",
       help="Train on the PNG or JPEG files of a folder, or on CIFAR-10's binary batches."),
    _A("file.uci", "UCI data sets…", "File", ("Ctrl+U",), "uci",
       help="Train on a data set of the UCI repository; some are here already, others are downloaded when you ask."),
    _A("file.save", "Save", "File", ("Ctrl+S",), "save", rule=True,
       help="Give the project a name and a place. Everything is written as it happens in any case."),
    _A("file.save_as", "Save as…", "File", ("Ctrl+Shift+S",), help="Copy the project to another file and go on there."),
    _A("export.folder", "Trained model…", "File/Export", ("Ctrl+E",), "export", "checkpointed",
       "The weights of one column as a folder that gmstudio.load reads: safetensors, configuration, model card."),
    _A("export.script", "Python script…", "File/Export", when="runnable",
       help="The same run as a script in plain PyTorch, with mollification as one line."),
    _A("export.spec", "Specification (JSON)…", "File/Export", when="runnable",
       help="The five cards as the file that `gmstudio train` reads."),
    _A("export.metrics", "Metrics (CSV)…", "File/Export", when="run", help="Every measured number of the run."),
    _A("export.panels", "Panels as pictures…", "File/Export", ("Ctrl+Shift+E",), "camera", "always",
       "Each open panel as PNG and SVG.", rule=True),
    _A("export.window", "Window as a picture…", "File/Export", help="The whole window as PNG."),
    _A("file.quit", "Quit", "File", ("Ctrl+Q",), rule=True, help="Close the window; the project keeps everything."),
    _A("edit.undo", "Undo", "Edit", ("Ctrl+Z",), "undo", "undoable", "Take back the last change of a card or drawing."),
    _A("edit.redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "redoable", "Do it again."),
    _A("run.play", "Play or pause", "Run", ("Space",), "play", "runnable",
       "Train, or hold. When cards were changed while paused, it starts anew with them."),
    _A("run.step", "One step", "Run", ("Right",), "step", "steppable", "Make one training step, then hold."),
    _A("run.step100", "One hundred steps", "Run", ("Shift+Right",), "step-100", "steppable",
       "Make one hundred training steps, then hold."),
    _A("run.stop", "Stop", "Run", ("Ctrl+.",), "stop", "stoppable", "End the run; everything of it is kept."),
    _A("run.restart", "Restart from the same weights", "Run", ("R",), "restart", "runnable",
       "Begin again from the same seed, with the cards as they are.", rule=True),
    _A("run.reseed", "Reseed", "Run", ("Ctrl+R",), "reseed", "runnable", "Begin again from another seed."),
    _A("run.fork", "Go on from the last weights", "Run", when="resumable",
       help="Go on with the run that is shown, from its last checkpoint."),
    _A("run.live", "Live", "Run", ("L",), "live", "past", "Leave the past and show what happens now.", rule=True),
    _A("run.replay", "Play the past back", "Run", ("P",), "film", "frames", "Show the run's pictures as a film."),
    _A("run.rename", "Rename this run…", "Run", when="run", help="Give the run that is shown a name.", rule=True),
    _A("features.own", "Of a classifier trained here", "Run/Features of FID", checkable=True,
       help="Measure images in the features of a small classifier of the same images."),
    _A("features.file", "Of Inception-v3 from a file…", "Run/Features of FID", checkable=True,
       help="Measure images in the features of Inception-v3, whose weights you have as a safetensors file."),
    _A("sweep.new", "New sweep…", "Run", ("Ctrl+G",), "sweep", "runnable",
       "Train every combination of data sets, models, noise and seeds; the result is a table.", rule=True),
    _A("sweep.open", "Open sweep…", "Run", ("Ctrl+Shift+G",), when="runnable",
       help="Open the JSON file of a sweep, as `gmstudio sweep` reads it."),
    _A("view.maximise", "Maximise panel", "View", ("M",), "maximise",
       help="Give the panel under the mouse the whole stage, or put all back."),
    _A("view.reset", "Reset layout", "View", icon="layout", help="Put every panel back to its first place."),
    _A("layout.stage", "Stage (projector)", "View/Layout", ("Ctrl+1",),
       help="Only the densities, large, with large letters."),
    _A("layout.study", "Study", "View/Layout", ("Ctrl+2",), help="Cards, the four pictures and the curves."),
    _A("layout.all", "Everything", "View/Layout", ("Ctrl+3",), help="Every panel, the probe and the runs too."),
    _A("theme.system", "Follow the system", "View/Theme", checkable=True, help="Light or dark as the system is."),
    _A("theme.light", "Light", "View/Theme", icon="sun", checkable=True, help="The light theme."),
    _A("theme.dark", "Dark", "View/Theme", icon="moon", checkable=True, help="The dark theme."),
    _A("view.larger", "Larger letters", "View", ("Ctrl++", "Ctrl+="), help="Make all text larger.", rule=True),
    _A("view.smaller", "Smaller letters", "View", ("Ctrl+-",), help="Make all text smaller."),
    _A("view.usual", "Usual letters", "View", ("Ctrl+0",), help="Make all text its usual size."),
    _A("view.full", "Full screen", "View", ("F11",), help="Use the whole screen, or a window again.", checkable=True),
    _A("view.palette", "Find an action…", "Help", ("Ctrl+K", "Ctrl+Shift+P"), "palette",
       help="Type a few letters of what you want to do."),
    _A("view.describe", "Describe the plots", "Help", ("Ctrl+I",), "info",
       help="What every panel shows, in words and numbers."),
    _A("help.guide", "User guide", "Help", icon="help", help="How to work with GM Studio.", rule=True),
    _A("help.keys", "Keyboard shortcuts", "Help", ("F1", "?"), help="Every key."),
    _A("help.about", "About GM Studio", "Help", help="Versions, paths and licence."),
)  # fmt: skip

Handler = Callable[[], object]


class Actions(QObject):
    """The QActions of a window, made from `ACTIONS`.

    Args:
        window: where their keys work.
        handlers: id -> what is done.
    """

    def __init__(self, window: QWidget, handlers: Mapping[str, Handler]) -> None:
        super().__init__(window)
        self.all: dict[str, QAction] = {}
        self._handlers = dict(handlers)
        for info in ACTIONS:
            action = QAction(info.title, self)
            action.setObjectName(info.id)
            action.setShortcuts([QKeySequence(key) for key in info.keys])
            action.setToolTip(tip(info))
            action.setStatusTip(info.help)
            action.setCheckable(info.checkable)
            action.setAutoRepeat(info.id in ("run.step", "edit.undo", "edit.redo"))
            action.setMenuRole(QAction.MenuRole.NoRole)
            action.triggered.connect(self._triggered)
            window.addAction(action)
            self.all[info.id] = action
        self._submenus: dict[str, QMenu] = {}
        self.retint()

    def _triggered(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.run(sender.objectName())

    def run(self, id: str) -> None:
        """Do what the action of that id does."""
        self._handlers[id]()

    def action(self, id: str) -> QAction:
        """The QAction of that id."""
        return self.all[id]

    def update(self, state: WindowState) -> None:
        """Enable what can be used."""
        values = {field.name: getattr(state, field.name) for field in fields(state)}
        for info in ACTIONS:
            self.all[info.id].setEnabled(values[info.when])

    def retint(self) -> None:
        """Take icons of the theme's colour."""
        for info in ACTIONS:
            if info.icon:
                self.all[info.id].setIcon(icon(info.icon))

    def fill(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Make the menus; returns them by path, such as ``File/Export``."""
        for name in MENUS:
            self._menu(bar, name)
        for info in ACTIONS:
            if not info.menu:
                continue
            menu = self._menu(bar, info.menu)
            if info.rule:
                menu.addSeparator()
            menu.addAction(self.all[info.id])
        return self._submenus

    def _menu(self, bar: QMenuBar, path: str) -> QMenu:
        if path not in self._submenus:
            parent, _, name = path.rpartition("/")
            made = self._menu(bar, parent).addMenu(name) if parent else bar.addMenu(f"&{name}")
            made.setToolTipsVisible(True)
            self._submenus[path] = made
        return self._submenus[path]


def tip(info: ActionInfo) -> str:
    """Title, first key and help, for tool tips."""
    key = f" ({QKeySequence(info.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)})" if info.keys else ""
    return f"{info.title.rstrip('…')}{key}\n{info.help}" if info.help else f"{info.title}{key}"
