"""Sweeps in and out of JSON, from friends and from strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeping import sweep

from gmstudio.registry import SpecError
from gmstudio.runs import run_to_plain
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps.spec import Place


def test_a_sweep_comes_back_from_its_json_as_it_was() -> None:
    spec = sweep(together=3)
    assert specs.from_json(specs.to_json(spec)) == spec
    assert specs.to_json(specs.from_json(specs.to_json(spec))) == specs.to_json(spec)


def test_data_and_models_are_enough() -> None:
    spec = specs.from_plain({"data": [{"kind": "two-moons"}], "models": [{"kind": "maf"}]})
    assert len(spec) == 2 and spec.seeds == (1,)
    assert [schedule.off for schedule in spec.schedules] == [True, False]


def test_every_combination_is_a_run_once() -> None:
    spec = sweep(trainings=[{"steps": 5}, {"steps": 6}])
    places = list(spec.places())
    assert len(places) == len(set(places)) == len(spec) == 2 * 2 * 2 * 2 * 2
    assert places[0] == Place(0, 0, 0, 0, 0) and places[-1] == Place(1, 1, 1, 1, 1)
    run = spec.run(Place(1, 0, 1, 0, 1))
    assert run_to_plain(run)["data"]["kind"] == "rings" and run_to_plain(run)["model"]["kind"] == "real-nvp"
    assert run.training.steps == 6 and run.training.seed == 2 and run.mollification.off


def test_a_model_that_the_objective_does_not_fit_learns_by_its_own() -> None:
    spec = specs.from_plain({"data": [{"kind": "two-moons"}], "models": [{"kind": "maf"}, {"kind": "vae"}]})
    told = [run_to_plain(spec.run(Place(0, model, 0, 0, 0)))["objective"]["kind"] for model in range(2)]
    assert told == ["maximum-likelihood", "elbo"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": []}, "no data"),
        ({"data": {"kind": "two-moons"}}, "square brackets"),
        ({"data": [{"kind": "three-moons"}]}, r"data\[0\].*three-moons"),
        ({"models": [{"kind": "maf"}, {"kind": "maf", "bloks": 3}]}, r"models\[1\].*bloks"),
        ({"models": [{"kind": "maf"}, {"kind": "maf"}]}, r"models\[1\] stands twice"),
        ({"seeds": [1, 1]}, r"seeds\[1\] stands twice"),
        ({"seeds": [-1]}, "Seed"),
        ({"seeds": [True]}, "Seed"),
        ({"seeds": ["1"]}, "Seed"),
        ({"seeds": list(range(1001))}, "at most 1,000"),
        ({"seeds": list(range(1000)), "trainings": [{"steps": 5}, {"steps": 6}]}, "16,000 runs"),
        ({"trainings": [{"steps": 0}]}, "Steps"),
        ({"trainings": [5]}, "braces"),
        ({"together": 0}, "1 to 32"),
        ({"together": 33}, "1 to 32"),
        ({"together": "8"}, "whole number"),
        ({"title": ""}, "title"),
        ({"title": 5}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"workers": 4}, "unknown field 'workers'"),
        ({"objective": {"kind": "luck"}}, "luck"),
        ({"schedules": "off"}, "square brackets"),
    ],
)
def test_a_bad_sweep_is_refused_and_names_the_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words) as refused:
        sweep(**changes)
    assert refused.value.remedy


@pytest.mark.parametrize("text", ["", "[]", "5", "null", '{"data": NaN}', '{"a": 1, "a": 2}', "[" * 100, "{}"])
def test_text_that_is_no_sweep_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        specs.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("title", "data", "models", "schedules", "trainings", "seeds", "objective", "together")


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.just([{"kind": "two-moons"}]) | st.just([{"kind": "maf"}])))
def test_whatever_a_stranger_writes_is_read_or_refused_with_a_remedy(changes: dict[str, Any]) -> None:
    plain = {"data": [{"kind": "two-moons"}], "models": [{"kind": "maf"}], **changes}
    try:
        spec = specs.from_json(json.dumps(plain))
    except SpecError as error:
        assert str(error)
    else:
        assert specs.from_json(specs.to_json(spec)) == spec


def test_entries_of_one_name_are_told_apart_by_what_differs() -> None:
    spec = sweep(
        data=[{"kind": "two-moons", "size": 200}, {"kind": "two-moons", "size": 300}, {"kind": "rings"}],
        models=[{"kind": "real-nvp", "hidden": 4, "blocks": 2}, {"kind": "real-nvp", "hidden": 8, "blocks": 2}],
        schedules=[{"kind": "off"}, {"kind": "sigmoid"}, {"kind": "linear"}],
    )
    data, models, schedules = spec.titles("data"), spec.titles("models"), spec.titles("schedules")
    assert "200" in data[0] and "300" in data[1] and data[2] == "Rings"
    assert len(set(models)) == 2 and all("hidden" in title.lower() or "width" in title.lower() for title in models)
    assert schedules[0] == "vanilla" and len(set(schedules)) == 3 and "mollified" not in schedules
    assert sweep().titles("schedules") == ("vanilla", "mollified")
