"""Rows of a project as values, and back."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from gmstudio import registry, runs
from gmstudio.observation.frame import METRICS, Metric
from gmstudio.runs import Experiment

FIELDS = "id, created, experiment, device, state, step, title"
MAX_RUNS = 10_000
MAX_METRICS = 20_000_000
MAX_TITLE = 200
#: Frames that a run keeps on its timeline.
MAX_FRAMES = 400
STATES = frozenset({"building", "running", "paused", "finished", "stopped", "failed"})


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a project says of a run.

    Attributes:
        id: a short unique text.
        created: when it began, in ISO 8601.
        experiment: what was trained.
        device: where.
        state: ``building``, ``running``, ``paused``, ``finished``, ``stopped`` or ``failed``, as of late.
        step: steps made, as of late.
        title: what a person calls it.
    """

    id: str
    created: str
    experiment: Experiment
    device: str
    state: str
    step: int
    title: str


def from_row(row: tuple[Any, ...]) -> RunRecord:
    """The record of a row with `FIELDS`.

    Raises:
        SpecError: when the experiment cannot be read.
    """
    identity, created, experiment, device, state, step, title = row
    return RunRecord(
        id=identity,
        created=created[:40],
        experiment=runs.from_json(experiment),
        device=device[:40],
        state=state if state in STATES else "stopped",
        step=max(0, step),
        title=title[:MAX_TITLE],
    )


def to_text(experiment: Experiment) -> str:
    """The text that keeps an experiment."""
    return runs.to_json(experiment)


def title(experiment: Experiment) -> str:
    """A title for a new run: its data and its model."""
    return f"{experiment.run.data.name} · {registry.of(experiment.run.model).title}"


def metrics(rows: list[tuple[Any, ...]]) -> list[Metric]:
    """Metrics of rows of step, column, name and value; those of unknown names are left out."""
    names = {name: sys.intern(name) for name in METRICS}
    return [
        # SQLite keeps what is not a number as NULL.
        Metric(step, column, names[name], float("nan") if value is None else value)
        for step, column, name, value in rows
        if name in names and step >= 0 and column >= 0
    ]


def superfluous(steps: list[int]) -> list[int]:
    """Which frames to drop so that at most `MAX_FRAMES` are left, evenly spread, the first and the last kept.

    Args:
        steps: ascending.
    """
    left, dropped = list(steps), []
    while len(left) > MAX_FRAMES:
        gaps = [after - before for before, after in zip(left, left[2:], strict=False)]
        dropped.append(left.pop(gaps.index(min(gaps)) + 1))
    return dropped
