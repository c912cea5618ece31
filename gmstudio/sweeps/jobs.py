"""What a worker does: train a task, measure the speed of one, find the baselines of a data set.

A job takes plain values and gives plain values, so that it can be asked for over a pipe or a network.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gmstudio import __version__, registry, runs
from gmstudio.errors import RefusedError
from gmstudio.runs import Experiment
from gmstudio.sessions import Outcome, Session
from gmstudio.sweeps import kept
from gmstudio.training.commands import Pause, Play, Stop

if TYPE_CHECKING:
    from gmstudio.data.base import Dataset
    from gmstudio.observation.frame import Metric
    from gmstudio.training.trainer import Trainer

Plain = dict[str, Any]
Tell = Callable[[Plain], None]

#: Seconds between two words about a training.
TELL_SECONDS = 0.2
#: Seconds for which steps are measured, and most of them.
MEASURE_SECONDS, MEASURE_STEPS = 0.3, 200
#: Seconds of building from which on it is not measured a second time.
AGAIN_SECONDS = 2.0


class JobError(Exception):
    """A job has failed.

    Args:
        reason: in words for a person.
        columns: indices of the runs that are to blame, and that would fail again; empty where nobody can tell.
    """

    def __init__(self, reason: str, columns: tuple[int, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.columns = columns


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """Somebody has asked to stop."""


class Control:
    """What others may ask of a job that is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._paused = False
        self._session: Session | None = None

    @property
    def stopped(self) -> bool:
        """Whether the job is to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End the job soon; nothing of it is kept."""
        with self._lock:
            self._stopped.set()
            if self._session is not None:
                self._session.post(Stop())

    def pause(self, on: bool) -> None:
        """Hold the job, or let it go on."""
        with self._lock:
            self._paused = on
            if self._session is not None:
                self._session.post(Pause() if on else Play())

    def attach(self, session: Session) -> None:
        """Pass on to this session what was and will be asked."""
        with self._lock:
            self._session = session
            if self._paused:
                session.post(Pause())
            if self._stopped.is_set():
                session.post(Stop())


class _Session(Session):
    """A session that can be asked for its trainer and its error when it has ended."""

    #: What it failed with.
    error: Exception | None = None

    def _failed(self, error: Exception) -> Outcome:
        self.error = error
        return super()._failed(error)

    @property
    def trainer(self) -> Trainer | None:
        """The trainer, once it is built."""
        return getattr(self, "_trainer", None)


def do(kind: str, payload: Mapping[str, Any], control: Control, tell: Tell) -> Plain:
    """Do a job.

    Args:
        kind: ``train``, ``measure``, ``baselines`` or ``try-baselines``.
        payload: its plain values.
        control: through which others may stop or pause it.
        tell: called with plain values as it goes on.

    Raises:
        JobError: when it cannot be done.
        Stopped: when it was stopped.
        RefusedError: when what was asked cannot be done.
    """
    return _JOBS[kind](payload, control, tell)


def train(payload: Mapping[str, Any], control: Control, tell: Tell) -> Plain:
    """Train all columns of an experiment; see `gmstudio.sweeps.store.Result` for what comes out."""
    began = time.perf_counter()
    session = _Session(
        _experiment(payload), device=str(payload.get("device", "auto")), wants=frozenset(), budget=0.0, paused=False
    )
    control.attach(session)
    course = _Course(session, tell)
    course.start()
    try:
        outcome = session.run()
    finally:
        found = course.finish()
    trainer = session.trainer
    if outcome.state == "failed":
        problem = outcome.problem
        reason = f"{problem.title}. {problem.what} {problem.remedy}" if problem else "The training failed."
        # What was refused, as a table that is not there, would be refused again, and all columns with it.
        refused = isinstance(session.error, RefusedError)
        raise JobError(reason, tuple(range(len(session.experiment.columns))) if refused else _diverged(trainer))
    if control.stopped or outcome.state != "finished" or trainer is None:
        raise Stopped
    small = kept.small(session, trainer)
    seen = kept.seen(trainer, time.perf_counter() - began, lambda: control.stopped, found)
    if control.stopped:
        raise Stopped
    return {
        "columns": [
            _column(i, outcome.metrics, found, tested=trainer.dataset.test is not None)
            for i in range(len(trainer.seeds))
        ],
        "log_volume": trainer.dataset.log_volume,
        "steps": outcome.step,
        "seconds": time.perf_counter() - began,
        "device": str(trainer.device),
        "engine": trainer.engine.name,
        "versions": versions(),
        "curves": kept.curves(found),
        **small,
        **seen,
    }


def _experiment(payload: Mapping[str, Any]) -> Experiment:
    """The experiment of a payload, with the worker's share of the processor."""
    experiment = runs.experiment_from_plain(payload["experiment"])
    training, threads = experiment.run.training, int(payload.get("threads", 0))
    if training.threads or not threads:
        return experiment
    return experiment.changed(run=experiment.run.changed(training=training.changed(threads=threads)))


class _Course(threading.Thread):
    """Follows a session: tells how far it is and keeps its numbers."""

    def __init__(self, session: Session, tell: Tell) -> None:
        super().__init__(name="course", daemon=True)
        self._session, self._tell = session, tell
        self._done = threading.Event()
        self._found: list[Metric] = []
        self._validation: dict[int, float] = {}

    def run(self) -> None:
        while not self._done.wait(TELL_SECONDS):
            self._take()
            status = self._session.status.take()
            if status is not None:
                self._tell(
                    {
                        "state": status.state,
                        "step": status.step,
                        "steps": status.steps,
                        "rate": status.rate,
                        "validation": {str(column): value for column, value in self._validation.items()},
                    }
                )

    def _take(self) -> None:
        fresh = self._session.metrics()
        self._found += fresh
        self._validation.update({one.column: one.value for one in fresh if one.name == "validation"})

    def finish(self) -> list[Metric]:
        """End, and give all metrics of the session, oldest first."""
        self._done.set()
        self.join()
        self._take()
        return self._found


def _diverged(trainer: Trainer | None) -> tuple[int, ...]:
    """The columns whose weights are no numbers any more."""
    if trainer is None:
        return ()
    import torch

    finite = torch.isfinite(trainer.layout.values).all(dim=1).tolist()
    return tuple(i for i, fine in enumerate(finite) if not fine)


def _column(column: int, last: Mapping[str, list[float | None]], found: list[Metric], *, tested: bool) -> Plain:
    """The result of a column: on the test points where there are any, else on the validation points.

    The training tells ``test`` at the end and ``test_best`` with the weights of the best validation likelihood; what it
    does not tell is not finite.
    """
    from gmstudio.sweeps.classical import finite

    looks = [one for one in found if one.column == column and one.name == "validation"]
    best = max(looks, key=lambda one: one.value, default=None)
    validation = {
        "validation_last": finite(looks[-1].value) if looks else None,
        "validation_best": finite(best.value) if best else None,
        "best_step": best.step if best else None,
    }
    if tested:
        none: list[float | None] = [None] * (column + 1)
        ends = {"last": last.get("test", none)[column], "best": last.get("test_best", none)[column]}
        return {"points": "test", **{name: finite(value) for name, value in ends.items()}, **validation}
    ends = {"last": validation["validation_last"], "best": validation["validation_best"]}
    return {"points": "validation", **ends, **validation}


def versions() -> dict[str, str]:
    """Of the software that a result was made with."""
    import torch

    return {"gmstudio": __version__, "torch": str(torch.__version__), "python": platform.python_version()}


def measure(payload: Mapping[str, Any], control: Control, tell: Tell) -> Plain:
    """What a training of an experiment's ensemble will cost.

    Returns:
        ``steps`` that it will make, ``seconds_per_step`` with the looks at the validation points that fall to each,
        ``building`` seconds before the first step and ``ending`` seconds after the last.
    """
    import torch

    from gmstudio.training import devices

    experiment = _experiment(payload)
    training = experiment.run.training
    device = devices.choose(str(payload.get("device", "auto")))
    torch.set_num_threads(devices.threads(training.threads))
    trainer, building = _built(experiment, device)
    if building < AGAIN_SECONDS:
        # What was loaded for the first one is there for those that come after it.
        trainer, building = _built(experiment, device)
    trainer.advance(1)
    start, made, looked = time.perf_counter(), 0, trainer.looks
    while made < MEASURE_STEPS and time.perf_counter() - start < MEASURE_SECONDS and not trainer.finished:
        if control.stopped:
            raise Stopped
        made += trainer.advance(1)
    if device != "cpu":
        # Steps are queued on the device; fetching the losses waits for them.
        trainer.drain()
    spent, looked = time.perf_counter() - start, trainer.looks - looked
    look = _seconds_of_look(trainer)
    ending = _seconds(trainer.test) + _seconds(lambda: kept.seen(trainer, 0.0, lambda: control.stopped, []))
    step = max(0.0, spent - looked * look) / made if made else building
    looks = 1 + -(-trainer.steps // (training.evaluate_every or training.epoch(len(trainer.dataset.train))))
    return {
        "steps": trainer.steps,
        "seconds_per_step": step + looks * look / max(1, trainer.steps),
        "building": building,
        "ending": ending,
    }


def _built(experiment: Experiment, device: str) -> tuple[Trainer, float]:
    """A trainer, and the seconds that it took to make it."""
    from gmstudio.training.trainer import Trainer

    began = time.perf_counter()
    trainer = Trainer(experiment, experiment.run.data.build(experiment.run.training.seed), device=device)
    return trainer, time.perf_counter() - began


def _seconds_of_look(trainer: Trainer) -> float:
    """The seconds of one look at the validation points."""
    from gmstudio.training.validation import likelihood

    points = trainer.dataset.to_model(trainer.dataset.validation)

    def look() -> None:
        trainer.refresh()
        likelihood(trainer.model, points)

    return _seconds(look)


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def try_baselines(payload: Mapping[str, Any], control: Control, tell: Tell) -> Plain:
    """How many ``seconds`` the baselines of a data set will take."""
    from gmstudio.sweeps import classical

    return {"seconds": classical.seconds(_data(payload), lambda: control.stopped)}


def baselines(payload: Mapping[str, Any], control: Control, tell: Tell) -> Plain:
    """What is known of a data set without training."""
    from gmstudio.sweeps import classical

    found = classical.measure(_data(payload), lambda: control.stopped)
    if control.stopped:
        raise Stopped
    return found


def _data(payload: Mapping[str, Any]) -> Dataset:
    """The data set of a payload."""
    import torch

    from gmstudio.data.base import DataSpec
    from gmstudio.training import devices

    torch.set_num_threads(devices.threads(int(payload.get("threads", 0))))
    data = registry.from_plain("data", payload["data"])
    assert isinstance(data, DataSpec)
    return data.build(int(payload["seed"]))


_JOBS: dict[str, Callable[[Mapping[str, Any], Control, Tell], Plain]] = {
    "train": train,
    "measure": measure,
    "baselines": baselines,
    "try-baselines": try_baselines,
}
