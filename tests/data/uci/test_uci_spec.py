"""Data sets by name, as a run gets them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn import datasets

from gmstudio import registry
from gmstudio.data.sets.table import TableSpec
from gmstudio.data.sets.uci import UciSpec, available, fingerprint
from gmstudio.data.uci import store
from gmstudio.data.uci.catalogue import CATALOGUE, Name
from gmstudio.data.uci.preparations import Prepared
from gmstudio.registry import SpecError

BUNDLED: dict[Name, str] = {
    "iris": "load_iris",
    "wine": "load_wine",
    "breast cancer": "load_breast_cancer",
    "digits": "load_digits",
}


def stored(name: Name, rows: int, columns: int = 3) -> np.ndarray:
    """Made numbers in the place of a downloaded table; each row begins with its number."""
    values = np.random.default_rng(1).normal(3, 2, (rows, columns))
    values[:, 0] = np.arange(rows)
    store.save(CATALOGUE[name], Prepared(values, tuple(f"c{i}" for i in range(columns))), "made", "", "known")
    return values


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_set_is_there_at_once_with_all_its_rows(name: Name) -> None:
    data = UciSpec(name=name).build(1)
    reference = getattr(datasets, BUNDLED[name])().data
    assert data.test is not None
    rows = torch.cat([data.train, data.validation, data.test])
    assert rows.shape == reference.shape == (CATALOGUE[name].rows, CATALOGUE[name].columns)
    whole = np.floor(rows.numpy()) if name == "digits" else rows.numpy()
    assert np.array_equal(np.sort(whole, axis=0), np.sort(reference.astype(np.float32), axis=0))
    assert len(data.columns) == data.dim and data.name == CATALOGUE[name].title
    assert bool(data.to_model(data.train).isfinite().all()) and available(name)


def test_a_bundled_set_is_shuffled_because_its_file_is_sorted_by_class() -> None:
    data = UciSpec().build(1)
    assert data.test is not None
    kinds = datasets.load_iris()
    of = {tuple(row): kind for row, kind in zip(kinds.data.astype(np.float32), kinds.target, strict=True)}
    assert len({of[tuple(row)] for row in data.test.numpy()}) > 1


@pytest.mark.parametrize("name", [entry.name for entry in CATALOGUE.values() if not entry.bundled])
def test_a_set_that_is_not_there_is_named_with_its_size_and_what_to_do(name: Name) -> None:
    with pytest.raises(SpecError) as caught:
        UciSpec(name=name).build(1)
    error = caught.value
    assert CATALOGUE[name].title in error.message and ("MB" in error.message or "kB" in error.message)
    assert f"gmstudio data fetch '{name}'" in error.remedy and "choose a file" in error.remedy
    assert error.where == "data.name" and not available(name)


def test_a_damaged_table_is_not_used() -> None:
    stored("red wine", 50)
    path = store.path_of(CATALOGUE["red wine"])
    path.write_bytes(path.read_bytes()[:-8] + bytes(8))
    with pytest.raises(SpecError, match="damaged"):
        UciSpec(name="red wine").build(1)


@pytest.mark.parametrize("rows, parts", [(1599, (1296, 144, 159)), (4898, (3969, 440, 489)), (5875, (4760, 528, 587))])
def test_the_papers_split_takes_the_last_rows_of_the_file(rows: int, parts: tuple[int, int, int]) -> None:
    values = stored("white wine", rows)
    data = UciSpec(name="white wine").build(1)
    assert data.test is not None
    assert (len(data.train), len(data.validation), len(data.test)) == parts
    numbers = torch.cat([data.train, data.validation, data.test])[:, 0]
    assert torch.equal(numbers, torch.arange(rows).float())
    both = values[: parts[0] + parts[1]]
    assert np.allclose(data.shift.numpy(), both.mean(0), rtol=1e-6)
    assert np.allclose(data.scale.numpy(), both.std(0), rtol=1e-6)


def test_hepmass_tests_on_the_rows_of_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for rows, test_rows in ((100, 33), (525, 175), (10_007, 3_335)):
        entry = dataclasses.replace(CATALOGUE["HEPMASS"], test_rows=test_rows)
        monkeypatch.setitem(CATALOGUE, "HEPMASS", entry)
        values = np.random.default_rng(2).normal(size=(rows, 2))
        store.save(entry, Prepared(values, ("a", "b")), "made", "", "known")
        data = UciSpec(name="HEPMASS").build(1)
        assert data.test is not None and len(data.test) == test_rows
        assert len(data.validation) == int(0.1 * (rows - test_rows))
    # The real numbers: half a row more than the share survives the rounding.
    rows, test_rows = 525_123, 174_987
    assert int((test_rows + 0.5) / rows * rows) == test_rows


def test_another_split_can_be_chosen() -> None:
    stored("red wine", 200)
    data = UciSpec(name="red wine", split="file order", test_share=0.25, validation_share=0.2).build(1)
    assert data.test is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (120, 30, 50)
    shuffled = UciSpec(name="red wine", split="shuffled", seed=3).build(1)
    again = UciSpec(name="red wine", split="shuffled", seed=3).build(2)
    other = UciSpec(name="red wine", split="shuffled", seed=4).build(1)
    assert torch.equal(shuffled.train, again.train) and not torch.equal(shuffled.train, other.train)


def test_the_fingerprint_is_that_of_the_table_and_not_of_the_split() -> None:
    stored("red wine", 50)
    one = fingerprint(UciSpec(name="red wine"))
    assert one == fingerprint(UciSpec(name="red wine", split="shuffled", seed=5))
    assert one != fingerprint(UciSpec(name="wine")) and len(one) == 64
    stored("red wine", 51)
    assert fingerprint(UciSpec(name="red wine")) != one


def test_a_specification_survives_json_and_an_unknown_set_is_refused() -> None:
    spec = UciSpec(name="Parkinsons", split="file order", seed=7)
    assert registry.from_plain("data", json.loads(json.dumps(registry.to_plain(spec)))) == spec
    with pytest.raises(SpecError) as caught:
        registry.from_plain("data", {"kind": "uci", "name": "no such set"})
    assert caught.value.where == "data.name" and "MiniBooNE" in caught.value.remedy
    assert spec.name == "Parkinsons" and not spec.exact


def test_the_choice_of_the_rows_comes_before_what_every_table_has_in_forms_and_in_json() -> None:
    shared = ["standardise", "dequantise", "test_share", "validation_share", "seed"]
    for spec, own in (
        (UciSpec(), ["name", "split"]),
        (TableSpec(), ["path", "sha256", "columns", "missing", "split", "split_column"]),
    ):
        names = [info.name for info in registry.fields(type(spec))]
        assert list(registry.to_plain(spec)) == ["kind", *names]
        assert names[0] == own[0]
        assert [name for name in names if name not in own] == shared
    hidden = {info.name for info in registry.fields(UciSpec) if info.advanced}
    assert hidden == {"dequantise", "test_share", "validation_share", "seed"}


def test_the_specification_needs_neither_torch_nor_scikit_learn_and_downloads_nothing() -> None:
    code = (
        "import sys, socket\n"
        "socket.getaddrinfo = socket.socket.connect = None\n"
        "from gmstudio.data.sets.uci import UciSpec, available\n"
        "assert UciSpec().bounds and UciSpec(name='POWER').name == 'POWER' and not available('POWER')\n"
        "assert not {'torch', 'sklearn', 'scipy', 'urllib.request'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
