"""Sweeps of a main window: planned, started, left to go on, taken up again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from gmstudio.gui.control import ALIVE
from gmstudio.gui.loop import Progress
from gmstudio.gui.status_bar import duration
from gmstudio.gui.sweeps.control import SweepControl
from gmstudio.gui.sweeps.files import SweepFiles
from gmstudio.gui.sweeps.unfinished import Unfinished, sweeps_of, unfinished
from gmstudio.projects.errors import ProjectError
from gmstudio.registry import SpecError
from gmstudio.sweeps.plan import PlannedRun
from gmstudio.sweeps.spec import SweepSpec
from gmstudio.sweeps.sweep import Sweep
from gmstudio.sweeps.workers import default_number

if TYPE_CHECKING:
    from gmstudio.gui.banner import Banner
    from gmstudio.gui.main_window import MainWindow
    from gmstudio.gui.sweeps.window import SweepWindow
    from gmstudio.projects.project import Project

#: Milliseconds after the last change of a plan until its time is measured.
CALM = 900


class SweepDesk(QObject):
    """The sweep of a window, one at a time."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.dialog: SweepWindow | None = None
        self.control = SweepControl(self)
        self.files = SweepFiles(self)
        #: Makes a sweep: specification, project, number of workers, device.
        self.make: Callable[[SweepSpec, Project, int, str], Sweep] = make
        self._workers = 0
        self._next: tuple[SweepSpec, Callable[[], None]] | None = None
        self._planning = False
        self._banner: Banner | None = None
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(CALM)
        self._calm.timeout.connect(self._measure)
        self.control.changed.connect(self._changed)
        self.control.said.connect(self._said)
        self.control.ended.connect(self._ended)

    # Opening the window.

    def new(self) -> None:
        """Plan a sweep; one that trains is shown instead."""
        dialog = self.shown()
        if self.control.training:
            self.show_table()
            return
        if dialog.isHidden():
            dialog.plan.show_kept(self._kept())
            dialog.plan.begin()
        dialog.show_page(0)

    def show_table(self) -> None:
        """Show the table."""
        self._say_no_more()
        self.shown().show_page(1)

    def show_spec(self, spec: SweepSpec, origin: str = "from the file") -> SweepWindow:
        """Show the plan of a sweep."""
        dialog = self.shown()
        dialog.tell("")
        dialog.plan.show_spec(spec, origin)
        dialog.show_page(0)
        return dialog

    def choose(self, spec: SweepSpec) -> None:
        """Take up a sweep of the project, or begin with one that the program brings."""
        self.show_spec(spec, "in the sweep")
        if not self.control.training:
            self._calm.stop()
            self._plan(spec, self._show_chosen)

    def _show_chosen(self) -> None:
        """Show the table where something is in it, and measure how long the rest will take."""
        _, done, _ = self.control.counts()
        if done:
            self.show_table()
        self._estimate()

    def _kept(self) -> list[SweepSpec]:
        """The sweeps of the project, newest first."""
        project = self.window.workbench.project
        try:
            return sweeps_of(project) if project is not None else []
        except ProjectError as error:
            self.fail("The sweeps of the project cannot be read", error)
            return []

    def shown(self) -> SweepWindow:
        """The sweep window; made when it is first asked for."""
        if self.dialog is None:
            from gmstudio.gui.sweeps.window import SweepWindow

            deck, work = self.window.deck, self.window.workbench
            self.dialog = dialog = SweepWindow(
                self.control, lambda: deck.experiment, lambda: default_number(work.device), self.window
            )
            plan, results = dialog.plan, dialog.results
            plan.changed.connect(self._edited)
            plan.open_wanted.connect(self.files.ask_open)
            plan.save_wanted.connect(self.files.ask_save)
            plan.start_wanted.connect(self.start)
            plan.spec_wanted.connect(self.choose)
            plan.download_wanted.connect(self.window.handlers.tables.pick)
            self.window.handlers.tables.downloads.arrived.connect(plan.look_again)
            results.start_wanted.connect(self.go_on)
            results.save_wanted.connect(self.files.ask_table)
            results.copy_wanted.connect(self.files.copy)
            results.runs.cards_wanted.connect(self.take_cards)
            results.runs.curves_wanted.connect(self.show_curves)
            dialog.left.connect(self._left)
            geometry = self.window.settings.data("sweep/geometry")
            if not geometry.isEmpty():
                dialog.restoreGeometry(geometry)
        return self.dialog

    def _left(self) -> None:
        self._calm.stop()
        if self.dialog is not None:
            self.window.settings.set("sweep/geometry", self.dialog.saveGeometry())
        if self.control.state == "estimating":
            self.control.stop()
        elif self.control.training:
            _, done, _ = self.control.counts()
            self._banner = self.window.show_banner(
                "The sweep goes on in the background",
                f"{done:,} runs are done; what is done is kept at any time.",
                buttons=(("Show it", self.show_table), ("Stop it", self.control.stop)),
            )

    def fail(self, title: str, error: BaseException) -> None:
        """Say what could not be done."""
        from gmstudio.training.problems import problem_of

        problem = problem_of(error)
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.complain(f"{title}. {problem.what}", problem.remedy)
        else:
            self.window.show_banner(title, problem.what, problem.remedy, "danger")

    # Planning and training.

    def start(self) -> None:
        """Train what is missing of the sweep that is planned."""
        dialog = self.shown()
        try:
            spec = dialog.plan.spec()
        except SpecError as error:
            dialog.complain(error.message, error.remedy)
            return
        if not self.control.training:
            dialog.tell("")
            self._calm.stop()
            self._plan(spec, self._begin)

    def go_on(self) -> None:
        """Train what is missing of the sweep whose table is shown."""
        self._calm.stop()
        self.shown().tell("")
        self._begin()

    def _begin(self) -> None:
        self.shown().show_page(1)
        self.control.start()

    def _edited(self) -> None:
        if not self.control.training:
            self._calm.start()

    def _measure(self) -> None:
        """Find out how long the plan will take, unless that would hold up a training."""
        dialog = self.shown()
        if self.control.training or not dialog.isVisible():
            return
        try:
            spec = dialog.plan.spec()
        except SpecError:
            dialog.plan.say_time("")
            return
        self._plan(spec, self._estimate)

    def _estimate(self) -> None:
        total, done, _ = self.control.counts()
        if self.window.control.state in ALIVE or done == total:
            self._show_time()
        else:
            self.control.measure()

    def _plan(self, spec: SweepSpec, then: Callable[[], None]) -> None:
        """Find what of a sweep is done already, in the background; then do something."""
        sweep = self.control.sweep
        if sweep is not None and sweep.spec == spec and self._workers == self.shown().plan.workers:
            then()
            return
        self._next = spec, then
        if self.control.at_work:
            # It is an estimate; the newest wish wins.
            self.control.stop()
        else:
            self._plan_next()

    def _plan_next(self) -> None:
        project = self.window.workbench.project
        if self._next is None or self._planning or project is None:
            return
        (spec, then), self._next = self._next, None
        self._planning = True
        self._workers = self.shown().plan.workers
        device = self.window.workbench.device

        def work(progress: Progress) -> Sweep:
            return self.make(spec, project, self._workers, device)

        failed = partial(self._not_planned, f"{spec.title} was not planned")
        self.window.jobs.start(f"Planning {spec.title}", work, partial(self._planned, project, then), failed)

    def _planned(self, project: Project, then: Callable[[], None], sweep: Sweep) -> None:
        self._planning = False
        if self.window.workbench.project is not project:
            return
        if self._next is not None:
            self._plan_next()
            return
        # The person may have gone on with the sweep of before in the meantime.
        if not self.control.at_work:
            self.control.show(sweep)
            then()

    def _not_planned(self, title: str, error: BaseException) -> None:
        self._planning = False
        self.fail(title, error)
        self._plan_next()

    # What the sweep says.

    def _changed(self) -> None:
        if self.dialog is not None:
            self.dialog.plan.set_busy(self.control.training)
            self._show_time()
        if self._next is not None and not self.control.at_work:
            self._plan_next()

    def _show_time(self) -> None:
        control, plan = self.control, self.shown().plan
        total, done, _ = control.counts()
        before = f" {done:,} of {total:,} runs are done already." if done else ""
        if control.training:
            plan.say_time("A sweep is under way; the Table page shows it.")
        elif total and done == total:
            plan.say_time("All of these runs are done already; the Table page shows them.")
        elif control.state == "estimating" and control.estimate is None:
            plan.say_time(f"Measuring how long it will take…{before}")
        elif control.estimate is not None:
            seconds, workers = control.estimate
            plan.say_time(f"About {duration(seconds)} on {workers} worker{'' if workers == 1 else 's'}.{before}")
        elif self.window.control.state in ALIVE:
            plan.say_time(f"The time is measured once the training in the main window holds no more.{before}")
        else:
            plan.say_time(before.strip())

    def _said(self, what: str, reason: str) -> None:
        if self.dialog is not None:
            self.dialog.complain(what, reason)

    def _say_no_more(self) -> None:
        banner, self._banner = self._banner, None
        if banner is not None and banner in self.window.banners.shown:
            banner.dismiss()

    def _ended(self, state: str, reason: str) -> None:
        self._say_no_more()
        total, done, failed = self.control.counts()
        self.window.workbench.runs_changed.emit()
        words = f"{done:,} of {total:,} runs are done" + (f", {failed:,} failed" if failed else "")
        title = {"finished": "The sweep is finished", "stopped": "The sweep has stopped"}.get(state, "The sweep failed")
        visible = self.dialog is not None and self.dialog.isVisible()
        if visible and state != "failed":
            self.shown().tell(f"{title}: {words}.")
        elif visible:
            self.shown().complain(f"{title}. {reason}", f"{words}, and kept.")
        else:
            kind = "danger" if state == "failed" else "info"
            self.window.show_banner(
                title, f"{words}. {reason}".strip(), "", kind, (("Show the table", self.show_table),)
            )

    # From the table to the main window.

    def take_cards(self, run: PlannedRun) -> None:
        """Put a run of the table onto the cards, with its twins of other schedules beside it."""
        from gmstudio.gui.workbench import Replace

        sweep, work = self.control.sweep, self.window.workbench
        if sweep is None:
            return
        twins = [one for one in sweep.plan.runs if one.place._replace(schedule=0) == run.place._replace(schedule=0)]
        seed = sweep.spec.seeds[run.place.seed]
        work.undo.push(Replace(work, sweep.plan.experiment(twins[:32]), f"Take seed {seed} of {sweep.spec.title}"))
        self._to_main()

    def show_curves(self, run: str) -> None:
        """Show a run of the project in the main window."""
        self.window.runs.choose(run)
        self._to_main()

    def _to_main(self) -> None:
        self.window.raise_()
        self.window.activateWindow()

    # Projects.

    def look(self, project: Project) -> None:
        """Offer to go on with a sweep of another project that has not ended."""
        found = partial(self._offer, project)
        self.window.jobs.start("Looking for sweeps", partial(unfinished, project), found, lambda error: None)

    def _offer(self, project: Project, found: Unfinished | None) -> None:
        if found is None or self.window.workbench.project is not project or self.control.sweep is not None:
            return
        show = partial(self.show_spec, found.spec, "in the sweep")
        self.window.show_banner(
            f"“{found.spec.title}” is not finished",
            f"{found.missing:,} of its {found.runs:,} runs are missing; those that are done are kept.",
            "",
            "info",
            (("Go on", partial(self._resume, found.spec)), ("Show its plan", show)),
        )

    def _resume(self, spec: SweepSpec) -> None:
        self.show_spec(spec, "in the sweep")
        self.start()

    def close(self, milliseconds: int) -> bool:
        """Stop for good; returns False when a thread could not be ended in that time."""
        self._calm.stop()
        self._next = None
        ended = self.control.close(milliseconds)
        if self.dialog is not None:
            self.dialog.hide()
        return ended


def make(spec: SweepSpec, project: Project, workers: int, device: str) -> Sweep:
    """A sweep whose runs train in processes of this machine."""
    return Sweep(spec, project, number=workers, device=device)
