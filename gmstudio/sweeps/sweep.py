"""A sweep under way: it shares out tasks among workers, keeps what they find, and tells what happens.

One thread shares out; `Sweep.pause`, `Sweep.stop` and the like may be called from any other, and return at once.  What
happens comes through `Sweep.events`, a queue; nothing here knows a window.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from gmstudio import registry
from gmstudio.errors import RefusedError
from gmstudio.projects.errors import ProjectError
from gmstudio.runs import experiment_to_plain
from gmstudio.sweeps import table, workers
from gmstudio.sweeps.board import Board, Pace
from gmstudio.sweeps.events import (
    ENDS,
    Began,
    Counted,
    Estimated,
    Event,
    Finished,
    Learned,
    Progress,
    Retried,
    State,
)
from gmstudio.sweeps.plan import Plan, Task
from gmstudio.sweeps.spec import SweepSpec
from gmstudio.sweeps.store import Baselines, Result, Store
from gmstudio.sweeps.workers import Job, Report, Workers

if TYPE_CHECKING:
    from gmstudio.projects.project import Project
    from gmstudio.sweeps.table import Table

#: Seconds between two looks at what was asked for: a stop is noticed within this.
LOOK = 0.05
Ask = Literal["pause", "resume", "stop"]


class Sweep:
    """Trains the runs of a sweep that a project does not hold yet.

    Args:
        spec: what to train.
        project: where results are kept as they are found; it stays open while the sweep goes on.
        number: how many workers; 0 for one for each GPU, or else for each core.
        cluster: address of a Dask scheduler, ``local`` for one of its own on loopback, or an empty string for processes
            of this machine.
        device: on which workers train: ``auto``, ``cpu``, ``cuda``.
        make: makes the workers.

    Attributes:
        events: what happens, oldest first; the last is a `State` out of `gmstudio.sweeps.events.ENDS`.
        plan: the runs and their keys.

    Raises:
        ProjectError: when the project cannot be read.
        SpecError: when two entries of the sweep mean the same run.
    """

    def __init__(
        self,
        spec: SweepSpec,
        project: Project,
        *,
        number: int = 0,
        cluster: str = "",
        device: str = "auto",
        make: Callable[[int, str, str], Workers] = workers.make,
    ) -> None:
        if cluster:
            workers.check_address(cluster)
        self.spec = spec
        self.plan = Plan(spec)
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._store = Store(project, self.plan)
        self._number, self._cluster, self._device, self._make = number, cluster, device, make
        self._asked: queue.SimpleQueue[Ask] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._results = self._store.results()
        self._baselines = self._store.baselines()
        self._state = "idle"
        self._left: float | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._jobs: dict[int, Callable[[Report], None]] = {}
        self._next_job = 0
        self._seeking = 0
        self._workers: Workers
        self._board: Board

    # What any thread may call.

    @property
    def state(self) -> str:
        """``idle``, or as in `gmstudio.sweeps.events.State`."""
        return self._state

    @property
    def seconds_left(self) -> float | None:
        """Until the end, as of late; None where unknown."""
        return self._left

    @property
    def results(self) -> dict[str, Result]:
        """Every result so far, by key."""
        with self._lock:
            return dict(self._results)

    def done(self) -> int:
        """How many runs are done."""
        return sum(result.state == "done" for result in self.results.values())

    def table(self, units: table.Units = "standardised") -> Table:
        """The table as it is now."""
        with self._lock:
            return table.build(self.plan, self._results, self._baselines, units)

    def start(self, *, only_measure: bool = False) -> None:
        """Begin, in a thread of its own; a sweep that has ended may begin again, and does what is missing.

        Args:
            only_measure: end once it is known how long it will take.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        self._asked = queue.SimpleQueue()
        self._stopping = False
        self._thread = threading.Thread(target=self.run, args=(only_measure,), name="sweep")
        self._thread.start()

    def pause(self) -> None:
        """Hold all runs between two steps."""
        self._asked.put("pause")

    def resume(self) -> None:
        """Go on."""
        self._asked.put("resume")

    def stop(self) -> None:
        """End within half a second; runs that are not finished begin anew the next time."""
        self._asked.put("stop")

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; whether it has come."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    # The sweep's own thread.

    def run(self, only_measure: bool = False) -> None:
        """Do what is missing, in this thread; never raises an `Exception`."""
        try:
            end = self._work(only_measure)
            reason = ""
        except RefusedError as error:
            end, reason = "failed", str(error)
        except Exception as error:
            end, reason = "failed", f"{type(error).__name__}: {error}"
        if not only_measure:
            with contextlib.suppress(ProjectError):
                self._store.set_state(end)
        self._say(State(end, reason))

    def _work(self, only_measure: bool) -> str:
        with self._lock:
            done = [key for key, result in self._results.items() if result.state == "done"]
        missing = self.plan.missing(done)
        if not only_measure:
            self._store.begin()
        self._jobs.clear()
        self._seeking = 0
        self._workers = self._make(self._number, self._cluster, self._device)
        try:
            self._board = Board(self.plan, missing, max(1, len(self._workers)))
            self._say(Counted(len(self.plan.runs), len(self.plan.runs) - len(missing), len(self._board.waiting)))
            self._say(State("measuring"))
            self._measure(only_measure)
            if not self._stopping and not only_measure:
                self._say(State("running"))
                self._train()
            return "stopped" if self._stopping else "finished"
        finally:
            self._workers.stop()
            self._workers.close()

    def _measure(self, alone: bool) -> None:
        """Make a few steps of each kind of task, to know how long all will take.

        Args:
            alone: nothing else is done; what the measuring itself takes will be spent again by whoever starts then.
        """
        began = time.monotonic()
        asks = [partial(self._submit_trial, index) for index in self._unknown]
        asks += [partial(self._submit_measure, kind, task) for kind, task in self._board.kinds().items()]
        while (asks or self._jobs) and not self._stopping:
            while asks and self._workers.free:
                asks.pop()()
            self._listen()
        self._left = self._board.seconds_left(len(self._workers))
        if self._left is not None:
            spent = time.monotonic() - began if alone and not self._board.over else 0.0
            self._say(Estimated(self._left + spent, len(self._workers)))

    @property
    def _unknown(self) -> list[int]:
        """The data sets whose baselines are not known yet."""
        return [i for i, key in enumerate(self.plan.data_keys) if key not in self._baselines]

    def _submit_measure(self, kind: tuple[int, int, int], task: Task) -> None:
        self._submit("measure", self._payload(task), partial(self._measured, kind))

    def _measured(self, kind: tuple[int, int, int], report: Report) -> None:
        # What cannot be measured cannot be trained either, and is reported then.
        if report.said == "done":
            found = report.plain["found"]
            seconds = [float(found[name]) for name in ("seconds_per_step", "building", "ending")]
            self._board.note_pace(kind, Pace(int(found["steps"]), *seconds))

    def _submit_trial(self, index: int) -> None:
        self._submit("try-baselines", self._data_payload(index), partial(self._tried, index))

    def _tried(self, index: int, report: Report) -> None:
        if report.said == "done":
            self._board.note_beside(index, float(report.plain["found"]["seconds"]))

    def _train(self) -> None:
        data = self._unknown
        while not self._stopping and (data or self._jobs or not self._board.over):
            while self._state != "paused" and self._workers.free and (data or self._board.waiting):
                # One at a time, as long as there is something to train.
                if data and not (self._seeking and self._board.waiting):
                    self._submit_baselines(data.pop(0))
                else:
                    self._begin()
            self._listen()
            self._left = self._board.seconds_left(max(1, len(self._workers)))

    def _payload(self, task: Task) -> dict[str, Any]:
        return {"experiment": experiment_to_plain(task.experiment), "device": self._device}

    def _submit(self, kind: str, payload: dict[str, Any], hear: Callable[[Report], None]) -> None:
        number, self._next_job = self._next_job, self._next_job + 1
        self._jobs[number] = hear
        self._workers.submit(Job(number, kind, payload))

    def _submit_baselines(self, index: int) -> None:
        self._seeking += 1
        self._submit("baselines", self._data_payload(index), partial(self._found_baselines, index))

    def _data_payload(self, index: int) -> dict[str, Any]:
        return {"data": registry.to_plain(self.spec.data[index]), "seed": self.spec.trainings[0].seed}

    def _found_baselines(self, index: int, report: Report) -> None:
        if report.said == "progress":
            return
        key = self.plan.data_keys[index]
        self._seeking -= 1
        self._board.note_beside(index, 0.0)
        if report.said == "done":
            found = msgspec.convert(report.plain["found"], Baselines)
            self._store.save_baselines(key, found)
        else:
            # Not kept: the next time it may be found.
            found = Baselines(reason=str(report.plain.get("reason", "")))
        with self._lock:
            self._baselines = {**self._baselines, key: found}
        self._say(Learned(key))

    def _begin(self) -> None:
        task = self._board.begin()
        self._say(Began(task.id, task.keys, self._board.again(task)))
        self._submit("train", self._payload(task), partial(self._heard, task))

    def _listen(self) -> None:
        """Take what the workers say for a moment, and do what was asked for."""
        self._obey()
        try:
            report = self._workers.reports.get(timeout=LOOK)
        except queue.Empty:
            return
        hear = self._jobs.get(report.job)
        if hear is None:
            return
        if report.said != "progress":
            del self._jobs[report.job]
        hear(report)

    def _obey(self) -> None:
        while True:
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                return
            if asked == "stop":
                self._stopping = True
            elif self._state in ("running", "paused"):
                self._workers.pause(asked == "pause")
                state = "paused" if asked == "pause" else "running"
                self._store.set_state(state)
                self._say(State(state))

    # What becomes of a task.

    def _heard(self, task: Task, report: Report) -> None:
        plain = report.plain
        if report.said == "progress":
            self._follow(plain, task)
        elif report.said == "done":
            try:
                self._keep(self._store.save(task, plain["found"]))
                self._board.done(task.id)
            except registry.SpecError as error:
                self._lost(task, str(error))
        elif report.said in ("failed", "died"):
            self._lost(task, str(plain.get("reason") or "It gave no reason."), plain.get("columns", ()))
        elif not self._stopping:
            self._lost(task, "Its worker was stopped by somebody else.")

    def _follow(self, plain: dict[str, Any], task: Task) -> None:
        course = self._board.courses.get(task.id)
        if course is None:
            return
        course.step, course.steps, course.rate = plain["step"], plain["steps"], plain["rate"]
        validation = {task.keys[int(column)]: value for column, value in plain["validation"].items()}
        self._say(Progress(task.id, task.keys, plain["state"], course.step, course.steps, course.rate, validation))

    def _lost(self, task: Task, reason: str, culprits: Any = ()) -> None:
        lost, retried = self._board.failed(task.id, tuple(culprits))
        if retried:
            self._say(Retried(tuple(run.key for run in retried), reason))
        if lost:
            self._keep(self._store.save_failed([run.key for run in lost], reason))

    def _keep(self, results: dict[str, Result]) -> None:
        with self._lock:
            self._results = {**self._results, **results}
        self._say(Finished(results))

    def _say(self, event: Event) -> None:
        if isinstance(event, State):
            self._state = event.state
            if event.state in ENDS:
                self._left = None
        self.events.put(event)
