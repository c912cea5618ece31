"""Runs and experiments in and out of JSON, also from strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmstudio import registry, runs
from gmstudio.registry import SpecError
from gmstudio.runs import Column, Experiment, TrainingSpec

PARTS: dict[str, registry.Room] = {
    "data": "data",
    "model": "model",
    "objective": "objective",
    "mollification": "schedule",
}
EVERY = [(part, c.name) for part, room in PARTS.items() for c in registry.components(room)]


def plain(**parts: Any) -> dict[str, Any]:
    return {"data": {"kind": "two-moons"}, "model": {"kind": "real-nvp"}, **parts}


@pytest.mark.parametrize(("part", "name"), EVERY)
def test_every_component_goes_through_json_in_a_run(part: str, name: str) -> None:
    experiment = runs.twins(runs.run_from_plain(plain(**{part: {"kind": name}})))
    text = runs.to_json(experiment)
    assert runs.from_json(text) == experiment
    assert runs.from_json(text.encode()) == experiment
    assert text.endswith("}\n")


def test_the_default_is_two_moons_real_nvp_and_the_sigmoid_of_the_paper() -> None:
    run = runs.default_run()
    kinds = [registry.to_plain(spec)["kind"] for spec in (run.data, run.model, run.objective, run.mollification)]
    assert kinds == ["two-moons", "real-nvp", "maximum-likelihood", "sigmoid"]


def test_a_run_without_objective_mollification_and_training_gets_the_plain_ones() -> None:
    run = runs.run_from_plain(plain())
    assert run.mollification.off
    assert run.training == TrainingSpec()


def test_twins_are_vanilla_beside_mollified_and_otherwise_equal() -> None:
    vanilla, mollified = runs.twins(runs.default_run()).runs()
    assert vanilla.mollification.off
    assert not mollified.mollification.off
    assert vanilla.changed(mollification=mollified.mollification) == mollified


def test_a_run_alone_is_an_experiment_with_one_column() -> None:
    experiment = runs.experiment_from_plain(plain(mollification={"kind": "linear"}))
    assert [c.title for c in experiment.columns] == ["Mollified"]
    assert runs.experiment_from_plain(plain()).columns[0].title == "Vanilla"


def test_a_column_has_its_own_schedule_seed_and_rate_and_the_rest_of_the_run() -> None:
    experiment = runs.experiment_from_plain(
        {
            "run": plain(training={"seed": 3, "rate": 0.1, "steps": 10}),
            "columns": [{}, {"title": "own", "mollification": {"kind": "cosine"}, "seed": 0, "rate": 0.5}],
        }
    )
    assert experiment.columns[0].title == "Column 1"
    first, second = experiment.runs()
    assert first == experiment.run
    assert (second.training.seed, second.training.rate, second.training.steps) == (0, 0.5, 10)
    assert registry.of(second.mollification).name == "cosine"
    assert runs.from_json(runs.to_json(experiment)) == experiment


@pytest.mark.parametrize(
    ("value", "message", "where"),
    [
        ([], "An experiment is an object", ""),
        (3, "An experiment is an object", ""),
        ({}, "no data and no model", ""),
        ({"data": {"kind": "two-moons"}}, "no model", ""),
        (plain(extra=1), "unknown field 'extra'", "run"),
        (plain(data=3), "not an object with a field 'kind'", "data"),
        (plain(model={"kind": "transformer"}), "no model called 'transformer'", "model.kind"),
        (plain(model={"kind": "real-nvp", "blocks": 0}), "Blocks is 0", "model.blocks"),
        (plain(data={"kind": "two-moons", "size": 1}), "Size is 1", "data.size"),
        (plain(mollification={"kind": "sigmoid", "tau": -1}), "Temperature", "schedule.tau"),
        (plain(mollification={"kind": "curve", "points": [[0, 1]]}), "1 points", "schedule.points"),
        (plain(mollification={"kind": "curve", "points": [[0, "a"], [1, 0]]}), "cannot be read", "schedule"),
        (plain(training=[]), "training is not an object", "training"),
        (plain(training={"steps": 0}), "Steps is 0", "training.steps"),
        (plain(training={"batch": 1e99}), "Batch is 1e+99", "training.batch"),
        (plain(training={"decay": "never"}), "Rate decay is 'never'", "training.decay"),
        (plain(training={"speed": 1}), "unknown field 'speed'", "training.speed"),
        ({"run": plain()}, "no list of columns", "columns"),
        ({"run": plain(), "columns": {}}, "no list of columns", "columns"),
        ({"run": plain(), "columns": []}, "0 columns", "columns"),
        ({"run": plain(), "columns": [{}] * 33}, "33 columns", "columns"),
        ({"run": plain(), "columns": [{}], "more": 1}, "unknown field 'more'", "experiment"),
        ({"run": 3, "columns": [{}]}, "A run is an object", ""),
        ({"run": plain(), "columns": [3]}, "not an object", "columns[0]"),
        ({"run": plain(), "columns": [{}, {"seed": -1}]}, "Seed is -1", "columns[1].seed"),
        ({"run": plain(), "columns": [{"rate": 0}]}, "Learning rate is 0", "columns[0].rate"),
        ({"run": plain(), "columns": [{"title": 3}]}, "no usable title", "columns[0].title"),
        ({"run": plain(), "columns": [{"title": "a" * 201}]}, "no usable title", "columns[0].title"),
        ({"run": plain(), "columns": [{"steps": 3}]}, "unknown field 'steps'", "columns[0]"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_a_remedy(value: object, message: str, where: str) -> None:
    with pytest.raises(SpecError) as caught:
        runs.experiment_from_plain(value)
    assert message in caught.value.message
    assert caught.value.where == where
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("\x00", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "not JSON"),
        ('{"data": 1, "data": 2}', "twice"),
        ('{"data": {"kind": "a", "kind": "b"}}', "twice"),
        ('{"rate": NaN}', "NaN"),
        ('{"rate": -Infinity}', "Infinity"),
        ('{"rate": 1e999}', "1e999"),
        ('{"rate": ' + "9" * 5000 + "}", "5,000 digits"),
        ("[" * 33 + "]" * 33, "too deeply"),
        ("[" * 200_000, "too deeply"),
        ('{"a":' * 100_000, "too deeply"),
        (" " * (20 * 2**20), "20,971,520 bytes"),
        ('"' + "é" * (9 * 2**20) + '"', "bytes"),
        ('"\\ud800"', "not JSON"),
        ('"\ud800"', "not JSON"),
    ],
)
def test_text_from_a_stranger_is_refused_in_words(text: str | bytes, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        runs.from_json(text)
    assert message in str(caught.value)
    assert caught.value.remedy


def test_thirty_two_levels_are_read() -> None:
    assert runs.plain_from_json("[" * 32 + "]" * 32)


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", "\ufeff"])
def test_a_byte_order_mark_is_no_obstacle(mark: str | bytes) -> None:
    text = runs.to_json(runs.twins(runs.default_run()))
    whole = mark + text.encode() if isinstance(mark, bytes) else mark + text
    assert runs.from_json(whole) == runs.twins(runs.default_run())


def test_a_title_in_any_script_goes_through_json_as_it_is() -> None:
    experiment = Experiment(run=runs.default_run(), columns=(Column(title="Σίγμα 🎲"),))
    text = runs.to_json(experiment)
    assert "Σίγμα 🎲" in text
    assert runs.from_json(text) == experiment


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_no_json_value_makes_anything_but_a_specification_or_its_error(value: Any) -> None:
    for candidate in (value, plain(training=value), {"run": plain(), "columns": value}, plain(mollification=value)):
        try:
            experiment = runs.experiment_from_plain(candidate)
        except SpecError as error:
            assert error.message
        else:
            assert runs.from_json(runs.to_json(experiment)) == experiment


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300))
def test_no_bytes_make_anything_but_an_error(data: bytes | str) -> None:
    with pytest.raises(SpecError):
        runs.from_json(data)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["steps", "batch", "rate", "seed", "clip", "decay", "size", "tau", "points"]), json_values)
def test_no_value_of_a_field_makes_anything_but_a_specification_or_its_error(name: str, value: Any) -> None:
    candidates = [
        plain(training={name: value}),
        plain(mollification={"kind": "sigmoid", name: value}),
        plain(mollification={"kind": "curve", name: value}),
    ]
    for candidate in candidates:
        try:
            run = runs.run_from_plain(candidate)
        except SpecError as error:
            assert error.message
        else:
            assert json.dumps(runs.run_to_plain(run), allow_nan=False)
