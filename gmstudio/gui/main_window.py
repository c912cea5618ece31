"""The main window: cards at the left, the stage in the middle, curves below, the timeline at the foot."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QResizeEvent,
    QShowEvent,
    QUndoStack,
)
from PySide6.QtWidgets import QApplication, QMainWindow, QToolBar, QWidget

from gmstudio.gui import style
from gmstudio.gui.actions import Actions, WindowState
from gmstudio.gui.badge import PastBadge
from gmstudio.gui.banner import Banner, Banners, Button
from gmstudio.gui.cards.deck import CardDeck
from gmstudio.gui.control import ALIVE, Control
from gmstudio.gui.display import Display
from gmstudio.gui.docks import Dock
from gmstudio.gui.draw_shell import DrawShell
from gmstudio.gui.faults import Faults
from gmstudio.gui.handlers import Handlers
from gmstudio.gui.icons import program_icon
from gmstudio.gui.keys import Keys
from gmstudio.gui.layout import Layout, Stage
from gmstudio.gui.loop import Jobs
from gmstudio.gui.palette import Palette
from gmstudio.gui.panels import all_panels
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.curves import CurvesPanel
from gmstudio.gui.panels.latent import LatentPanel
from gmstudio.gui.panels.metrics import MetricsPanel
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.schedule import SchedulePanel
from gmstudio.gui.panels.warp import WarpPanel
from gmstudio.gui.preview import Previewer
from gmstudio.gui.reports import Reports
from gmstudio.gui.runs_list import RunsList
from gmstudio.gui.settings import Settings
from gmstudio.gui.sight import Sight
from gmstudio.gui.status_bar import StatusLine
from gmstudio.gui.theme import Theme, themes
from gmstudio.gui.timeline import Timeline
from gmstudio.gui.toolbar import MainBar
from gmstudio.gui.training_thread import WarmUp
from gmstudio.gui.workbench import Workbench
from gmstudio.sessions import Status
from gmstudio.trace import mark
from gmstudio.training.problems import Problem

#: Milliseconds after the window is shown until torch is imported in the background.
WARM_UP_AFTER = 700
#: Milliseconds that closing waits for a step, a checkpoint or an import to end.
CLOSE_WAIT = 1000


class MainWindow(QMainWindow):
    """The window.

    Attributes:
        display: hands frames to the panels; has the figures of its work.
        control: plays and pauses.
        workbench: the work: cards, runs, project.
        lingering: after closing, whether a thread could not be ended in time.

    Signals:
        first_shown(): the window is on the screen.
        closed(): the window has closed, and its threads have ended unless `lingering`.
    """

    first_shown = Signal()
    closed = Signal()

    def __init__(self, warm_up: bool = True) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setWindowTitle("GM Studio")
        self.setWindowIcon(program_icon())
        self.setAcceptDrops(True)
        self.settings = Settings()
        self.lingering = False
        self._shown = self._torn_down = False
        self._scale = self.settings.number("letters", 1.0)
        style.prepare(self._app(), themes().current, self._scale)
        self.undo = QUndoStack(self)
        self.faults = Faults(self)
        self.jobs = Jobs(self)
        self.link = PlaneLink(self)
        self._make_parts()
        self._make_docks()
        self._make_bars()
        self._connect()
        self._warm = WarmUp()
        self.previewer = Previewer(self.workbench, self.banners, self._warm)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(WARM_UP_AFTER)
        if warm_up:
            self._later.timeout.connect(self._warm.start)
        self._restyle()
        self._place()
        self.refresh()

    # Making.

    def _app(self) -> QApplication:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        return app

    def _make_parts(self) -> None:
        self.deck = CardDeck(self.undo)
        self.drawer = DrawShell(self.undo)
        self.panels: dict[str, Panel] = {}
        for kind in all_panels():
            panel = kind()
            self.panels[panel.name] = panel
            if hasattr(panel, "set_link"):
                panel.set_link(self.link)
        self.display = Display(list(self.panels.values()), self)
        self.control = Control(self)
        self.timeline = Timeline()
        self.banners = Banners()
        self.status_line = StatusLine(self)
        self.setStatusBar(self.status_line)
        self.workbench = Workbench(self.deck, self.drawer, self.undo, self.display, self.control, self.timeline, self)
        self.runs = RunsList(self.workbench)
        self.badge = PastBadge(self)

    def _make_docks(self) -> None:
        self.stage = Stage()
        self.setCentralWidget(self.stage)
        docks: dict[str, Dock] = {
            "cards": Dock("cards", "Experiment", "Five cards make an experiment", self.deck, self),
            "draw": Dock("draw", "Draw", "Draw the data, also while a run trains", self.drawer, self),
            "runs": Dock("runs", "Runs", "Every run of this project", self.runs, self),
        }
        places: dict[str, tuple[str, int]] = {"cards": ("left", 0), "draw": ("left", 1), "runs": ("right", 90)}
        for name, panel in self.panels.items():
            area, place = panel.place
            host = self.stage if area == "stage" else self
            docks[name] = Dock(name, panel.title, panel.help, panel, host)
            places[name] = (area if area != "hidden" else "right", place)
        self.layout_ = Layout(self, self.stage, docks, places, self.settings)
        self.docks = docks

    def _make_bars(self) -> None:
        self.handlers = Handlers(self)
        self.actions_ = Actions(self, self.handlers.table())
        self.menus = self.actions_.fill(self.menuBar())
        self.handlers.fill_menus(self.menus)
        self.toolbar = MainBar(self.actions_, self)
        self.addToolBar(self.toolbar)
        self.addToolBarBreak()
        self._banner_bar = self._bar("banners", "Messages", self.banners)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self._banner_bar)
        self._banner_bar.hide()
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, self._bar("timeline", "Timeline", self.timeline))
        self.palette_ = Palette(self, self.handlers.entries)
        self.keys = Keys(self)

    def _bar(self, name: str, title: str, widget: QWidget) -> QToolBar:
        bar = QToolBar(title, self)
        bar.setObjectName(name)
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.addWidget(widget)
        return bar

    def _connect(self) -> None:
        self.workbench.changed.connect(self.refresh)
        self.workbench.failed.connect(self.show_problem)
        self.display.problem.connect(self.show_problem)
        self.display.status.connect(self.status_line.show_status)
        self.undo.canUndoChanged.connect(self.refresh)
        self.undo.canRedoChanged.connect(self.refresh)
        self.undo.undoTextChanged.connect(self.refresh)
        self.layout_.changed.connect(self.display.wake)
        self.banners.changed.connect(self._fit_banners)
        self.toolbar.speed_chosen.connect(self.control.set_speed)
        self._reports = Reports(self.banners, self.faults, self.jobs, self)
        self.display.begun.connect(self.layout_.suit)
        self._sight = Sight(self.link, self.display, self)
        latent, warp = self.panels.get("latent"), self.panels.get("warp")
        if isinstance(latent, LatentPanel) and isinstance(warp, WarpPanel):
            self._sight.share_axes(latent.axes, warp.axes)
        schedule = self.panels.get("schedule")
        if isinstance(schedule, SchedulePanel):
            schedule.edited.connect(self.handlers.shape_schedule)
            self.workbench.cards_shown.connect(schedule.set_experiment)
        metrics, curves = self.panels.get("metrics"), self.panels.get("curves")
        if isinstance(metrics, MetricsPanel) and isinstance(curves, CurvesPanel):
            metrics.chosen.connect(curves.show_metric)
        themes().changed.connect(self._themed)

    def _place(self) -> None:
        screen = QApplication.primaryScreen().availableGeometry()
        geometry = self.settings.data("window/geometry")
        if geometry.isEmpty() or not self.restoreGeometry(geometry):
            self.resize(min(1680, screen.width()), min(1000, screen.height()))
            if screen.width() <= 1366:
                self.setWindowState(Qt.WindowState.WindowMaximized)

    def arrange(self) -> None:
        """Put the docks where they were, or to their first places."""
        if not self.layout_.restore():
            self.layout_.arrange()

    # What is shown.

    def refresh(self) -> None:
        """Bring actions, play button, title and status up to date."""
        control, workbench, display = self.control, self.workbench, self.display
        state = control.state
        project = workbench.project
        over = state in ("", "finished", "stopped", "failed")
        changed = workbench.cards_differ
        frames = len(self.timeline.track.frames) > 1
        self.actions_.update(
            WindowState(
                runnable=project is not None,
                run=bool(display.run),
                stoppable=state in ALIVE,
                steppable=project is not None and (state != "finished" or changed),
                past=display.looking is not None,
                frames=frames,
                undoable=self.undo.canUndo(),
                redoable=self.undo.canRedo(),
                resumable=state in ("stopped", "failed"),
                checkpointed=bool(display.run) and project is not None and state != "building",
            )
        )
        for id, text in (("edit.undo", self.undo.undoText()), ("edit.redo", self.undo.redoText())):
            name = id.partition(".")[2].capitalize()
            self.actions_.action(id).setText(f"{name} {text[:1].lower()}{text[1:]}" if text else name)
        self.toolbar.play.setEnabled(project is not None)
        self.toolbar.show_play(control.playing, changed and state != "", over)
        status = control.status
        if status is None and display.preview is not None:
            status = Status("", "preview")
        self.status_line.show_status(status)
        self.handlers.show_run_title()
        self._show_badge()

    def _show_badge(self) -> None:
        over = self.stage if self.stage.isVisible() else self.timeline
        self.badge.show_step(self.display.looking, self.timeline.replaying, over)

    def show_banner(
        self, title: str, what: str = "", remedy: str = "", kind: str = "info", buttons: tuple[Button, ...] = ()
    ) -> Banner:
        """Say something inside the window; nobody has to answer."""
        return self.banners.show_message(Banner(title, what, remedy, kind, buttons))

    def show_problem(self, problem: Problem) -> None:
        """Say what went wrong and what to try."""
        self.show_banner(problem.title, problem.what, problem.remedy, "danger")

    def _fit_banners(self) -> None:
        self._banner_bar.setVisible(bool(self.banners.shown))
        # Once the bar has its height.
        QTimer.singleShot(50, self, self.layout_.even_stage)

    # The look.

    @property
    def scale(self) -> float:
        """How many times as large as usual letters are."""
        return self._scale

    def set_scale(self, scale: float) -> None:
        """Make letters larger or smaller."""
        self._scale = min(max(scale, style.MIN_SCALE), style.MAX_SCALE)
        self.settings.set("letters", self._scale)
        self._restyle()

    def _restyle(self) -> None:
        style.apply(self._app(), themes().current, self._scale)
        self.toolbar.set_scale(self._scale)

    def _themed(self, theme: Theme) -> None:
        self._restyle()
        self.actions_.retint()
        self.toolbar.retint()
        self.timeline.apply_theme(theme)
        self.status_line.apply_theme(theme)
        self.banners.tint()
        for panel in self.panels.values():
            panel.apply_theme(theme)
        for dock in self.docks.values():
            dock.bar.tint(dock is self.layout_.maximised)
        self.handlers.show_theme()
        self.refresh()

    # Events.

    def event(self, event: QEvent) -> bool:
        """Measure what painting costs."""
        if event.type() == QEvent.Type.UpdateRequest:
            began = time.perf_counter()
            done = super().event(event)
            self.display.measures.painted(time.perf_counter() - began)
            return done
        return super().event(event)

    def sizeHint(self) -> QSize:
        """A laptop's screen."""
        return QSize(1280, 800)

    def showEvent(self, event: QShowEvent) -> None:
        """At first: arrange, then open the project once the window is on the screen."""
        super().showEvent(event)
        if not self._shown:
            self._shown = True
            self.arrange()
            self.setFocus()
            QTimer.singleShot(0, self, self._visible)

    def _visible(self) -> None:
        mark("window")
        self.layout_.settled()
        self._later.start()
        self.first_shown.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep what floats over the window in its place."""
        super().resizeEvent(event)
        self._show_badge()
        if self.palette_.isVisible():
            self.palette_.dismiss()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        if self.handlers.drops.offer(event.mimeData()):
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """They have gone elsewhere."""
        self.handlers.drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.acceptProposedAction()
        self.handlers.drops.take(event.mimeData())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save, end the threads, close the project."""
        if not self._torn_down:
            self._torn_down = True
            mark("close")
            self._remember()
            self.hide()
            self._tear_down()
        super().closeEvent(event)
        self.closed.emit()

    def _remember(self) -> None:
        self.layout_.remember()
        self.settings.set("window/geometry", self.saveGeometry())
        self.settings.sync()

    def _tear_down(self) -> None:
        self._later.stop()
        self.previewer.close()
        self.layout_.close()
        self.timeline.stop_replay()
        self.keys.close()
        ended = self.handlers.sweeps.close(CLOSE_WAIT)
        self.jobs.close()
        ended = self.control.close(CLOSE_WAIT) and ended
        self.workbench.keeper.close()
        self.display.close()
        project = self.workbench.project
        if project is not None and ended:
            project.close()
        self.lingering = not ended or self._warm.alive
        themes().changed.disconnect(self._themed)
        self.faults.close()
