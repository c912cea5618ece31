"""Playing, pausing, stepping and restarting sessions, one at a time, in threads of their own."""

from __future__ import annotations

import atexit
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gmstudio.gui.training_thread import TrainingThread, freeze
from gmstudio.observation.frame import View
from gmstudio.runs import Experiment
from gmstudio.sessions import ALL_PARTS, Outcome, Preview, Session, Status
from gmstudio.training.commands import Advance, Command, Pause, Play, SetSpeed, Stop

if TYPE_CHECKING:
    from gmstudio.projects.project import Project

#: States in which a session's thread is at work or holds.
ALIVE = frozenset({"building", "running", "paused"})


@dataclass(frozen=True, slots=True)
class Start:
    """What a session is to begin with.

    Attributes:
        experiment: what to train.
        project: where to record.
        run: id of a run to go on with; None for a new one.
        paused: whether to hold before the first step.
        steps: steps to make before holding; 0 for no such thing.
        view: what to observe; the data's own bounds where None.
        wants: which parts of a frame.
        device: where to train.
        features: a file of features in which images are measured; None for those of a classifier of the data.
    """

    experiment: Experiment
    project: Project | None = None
    run: str | None = None
    paused: bool = False
    steps: int = 0
    view: View | None = None
    wants: frozenset[str] = ALL_PARTS
    device: str = "auto"
    features: Path | None = None


def meaning_of_space(state: str, playing: bool, changed: bool) -> str:
    """What a press of Space asks for: ``start``, ``resume``, ``play`` or ``pause``.

    A person who pauses, changes a card and presses Space wants to see the change: that starts anew.

    Args:
        state: of the run that is shown; empty for no run.
        playing: whether it is meant to train.
        changed: whether the cards differ from what it trains.
    """
    if state in ("building", "running", "paused"):
        if playing:
            return "pause"
        return "start" if changed else "play"
    if state == "stopped" and not changed:
        return "resume"
    return "start"


class Control(QObject):
    """Holds the session that is alive, and starts the next when the last has ended.

    Where no run is alive it can hold a preview instead.  That one has no state, takes no part in playing and pausing,
    and nothing waits for its end: a run begins while the preview's thread is still leaving.

    Signals:
        started(Session): a session's thread begins.
        state_changed(str): ``""``, ``building``, ``running``, ``paused``, ``finished``, ``stopped`` or ``failed``.
        ended(Outcome): a session's thread has ended.
        previewed(Session): a preview's thread begins.
        declined(Outcome): a preview has ended without being asked to; it has the problem.
    """

    started = Signal(object)
    state_changed = Signal(str)
    ended = Signal(object)
    previewed = Signal(object)
    declined = Signal(object)

    def __init__(self, parent: QObject | None = None, make: Callable[..., Session] = Session) -> None:
        super().__init__(parent)
        self._make = make
        self._thread: TrainingThread | None = None
        self._next: Start | None = None
        self._preview: TrainingThread | None = None
        self._wanted: Start | None = None
        self._previewed: Start | None = None
        self._leaving: list[TrainingThread] = []
        self._closing = False
        self._speed: float | None = None
        self.session: Session | None = None
        self.state = ""
        self.status: Status | None = None
        self.playing = False
        self._tidy = QTimer(self)
        self._tidy.setSingleShot(True)
        self._tidy.setInterval(400)
        self._tidy.timeout.connect(self._clean)

    @property
    def alive(self) -> bool:
        """Whether a session's thread is at work or holds."""
        return self._thread is not None

    def start(self, start: Start) -> None:
        """Begin a session; one that is alive is stopped first, and all of it is kept."""
        if self._closing:
            return
        self._leave_preview()
        self._next = start
        self.playing = not start.paused and not start.steps
        if self._thread is not None:
            self._thread.session.post(Stop())
            self.status = None
            self._become("building")
        else:
            self._begin()

    def _begin(self) -> None:
        start, self._next = self._next, None
        assert start is not None
        self._tidy.stop()
        gc.disable()
        session = self._make(
            start.experiment,
            project=start.project,
            run=start.run,
            device=start.device,
            view=start.view,
            wants=start.wants,
            paused=start.paused or bool(start.steps),
            hold=True,
            built=freeze,
            features=start.features,
        )
        if self._speed is not None:
            session.post(SetSpeed(self._speed))
        if start.steps:
            session.post(Advance(start.steps))
        elif start.paused:
            # It holds already; so it says that it does, once it is built.
            session.post(Pause())
        self.session = session
        self.status = None
        self._thread = TrainingThread(session)
        self._thread.finished.connect(self._finished)
        self.started.emit(session)
        self._become("building")
        self._thread.start()

    def post(self, command: Command) -> None:
        """Ask the session that is alive for something."""
        if self.session is not None and self._thread is not None:
            # What it said before is no answer to this.
            self.session.status.take()
            self.session.post(command)

    def play(self) -> None:
        """Go on."""
        self.playing = True
        self.post(Play())
        self.state_changed.emit(self.state)

    def pause(self) -> None:
        """Hold after the current step."""
        self.playing = False
        self.post(Pause())
        self.state_changed.emit(self.state)

    def advance(self, steps: int) -> None:
        """Make some steps, then hold."""
        self.playing = False
        self.post(Advance(steps))

    def stop(self) -> None:
        """End the session that is alive; everything of it is kept."""
        self._next = None
        self.playing = False
        self.post(Stop())

    def set_speed(self, steps_per_second: float | None) -> None:
        """Train at most so fast, now and in later sessions; None for as fast as possible."""
        self._speed = steps_per_second
        self.post(SetSpeed(steps_per_second))

    def take(self, status: Status) -> None:
        """A session says how it is doing."""
        if self.session is None or status.run != self.session.run_id or self._next is not None:
            return
        if self._thread is None and status.state in ALIVE:
            return
        self.status = status
        if status.state not in ALIVE:
            # The thread is about to end; there is nothing left to pause.
            self.playing = False
        if status.state == "paused" and self.playing:
            self.playing = False
            self._become("paused")
        elif status.state != self.state and not (status.state in ALIVE and self._thread is None):
            self._become(status.state)

    # Previews.

    @property
    def previewing(self) -> Experiment | None:
        """What is previewed, or will be as soon as the preview before it has ended."""
        return self._wanted.experiment if self._wanted is not None else None

    def preview(self, start: Start) -> None:
        """Show what a run would begin with, unless one is alive; the newest wish wins."""
        if self._closing or self.alive:
            return
        self._wanted = start
        if self._preview is not None:
            # One after the other: two big models at once might be too much.
            self._preview.session.post(Stop())
        else:
            self._begin_preview(start)

    def _begin_preview(self, start: Start) -> None:
        session = Preview(start.experiment, wants=start.wants)
        self._preview, self._previewed = TrainingThread(session), start
        self._preview.finished.connect(self._preview_finished)
        self.previewed.emit(session)
        self._preview.start()

    def _leave_preview(self) -> None:
        """Let the preview end by itself; nobody waits for it."""
        thread, self._preview, self._wanted = self._preview, None, None
        if thread is not None:
            thread.session.post(Stop())
            self._leaving.append(thread)

    @Slot()
    def _preview_finished(self) -> None:
        if self._closing:
            return
        self._tidy.start()
        for thread in [one for one in self._leaving if one.outcome is not None]:
            self._leaving.remove(thread)
            thread.wait()
            thread.deleteLater()
        ended = self._preview
        if ended is None or ended.outcome is None:
            return
        self._preview = None
        ended.wait()
        ended.deleteLater()
        if self._wanted is not None and self._wanted is not self._previewed:
            self._begin_preview(self._wanted)
        else:
            self._wanted = None
            self.declined.emit(ended.outcome)

    def show_state(self, state: str, status: Status | None = None) -> None:
        """A run that no session trains is shown; `state` is how it ended."""
        self.session, self.status, self.playing = None, status, False
        self._become(state)

    def _become(self, state: str) -> None:
        self.state = state
        if state in ("building", "running"):
            gc.disable()
        else:
            gc.enable()
        self.state_changed.emit(state)

    @Slot()
    def _finished(self) -> None:
        thread = self._thread
        if thread is None:
            return
        thread.wait()
        self._thread = None
        outcome, last = thread.outcome, thread.session.status.take()
        thread.deleteLater()
        if self._closing:
            return
        if outcome is not None:
            self._end(outcome, last)
        if self._next is not None:
            self._begin()
        else:
            self._tidy.start()

    def _end(self, outcome: Outcome, last: Status | None) -> None:
        if self._next is None:
            self.playing = False
            known = last or self.status or Status(outcome.run, outcome.state)
            self.status = replace(known, state=outcome.state, step=outcome.step, rate=0.0, seconds_left=None)
            self._become(outcome.state)
        self.ended.emit(outcome)

    def _clean(self) -> None:
        if self._thread is None:
            gc.collect()

    def close(self, milliseconds: int) -> bool:
        """Stop for good; returns False when the thread could not be ended in that time."""
        self._closing = True
        self._next = None
        self._leave_preview()
        self._tidy.stop()
        gc.enable()
        threads = [thread for thread in (self._thread, *self._leaving) if thread is not None]
        for thread in threads:
            thread.session.post(Stop())
        end = time.monotonic() + milliseconds / 1000
        for thread in threads:
            if not thread.end(max(0, round(1000 * (end - time.monotonic())))):
                # An import or a long step cannot be interrupted; a thread that is destroyed alive aborts the process.
                for one in threads:
                    atexit.register(one.wait)
                return False
        self._thread, self._leaving = None, []
        for thread in threads:
            thread.deleteLater()
        return True

    def release(self, milliseconds: int = 60_000) -> None:
        """End the session and forget it, so that its project can be closed."""
        self._leave_preview()
        thread, self._thread, self._next = self._thread, None, None
        if thread is not None:
            thread.finished.disconnect(self._finished)
            thread.end(milliseconds)
            thread.deleteLater()
        self.show_state("")
