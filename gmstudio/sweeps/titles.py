"""What the rows and columns of a sweep's table are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gmstudio import registry
from gmstudio.data.base import DataSpec
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.registry import Spec

if TYPE_CHECKING:
    from gmstudio.runs import TrainingSpec

#: Longest value of a field in a title.
LONGEST = 40
#: Most names in a list.
MOST_LISTED = 6


def titles(axis: str, specs: Sequence[Spec]) -> tuple[str, ...]:
    """A different title for each specification of an axis.

    A lone mollified schedule is ``mollified``. Specifications of the same name are told apart by the fields in which
    they differ.
    """
    names = [_name(spec) for spec in specs]
    if axis == "schedules" and sum(name != "vanilla" for name in names) == 1:
        names = ["vanilla" if name == "vanilla" else "mollified" for name in names]
    found = []
    for spec, name in zip(specs, names, strict=True):
        same = [other for other, called in zip(specs, names, strict=True) if called == name]
        found.append(name if len(same) == 1 else f"{name} ({_differences(spec, same)})")
    return tuple(f"{name} [{i + 1}]" if found.count(name) > 1 else name for i, name in enumerate(found))


def listed(names: Sequence[str]) -> str:
    """Names as one says them: ``a``, ``a and b``, ``a, b and c``, ``a, b, c, d and 5 more``."""
    shown = [*names[:MOST_LISTED], f"{len(names) - MOST_LISTED:,} more"] if len(names) > MOST_LISTED + 1 else [*names]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def recipe(trainings: Sequence[TrainingSpec]) -> str:
    """How runs are trained: ``150 epochs in batches of 100 at a learning rate of 0.0001``."""
    if len(trainings) > 1:
        return "lengths and rates that the columns name"
    one = trainings[0]
    length = f"{one.epochs:,} epoch" if one.epochs else f"{one.steps:,} step"
    plural = "" if (one.epochs or one.steps) == 1 else "s"
    return f"{length}{plural} in batches of {one.batch:,} at a learning rate of {one.rate:.6g}"


def _name(spec: Spec) -> str:
    if isinstance(spec, ScheduleSpec) and spec.off:
        return "vanilla"
    if isinstance(spec, DataSpec):
        return spec.name
    try:
        return registry.of(spec).title
    except KeyError:
        return str(type(spec).__struct_config__.tag)


def _differences(spec: Spec, same: Sequence[Spec]) -> str:
    """The fields in which a specification is not like all others of its name."""
    different = [
        info
        for info in registry.fields(type(spec))
        if any(_value(other, info.name) != getattr(spec, info.name) for other in same)
    ]
    return ", ".join(f"{info.label.lower()} {_text(getattr(spec, info.name))}" for info in different[:3])


def _value(spec: Spec, name: str) -> Any:
    return getattr(spec, name, None)


def _text(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
