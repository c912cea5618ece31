"""One run in one frozen value: the only configuration there is.

Files, the command line, the forms, sweeps and exports all speak `RunSpec` and `Experiment`, in and out of JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import msgspec

from gmstudio import registry
from gmstudio.data.base import DataSpec
from gmstudio.models.base import ModelSpec
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.registry import Spec, SpecError, describe

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 32
#: Steps of a training, at most.
MAX_STEPS = 10_000_000


class TrainingSpec(Spec, frozen=True, kw_only=True, tag="training"):
    """How long, how fast, in what portions."""

    steps: Annotated[int, describe("Length of the training.", ge=1, le=MAX_STEPS, unit="steps", log=True)] = 4000
    epochs: Annotated[
        int,
        describe(
            "Length of the training in passes over the training points; 0 to count in steps.",
            ge=0,
            le=1_000_000,
            unit="epochs",
            advanced=True,
        ),
    ] = 0
    batch: Annotated[int, describe("Points in one step.", ge=1, le=65_536, unit="points", log=True)] = 256
    last_batch: Annotated[
        Literal["fill", "keep"],
        describe(
            "What is left of an epoch when no full batch is: fill it up with the next epoch's points, or keep it "
            "as a smaller batch.",
            label="Last batch",
            advanced=True,
        ),
    ] = "fill"
    rate: Annotated[float, describe("Learning rate at the start.", gt=0.0, le=1.0, label="Learning rate", log=True)] = (
        1e-3
    )
    decay: Annotated[
        Literal["constant", "cosine"],
        describe("Keep the learning rate, or let it fall to 0 along a cosine.", label="Rate decay"),
    ] = "cosine"
    optimiser: Annotated[Literal["adam", "adamw"], describe("How gradients become steps.", advanced=True)] = "adam"
    weight_decay: Annotated[
        float, describe("Adam: L2 penalty; AdamW: decoupled decay.", ge=0.0, le=1.0, advanced=True)
    ] = 0.0
    clip: Annotated[
        float,
        describe(
            "Largest norm of a gradient; 0 for no limit.",
            ge=0.0,
            le=1e6,
            label="Gradient clipping",
            advanced=True,
        ),
    ] = 0.0
    evaluate_every: Annotated[
        int,
        describe(
            "Steps between two looks at the validation likelihood; 0 for one look after every epoch.",
            ge=0,
            le=1_000_000,
            unit="steps",
            log=True,
            advanced=True,
        ),
    ] = 50
    patience: Annotated[
        int,
        describe(
            "Stop a column when its validation likelihood has not risen for this many looks; 0 for never. "
            "The best weights are kept beside the last in any case.",
            ge=0,
            le=1_000_000,
            unit="looks",
            label="Early stopping after",
            advanced=True,
        ),
    ] = 0
    seed: Annotated[int, describe("Weights, batches and noise all follow from it.", ge=0, le=2**31 - 1)] = 1
    threads: Annotated[int, describe("Processor threads; 0 for all but one.", ge=0, le=1024, advanced=True)] = 0
    engine: Annotated[
        Literal["auto", "eager", "compiled", "graph"],
        describe(
            "What makes the steps. Auto trains at once, compiles the step in the background (on CUDA: captures "
            "it) and keeps what is faster; the numbers are the same but for rounding. With one engine fixed, the same "
            "seed gives the same bits.",
            advanced=True,
        ),
    ] = "auto"

    def epoch(self, points: int) -> int:
        """Steps in an epoch of so many training points."""
        return -(-points // self.batch)

    def length(self, points: int) -> int:
        """Steps of the whole training on so many training points.

        Raises:
            SpecError: when the epochs make more steps than a training may have.
        """
        steps = self.epochs * self.epoch(points) if self.epochs else self.steps
        if steps > MAX_STEPS:
            raise SpecError(
                f"{self.epochs:,} epochs of {self.epoch(points):,} batches are {steps:,} steps.",
                f"Choose fewer epochs or larger batches: at most {MAX_STEPS:,} steps.",
                "training.epochs",
            )
        return steps


class RunSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One data set, model, objective, schedule and training."""

    data: DataSpec
    model: ModelSpec
    objective: ObjectiveSpec
    mollification: ScheduleSpec
    training: TrainingSpec = TrainingSpec()

    def changed(self, **values: Any) -> RunSpec:
        """A copy with some parts changed."""
        return msgspec.structs.replace(self, **values)


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One of the runs that train side by side; what is None is as in the experiment's run.

    Attributes:
        title: what stands over the column.
        mollification: the column's own schedule.
        seed: the column's own seed.
        rate: the column's own learning rate.
    """

    title: str
    mollification: ScheduleSpec | None = None
    seed: int | None = None
    rate: float | None = None


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """A run and the columns in which it is varied; all columns train in one pass, on the same batches."""

    run: RunSpec
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.columns) <= 32:
            raise SpecError(f"There are {len(self.columns)} columns.", "Use 1 to 32.", "columns")

    def runs(self) -> tuple[RunSpec, ...]:
        """The complete specification of every column."""
        return tuple(self._run(column) for column in self.columns)

    def _run(self, column: Column) -> RunSpec:
        training = self.run.training
        if column.seed is not None:
            training = training.changed(seed=column.seed)
        if column.rate is not None:
            training = training.changed(rate=column.rate)
        return self.run.changed(mollification=column.mollification or self.run.mollification, training=training)

    def changed(self, **values: Any) -> Experiment:
        """A copy with some parts changed."""
        return msgspec.structs.replace(self, **values)


def default_run() -> RunSpec:
    """What the window opens on: two moons, Real-NVP, maximum likelihood, sigmoid schedule."""
    return run_from_plain(
        {
            "data": {"kind": "two-moons"},
            "model": {"kind": "real-nvp"},
            "objective": {"kind": "maximum-likelihood"},
            # Some clean training after the noise: with all of it the rate is 0 before the noise is.
            "mollification": {"kind": "sigmoid", "until": 0.6},
        }
    )


def twins(run: RunSpec) -> Experiment:
    """Vanilla beside mollified: the default experiment of a run."""
    off = cast(ScheduleSpec, registry.from_plain("schedule", {"kind": "off"}))
    return Experiment(run=run, columns=(Column(title="Vanilla", mollification=off), Column(title="Mollified")))


def single(run: RunSpec) -> Experiment:
    """The run alone."""
    return Experiment(run=run, columns=(Column(title="Vanilla" if run.mollification.off else "Mollified"),))


_PARTS: dict[str, registry.Room] = {
    "data": "data",
    "model": "model",
    "objective": "objective",
    "mollification": "schedule",
}


def run_to_plain(run: RunSpec) -> dict[str, Any]:
    """The plain JSON values of a run."""
    return cast(dict[str, Any], msgspec.to_builtins(run))


def run_from_plain(plain: object) -> RunSpec:
    """Make a run from plain JSON values.

    Raises:
        SpecError: naming the field and the remedy.
    """
    if not isinstance(plain, Mapping):
        raise SpecError("A run is an object.", f"Give it the fields {', '.join(_PARTS)} and training.")
    _only(plain, {*_PARTS, "training"}, "run")
    missing = [name for name in ("data", "model") if name not in plain]
    if missing:
        raise SpecError(
            f"The run has no {' and no '.join(missing)}.", 'Add, for example, "model": {"kind": "real-nvp"}.'
        )
    model = cast(ModelSpec, registry.from_plain("model", plain["model"]))
    defaults = {"objective": {"kind": model.objective}, "mollification": {"kind": "off"}}
    parts = {name: registry.from_plain(room, plain.get(name, defaults.get(name))) for name, room in _PARTS.items()}
    training = registry.convert(TrainingSpec, _object(plain.get("training", {}), "training"), "training")
    return RunSpec(training=training, **cast(dict[str, Any], parts))


def experiment_to_plain(experiment: Experiment) -> dict[str, Any]:
    """The plain JSON values of an experiment."""
    return cast(dict[str, Any], msgspec.to_builtins(experiment))


def experiment_from_plain(plain: object) -> Experiment:
    """Make an experiment from plain JSON values: ``{"run": …, "columns": […]}``, or a run alone.

    Raises:
        SpecError: naming the field and the remedy.
    """
    if isinstance(plain, Mapping) and "run" not in plain:
        return single(run_from_plain(plain))
    if not isinstance(plain, Mapping):
        raise SpecError("An experiment is an object.", 'Give it the fields "run" and "columns".')
    _only(plain, {"run", "columns"}, "experiment")
    run = run_from_plain(plain["run"])
    columns = plain.get("columns")
    if not isinstance(columns, (list, tuple)):
        raise SpecError("The experiment has no list of columns.", 'Add "columns": [{"title": "…"}].', "columns")
    return Experiment(run=run, columns=tuple(_column(column, i) for i, column in enumerate(columns)))


def _column(plain: object, index: int) -> Column:
    where = f"columns[{index}]"
    values = dict(_object(plain, where))
    _only(values, {"title", "mollification", "seed", "rate"}, where)
    schedule = values.pop("mollification", None)
    made = None if schedule is None else cast(ScheduleSpec, registry.from_plain("schedule", schedule))
    training = {name: values[name] for name in ("seed", "rate") if values.get(name) is not None}
    registry.convert(TrainingSpec, training, where)
    title = values.get("title", f"Column {index + 1}")
    if not isinstance(title, str) or len(title) > 200:
        raise SpecError(f"{where} has no usable title.", "Give it a short text.", f"{where}.title")
    return Column(title=title, mollification=made, **training)


def _object(plain: object, where: str) -> Mapping[str, Any]:
    if not isinstance(plain, Mapping):
        raise SpecError(f"{where} is not an object.", "Write it in braces.", where)
    return plain


def _only(plain: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(plain) - known)
    if unknown:
        raise SpecError(
            f"The {where} has an unknown field {unknown[0]!r}.",
            f"Its fields are: {', '.join(sorted(known))}.",
            where,
        )


def to_json(experiment: Experiment) -> str:
    """The JSON text of an experiment, indented, ending in a newline."""
    return json.dumps(experiment_to_plain(experiment), indent=2, ensure_ascii=False) + "\n"


def from_json(text: str | bytes) -> Experiment:
    """Read the JSON text of an experiment or of a run, as from a stranger.

    Raises:
        SpecError: for text that is too long, too deep, not JSON, with duplicate keys or numbers that are not finite,
            and for everything that `experiment_from_plain` refuses.
    """
    return experiment_from_plain(plain_from_json(text))


def plain_from_json(text: str | bytes) -> Any:
    """Plain values of JSON text from a stranger.

    Raises:
        SpecError: for text that is too long, too deep, not JSON, with duplicate keys or numbers that are not finite.
    """
    size = len(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise SpecError(f"The text has {size:,} bytes.", f"At most {MAX_BYTES:,} are read.")
    try:
        source = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        plain = json.loads(
            source, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_float, parse_int=_int
        )
        _check_text(source, plain)
    except (UnicodeError, json.JSONDecodeError) as error:
        raise SpecError(f"This is not JSON: {error}.", "Check the file.") from error
    except RecursionError as error:
        raise SpecError("The JSON is nested too deeply.", f"At most {MAX_DEPTH} levels are read.") from error
    if _depth(plain) > MAX_DEPTH:
        raise SpecError("The JSON is nested too deeply.", f"At most {MAX_DEPTH} levels are read.")
    return plain


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise SpecError("A key stands twice in one JSON object.", "Remove one of the two.")
    return result


def _check_text(source: str, plain: Any) -> None:
    """Half of a surrogate pair is valid in JSON, but cannot be written to any file."""
    source.encode()
    if re.search(r"\\u[dD][89a-fA-F]", source):
        json.dumps(plain, ensure_ascii=False).encode()


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(text)
    return value


def _int(text: str) -> int:
    if len(text) > 400:
        raise SpecError(f"The JSON holds a number of {len(text):,} digits.", "Numbers of at most 400 digits are read.")
    return int(text)


def _refuse(name: str) -> Any:
    raise SpecError(f"The JSON holds {name[:40]}.", "Only finite numbers are read.")


def _depth(plain: Any, level: int = 1) -> int:
    if level > MAX_DEPTH + 1:
        return level
    children = plain.values() if isinstance(plain, dict) else plain if isinstance(plain, list) else ()
    return max((_depth(child, level + 1) for child in children), default=level)
