"""The registry: every component can be found, described, written and read, and every mistake is named."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from typing import Annotated, Any

import msgspec
import pytest

from gmstudio import registry
from gmstudio.registry import Spec, SpecError, component, describe

ROOMS = list(registry.PACKAGES)
EVERY = [(room, c.name) for room in ROOMS for c in registry.components(room)]


class Example(Spec, frozen=True, kw_only=True, tag="example"):
    blocks: Annotated[int, describe("Layers.", ge=1, le=64, unit="layers")] = 6
    rate: Annotated[float, describe("Speed.", gt=0.0, le=1.0, label="Learning rate", log=True)] = 0.1
    share: Annotated[float, describe("Share.", ge=0.0, lt=1.0, advanced=True)] = 0.5
    size: Annotated[int, describe("At least two.", ge=2)] = 5
    low: Annotated[float, describe("Negative.", lt=0.0)] = -1.0
    name: Annotated[str, describe("A name.", widget="text")] = ""
    way: Annotated[str, describe("Free.")] = "a"
    on: bool = True


@pytest.mark.parametrize(("room", "name"), EVERY)
def test_every_component_can_be_built_from_its_defaults_written_and_read(room: registry.Room, name: str) -> None:
    spec = registry.from_plain(room, {"kind": name})
    text = json.dumps(registry.to_plain(spec), allow_nan=False)
    again = registry.from_plain(room, json.loads(text))
    assert again == spec
    assert registry.of(spec).name == name
    assert json.loads(text)["kind"] == name


@pytest.mark.parametrize(("room", "name"), EVERY)
def test_every_field_of_every_component_has_help_a_label_and_a_default_within_its_limits(
    room: registry.Room, name: str
) -> None:
    found = registry.find(room, name)
    assert found.title
    assert found.summary.endswith((".", "?"))
    for info in registry.fields(found.spec):
        assert info.help, info.name
        assert info.label
        assert info.default is not msgspec.NODEFAULT
        info.check(info.default)


@pytest.mark.parametrize(("room", "name"), EVERY)
def test_every_number_outside_its_limits_is_refused_by_name(room: registry.Room, name: str) -> None:
    for info in registry.fields(registry.find(room, name).spec):
        if info.kind not in ("int", "float"):
            continue
        bad: list[Any] = [math.inf, math.nan, "1", None, [1], True]
        bad += [] if info.minimum is None else [info.minimum - 1, -(10**400)]
        bad += [] if info.maximum is None else [info.maximum + 1]
        bad += [1.5] if info.kind == "int" else []
        for value in bad:
            with pytest.raises(SpecError) as caught:
                registry.from_plain(room, {"kind": name, info.name: value})
            assert caught.value.where == f"{room}.{info.name}"
            assert info.label in caught.value.message
            assert caught.value.remedy


@pytest.mark.parametrize("room", ROOMS)
def test_an_unknown_kind_is_answered_with_those_there_are(room: registry.Room) -> None:
    with pytest.raises(SpecError) as caught:
        registry.from_plain(room, {"kind": "no-such-thing"})
    assert caught.value.where == f"{room}.kind"
    for known in registry.components(room):
        assert known.name in caught.value.remedy


@pytest.mark.parametrize(("room", "name"), EVERY)
def test_an_unknown_field_is_answered_with_those_there_are(room: registry.Room, name: str) -> None:
    with pytest.raises(SpecError, match="unknown field 'flavour'") as caught:
        registry.from_plain(room, {"kind": name, "flavour": 1})
    assert caught.value.where == f"{room}.flavour"
    for info in registry.fields(registry.find(room, name).spec):
        assert info.name in caught.value.remedy


@pytest.mark.parametrize("plain", [None, 3, "real-nvp", [], {}, {"kind": 3}, {"kind": None}, {"kind": ["a"]}])
def test_what_is_no_specification_is_refused(plain: object) -> None:
    with pytest.raises(SpecError, match="'kind'"):
        registry.from_plain("model", plain)


def test_a_field_that_is_not_a_text_is_refused_as_a_field_name() -> None:
    with pytest.raises(SpecError):
        registry.convert(Example, {3: 4}, "example")  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"blocks": 0}, "Blocks is 0. Choose a value between 1 and 64."),
        ({"blocks": 65}, "Blocks is 65. Choose a value between 1 and 64."),
        ({"blocks": 2.5}, "Blocks is 2.5. Give a number between 1 and 64."),
        ({"blocks": True}, "Blocks is True. Give a number between 1 and 64."),
        ({"rate": 0.0}, "Learning rate is 0.0. Choose a value more than 0 and at most 1."),
        ({"share": 1.0}, "Share is 1.0. Choose a value at least 0 and less than 1."),
        ({"size": 1}, "Size is 1. Choose a value at least 2."),
        ({"low": 0.0}, "Low is 0.0. Choose a value less than 0."),
        ({"rate": math.nan}, "Learning rate is nan. Choose a value more than 0 and at most 1."),
    ],
)
def test_a_value_outside_its_limits_is_named_with_the_limits(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as made:
        Example(**values)
    assert str(made.value) == message
    with pytest.raises(SpecError) as converted:
        registry.convert(Example, values, "example")
    assert str(converted.value) == message
    assert converted.value.where == f"example.{next(iter(values))}"


@pytest.mark.parametrize("values", [{"name": 3}, {"on": "yes"}, {"way": None}])
def test_a_value_of_another_type_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        registry.convert(Example, values, "example")


def test_a_whole_number_may_be_written_with_a_point_where_any_number_may_stand() -> None:
    assert registry.convert(Example, {"rate": 1}, "example").rate == 1.0


def test_a_changed_copy_is_checked_again() -> None:
    assert Example().changed(blocks=7).blocks == 7
    with pytest.raises(SpecError):
        Example().changed(blocks=70)


def test_a_specification_cannot_be_changed_in_place_and_equals_its_like() -> None:
    with pytest.raises(AttributeError):
        Example().blocks = 3  # type: ignore[misc]
    assert Example(blocks=3) == Example(blocks=3)
    assert Example(blocks=3) != Example(blocks=4)


def test_fields_tell_what_a_form_needs() -> None:
    blocks, rate, share, size, *_, on = registry.fields(Example)
    assert (blocks.kind, blocks.unit, blocks.minimum, blocks.maximum, blocks.default) == ("int", "layers", 1, 64, 6)
    assert (rate.label, rate.log, rate.exclusive) == ("Learning rate", True, (True, False))
    assert share.advanced
    assert size.limits == "at least 2"
    assert (on.kind, on.limits) == ("bool", "")


def test_two_components_of_one_name_in_one_room_are_a_fault() -> None:
    taken = registry.components("objective")[0].name

    class Twin(Spec, frozen=True, kw_only=True, tag=taken):
        pass

    with pytest.raises(ValueError, match=taken):
        component("objective", title="Twin", summary="Twin.")(Twin)


def test_a_specification_that_is_not_registered_belongs_to_no_component() -> None:
    with pytest.raises(KeyError):
        registry.of(Example())


def test_components_stand_in_the_order_of_menus() -> None:
    for room in ROOMS:
        found = registry.components(room)
        assert [(c.order, c.title) for c in found] == sorted((c.order, c.title) for c in found)


def test_neither_torch_nor_the_window_is_imported_to_list_and_to_read_specifications() -> None:
    code = """
import sys
import gmstudio
from gmstudio import registry, runs
for room in registry.PACKAGES:
    for found in registry.components(room):
        registry.fields(found.spec)
        registry.from_plain(room, {"kind": found.name})
experiment = runs.twins(runs.default_run())
assert runs.from_json(runs.to_json(experiment)) == experiment
assert experiment.run.mollification.plan(100).shape == (100,)
import gmstudio.training.commands, gmstudio.training.problems, gmstudio.training.devices, gmstudio.observation.frame
print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "PySide6", "pyqtgraph", "scipy", "sklearn"}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={**os.environ})
    assert done.stdout.strip() == "[]", done.stderr
