"""What a sweep trains: every data set with every model, schedule, training and seed; in and out of JSON."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from gmstudio import registry, runs
from gmstudio.data.base import DataSpec
from gmstudio.models.base import ModelSpec
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.objectives import fit
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.registry import Spec, SpecError
from gmstudio.runs import RunSpec, TrainingSpec
from gmstudio.sweeps.titles import titles

#: Most entries of each axis, most runs of a sweep, and most runs that train in one pass.
MOST = {"data": 100, "models": 100, "schedules": 32, "trainings": 32, "seeds": 1000}
MOST_RUNS = 10_000
MOST_TOGETHER = 32
MAX_TITLE = 200
_FIELDS = ("title", *MOST, "objective", "together")


class Place(NamedTuple):
    """Where a run is in a sweep: an index on each axis.

    Attributes:
        data: row of the table.
        model, training, schedule: column of the table.
        seed: one of the runs of a cell.
    """

    data: int
    model: int
    training: int
    schedule: int
    seed: int


class SweepSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The axes of a sweep; its runs are all their combinations.

    Attributes:
        title: what stands over the table.
        data: the rows of the table.
        models: the columns of the table.
        schedules: vanilla beside mollified, as a rule; each is a column under every model.
        trainings: how long and how fast; more than one give columns of their own. Their ``seed`` draws the data.
        seeds: of weights, batches and noise; a cell of the table is the mean over them.
        objective: how they learn; a model that it does not fit learns by its own default.
        together: at most so many runs of one data set, model and training train in one pass, as one ensemble.
    """

    data: tuple[DataSpec, ...]
    models: tuple[ModelSpec, ...]
    schedules: tuple[ScheduleSpec, ...]
    seeds: tuple[int, ...]
    objective: ObjectiveSpec
    trainings: tuple[TrainingSpec, ...] = (TrainingSpec(),)
    title: str = "Sweep"
    together: int = 8

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            _check_axis(name, getattr(self, name), most)
        for seed in self.seeds:
            registry.convert(TrainingSpec, {"seed": seed}, "seeds")
        if isinstance(self.together, bool) or not isinstance(self.together, int):
            raise SpecError(f"together is {str(self.together)[:40]}.", "Give a whole number.", "together")
        if not 1 <= self.together <= MOST_TOGETHER:
            raise SpecError(f"together is {self.together}.", f"Use 1 to {MOST_TOGETHER}.", "together")
        if not isinstance(self.title, str) or not 0 < len(self.title.strip()) <= MAX_TITLE:
            raise SpecError("The sweep has no usable title.", f"Give it 1 to {MAX_TITLE} characters.", "title")
        if len(self) > MOST_RUNS:
            raise SpecError(f"The sweep has {len(self):,} runs.", f"Use at most {MOST_RUNS:,}.", "seeds")

    def __len__(self) -> int:
        """How many runs there are."""
        count = 1
        for name in MOST:
            count *= len(getattr(self, name))
        return count

    def places(self) -> Iterator[Place]:
        """Every run, in the order of the table; the runs of one data set, model and training are neighbours."""
        axes = (self.data, self.models, self.trainings, self.schedules, self.seeds)
        for indices in itertools.product(*(range(len(axis)) for axis in axes)):
            yield Place(*indices)

    def run(self, place: Place) -> RunSpec:
        """The complete specification of a run."""
        return self.group(place).changed(
            mollification=self.schedules[place.schedule],
            training=self.trainings[place.training].changed(seed=self.seeds[place.seed]),
        )

    def group(self, place: Place) -> RunSpec:
        """What the runs share that may train in one pass with this one; its seed is the one that draws the data."""
        model = self.models[place.model]
        return RunSpec(
            data=self.data[place.data],
            model=model,
            objective=fit.fitting(self.objective, model),
            mollification=self.schedules[place.schedule],
            training=self.trainings[place.training],
        )

    def titles(self, axis: str) -> tuple[str, ...]:
        """What people call the entries of an axis: ``data``, ``models``, ``schedules``, ``trainings`` or ``seeds``."""
        if axis == "seeds":
            return tuple(f"seed {seed}" for seed in self.seeds)
        return titles(axis, cast(Sequence[Spec], getattr(self, axis)))

    def changed(self, **values: Any) -> SweepSpec:
        """A copy with some parts changed."""
        return msgspec.structs.replace(self, **values)


def _check_axis(name: str, entries: object, most: int) -> None:
    if not isinstance(entries, tuple) or not entries:
        raise SpecError(f"The sweep has no {name}.", f"Give at least one in {name!r}.", name)
    if len(entries) > most:
        raise SpecError(f"The sweep has {len(entries):,} {name}.", f"Use at most {most:,}.", name)
    if len(set(entries)) < len(entries):
        twice = next(i for i, entry in enumerate(entries) if entry in entries[:i])
        raise SpecError(f"{name}[{twice}] stands twice in the sweep.", "Remove one of the two.", f"{name}[{twice}]")


def to_plain(sweep: SweepSpec) -> dict[str, Any]:
    """The plain JSON values of a sweep."""
    plain = cast(dict[str, Any], msgspec.to_builtins(sweep))
    return {name: plain[name] for name in _FIELDS}


def to_json(sweep: SweepSpec) -> str:
    """The JSON text of a sweep, indented, ending in a newline."""
    return json.dumps(to_plain(sweep), indent=2, ensure_ascii=False) + "\n"


def from_json(text: str | bytes) -> SweepSpec:
    """Read the JSON text of a sweep, as from a stranger.

    Raises:
        SpecError: naming the field and the remedy.
    """
    return from_plain(runs.plain_from_json(text))


def from_plain(plain: object) -> SweepSpec:
    """Make a sweep from plain JSON values; ``data`` and ``models`` are needed, the rest has defaults.

    Without ``schedules`` vanilla stands beside the sigmoid schedule; without ``seeds`` there is one.

    Raises:
        SpecError: naming the field and the remedy.
    """
    if not isinstance(plain, Mapping):
        raise SpecError("A sweep is an object.", 'Give it the fields "data" and "models".')
    unknown = sorted(set(plain) - set(_FIELDS))
    if unknown:
        raise SpecError(
            f"The sweep has an unknown field {str(unknown[0])[:80]!r}.", f"Its fields are: {', '.join(_FIELDS)}."
        )
    for name in ("data", "models"):
        if name not in plain:
            raise SpecError(f"The sweep has no {name}.", f'Add "{name}": [{{"kind": "…"}}].', name)
    values: dict[str, Any] = {
        "data": _components(plain, "data", "data"),
        "models": _components(plain, "models", "model"),
        "schedules": _components(plain, "schedules", "schedule", [{"kind": "off"}, {"kind": "sigmoid"}]),
        "trainings": tuple(
            registry.convert(TrainingSpec, _object(entry, f"trainings[{i}]"), f"trainings[{i}]")
            for i, entry in enumerate(_list(plain, "trainings", [{}]))
        ),
        "seeds": tuple(_seed(entry, i) for i, entry in enumerate(_list(plain, "seeds", [1]))),
        "objective": registry.from_plain("objective", plain.get("objective", {"kind": "maximum-likelihood"})),
    }
    return SweepSpec(**values, **{name: plain[name] for name in ("title", "together") if name in plain})


def _components(plain: Mapping[str, Any], name: str, room: registry.Room, default: Any = None) -> tuple[Spec, ...]:
    found = []
    for i, entry in enumerate(_list(plain, name, default)):
        try:
            found.append(registry.from_plain(room, entry))
        except SpecError as error:
            where = f"{name}[{i}]{error.where.removeprefix(room)}"
            raise SpecError(f"{name}[{i}]: {error.message}", error.remedy, where) from error
    return tuple(found)


def _list(plain: Mapping[str, Any], name: str, default: Any) -> list[Any]:
    entries = plain.get(name, default)
    if not isinstance(entries, (list, tuple)):
        raise SpecError(f"{name} is not a list.", "Write it in square brackets.", name)
    if len(entries) > MOST[name]:
        raise SpecError(f"The sweep has {len(entries):,} {name}.", f"Use at most {MOST[name]:,}.", name)
    return list(entries)


def _object(plain: object, where: str) -> Mapping[str, Any]:
    if not isinstance(plain, Mapping):
        raise SpecError(f"{where} is not an object.", "Write it in braces.", where)
    return plain


def _seed(value: object, index: int) -> int:
    where = f"seeds[{index}]"
    seed = registry.convert(TrainingSpec, {"seed": value}, where).seed
    return int(seed)
