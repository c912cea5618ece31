"""Steers a sweep that goes on in a thread and processes of its own, and tells the window what happens."""

from __future__ import annotations

import atexit
import queue
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.sweeps import events
from gmstudio.sweeps.events import ENDS

if TYPE_CHECKING:
    from gmstudio.sweeps.events import Event
    from gmstudio.sweeps.sweep import Sweep

#: Milliseconds between two looks at what a sweep has said, and most that is heard at one look.
TICK, MOST = 100, 1000
#: Seconds between two pictures of a growing table, and of runs under way.
TABLE_SECONDS, MOVE_SECONDS = 0.5, 0.25
#: The states in which a sweep's thread is at work.
AT_WORK = frozenset({"estimating", "measuring", "running", "paused", "stopping"})


@dataclass(frozen=True, slots=True)
class Course:
    """How far a run is that is under way.

    Attributes:
        state: ``waiting``, ``building``, ``running`` or ``paused``.
        step, steps: made and planned; 0 where unknown.
        again: whether it is the second try.
        reason: why the first try failed.
        validation: log-likelihood of the validation points at the last look, in the units of the data; None for none.
    """

    state: str = "waiting"
    step: int = 0
    steps: int = 0
    again: bool = False
    reason: str = ""
    validation: float | None = None

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0


class SweepControl(QObject):
    """One sweep at a time, from estimate to end.

    Signals:
        changed(): state or estimate are others.
        moved(): runs under way are further; at most four times a second.
        results_changed(): there are new results, or others; at most twice a second.
        said(str, str): something a person should know: what happened, and why.
        ended(str, str): the training of runs is over: ``finished``, ``stopped`` or ``failed``, and why it failed.
    """

    changed = Signal()
    moved = Signal()
    results_changed = Signal()
    said = Signal(str, str)
    ended = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sweep: Sweep | None = None
        #: Runs under way by key.
        self.courses: dict[str, Course] = {}
        #: Seconds that the missing runs will take, and with how many workers; None while nobody knows.
        self.estimate: tuple[float, int] | None = None
        self._state = ""
        self._wanted = False
        self._fresh = self._gone_on = False
        self._moved = 0.0
        self._shown, self._rest = 0.0, TABLE_SECONDS
        self._timer = QTimer(self)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self._look)

    # What is so.

    @property
    def state(self) -> str:
        """Empty for no sweep; ``idle``, one of `AT_WORK`, or how it ended."""
        return self._state

    @property
    def at_work(self) -> bool:
        """Whether its thread is at work."""
        return self._state in AT_WORK

    @property
    def training(self) -> bool:
        """Whether runs are trained, or held."""
        return self.at_work and self._state != "estimating"

    def counts(self) -> tuple[int, int, int]:
        """How many runs there are, how many of them are done, and how many have failed."""
        if self.sweep is None:
            return 0, 0, 0
        states = [result.state for result in self.sweep.results.values()]
        return len(self.sweep.plan.runs), states.count("done"), states.count("failed")

    def share(self) -> float:
        """How much of the sweep is done, from 0 to 1; runs under way count by their steps."""
        total, done, failed = self.counts()
        under_way = sum(course.share for course in self.courses.values())
        return min(1.0, (done + failed + under_way) / total) if total else 0.0

    # What a person asks for.

    def show(self, sweep: Sweep | None) -> None:
        """Steer another sweep; the one of before must not be at work."""
        assert not self.at_work
        self.sweep, self.estimate = sweep, None
        self.courses.clear()
        self._become("idle" if sweep is not None else "")
        self.results_changed.emit()

    def measure(self) -> None:
        """Find out how long the missing runs will take, while nothing else is done."""
        if self.sweep is not None and not self.at_work:
            self.sweep.start(only_measure=True)
            self._timer.start()
            self._become("estimating")

    def start(self) -> None:
        """Train what is missing; an estimate under way is broken off."""
        if self.sweep is None:
            return
        if self._state == "estimating":
            self._wanted = True
            self.sweep.stop()
        elif not self.at_work:
            self.courses.clear()
            self.sweep.start()
            self._timer.start()
            self._become("measuring")

    def pause(self) -> None:
        """Hold all runs, or let them go on."""
        if self.sweep is not None and self._state in ("running", "paused"):
            if self._state == "paused":
                self.sweep.resume()
            else:
                self.sweep.pause()

    def stop(self) -> None:
        """End within half a second; what is done is kept."""
        if self.sweep is not None and self.at_work:
            self._wanted = False
            self.sweep.stop()
            if self.training:
                self._become("stopping")

    def close(self, milliseconds: int) -> bool:
        """Stop, wait and forget; returns False when the thread could not be ended in that time."""
        self._timer.stop()
        sweep, self._wanted = self.sweep, False
        if sweep is None:
            return True
        sweep.stop()
        ended = sweep.join(milliseconds / 1000)
        if not ended:
            atexit.register(sweep.join)
        self.sweep = None
        self.courses.clear()
        self.estimate = None
        self._become("")
        self.results_changed.emit()
        return ended

    # What the sweep says.

    def _become(self, state: str) -> None:
        self._state = state
        self.changed.emit()

    def _look(self) -> None:
        for _ in range(MOST):
            if self.sweep is None:
                return
            try:
                event = self.sweep.events.get_nowait()
            except queue.Empty:
                break
            self._gone_on = True
            self._hear(event)
        now = time.monotonic()
        if self._gone_on and now - self._moved > MOVE_SECONDS:
            self._gone_on, self._moved = False, now
            self.moved.emit()
        if self._fresh and time.monotonic() - self._shown > self._rest:
            self._show_results()

    def _show_results(self) -> None:
        began = time.monotonic()
        self._fresh = False
        self.results_changed.emit()
        self._shown = time.monotonic()
        # A huge table may take a tenth of the time, and no more.
        self._rest = max(TABLE_SECONDS, 9 * (self._shown - began))

    def _hear(self, event: Event) -> None:
        if isinstance(event, events.State):
            self._take_state(event)
        elif isinstance(event, events.Estimated):
            self.estimate = event.seconds, event.workers
            self.changed.emit()
        elif isinstance(event, events.Began):
            for key in event.keys:
                reason = self.courses.get(key, Course()).reason
                self.courses[key] = Course("building", again=event.again, reason=reason)
        elif isinstance(event, events.Progress):
            self._follow(event)
        elif isinstance(event, events.Retried):
            for key in event.keys:
                self.courses[key] = Course(again=True, reason=event.reason)
            count = len(event.keys)
            self.said.emit(f"{count} {'run is' if count == 1 else 'runs are'} tried once more.", event.reason)
        elif isinstance(event, events.Finished):
            for key in event.results:
                self.courses.pop(key, None)
            self._fresh = True
        elif isinstance(event, events.Learned):
            self._fresh = True

    def _follow(self, event: events.Progress) -> None:
        for key in event.keys:
            old = self.courses.get(key, Course())
            validation = event.validation.get(key, old.validation)
            self.courses[key] = Course(event.state, event.step, event.steps, old.again, old.reason, validation)

    def _take_state(self, event: events.State) -> None:
        if event.state not in ENDS:
            if self._state not in ("estimating", "stopping"):
                self._become(event.state)
            return
        estimating = self._state == "estimating"
        self._timer.stop()
        self.courses.clear()
        assert self.sweep is not None
        # It has said its last word; what is left of its thread is a moment.
        self.sweep.join(5.0)
        self._become("idle" if estimating else event.state)
        self._show_results()
        if estimating and event.state == "failed":
            self.said.emit("The time could not be measured.", event.reason)
        if self._wanted:
            self._wanted = False
            self.start()
        elif not estimating:
            self.ended.emit(event.state, event.reason)
