"""What a specification says of itself in one line."""

from __future__ import annotations

from itertools import groupby

from gmstudio import registry
from gmstudio.data.base import DataSpec
from gmstudio.gui.cards import numbers
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.mollification.schedules.curve import CurveSchedule, from_schedule
from gmstudio.registry import Component, FieldInfo, Room, Spec
from gmstudio.runs import TrainingSpec

#: Units that follow their number without the field's name: "8,192 points".
_COUNTS = ("points", "steps", "looks")
#: Titles of folders that are abbreviations.
_TITLES = {"vaes": "VAEs"}


def summary(spec: Spec) -> str:
    """The component's title and its most telling numbers, such as ``Two moons · 8,192 points``."""
    if isinstance(spec, TrainingSpec):
        length = f"{spec.epochs:,} epochs" if spec.epochs else f"{spec.steps:,} steps"
        return f"{length} × {spec.batch:,} · rate {numbers.pretty(spec.rate)}"
    infos = [i for i in registry.fields(type(spec)) if i.kind in ("int", "float") and not i.advanced]
    if isinstance(spec, ScheduleSpec):
        infos = [info for info in infos if getattr(spec, info.name) != info.default]
    parts = [_part(info, getattr(spec, info.name)) for info in infos[: 1 if isinstance(spec, DataSpec) else 2]]
    if isinstance(spec, ScheduleSpec) and spec.by == "blur" and not spec.off:
        parts.append("by blur")
    title = registry.of(spec).title
    # Pictures, tables and sets of a catalogue have a name of their own.
    own = [spec.name] if isinstance(spec, DataSpec) and spec.name != title else []
    return " · ".join([title, *own, *parts])


def _part(info: FieldInfo, value: float) -> str:
    if info.unit in _COUNTS:
        return numbers.pretty(value, info.unit)
    return f"{info.label.lower()} {numbers.pretty(value)}"


def exactness(spec: DataSpec) -> str:
    """Whether the data's density is known, and what follows from that."""
    if spec.exact:
        return "Exact density and score are known"
    return "No exact density: true error maps are left out"


def grouped(room: Room) -> list[tuple[str, list[Component]]]:
    """The components of a room under the folders that hold them; without headings where there is one only.

    Flows stand before classical baselines, as in `registry.components`.
    """
    found = registry.components(room)
    folders: list[str] = []
    for one in found:
        if _folder(one) not in folders:
            folders.append(_folder(one))
    if len(folders) < 2:
        return [("", list(found))]
    ordered = sorted(found, key=lambda one: folders.index(_folder(one)))
    return [(_TITLES.get(name, name.capitalize()), list(group)) for name, group in groupby(ordered, key=_folder)]


def _folder(one: Component) -> str:
    return one.spec.__module__.split(".")[-2]


def hover(one: Component) -> str:
    """What stands in the tooltip of a component."""
    lines = [f"<b>{one.title}</b>", one.summary]
    if one.reference:
        lines.append(f"<i>{one.reference}</i>")
    return "<br>".join(lines)


def started(old: Spec, one: Component) -> Spec:
    """What a component starts with that is chosen for the first time, in the place of `old`.

    A curve follows the schedule that it replaces, so that choosing it changes nothing yet.
    """
    if isinstance(old, ScheduleSpec) and not old.off and one.spec is CurveSchedule:
        return from_schedule(old)
    return carried(old, one.spec())


def carried(old: Spec, new: Spec) -> Spec:
    """`new` with the values of `old` in the fields that both have.

    A value goes over where both kinds have the same default, or where the person has moved it from its default.
    """
    theirs = {info.name: info for info in registry.fields(type(old))}
    values: dict[str, object] = {}
    for info in registry.fields(type(new)):
        other = theirs.get(info.name)
        if other is None or other.kind != info.kind or info.kind in ("other", "spec") or info.widget == "hidden":
            continue
        value = getattr(old, info.name)
        if other.default == info.default or value != other.default:
            try:
                info.check(value)
            except registry.SpecError:
                continue
            values[info.name] = value
    try:
        result: Spec = new.changed(**values)
    except registry.SpecError:
        return new
    return result
