"""The results of sweeps in a project.

They are in the project file itself, and not in one beside it: a result and the curves of its run become durable in one
transaction, a project that is copied takes its tables along, and there is one way to survive a crash.  A result is
known by the key of its run, so that a second sweep with the same run need not train it again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import msgspec

from gmstudio import registry
from gmstudio.observation.frame import METRICS, Metric
from gmstudio.projects.packing import PackingError
from gmstudio.projects.results import ResultRecord
from gmstudio.registry import SpecError
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps.plan import Plan, Task

if TYPE_CHECKING:
    from gmstudio.projects.project import Project

#: Longest reason that is kept of a failure.
MAX_REASON = 1000
#: Most numbers of one run's curves that are kept, and most bytes of its weights.
MAX_CURVE, MAX_WEIGHTS = 20_000, 2**26
#: What all runs of a pass have in common.
_SHARED = ("log_volume", "steps", "seconds", "device", "engine", "versions")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one run. Likelihoods are means in nats per point, in the units of the data.

    Attributes:
        state: ``done`` or ``failed``.
        reason: why it failed, in words for a person.
        points: what `last` and `best` were measured on: ``test``, or ``validation`` where there are no test points.
        last: log-likelihood at the end of the training; None where it is not finite.
        best: log-likelihood of the weights with the best validation likelihood.
        validation_last, validation_best: the same on the validation points.
        best_step: the step of the best validation likelihood.
        log_volume: what is added to a likelihood to have it in standardised units.
        steps: length of the training.
        seconds: that the pass took in which the run was trained.
        together: how many runs were trained in that pass.
        device, engine: what trained it.
        versions: of the software.
        run: id of the project's run with its curves; empty where there is none.
        place: index of its column in that run.
    """

    state: Literal["done", "failed"]
    reason: str = ""
    points: Literal["test", "validation"] = "validation"
    last: float | None = None
    best: float | None = None
    validation_last: float | None = None
    validation_best: float | None = None
    best_step: int | None = None
    log_volume: float = 0.0
    steps: int = 0
    seconds: float = 0.0
    together: int = 1
    device: str = ""
    engine: str = ""
    versions: dict[str, str] = {}
    run: str = ""
    place: int = 0


class Baselines(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a data set without training; likelihoods as in `Result`.

    Attributes:
        gaussian: of the Gaussian with the training points' mean and covariance.
        mixture: of the Gaussian mixture that is best on the validation points.
        components: how many Gaussians that mixture has.
        points: what they were measured on.
        log_volume: as in `Result`.
        train, validation, test: numbers of points.
        dim: number of columns.
        reason: why nothing is known, in words for a person; empty where it is.
    """

    gaussian: float | None = None
    mixture: float | None = None
    components: int = 0
    points: Literal["test", "validation"] = "validation"
    log_volume: float = 0.0
    train: int = 0
    validation: int = 0
    test: int = 0
    dim: int = 0
    reason: str = ""


S = TypeVar("S", Result, Baselines)


class Store:
    """Results of one sweep in a project. Any thread may call it.

    Args:
        project: open for writing; or read-only, to look.
        plan: the sweep.
    """

    def __init__(self, project: Project, plan: Plan) -> None:
        self.project = project
        self.plan = plan

    @property
    def id(self) -> str:
        """The id of the sweep in the project: the same for the same specification."""
        return hashlib.blake2b(specs.to_json(self.plan.spec).encode(), digest_size=6).hexdigest()

    def begin(self) -> None:
        """Note that the sweep runs."""
        self.project.add_sweep(self.id, self.plan.spec.title, specs.to_json(self.plan.spec))

    def set_state(self, state: str) -> None:
        """Note how the sweep is."""
        self.project.set_sweep_state(self.id, state)

    def results(self) -> dict[str, Result]:
        """Every result of the sweep's runs that is known, by key."""
        found = self.project.results([run.key for run in self.plan.runs])
        made = {key: _result(record) for key, record in found.items()}
        return {key: result for key, result in made.items() if result is not None}

    def baselines(self) -> dict[str, Baselines]:
        """What is known of the sweep's data sets, by key."""
        found = self.project.results(self.plan.data_keys)
        made = {key: _converted(record.data, Baselines) for key, record in found.items()}
        return {key: value for key, value in made.items() if value is not None}

    def save_baselines(self, key: str, found: Baselines) -> None:
        """Keep what is known of a data set."""
        self.project.save_results([ResultRecord(key, msgspec.to_builtins(found))])

    def save_failed(self, keys: Sequence[str], reason: str) -> dict[str, Result]:
        """Keep that some runs have failed."""
        result = Result(state="failed", reason=reason[:MAX_REASON])
        data = msgspec.to_builtins(result)
        self.project.save_results([ResultRecord(key, data) for key in keys])
        return dict.fromkeys(keys, result)

    def save(self, task: Task, outcome: Mapping[str, Any]) -> dict[str, Result]:
        """Keep the results of a task and the curves of its runs, all or nothing.

        Args:
            task: what was trained.
            outcome: what `gmstudio.sweeps.jobs.train` gave, from a worker that may be a stranger.

        Raises:
            SpecError: when the outcome is not what a worker gives.
            ProjectError: when it cannot be written.
        """
        results = _answers(outcome, len(task.runs))
        with self.project.batch():
            run = self._record(task, outcome, results[0])
            self.project.save_results(
                ResultRecord(key, msgspec.to_builtins(result), run, place)
                for place, (key, result) in enumerate(zip(task.keys, results, strict=True))
            )
        placed = [msgspec.structs.replace(result, run=run, place=i) for i, result in enumerate(results)]
        return dict(zip(task.keys, placed, strict=True))

    def _record(self, task: Task, outcome: Mapping[str, Any], result: Result) -> str:
        """Add a run with the task's curves to the project, to be opened like any other."""
        from gmstudio.projects import snapshots
        from gmstudio.training.checkpoint import Checkpoint

        project, experiment = self.project, task.experiment
        run = project.add_run(experiment, result.device)
        title = f"{experiment.run.data.name} · {registry.of(experiment.run.model).title} · {self.plan.spec.title}"
        project.rename_run(run, title)
        project.add_metrics(run, _curves(outcome.get("curves"), len(task.runs)))
        try:
            info, weights = _bytes(outcome.get("info")), _bytes(outcome.get("weights"))
            if info:
                project.save_info(run, snapshots.info_from_bytes(info, run))
            if weights:
                project.save_checkpoint(run, Checkpoint.from_bytes(weights))
            frame, truth = _bytes(outcome.get("frame")), _bytes(outcome.get("truth"))
            if frame:
                picture = snapshots.frame_from_bytes(frame, run, result.steps)
                if len(picture.columns) != len(task.runs):
                    raise ValueError("the picture has not one column for each run")
                project.save_frame(picture)
            if truth:
                project.save_truth(run, snapshots.truth_from_bytes(truth))
        except (PackingError, SpecError, ValueError) as error:
            raise SpecError(f"A worker's answer cannot be read: {error}.", "Use workers of this version.") from error
        project.set_state(run, "finished", result.steps)
        return run


def _answers(outcome: Mapping[str, Any], count: int) -> list[Result]:
    """The results in a worker's answer, one for each of its runs.

    Raises:
        SpecError: when they are not there.
    """
    shared = {name: outcome.get(name) for name in _SHARED}
    try:
        plains = [{**shared, **column, "state": "done", "together": count} for column in outcome["columns"]]
        # What cannot be written must not reach the project.
        json.dumps(plains, allow_nan=False)
        found = msgspec.convert(plains, list[Result])
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise SpecError(f"A worker's answer cannot be read: {error}.", "Use workers of this version.") from error
    if len(found) != count:
        raise SpecError("A worker's answer has not one result for each run.", "Use workers of this version.")
    return found


def _result(record: ResultRecord) -> Result | None:
    return _converted({**record.data, "run": record.run, "place": record.place}, Result)


def _converted(plain: Mapping[str, Any], kind: type[S]) -> S | None:
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError:
        return None


def _bytes(text: object) -> bytes:
    if not isinstance(text, str) or len(text) > 2 * MAX_WEIGHTS:
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _curves(rows: object, columns: int) -> list[Metric]:
    """The numbers of curves as a worker writes them: step, column, name, value."""
    found = []
    for row in (rows if isinstance(rows, list) else [])[: MAX_CURVE * columns]:
        if not isinstance(row, list) or len(row) != 4:
            continue
        step, column, name, value = cast(tuple[Any, Any, Any, Any], row)
        fits = isinstance(step, int) and isinstance(column, int) and 0 <= column < columns and 0 <= step < 2**53
        if fits and name in METRICS and isinstance(value, (int, float)) and math.isfinite(value):
            found.append(Metric(step, column, name, float(value)))
    return found
