"""What an edit of an experiment means for the run that is training."""

from __future__ import annotations

from gmstudio.data.sets.drawing import Drawing
from gmstudio.registry import fields
from gmstudio.runs import Column, Experiment
from gmstudio.training.commands import SetRate, SetSchedule

#: For each column on the card, the column of the running experiment that it is; None for one that does not run.
Origins = tuple[int | None, ...]


def same(experiment: Experiment) -> Origins:
    """Every column is itself."""
    return tuple(range(len(experiment.columns)))


def follow(origins: Origins, before: tuple[Column, ...], after: tuple[Column, ...], running: Experiment) -> Origins:
    """Where the columns `after` a change come from.

    A column that comes back (undo of its removal) is recognised by being equal to one that runs.
    """
    if len(after) == len(before):
        return origins
    at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    if len(after) == len(before) - 1 and before[at + 1 :] == after[at:]:
        return origins[:at] + origins[at + 1 :]
    if len(after) == len(before) + 1 and after[at + 1 :] == before[at:]:
        free = [i for i, column in enumerate(running.columns) if i not in origins and column == after[at]]
        return (*origins[:at], free[0] if free else None, *origins[at:])
    return tuple(None for _ in after)


def live_edits(before: Experiment, after: Experiment, origins: Origins) -> list[SetSchedule | SetRate]:
    """What the running columns are to be told of a change of fields.

    Args:
        before, after: experiments with the same columns in the same places.
        origins: of `after`.
    """
    if len(before.columns) != len(after.columns):
        return []
    edits: list[SetSchedule | SetRate] = []
    for old, new, origin in zip(before.runs(), after.runs(), origins, strict=True):
        if origin is None:
            continue
        if old.mollification != new.mollification:
            edits.append(SetSchedule(origin, new.mollification))
        if old.training.rate != new.training.rate:
            edits.append(SetRate(origin, new.training.rate))
    return edits


def waits_for_restart(part: str, running: Experiment, now: Experiment) -> bool:
    """Whether a part of the run differs from what trains in a way that only a restart brings in.

    Schedules and rates go into the running training; so does a drawing.
    """
    old, new = getattr(running.run, part), getattr(now.run, part)
    if part == "mollification":
        return False
    if part == "training":
        return bool(old.changed(rate=new.rate) != new)
    if part == "data" and isinstance(old, Drawing) and isinstance(new, Drawing):
        names = (info.name for info in fields(Drawing) if info.name != "points")
        return any(getattr(old, name) != getattr(new, name) for name in names)
    return bool(old != new)
