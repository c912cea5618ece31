"""A table as a data set: by its path and its hash."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gmstudio import registry
from gmstudio.data.sets import table as module
from gmstudio.data.sets.table import TableSpec
from gmstudio.data.tables import reading
from gmstudio.registry import SpecError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    values = np.random.default_rng(1).normal(size=(60, 3)).round(4)
    lines = [f"{a},{b},w{i % 3},{c}" for i, (a, b, c) in enumerate(values.tolist())]
    made = tmp_path / "my data.v2.csv"
    made.write_text("\n".join(["a,b,word,c", *lines]))
    return made


def refused(spec: TableSpec) -> SpecError:
    with pytest.raises(SpecError) as caught:
        spec.build(1)
    assert caught.value.message and caught.value.remedy and caught.value.where.startswith("data")
    return caught.value


def test_all_columns_of_numbers_are_learned_unless_some_are_named(path: Path) -> None:
    every = TableSpec(path=str(path)).build(1)
    assert every.columns == ("a", "b", "c") and every.name == "my data" and every.dim == 3
    assert every.test is not None
    assert (len(every.train), len(every.validation), len(every.test)) == (49, 5, 6)
    some = TableSpec(path=str(path), columns=("c", "a")).build(1)
    assert some.columns == ("c", "a") and torch.equal(some.train, every.train[:, [2, 0]])


def test_the_seed_of_a_run_changes_nothing_and_that_of_the_table_its_split(path: Path) -> None:
    spec = TableSpec(path=str(path), split="shuffled")
    assert torch.equal(spec.build(1).train, spec.build(2).train)
    assert not torch.equal(spec.build(1).train, spec.changed(seed=9).build(1).train)


def test_a_file_that_has_changed_is_refused(path: Path) -> None:
    spec = TableSpec(path=str(path), sha256=reading.read(path).sha256)
    assert spec.build(1).dim == 3
    path.write_text(path.read_text().replace("w0", "w9"))
    assert "has changed since it was chosen" in refused(spec).message
    assert spec.changed(sha256="").build(1).dim == 3


def test_a_file_is_read_once_until_it_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    real = reading.read

    def counted(path: Path, **options: Any) -> reading.Table:
        reads.append(path)
        return real(path, **options)

    monkeypatch.setattr(reading, "read", counted)
    monkeypatch.setattr(module, "_last", None)
    spec = TableSpec(path=str(path))
    for changed in (spec, spec.changed(columns=("a", "b")), spec.changed(dequantise=1.0)):
        changed.build(1)
    assert len(reads) == 1
    path.write_text(path.read_text() + "\n1,2,w,3")
    os.utime(path, ns=(1, 1))
    spec.build(1)
    assert len(reads) == 2


def test_what_is_wrong_with_a_file_is_told_as_of_any_specification(path: Path) -> None:
    assert "No table is chosen" in refused(TableSpec()).message
    assert "is not there" in refused(TableSpec(path=str(path.with_name("gone.csv")))).message
    path.write_text("a,b\n1,2\n3,x\n5,6\n")
    assert "Row 3, column “b”: “x” is not a number" in refused(TableSpec(path=str(path))).message


def test_columns_that_are_not_there_or_hold_no_numbers_are_refused(path: Path) -> None:
    spec = TableSpec(path=str(path))
    assert "no column “z”" in refused(spec.changed(columns=("a", "z"))).message
    assert "“word” holds no numbers, but text" in refused(spec.changed(columns=("a", "word"))).message
    assert "chosen twice" in refused(spec.changed(columns=("a", "a"))).message
    assert "1 column to learn: “a”" in refused(spec.changed(columns=("a",))).message


def test_rows_are_called_as_in_the_file(path: Path) -> None:
    path.write_text(path.read_text().replace("w2", "w2", 1) + "\n,1,w,2")
    assert "Row 62, column “a”: the value is missing." in refused(TableSpec(path=str(path), missing="refuse")).message


def test_a_constant_column_is_refused_by_name(path: Path) -> None:
    path.write_text("a,b\n" + "\n".join(f"{row},5" for row in range(40)))
    assert "Column “b” has the same value" in refused(TableSpec(path=str(path))).message


@pytest.mark.parametrize(
    "values", [{"dequantise": 1.5}, {"test_share": 1.0}, {"validation_share": 0.0}, {"missing": "zero"}, {"columns": 3}]
)
def test_impossible_specifications_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        registry.from_plain("data", {"kind": "table", **values})


def test_it_trains(path: Path) -> None:
    from gmstudio import runs
    from gmstudio.training.trainer import Trainer

    run = {
        "data": {"kind": "table", "path": str(path)},
        "model": {"kind": "gaussian"},
        "mollification": {"kind": "sigmoid"},
        "training": {"steps": 5, "batch": 16},
    }
    trainer = Trainer(runs.twins(runs.run_from_plain(run)))
    trainer.advance(5)
    assert trainer.step == 5


@pytest.fixture
def parted(tmp_path: Path) -> Path:
    """Rows whose parts the file names itself, in no order."""
    made = tmp_path / "parted.csv"
    codes = [2, 0, 0, 1, 0, 2, 1, 0, 0, 0]
    lines = [f"{i}.5,{i * i},{code}" for i, code in enumerate(codes)]
    made.write_text("\n".join(["a,b,split", *lines]))
    return made


def test_a_column_of_the_table_parts_its_rows_and_is_not_learned(parted: Path) -> None:
    data = TableSpec(path=str(parted), split="own").build(1)
    assert data.columns == ("a", "b") and data.test is not None
    assert data.train[:, 0].tolist() == [1.5, 2.5, 4.5, 7.5, 8.5, 9.5]
    assert data.validation[:, 0].tolist() == [3.5, 6.5]
    assert data.test[:, 0].tolist() == [0.5, 5.5]
    known = np.array([1.5, 2.5, 4.5, 7.5, 8.5, 9.5, 3.5, 6.5])
    assert data.shift[0].item() == pytest.approx(known.mean()) and data.scale[0].item() == pytest.approx(known.std())


def test_rows_that_are_dropped_leave_their_parts(parted: Path) -> None:
    parted.write_text(parted.read_text().replace("3.5,9,1", ",9,1"))
    data = TableSpec(path=str(parted), split="own").build(1)
    assert data.validation[:, 0].tolist() == [6.5]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("4.5,16,0", "4.5,16,7", "Row 6, column “split”: 7 names no part"),
        ("4.5,16,0", "4.5,16,", "Row 6, column “split”: nan names no part"),
        (",1\n", ",0\n", "leaves 8 rows to train on and 0 to validate"),
        ("a,b,split", "a,b,other", "no column of numbers “split”"),
    ],
)
def test_a_split_that_cannot_be_used_is_refused(parted: Path, old: str, new: str, words: str) -> None:
    parted.write_text(parted.read_text().replace(old, new))
    error = refused(TableSpec(path=str(parted), split="own"))
    assert words in error.message and error.where == "data.split_column"


def test_the_column_of_the_split_cannot_be_learned_too(parted: Path) -> None:
    error = refused(TableSpec(path=str(parted), split="own", columns=("a", "b", "split")))
    assert "cannot be learned" in error.message
