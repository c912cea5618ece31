"""The table of a sweep, in the shape of the paper's Table 1: a row for each data set, vanilla beside mollified."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gmstudio.sweeps import titles
from gmstudio.sweeps.plan import Plan, PlannedRun
from gmstudio.sweeps.spec import SweepSpec
from gmstudio.sweeps.store import Baselines, Result

Units = Literal["standardised", "data"]
#: At the end of the training, or with the weights of the best validation likelihood.
When = Literal["last", "best"]
WHEN: dict[When, str] = {"last": "last epoch", "best": "best validation epoch"}


@dataclass(frozen=True, slots=True)
class Summary:
    """Some values of one cell.

    Attributes:
        mean: their mean; nan where there are none.
        deviation: their sample standard deviation (n - 1 in the denominator); nan where there are fewer than two.
        count: how many there are.
    """

    mean: float
    deviation: float
    count: int


def summary(values: list[float]) -> Summary:
    """Mean and sample standard deviation of some values."""
    count = len(values)
    if not count:
        return Summary(math.nan, math.nan, 0)
    mean = math.fsum(values) / count
    if count < 2:
        return Summary(mean, math.nan, 1)
    return Summary(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1)), count)


@dataclass(frozen=True, slots=True)
class Cell:
    """The runs of one data set, model, training and schedule, one for each seed.

    Attributes:
        keys: of the runs, in the order of the seeds.
        values: for both moments the likelihoods of the runs that are done, in the table's units.
        infinite: how many of the runs that are done have no finite likelihood at the end.
        failed: how many have failed.
        reasons: why, each once.
        runs: ids of the project's runs that hold the curves, each once.
    """

    keys: tuple[str, ...]
    values: dict[When, list[float]]
    infinite: int
    failed: int
    reasons: tuple[str, ...]
    runs: tuple[str, ...]

    def at(self, when: When) -> Summary:
        """Mean and deviation at one of the moments."""
        return summary(self.values[when])

    @property
    def missing(self) -> int:
        """How many runs are still to be done."""
        return len(self.keys) - self.failed - len(self.values["last"]) - self.infinite


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands over a column.

    Attributes:
        model: the model, and the training where there are several.
        schedule: under it.
    """

    model: str
    schedule: str


@dataclass(frozen=True, slots=True)
class Row:
    """One data set.

    Attributes:
        data: what it is called.
        points: what the likelihoods were measured on: ``test``, ``validation``, or empty while nothing is known.
        cells: one for each heading of the table.
        baselines: likelihoods of the classical baselines by title, in the table's units; empty while not known.
    """

    data: str
    points: str
    cells: tuple[Cell, ...]
    baselines: dict[str, float]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of likelihoods: means in nats per point.

    Attributes:
        title: what stands over it.
        units: ``standardised`` (as in the paper) or ``data``.
        headings: of the columns that were trained.
        baselines: titles of the columns that were not.
        rows: the data sets.
        seeds: how many runs a full cell has.
        recipe: how they are trained, in words.
    """

    title: str
    units: Units
    headings: tuple[Heading, ...]
    baselines: tuple[str, ...]
    rows: tuple[Row, ...]
    seeds: int
    recipe: str = ""


#: Titles of the classical baselines.
BASELINES = ("Gaussian", "Gaussian mixture")


def build(
    plan: Plan, results: Mapping[str, Result], baselines: Mapping[str, Baselines], units: Units = "standardised"
) -> Table:
    """The table of what is known.

    Args:
        plan: the sweep.
        results: of its runs, by key; others are left out.
        baselines: of its data sets, by key.
        units: of the likelihoods.
    """
    spec = plan.spec
    groups: dict[tuple[int, int, int, int], list[PlannedRun]] = {}
    for run in plan.runs:
        groups.setdefault(run.place[:4], []).append(run)
    cells = {where: _cell([run.key for run in runs], results, units) for where, runs in groups.items()}
    rows = []
    for i, data in enumerate(spec.titles("data")):
        known = baselines.get(plan.data_keys[i])
        of_row = [results[run.key] for run in plan.runs if run.place.data == i and run.key in results]
        rows.append(
            Row(
                data=data,
                points=_points(of_row, known),
                cells=tuple(cell for where, cell in cells.items() if where[0] == i),
                baselines=_baselines(known, units),
            )
        )
    return Table(
        spec.title, units, headings(spec), BASELINES, tuple(rows), len(spec.seeds), titles.recipe(spec.trainings)
    )


def _points(of_row: list[Result], known: Baselines | None) -> str:
    done = [result.points for result in of_row if result.state == "done"]
    if done:
        return done[0]
    return known.points if known and not known.reason else ""


def headings(spec: SweepSpec) -> tuple[Heading, ...]:
    """What stands over the trained columns, in the order of a row's cells."""
    trainings = spec.titles("trainings") if len(spec.trainings) > 1 else ("",)
    return tuple(
        Heading(f"{model} · {training}" if training else model, schedule)
        for model in spec.titles("models")
        for training in trainings
        for schedule in spec.titles("schedules")
    )


def _cell(keys: list[str], results: Mapping[str, Result], units: Units) -> Cell:
    found = [results[key] for key in keys if key in results]
    done = [result for result in found if result.state == "done"]
    failed = [result for result in found if result.state == "failed"]
    values: dict[When, list[float]] = {"last": [], "best": []}
    for result in done:
        volume = result.log_volume if units == "standardised" else 0.0
        if result.last is not None:
            values["last"].append(result.last + volume)
        if result.best is not None:
            values["best"].append(result.best + volume)
    return Cell(
        keys=tuple(keys),
        values=values,
        infinite=sum(result.last is None for result in done),
        failed=len(failed),
        reasons=tuple(dict.fromkeys(result.reason for result in failed)),
        runs=tuple(dict.fromkeys(result.run for result in done if result.run)),
    )


def _baselines(known: Baselines | None, units: Units) -> dict[str, float]:
    if known is None:
        return {}
    volume = known.log_volume if units == "standardised" else 0.0
    values = zip(BASELINES, (known.gaussian, known.mixture), strict=True)
    return {title: value + volume for title, value in values if value is not None}
