"""What the rows and columns of a sweep's table are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gmstudio import registry
from gmstudio.data.base import DataSpec
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.registry import Spec

#: Longest value of a field in a title.
LONGEST = 40


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
