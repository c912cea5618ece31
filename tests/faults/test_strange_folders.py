"""Model folders from strangers: a message that names what is wrong, never code that runs, never memory without end."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gmstudio import runs
from gmstudio.exporting.folder import FolderError, export, load
from gmstudio.training.trainer import Trainer

CALM = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound folder that is not changed."""
    plain = {
        "data": {"kind": "eight-gaussians", "size": 100},
        "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8},
        "training": {"steps": 5, "batch": 16},
    }
    experiment = runs.single(runs.run_from_plain(plain))
    checkpoint = Trainer(experiment).checkpoint()
    return export(checkpoint, experiment, 0, tmp_path_factory.mktemp("sound") / "model")


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A sound folder to spoil."""
    return Path(shutil.copytree(sound, tmp_path / "model"))


def reconfigure(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    plain = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(plain)
    (folder / "config.json").write_text(json.dumps(plain), encoding="utf-8")


def reweigh(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    tensors = safetensors.numpy.load_file(folder / "model.safetensors")
    change(tensors)
    safetensors.numpy.save_file(tensors, folder / "model.safetensors")


def refused(folder: Path, words: str) -> None:
    with pytest.raises(FolderError, match=words) as error:
        load(folder)
    assert error.value.remedy


def test_missing_folders_and_files_are_named(folder: Path, tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere")
    refused(folder / "config.json", "no folder")
    (folder / "model.safetensors").unlink()
    refused(folder, "model.safetensors")
    (folder / "config.json").unlink()
    refused(folder, "config.json")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("format", "another", "does not describe a model"),
        ("version", 99, "newer GM Studio"),
        ("version", "1", "cannot be used"),
        ("model", {"kind": "os.system"}, "no model called"),
        ("model", {"kind": "real-nvp", "blocks": 10**9}, "Blocks"),
        ("model", {"kind": "real-nvp", "code": "print()"}, "unknown field"),
        ("model", "real-nvp", "cannot be used"),
        ("dim", 10**9, "cannot be used"),
        ("dim", 3, "not for 3 columns"),
        ("dim", True, "cannot be used"),
        ("standardisation", {"shift": [0.0, 0.0], "scale": [1.0, 0.0]}, "finite and positive"),
        ("standardisation", {"shift": [1e300, 0.0], "scale": [1.0, 1.0]}, "finite and positive"),
        ("standardisation", {"shift": ["a", 0.0], "scale": [1.0, 1.0]}, "cannot be used"),
        ("data", {"points": -5}, "cannot be used"),
        ("shape", [1, 1, 3], "Images of 1 × 1 × 3 .* have not 2 columns"),
        ("shape", [-1, -1, 2], "cannot be used"),
        ("shape", [1, 2], "cannot be used"),
        ("shape", [1, 1, 2.5], "cannot be used"),
        ("shape", "1 × 1 × 2", "cannot be used"),
    ],
)
def test_configurations_that_cannot_be_are_refused(folder: Path, key: str, value: object, words: str) -> None:
    reconfigure(folder, lambda plain: plain.update({key: value}))
    refused(folder, words)


def test_a_folder_of_before_that_tells_of_no_shape_is_read(folder: Path) -> None:
    reconfigure(folder, lambda plain: plain.pop("shape"))
    assert load(folder).dim == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": NaN}', "[" * 100_000, "\x00\xff", '{"format": 1, "format": 2}'])
def test_a_configuration_that_is_no_json_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text, encoding="latin-1")
    refused(folder, r"config\.json")


def test_a_configuration_without_end_is_not_read(folder: Path) -> None:
    with (folder / "config.json").open("wb") as file:
        file.truncate(2**30)
    refused(folder, "larger than")


def test_a_configuration_of_a_far_larger_model_than_the_weights_is_stopped(folder: Path) -> None:
    huge = {"kind": "real-nvp", "blocks": 64, "hidden": 2048, "layers": 8}
    reconfigure(folder, lambda plain: plain.update({"model": huge}))
    refused(folder, "far larger model")


def test_wrong_shapes_names_and_types_are_named(folder: Path) -> None:
    original = (folder / "model.safetensors").read_bytes()
    name = sorted(safetensors.numpy.load(original))[0]
    for change, words in (
        (lambda t: t.update({name: t[name][..., :-1]}), "needs"),
        (lambda t: t.update({name: np.concatenate([t[name], t[name]])}), "needs"),
        (lambda t: t.update({name: t[name].astype(np.float64)}), "float64"),
        (lambda t: t.pop(name), "lacks the tensor"),
        (lambda t: t.update({"more": np.zeros(1, dtype=np.float32)}), "unknown tensor 'more'"),
        (lambda t: t.clear(), "lacks the tensor"),
    ):
        (folder / "model.safetensors").write_bytes(original)
        reweigh(folder, change)
        refused(folder, words)


def test_another_architecture_than_that_of_the_weights_is_refused(folder: Path) -> None:
    reconfigure(folder, lambda plain: plain["model"].update({"hidden": 9}))
    refused(folder, "needs")


def test_weights_that_are_cut_off_are_refused_wherever_they_are(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    for size in (0, 4, 8, 100, len(content) // 2, len(content) - 1):
        (folder / "model.safetensors").write_bytes(content[:size])
        refused(folder, r"model\.safetensors")


def test_a_pickle_is_not_run(folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (tmp_path / "run",)

    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap()) * 10)
    refused(folder, "cannot be read")
    assert not (tmp_path / "run").exists()


def test_the_same_name_twice_in_the_header_is_refused(folder: Path) -> None:
    entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    text = f'{{"a":{entry},"a":{entry}}}'.encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 4)
    refused(folder, "twice")


@CALM
@given(at=st.integers(0, 400), value=st.binary(min_size=1, max_size=12))
def test_no_change_of_the_header_of_the_weights_does_anything_but_load_or_be_refused(
    tmp_path_factory: pytest.TempPathFactory, sound: Path, at: int, value: bytes
) -> None:
    folder = Path(shutil.copytree(sound, tmp_path_factory.mktemp("fuzz") / "model"))
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[at : at + len(value)] = value
    (folder / "model.safetensors").write_bytes(content)
    try:
        load(folder)
    except FolderError as error:
        assert error.message and error.remedy


@CALM
@given(header=st.binary(max_size=200), claimed=st.integers(0, 2**64 - 1))
def test_garbage_is_never_weights(
    tmp_path_factory: pytest.TempPathFactory, sound: Path, header: bytes, claimed: int
) -> None:
    folder = Path(shutil.copytree(sound, tmp_path_factory.mktemp("fuzz") / "model"))
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", claimed) + header)
    refused(folder, r"model\.safetensors")
