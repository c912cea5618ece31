"""One training from start to end, in the thread that calls `Session.run`.

The window hosts a session in a QThread, the command line in a thread of its own; it knows neither.  One thread owns the
model: everybody else posts commands and takes immutable frames, numbers and states.
"""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gmstudio.observation.frame import Frame, Metric, RunInfo, View
from gmstudio.projects.errors import ProjectError
from gmstudio.registry import SpecError
from gmstudio.runs import Experiment
from gmstudio.sessions.clock import Clock
from gmstudio.sessions.messages import ALL_PARTS, LAST_PARTS, Look, Outcome
from gmstudio.sessions.outbox import Outbox
from gmstudio.sessions.pace import Pace
from gmstudio.sessions.recorder import Recorder
from gmstudio.sessions.watching import Watching
from gmstudio.trace import mark
from gmstudio.training.commands import Advance, Command, Pause, Play, SetData, SetRate, SetSchedule, SetSpeed, Stop

if TYPE_CHECKING:
    from gmstudio.observation.observer import Observer
    from gmstudio.projects.project import Project
    from gmstudio.training.engines.choice import Choice
    from gmstudio.training.trainer import Trainer

#: Seconds between two key frames on the timeline, at least.
FRAME_SECONDS = 0.2
#: Seconds between two checkpoints, at least; a killed program loses no more training than this.
CHECKPOINT_SECONDS = 4.0
#: Seconds between two states and metrics for the person.
REPORT_SECONDS = 0.2
#: Seconds that a pause waits for pictures before it is answered; what they lack then follows.
ANSWER_SECONDS = 0.03
#: Weights of all columns that are written within a few hundredths of a second.
QUICK = 1_000_000
#: Seconds for pictures at the beginning, where nobody has anything to look at yet.
FIRST_SECONDS = 1.0
#: Seconds between two changes of the observed data while somebody draws, at least.
WATCH_SECONDS = 0.5


class Session(Watching):
    """A run that trains, is observed, is recorded and takes commands.

    Args:
        experiment: what to train.
        project: where to record; None for nowhere.
        run: id of a run of the project to go on with; None for a new one.
        device: ``auto``, ``cpu``, ``cuda``, ``mps`` or ``cuda:1``.
        view: what to observe; the data's own bounds where None.
        wants: which parts of a frame to compute.
        budget: share of the training time that observing may take; 0 for no observing and no measuring at the end.
        paused: whether to hold before the first step.
        hold: whether to hold, instead of failing, when the disk cannot be written.
        built: called in the session's thread once the model is built.
        features: a file with the weights of Inception-v3, in whose features images are measured; None, or a file that
            is refused, for those of a classifier of the data.
    """

    def __init__(
        self,
        experiment: Experiment,
        *,
        project: Project | None = None,
        run: str | None = None,
        device: str = "auto",
        view: View | None = None,
        wants: frozenset[str] = ALL_PARTS,
        budget: float = 0.10,
        paused: bool = False,
        hold: bool = False,
        built: Callable[[], None] | None = None,
        features: Path | None = None,
    ) -> None:
        self.experiment = experiment
        self.run_id = run or uuid.uuid4().hex[:12]
        self._out = Outbox(self.run_id, len(experiment.columns))
        self.frames, self.status = self._out.frames, self._out.status
        self.infos, self.problems = self._out.infos, self._out.problems
        self._resumed = run is not None
        self._device = device
        self._view = view or View(bounds=experiment.run.data.bounds)
        self._wants = wants
        self._budget = budget
        self._paused = paused
        self._hold = hold
        self._built = built
        self._features = features
        self._measuring = 0.0
        self._queue: queue.SimpleQueue[Command | Look] = queue.SimpleQueue()
        self._stop = False
        self._pace = Pace()
        self._owed = 0.0
        self._info: RunInfo | None = None
        self._drawn = False
        # Whether the pictures show the step at which the run holds.
        self._settled = True
        self._clock = Clock()
        self._recorder = Recorder(project, self.run_id, self._refused, begun=self._resumed)
        self._frame: Frame | None = None
        self._trainer: Trainer
        self._choice: Choice
        self._observer: Observer

    # What other threads may call.

    def post(self, command: Command | Look) -> None:
        """Ask for something; it is done between two steps."""
        self._queue.put(command)

    def metrics(self) -> list[Metric]:
        """The metrics since the last call, oldest first."""
        return self._out.metrics()

    # The session's own thread.

    def run(self) -> Outcome:
        """Build, train, observe and record until the end or `Stop`; never raises an `Exception`."""
        try:
            self._say("building")
            self._build()
            self._loop()
        except Exception as error:
            return self._failed(error)
        state = "finished" if self._trainer.finished else "stopped"
        self._say(state)
        return Outcome(self.run_id, state, self._trainer.step, metrics=self._out.last)

    def _build(self) -> None:
        import torch

        from gmstudio.observation.spaces import first_view
        from gmstudio.training import devices, heap
        from gmstudio.training.engines.choice import Choice
        from gmstudio.training.trainer import Trainer

        heap.keep_pages()
        device = devices.choose(self._device)
        torch.set_num_threads(devices.threads(self.experiment.run.training.threads))
        dataset = self.experiment.run.data.build(self.experiment.run.training.seed)
        self._trainer = Trainer(self.experiment, dataset, device=device)
        self._inception = self._read_features() if dataset.picture is not None else None
        self._view = first_view(dataset, self._view)
        self._choice = Choice(self._trainer, self.experiment.run.training.engine)
        if self._resumed:
            self._recorder.resume(self._trainer)
        else:
            self._recorder.begin(self.experiment, self._trainer)
        self._watch()
        if self.experiment.run.training.engine in ("compiled", "graph"):
            self._choice.insist(self._cancelled)
        if self._built is not None:
            self._built()
        if not self._resumed:
            self._settle(FIRST_SECONDS)
        self._recorder.frame(self._frame)

    def _cancelled(self) -> bool:
        """Whether somebody has asked to stop while the run is being built."""
        self._obey(block=False)
        return self._stop

    def _loop(self) -> None:
        trainer = self._trainer
        while not self._stop and not trainer.finished:
            self._obey(block=self._paused and self._rested())
            if self._paused or self._stop:
                continue
            self._train()
            if self._pace.reached(trainer.step):
                self._pause()
        if trainer.finished:
            if self._drawn:
                self._watch()
            if self._wants:
                # Nothing can be asked for any more.
                self._observer.ask(self._view, self._wants | LAST_PARTS)
            self._picture(complete=True)
            self._collect()
            if self._budget > 0:
                self._measuring = time.perf_counter()
                self._tell(self._observer.measure(self._go_on_measuring))
                self._observer.truth()
                self._show_truth(self._observer.new_truth())
        if trainer.step:
            self._tell(trainer.test())
        self._save_all()

    def _go_on_measuring(self, done: int, total: int) -> bool:
        """Say how far the last measurement is; whether nobody has asked to stop it, which is all that can be asked."""
        while not self._queue.empty():
            self._stop |= isinstance(self._queue.get_nowait(), Stop)
        if self._clock.due("report", REPORT_SECONDS):
            left = (time.perf_counter() - self._measuring) * (total - done) / max(1, done)
            self._out.report("running", self._trainer, 0.0, self._choice.note, left)
        return not self._stop

    def _train(self) -> None:
        """One block of steps, the observing that it pays for, and the records that are due."""
        trainer, clock = self._trainer, self._clock
        began = time.perf_counter()
        made = trainer.advance(self._pace.block(trainer.step))
        self._choice.wait()
        spent = time.perf_counter() - began
        if made:
            if trainer.step == made:
                mark("first_step")
            self._pace.learn(made, spent)
            self._choice.consider(made, spent)
        if self._pace.slow:
            self._show_step()
        else:
            # What one block may not spend, later blocks may: a chunk is longer than a block's share.
            share = self._share()
            self._owed = min(self._owed + spent * share / (1 - share), 0.05)
            if self._owed > 0:
                self._owed -= self._observer.work(self._owed)
                self._show_truth(self._observer.new_truth())
            self._picture(complete=False)
        clock.count(made)
        if self._drawn and clock.due("watch", WATCH_SECONDS):
            self._watch()
        if clock.due("report", REPORT_SECONDS):
            self._collect()
            self._say("running")
        self._record()
        self._wait_for_speed(made, time.perf_counter() - began)

    def _share(self) -> float:
        """Share of the time for observing; more of it until the truth, which is computed but once, is on the screen."""
        return self._budget if self._observer.told else max(self._budget, min(0.4, 3 * self._budget))

    def _wait_for_speed(self, made: int, spent: float) -> None:
        end = time.perf_counter() + self._pace.rest(made, spent)
        while not self._stop and not self._paused and (left := end - time.perf_counter()) > 0:
            if not self._rested():
                self._obey(block=False)
                continue
            try:
                self._do(self._queue.get(timeout=left))
            except queue.Empty:
                return

    def _record(self) -> None:
        """Key frames, metrics and checkpoints, each when it is due; they are paid for from the observing's budget."""
        if not self._recorder.on:
            return
        began = time.perf_counter()
        if self._clock.due("frame", FRAME_SECONDS):
            self._clock.cost("frame", lambda: self._recorder.frame(self._frame))
            self._clock.cost("frame", self._recorder.metrics)
        if self._clock.due("checkpoint", CHECKPOINT_SECONDS):
            self._clock.cost("checkpoint", self._save_checkpoint)
        self._owed -= time.perf_counter() - began

    # Commands.

    def _obey(self, block: bool) -> None:
        if block:
            self._do(self._queue.get())
        while not self._stop:
            try:
                self._do(self._queue.get_nowait())
            except queue.Empty:
                return

    def _do(self, command: Command | Look) -> None:
        if isinstance(command, Play):
            self._paused, self._pace.until, self._settled = False, None, True
            self._clock.restart()
        elif isinstance(command, Pause):
            self._pause()
        elif isinstance(command, Advance):
            self._paused, self._pace.until, self._settled = False, self._trainer.step + command.steps, True
            self._clock.restart()
        elif isinstance(command, Stop):
            self._stop = True
        elif isinstance(command, SetSpeed):
            self._pace.speed = command.steps_per_second
        elif isinstance(command, Look):
            self._look(command)
        else:
            self._edit(command)

    def _pause(self) -> None:
        """Hold, and say so at once: what the pictures lack follows, and so does saving where it takes long."""
        self._paused, self._pace.until = True, None
        if self._drawn:
            self._watch()
        self._settle(ANSWER_SECONDS)
        self._collect()
        quick = sum(weights.numel() for weights in self._trainer.model.parameters()) <= QUICK
        if quick:
            self._save_all()
        self._report("paused")
        if not quick:
            self._save_all()
        self._recorder.state("paused", self._trainer.step)

    def _look(self, look: Look) -> None:
        self._view, self._wants = look.view, look.wants
        self._observer.ask(look.view, look.wants)
        self._settled = not self._paused

    def _edit(self, edit: SetSchedule | SetRate | SetData) -> None:
        from gmstudio.training.problems import problem_of

        try:
            self._trainer.apply(edit)
        except SpecError as error:
            self.problems.put(problem_of(error))
            return
        self._recorder.edit(*self._trainer.edits[-1])
        if isinstance(edit, SetData):
            # Strokes come ten times a second; what is observed of the data follows more slowly.
            self._drawn = True
            if self._paused:
                self._watch()
                self._settled = False
        elif isinstance(edit, SetSchedule):
            self._show_info()

    # What goes out.

    def _say(self, state: str) -> None:
        """Tell a person and the record how the run is doing."""
        if not hasattr(self, "_trainer"):
            self._out.say(state)
            return
        self._report(state)
        if state != "running":
            self._recorder.state(state, self._trainer.step)

    def _report(self, state: str) -> None:
        self._out.report(state, self._trainer, self._clock.rate(), self._choice.note)

    # The record.

    def _refused(self, error: ProjectError) -> None:
        """The disk refuses. Where a person is there, hold and say so, so that nothing is lost."""
        from gmstudio.training.problems import problem_of

        if not self._hold or not hasattr(self, "_trainer"):
            raise error
        self._paused, self._pace.until = True, None
        self.problems.put(problem_of(error))
        self._out.say("paused", self._trainer.step, self._trainer.steps)

    def _save_checkpoint(self) -> None:
        if self._recorder.on:
            # Losses that are not finite are found here, before bad weights could replace the good ones on the record.
            self._collect()
            self._recorder.checkpoint(self._trainer.checkpoint())

    def _save_all(self) -> None:
        self._recorder.frame(self._frame)
        self._save_checkpoint()
        self._recorder.metrics()

    def _failed(self, error: Exception) -> Outcome:
        """Say what went wrong; the last good checkpoint stays in the project."""
        from gmstudio.training.problems import problem_of

        step = self._trainer.step if hasattr(self, "_trainer") else 0
        steps = self._trainer.steps if hasattr(self, "_trainer") else 0
        problem = problem_of(error)
        try:
            self._recorder.metrics()
            self._recorder.state("failed", step)
        except Exception as second:
            problem = problem_of(second)
        self._out.say("failed", step, steps)
        return Outcome(self.run_id, "failed", step, problem, self._out.last)
