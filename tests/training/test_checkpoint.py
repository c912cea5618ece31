"""Checkpoints: whole on disk, and every hostile one refused in words."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import experiment

from gmstudio.runs import Column
from gmstudio.training.checkpoint import MAX_HEADER, Checkpoint, tensors_from_bytes
from gmstudio.training.errors import CheckpointError
from gmstudio.training.trainer import Trainer


@pytest.fixture(scope="module")
def trained() -> Trainer:
    trainer = Trainer(experiment())
    trainer.advance(60)
    return trainer


def packed(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(dtype: str = "F32", shape: Any = (1,), begin: int = 0, end: int = 4) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def test_bytes_and_back_keep_every_bit(trained: Trainer) -> None:
    checkpoint = trained.checkpoint()
    again = Checkpoint.from_bytes(checkpoint.to_bytes())
    assert again.step == checkpoint.step == 60
    assert again.meta == checkpoint.meta
    assert again.arrays.keys() == checkpoint.arrays.keys()
    for name, array in checkpoint.arrays.items():
        assert again.arrays[name].dtype == array.dtype
        assert np.array_equal(again.arrays[name], array)


def test_a_checkpoint_is_a_copy(trained: Trainer) -> None:
    checkpoint = trained.checkpoint()
    before = {name: array.copy() for name, array in checkpoint.arrays.items()}
    trained.advance(3)
    assert all(np.array_equal(before[name], array) for name, array in checkpoint.arrays.items())


def test_its_keys_begin_with_model_best_and_optimiser(trained: Trainer) -> None:
    checkpoint = trained.checkpoint()
    assert {name.partition(".")[0] for name in checkpoint.arrays} == {"model", "best", "optimiser"}
    names = {name.removeprefix("model.") for name in checkpoint.arrays if name.startswith("model.")}
    assert names == set(trained.model.state_dict())
    assert names == {name.removeprefix("best.") for name in checkpoint.arrays if name.startswith("best.")}


def test_it_says_what_it_was_made_with(trained: Trainer) -> None:
    meta = trained.checkpoint().meta
    assert meta["seeds"] == [1, 1]
    assert set(meta["software"]) == {"torch", "device", "threads", "capability"}
    assert set(meta["streams"]) == {"segment", "start", "block", "epoch"}


def test_a_file_is_replaced_whole_or_not_at_all(
    trained: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.safetensors"
    checkpoint = trained.checkpoint()
    checkpoint.write(path)
    assert Checkpoint.read(path).meta == checkpoint.meta
    good = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        trained.checkpoint().write(path)
    assert path.read_bytes() == good
    assert [p.name for p in tmp_path.iterdir()] == ["last.safetensors"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes"),
        (b"PK\x03\x04", "4 bytes"),
        (struct.pack("<Q", 2**63) + b"{}", "claims"),
        (struct.pack("<Q", MAX_HEADER + 1) + b" " * (MAX_HEADER + 1), "claims"),
        (packed(b"not json"), "cannot be read"),
        (packed(b"[]"), "not an object"),
        (packed(b'{"a": {}, "a": {}}'), "twice"),
        (packed(b"[" * 100_000), "too deeply"),
        (packed({"a": 3}), "not described"),
        (packed({"a": {**entry(), "more": 1}}, b"0000"), "not described"),
        (packed({"a": entry("BF16")}, b"0000"), "BF16"),
        (packed({"a": entry("F32", [1] * 9)}, b"0000"), "8 dimensions"),
        (packed({"a": entry("F32", [-1])}, b"0000"), "shape"),
        (packed({"a": entry("F32", [True])}, b"0000"), "shape"),
        (packed({"a": entry("F32", [1.5])}, b"0000"), "shape"),
        (packed({"a": entry("F32", [2**40])}, b"0000"), "elements"),
        (packed({"a": entry("F32", [2**20, 2**20, 2**20])}, b"0000"), "elements"),
        (packed({"a": entry(end=400)}, b"0000"), "outside"),
        (packed({"a": entry("F32", [2])}, b"0000"), "another size"),
        (packed({"a": entry(begin=4, end=0)}, b"0000"), "another size"),
        (packed({"a": entry(), "b": entry()}, b"0000"), "damaged"),
        (packed({"a": entry()}, b"00000000"), "damaged"),
        (packed({str(i): entry("U8", [0], 0, 0) for i in range(4097)}), "4,097 tensors"),
        (packed({"a": entry()}, b"0000"), "does not say what"),
        (packed({"meta": entry("U8", [2], 0, 2)}, b"[]"), "does not say its step"),
        (packed({"meta": entry("U8", [2], 0, 2)}, b"{]"), "description"),
        (packed({"meta": entry("U8", [10], 0, 10)}, b'{"step":-1}'[:10]), "description"),
        (packed({"meta": entry("U8", [11], 0, 11)}, b'{"step":-1}'), "does not say its step"),
        (packed({"meta": entry("U8", [12], 0, 12)}, b'{"step":NaN}'), "NaN"),
    ],
)
def test_hostile_bytes_are_refused_in_words(data: bytes, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        Checkpoint.from_bytes(data)
    assert caught.value.remedy


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_checkpoint_is_refused_or_read_but_never_crashes(trained: Trainer, data: st.DataObject) -> None:
    good = trained.checkpoint().to_bytes()
    kind = data.draw(st.sampled_from(["cut", "flip", "random"]))
    if kind == "cut":
        bad = good[: data.draw(st.integers(0, len(good) - 1))]
    elif kind == "flip":
        at = data.draw(st.integers(0, min(len(good) - 1, 3000)))
        bad = good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :]
    else:
        bad = data.draw(st.binary(max_size=200))
    try:
        tensors_from_bytes(bad)
        Checkpoint.from_bytes(bad)
    except CheckpointError as error:
        assert error.message
        assert error.remedy


CHANGES: list[tuple[str, Any]] = [
    ("stopped_at", [None]),
    ("stopped_at", [None, 61]),
    ("stopped_at", "ab"),
    ("looks", -1),
    ("looks", True),
    ("steps", 401),
    ("seeds", [1, 2]),
    ("format", 2),
    ("best", {}),
    ("best", {"likelihood": [1, 2], "step": [0, 99], "waited": [0, 0]}),
    ("best", {"likelihood": [1, "a"], "step": [0, 0], "waited": [0, 0]}),
    ("edits", [[3]]),
    ("edits", [[3, {"kind": "rate", "column": 7, "rate": 0.1}]]),
    ("edits", [[3, {"kind": "rate", "column": 0, "rate": 7.0}]]),
    ("edits", [[61, {"kind": "rate", "column": 0, "rate": 0.1}]]),
    ("edits", [[9, {"kind": "rate", "column": 0, "rate": 0.1}], [8, {"kind": "rate", "column": 0, "rate": 0.1}]]),
    ("edits", [[3, {"kind": "schedule", "column": 0, "schedule": {"kind": "none"}}]]),
    ("edits", [[3, {"kind": "data", "data": {"kind": "no-such-data"}}]]),
    ("edits", [[3, {"kind": "import", "module": "os"}]]),
]


@pytest.mark.parametrize(("field", "value"), CHANGES)
def test_a_description_that_does_not_fit_is_refused_and_changes_nothing(field: str, value: Any) -> None:
    trainer = Trainer(experiment())
    trainer.advance(60)
    good = trainer.checkpoint()
    before = good.to_bytes()
    with pytest.raises(CheckpointError):
        trainer.restore(Checkpoint(good.step, good.arrays, {**good.meta, field: value}))
    assert trainer.checkpoint().to_bytes() == before


def _without(arrays: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: array for key, array in arrays.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: _without(a, "model.mean"), "lacks tensor 'model.mean'"),
        (lambda a: _without(a, "optimiser.losses"), "latest losses"),
        (lambda a: {**a, "model.more": np.zeros(1, np.float32)}, "unknown tensor 'model.more'"),
        (lambda a: {**a, "model.mean": np.zeros((2, 3), np.float32)}, "is float32"),
        (lambda a: {**a, "model.mean": np.zeros((2, 2), np.float64)}, "is float64"),
        (lambda a: {**a, "model.mean": np.full((2, 2), np.nan, np.float32)}, "that are none"),
        (lambda a: {**a, "optimiser.losses": np.zeros((5, 2), np.float32)}, "5 losses"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(trained: Trainer, change: Any, message: str) -> None:
    good = trained.checkpoint()
    with pytest.raises(CheckpointError, match=message):
        trained.restore(Checkpoint(good.step, change(good.arrays), good.meta))


def test_a_checkpoint_of_another_number_of_columns_is_refused(trained: Trainer) -> None:
    with pytest.raises(CheckpointError):
        Trainer(experiment(Column(title="a"))).restore(trained.checkpoint())
