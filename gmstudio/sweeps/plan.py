"""Which runs a sweep has, by which key each is known, and which of them train in one pass.

Runs of one data set, model and training differ only in seed and schedule, so that they train as the columns of one
`Experiment`: an ensemble of 8 costs a fraction of 8 runs.  A task is therefore all schedules of some seeds of one
(data, model, training); vanilla and mollified of a seed stay together, on the same batches.  Tasks are kept small
enough that every worker has one.  A task that fails is taken apart and its runs are tried once more alone, so that a
bad run costs only itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gmstudio import registry, runs
from gmstudio.data.base import DataSpec
from gmstudio.runs import Column, Experiment
from gmstudio.sweeps.spec import Place, SweepSpec

#: Part of every key; raised when results are no longer what they were.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run of a sweep.

    Attributes:
        key: the same for the same run in every sweep.
        place: where it is in this sweep.
    """

    key: str
    place: Place


@dataclass(frozen=True, slots=True)
class Task:
    """Runs that train in one pass.

    Attributes:
        id: unique in one plan.
        runs: at most 32, of one data set, model and training.
        experiment: one column for each run.
    """

    id: int
    runs: tuple[PlannedRun, ...]
    experiment: Experiment

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the runs, in the order of the columns."""
        return tuple(run.key for run in self.runs)


class Plan:
    """The runs of a sweep.

    Args:
        spec: the sweep.
    """

    def __init__(self, spec: SweepSpec) -> None:
        self.spec = spec

    @cached_property
    def runs(self) -> tuple[PlannedRun, ...]:
        """Every run, in the order of the table."""
        return tuple(PlannedRun(self._key(place), place) for place in self.spec.places())

    @cached_property
    def data_keys(self) -> tuple[str, ...]:
        """The key of what is known of each data set without training: sizes and classical baselines."""
        seed = self.spec.trainings[0].seed
        return tuple(
            _digest({"format": FORMAT, "baselines": registry.to_plain(data), "seed": seed, "content": content})
            for data, content in zip(self.spec.data, self._contents, strict=True)
        )

    @cached_property
    def _contents(self) -> tuple[str, ...]:
        """A digest of the file that each data set is read from, where its specification does not hold one itself."""
        return tuple(map(_content, self.spec.data))

    def _key(self, place: Place) -> str:
        # What is drawn follows from the seed that draws it.
        drawn = {"seed": self.spec.trainings[place.training].seed, "content": self._contents[place.data]}
        return _digest({"format": FORMAT, "run": runs.run_to_plain(self.spec.run(place)), "data": drawn})

    def missing(self, done: Collection[str]) -> tuple[PlannedRun, ...]:
        """The runs whose keys are not among `done`."""
        return tuple(run for run in self.runs if run.key not in done)

    def tasks(self, missing: Sequence[PlannedRun], workers: int = 1, first: int = 0) -> list[Task]:
        """Put runs together that can train in one pass.

        Args:
            missing: the runs to do.
            workers: so many tasks are made at least, where there are as many seeds.
            first: the id of the first task.
        """
        groups: dict[tuple[int, int, int], dict[int, list[PlannedRun]]] = {}
        for run in missing:
            place = run.place
            seeds = groups.setdefault((place.data, place.model, place.training), {})
            seeds.setdefault(place.seed, []).append(run)
        portions = max(1, -(-workers // len(groups))) if groups else 1
        found = [part for seeds in groups.values() for part in self._parts(list(seeds.values()), portions)]
        return [self.task(first + i, part) for i, part in enumerate(found)]

    def _parts(self, seeds: list[list[PlannedRun]], portions: int) -> list[list[PlannedRun]]:
        """The runs of a group in at least `portions` parts of at most `together`, those of one seed side by side."""
        wanted = min(portions, len(seeds))
        size, parts = -(-len(seeds) // wanted), []
        for start in range(0, len(seeds), size):
            part: list[PlannedRun] = []
            for twins in seeds[start : start + size]:
                for begin in range(0, len(twins), self.spec.together):
                    some = twins[begin : begin + self.spec.together]
                    if part and len(part) + len(some) > self.spec.together:
                        parts.append(part)
                        part = []
                    part = part + some
            parts.append(part)
        return parts

    def task(self, number: int, some: Sequence[PlannedRun]) -> Task:
        """A task of runs of one data set, model and training."""
        return Task(number, tuple(some), self.experiment(some))

    def experiment(self, some: Sequence[PlannedRun]) -> Experiment:
        """One column for each of some runs of one data set, model and training."""
        schedules, spec = self.spec.titles("schedules"), self.spec
        columns = tuple(
            Column(
                title=f"{schedules[run.place.schedule]} · seed {spec.seeds[run.place.seed]}",
                mollification=spec.schedules[run.place.schedule],
                seed=spec.seeds[run.place.seed],
            )
            for run in some
        )
        return Experiment(run=spec.group(some[0].place), columns=columns)


def _digest(plain: Mapping[str, object]) -> str:
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _content(data: DataSpec) -> str:
    """The digest of a data set's file; empty where there is none, or the specification holds it."""
    named: object = getattr(data, "path", "")
    known: object = getattr(data, "sha256", "")
    if not isinstance(named, str) or not named or known:
        return ""
    try:
        with Path(named).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        # Whoever builds it says what is the matter.
        return ""
