"""What can be chosen on each axis of a sweep; no widgets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from gmstudio import registry
from gmstudio.data.base import DataSpec
from gmstudio.gui.cards.summaries import summary
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.paths import resource
from gmstudio.registry import Spec, SpecError, describe
from gmstudio.runs import Experiment, RunSpec
from gmstudio.sweeps.spec import MOST_TOGETHER, SweepSpec, from_json
from gmstudio.sweeps.workers import MOST_WORKERS

#: Editors of contents that a person makes; such a data set comes from its card, never empty from a list.
_MADE = frozenset({"points", "file", "hidden"})
AXES = ("data", "models", "schedules", "trainings")
#: Which part of a run stands for an axis.
PARTS = {"data": "data", "models": "model", "schedules": "mollification", "trainings": "training"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of an axis.

    Attributes:
        label: what it is called.
        spec: what it stands for.
        help: one sentence.
        refusal: why it cannot be chosen now, and what to do; empty where it can.
    """

    label: str
    spec: Spec
    help: str = ""
    refusal: str = ""


class Amount(Spec, frozen=True, kw_only=True, tag="amount"):
    """How many runs a cell has, and what trains them."""

    seeds: Annotated[
        int,
        describe("Runs of each cell; the table shows their mean and deviation.", ge=1, le=1000, label="Runs a cell"),
    ] = 3
    first: Annotated[int, describe("The seeds count up from here.", ge=0, le=2**31 - 1001, label="First seed")] = 1
    workers: Annotated[
        int,
        describe(
            "Processes that train side by side, on the device chosen under Run, Device; automatic, which is 0, for one "
            "for each GPU, or else for each core.",
            ge=0,
            le=MOST_WORKERS,
        ),
    ] = 0
    together: Annotated[
        int,
        describe(
            "Most runs of one data set and model that train in one pass, as an ensemble: faster than one by one.",
            ge=1,
            le=MOST_TOGETHER,
            label="In one pass",
            advanced=True,
        ),
    ] = 8

    def numbers(self) -> tuple[int, ...]:
        """The seeds."""
        return tuple(range(self.first, self.first + self.seeds))


def label(spec: Spec) -> str:
    """What an entry is called, with its most telling numbers."""
    if not isinstance(spec, DataSpec):
        return "Vanilla (no noise)" if isinstance(spec, ScheduleSpec) and spec.off else summary(spec)
    size = getattr(spec, "size", None)
    return f"{spec.name} · {size:,} points" if isinstance(size, int) else spec.name


def choice(spec: Spec, origin: str = "") -> Choice:
    """The entry of a specification that comes from elsewhere, such as ``on the card``."""
    said = f"{label(spec)} — {origin}" if origin else label(spec)
    return Choice(said, spec, _help(spec))


def _help(spec: Spec) -> str:
    try:
        return registry.of(spec).summary
    except KeyError:
        return "Steps, batches and the learning rate of every run."


def choices(axis: str, recipes: Sequence[SweepSpec] = ()) -> list[Choice]:
    """What can be chosen on an axis, apart from what the cards show.

    Args:
        axis: its name.
        recipes: sweeps whose entries can be chosen too.
    """
    made: dict[str, Callable[[], list[Choice]]] = {"data": _data, "models": _models, "schedules": _schedules}
    found = made[axis]() if axis in made else []
    return merged([*found, *(choice(spec, recipe.title) for recipe in recipes for spec in axes_of(recipe)[axis])])


def _data() -> list[Choice]:
    from gmstudio.data.base import PlaneSpec
    from gmstudio.data.sets.uci import UciSpec, available
    from gmstudio.data.uci.catalogue import CATALOGUE

    found = []
    for entry in CATALOGUE.values():
        refusal = "" if available(entry.name) else "Not downloaded yet: File, UCI data sets (Ctrl+U) fetches it."
        size = f"{entry.rows:,} × {entry.columns}" if entry.columns else f"{entry.rows:,} rows"
        spec = UciSpec(name=entry.name)
        found.append(Choice(f"{entry.title} · {size}", spec, entry.preparation, refusal))
    for one in registry.components("data"):
        drawn = issubclass(one.spec, PlaneSpec) and not any(i.widget in _MADE for i in registry.fields(one.spec))
        if drawn:
            found.append(choice(one.spec()))
    return found


def _models() -> list[Choice]:
    return [choice(one.spec()) for one in registry.components("model")]


def _schedules() -> list[Choice]:
    curves = [one for one in registry.components("schedule") if not any(i.widget == "curve" for i in _fields(one.spec))]
    return [choice(one.spec()) for one in curves]


def _fields(spec: type[Spec]) -> tuple[registry.FieldInfo, ...]:
    return registry.fields(spec)


def parts_of(run: RunSpec) -> dict[str, Spec]:
    """Axis -> what a run has there."""
    return {axis: getattr(run, part) for axis, part in PARTS.items()}


def merged(entries: Iterable[Choice]) -> list[Choice]:
    """The entries, those of the same specification once: the first."""
    found: list[Choice] = []
    for entry in entries:
        if all(entry.spec != other.spec for other in found):
            found.append(entry)
    return found


def first_sweep(experiment: Experiment) -> SweepSpec:
    """What a new sweep begins with: the cards, vanilla beside mollified, three seeds."""
    run = experiment.run
    schedules = [one.mollification for one in experiment.runs()]
    off = registry.find("schedule", "off").spec()
    distinct = [off, *(one for i, one in enumerate(schedules) if not one.off and one not in schedules[:i])]
    if len(distinct) == 1:
        distinct.append(registry.find("schedule", "sigmoid").spec())
    first = run.training.seed
    return SweepSpec(
        title=f"Sweep of {registry.of(run.model).title}",
        data=(run.data,),
        models=(run.model,),
        schedules=tuple(distinct),  # type: ignore[arg-type]
        trainings=(run.training,),
        seeds=tuple(range(first, first + Amount().seeds)),
        objective=run.objective,
    )


def amount(spec: SweepSpec, workers: int) -> Amount | None:
    """Seeds and workers as the form shows them; None where the seeds do not count up."""
    first = spec.seeds[0]
    if spec.seeds != tuple(range(first, first + len(spec.seeds))):
        return None
    return Amount(seeds=len(spec.seeds), first=first, workers=workers, together=spec.together)


def recipes(folder: Path | None = None) -> list[SweepSpec]:
    """The sweeps that come with the program, such as the paper's table.

    Args:
        folder: where they are; None for the program's own.
    """
    found = []
    place = resource("sweeps") if folder is None else folder
    for path in sorted(place.glob("*.json")) if place.is_dir() else []:
        # One that this version cannot read is no recipe of this version.
        with contextlib.suppress(SpecError, OSError):
            found.append(from_json(path.read_bytes()))
    return found


def axes_of(spec: SweepSpec) -> dict[str, Sequence[Any]]:
    """Axis -> its entries in a sweep."""
    return {axis: getattr(spec, axis) for axis in AXES}


def runs_in_words(counts: dict[str, int], seeds: int) -> str:
    """The number of runs and where it comes from: ``2 data sets × 3 models × 2 schedules × 5 seeds = 60 runs``."""
    words = {"data": "data set", "models": "model", "schedules": "schedule", "trainings": "training"}
    shown = [
        f"{n:,} {words[axis]}{'' if n == 1 else 's'}" for axis, n in counts.items() if axis != "trainings" or n > 1
    ]
    total = seeds
    for n in counts.values():
        total *= n
    shown.append(f"{seeds:,} seed{'' if seeds == 1 else 's'}")
    return f"{' × '.join(shown)} = {total:,} run{'' if total == 1 else 's'}"
