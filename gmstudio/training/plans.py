"""What every step of every column will do, planned ahead, and the edits that plan the rest anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gmstudio import registry
from gmstudio.data.base import DataSpec
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.registry import SpecError
from gmstudio.runs import RunSpec, TrainingSpec
from gmstudio.training.commands import Edit, SetData, SetRate, SetSchedule

Floats = NDArray[np.float64]


class Plans:
    """Noise variance and learning rate of every step.

    Args:
        runs: of the E columns.
        steps: T, of every one of them.
        epoch: steps in one epoch.

    Attributes:
        sigma2: (E, T) float64.
        rates: (E, T) float64.
        by: for each column what it is mollified by; for a blur, sigma2 says how far it is.
    """

    def __init__(self, runs: Sequence[RunSpec], steps: int, epoch: int) -> None:
        self.sigma2: Floats = np.stack([run.mollification.plan(steps, epoch) for run in runs])
        self.rates: Floats = np.stack([_rates(run.training, steps) for run in runs])
        self.by = [run.mollification.by for run in runs]

    def set_schedule(self, column: int, schedule: ScheduleSpec, step: int, epoch: int) -> None:
        """Follow `schedule` from `step` on, at the fraction of the training that each step has."""
        self.sigma2[column, step:] = schedule.plan(self.sigma2.shape[1], epoch)[step:]
        # Blocks are made from the next step on.
        self.by[column] = schedule.by

    def set_rate(self, column: int, rate: float, step: int) -> None:
        """Scale the rates from `step` on so that they go on from `rate`."""
        self.rates[column, step:] *= rate / self.rates[column, step]

    def stop(self, column: int, step: int) -> None:
        """No learning from `step` on."""
        self.rates[column, step:] = 0.0


def _rates(training: TrainingSpec, steps: int) -> Floats:
    t = np.arange(steps, dtype=np.float64)
    if training.decay == "cosine":
        return training.rate * 0.5 * (1.0 + np.cos(np.pi * t / steps))
    return np.full_like(t, training.rate)


def edit_to_plain(edit: Edit) -> dict[str, Any]:
    """The plain JSON values of an edit, for the record."""
    if isinstance(edit, SetSchedule):
        return {"kind": "schedule", "column": edit.column, "schedule": registry.to_plain(edit.schedule)}
    if isinstance(edit, SetRate):
        return {"kind": "rate", "column": edit.column, "rate": edit.rate}
    return {"kind": "data", "data": registry.to_plain(edit.data)}


def edit_from_plain(plain: object) -> Edit:
    """Make an edit from its record.

    Raises:
        SpecError: when it is none.
    """
    if isinstance(plain, dict):
        kind = plain.get("kind")
        if kind == "data":
            return SetData(cast(DataSpec, registry.from_plain("data", plain.get("data"))))
        column = plain.get("column")
        if isinstance(column, int) and kind == "schedule":
            return SetSchedule(column, cast(ScheduleSpec, registry.from_plain("schedule", plain.get("schedule"))))
        if isinstance(column, int) and kind == "rate" and isinstance(plain.get("rate"), (int, float)):
            return SetRate(column, float(plain["rate"]))
    raise SpecError(f"The record of an edit cannot be read: {str(plain)[:200]}.", "Leave it out.", "edits")


def superseded(plain: dict[str, Any], points: int) -> dict[str, Any]:
    """The record of an edit after others have replaced its data: of those only their number is kept."""
    if plain["kind"] != "data" or plain["data"] is None:
        return plain
    return {"kind": "data", "data": None, "points": points}


def check_edit(edit: Edit, stopped: Sequence[bool]) -> None:
    """Refuse an edit of a column that there is not, or of a rate that cannot be.

    Raises:
        SpecError: naming the column or the rate.
    """
    if isinstance(edit, SetData):
        return
    if not 0 <= edit.column < len(stopped):
        raise SpecError(f"There is no column {edit.column + 1}.", f"Choose 1 to {len(stopped)}.", "column")
    if isinstance(edit, SetRate):
        TrainingSpec(rate=edit.rate)
        if stopped[edit.column]:
            raise SpecError(
                f"Column {edit.column + 1} was stopped early and learns no more.", "Start a new run.", "rate"
            )
