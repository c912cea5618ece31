"""From the session's mailboxes to the panels, at display rate, one panel per turn of the event loop."""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from gmstudio.gui.measures import PULSE, Measures
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.seat import Seat
from gmstudio.observation.frame import Frame, Metric, RunInfo, Truth, View
from gmstudio.sessions import Look, Session, Status

if TYPE_CHECKING:
    from gmstudio.projects.project import Project
    from gmstudio.runs import Experiment

#: Milliseconds between two pictures.
INTERVAL = 33
#: Share of the time that panels may spend on pictures while a run trains, and seconds that a picture waits at most.
SHARE = 0.05
LONGEST = 0.25
#: Seconds after which a picture is old if the run goes on without another.
OLD = 2.0
#: Seconds between two small garbage collections while training.
COLLECT_SECONDS = 5.0


class Display(QObject):
    """Shows one run in the panels: live, or a step of its past; or else a preview of one, or nothing.

    Attributes:
        info, truth, frame: of the run, what there is of them.
        measures: what the pictures cost.

    Signals:
        status(Status): how the session is doing.
        problem(Problem): something that the session survives.
        begun(RunInfo): another run, or the same with other data or plans, is shown.
        looked(int or None): the step of the past that is shown, None for live.
    """

    status = Signal(object)
    problem = Signal(object)
    begun = Signal(object)
    looked = Signal(object)

    def __init__(self, panels: Sequence[Panel], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.measures = Measures()
        self._seats = [Seat(panel) for panel in panels]
        self._session: Session | None = None
        self._run = ""
        self._preview: Experiment | None = None
        self._hint = ""
        self.info: RunInfo | None = None
        self.truth: Truth | None = None
        self.frame: Frame | None = None
        self._live: Frame | None = None
        self._running = False
        self._metrics: list[Metric] = []
        self._looking: int | None = None
        self._wanted: int | None = None
        self._project: Project | None = None
        self._look = Look(View(bounds=(-4.0, 4.0, -4.0, 4.0)), frozenset())
        self._asked: Look | None = None
        self._turns: deque[Seat] = deque()
        self._due = self._fresh_until = 0.0
        self._collected = time.perf_counter()
        self._timer = self._make_timer(INTERVAL, self.tick)
        self._pulse = self._make_timer(PULSE, self.measures.pulse)
        self._turn = self._make_timer(0, self._next)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._pulse.setTimerType(Qt.TimerType.PreciseTimer)

    def _make_timer(self, interval: int, slot: object) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(interval)
        timer.timeout.connect(slot)
        return timer

    # Which run is shown.

    def follow(self, session: Session, preview: Experiment | None = None) -> None:
        """Show a session that begins.

        Args:
            session: whose pictures are shown.
            preview: what it previews; None for a run.
        """
        self._forget(session.run_id, preview)
        self._session = session
        self._asked = None
        self.measures.wait()
        self._timer.start()
        if preview is None:
            self._pulse.start()

    def rest(self) -> None:
        """The session has ended: take what it left, then hold."""
        self._running = False
        self.tick()
        if self.info is None:
            # It ended before there was anything to see; what the panels still show is of another.
            self._clear()
        self._timer.stop()
        self._pulse.stop()

    def record(self, project: Project | None) -> None:
        """The project in which the past of the run is."""
        self._project = project

    def show_record(self, run: str, info: RunInfo | None, truth: Truth | None, metrics: list[Metric]) -> None:
        """Show a run of the project that no session trains, at its last picture."""
        self._session = None
        self._timer.stop()
        self._pulse.stop()
        self._forget(run)
        self._metrics = metrics
        if info is not None:
            self.info, self.truth = info, truth
            self.begun.emit(info)
            if self._project is not None:
                self._live = self.frame = self._project.frame(run, info.steps)
        else:
            self._clear()
        self.wake()

    def show_nothing(self, hint: str = "") -> None:
        """Show no run: empty panels.

        Args:
            hint: what they say instead of their own words.
        """
        self._session = None
        self._timer.stop()
        self._pulse.stop()
        self._forget("")
        self._clear(hint)

    def _clear(self, hint: str = "") -> None:
        for seat in self._seats:
            if seat.info is not None or hint != self._hint:
                seat.panel.clear(hint)
            seat.info = None
        self._hint = hint

    def _forget(self, run: str, preview: Experiment | None = None) -> None:
        self._run, self._preview = run, preview
        self.info, self.truth, self.frame, self._live = None, None, None, None
        self._metrics = []
        self._wanted = None
        self._set_looking(None)

    @property
    def run(self) -> str:
        """Id of the run that is shown; empty for none, and for a preview."""
        return self._run if self._preview is None else ""

    @property
    def preview(self) -> Experiment | None:
        """What the preview that is shown is of; None for a run, and for nothing."""
        return self._preview

    @property
    def metrics(self) -> list[Metric]:
        """All metrics of the run that is shown, oldest first."""
        return self._metrics

    # Live, or the past.

    @property
    def looking(self) -> int | None:
        """The step of the past that is shown; None when live."""
        return self._looking

    @property
    def live(self) -> bool:
        """Whether a session still makes the pictures that are shown."""
        return self._looking is None and self._session is not None and self._timer.isActive()

    def look_at(self, step: int) -> None:
        """Show the picture at or before a step of the past; the newest wish wins."""
        self._wanted = step
        self._set_looking(step)
        self._turn.start()

    def go_live(self) -> None:
        """Show what happens now."""
        self._wanted = None
        self.frame = self._live
        self._set_looking(None)
        self.wake()

    def _set_looking(self, step: int | None) -> None:
        if step != self._looking:
            self._looking = step
            self.looked.emit(step)

    def _fetch(self) -> None:
        """Read the picture that is wanted; one at a time, so that scrubbing never queues."""
        step = self._wanted
        if step is None or self._project is None or not self._run:
            self._wanted = None
            return
        with self._project.unless_busy() as free:
            if not free:
                return
            self._wanted = None
            found = self._project.frame(self._run, step)
        if found is not None:
            self.frame = found
            self.wake()

    # What is observed.

    def set_view(self, view: View) -> None:
        """Observe this part of the plane."""
        self._look = replace(self._look, view=view)

    @property
    def view(self) -> View:
        """What is observed."""
        return self._look.view

    @property
    def wants(self) -> frozenset[str]:
        """The parts of a frame that visible panels draw."""
        return frozenset().union(*(seat.panel.wanted for seat in self._seats if seat.visible))

    def _ask(self) -> None:
        self._look = replace(self._look, wants=self.wants)
        if self._look != self._asked and self._session is not None and self.info is not None:
            self._asked = self._look
            self._session.post(self._look)

    # The beat.

    def tick(self) -> None:
        """Take what the session has left and begin to hand it out."""
        session = self._session
        if session is None:
            return
        status = session.status.take()
        if status is not None and self._preview is None:
            self._running = status.state == "running"
            self.status.emit(status)
        problem = session.problems.take()
        if problem is not None:
            self.problem.emit(problem)
        self._take_info(session)
        self._metrics.extend(session.metrics())
        self._take_frame(session)
        self._ask()
        self.wake()
        self._tell_now(status)
        if self._wanted is not None:
            # The project was busy when it was asked for a picture of the past.
            self._turn.start()
        now = time.perf_counter()
        if not gc.isenabled() and now - self._collected > COLLECT_SECONDS:
            self._collected = now
            gc.collect(1)

    def _tell_now(self, status: Status | None) -> None:
        """Let panels know how far the run is, where it has left no frame for long."""
        if status is None or self._looking is not None or time.perf_counter() < self._fresh_until:
            return
        for seat in self._seats:
            if seat.visible and seat not in self._turns:
                seat.panel.show_now(status.step)

    def _take_frame(self, session: Session) -> None:
        """The newest picture; while the run trains, not before the panels have rested from the last one."""
        frame = session.frames.take()
        if frame is not None and frame.run == self._run:
            self._live = frame
        now = time.perf_counter()
        if self._looking is not None or self._live is self.frame or (self._running and now < self._due):
            return
        self.frame = self._live
        self._fresh_until = now + OLD
        # Drawing takes time from the training.
        self._due = now + min(self.measures.next_picture() / SHARE, LONGEST)

    def _take_info(self, session: Session) -> None:
        found = session.infos.take()
        if found is None or found[0].run != self._run:
            return
        info, truth = found
        if truth is not None:
            self.truth = truth
        if info is not self.info:
            if self.info is None:
                view = replace(self._look.view, bounds=info.bounds, plane=info.plane)
                self._look = replace(self._look, view=view)
            self.info = info
            self.begun.emit(info)

    def wake(self) -> None:
        """Give visible panels what they lack, one per turn of the event loop."""
        if not self._turn.isActive():
            shown = self._shown
            self._turns.extend(seat for seat in self._seats if seat not in self._turns and seat.lacks(*shown))
            if self._turns:
                self._turn.start()

    @property
    def _shown(self) -> tuple[RunInfo | None, Truth | None, Frame | None, list[Metric]]:
        return self.info, self.truth, self.frame, self._metrics

    def _next(self) -> None:
        if self._wanted is not None:
            self._fetch()
        if not self._turns:
            self._turn.stop()
            self.wake()
            return
        began = time.perf_counter()
        seat = self._turns.popleft()
        seat.panel.live = self.live
        seat.show(*self._shown)
        self.measures.drawn(time.perf_counter() - began)

    def close(self) -> None:
        """Stop all timers."""
        for timer in (self._timer, self._pulse, self._turn):
            timer.stop()
        self._session = None
