"""The classes of images: found where a file tells of them, and never a reason to refuse the images."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import datasets

from gmstudio.data.images import reading
from gmstudio.data.images.labels import classes
from gmstudio.data.images.reading import Wanted, read, read_once
from gmstudio.data.sets.images import ImagesSpec

from .conftest import cifar_bytes, idx_bytes, random_pixels, save_png

PIXELS = random_pixels(6, 5, 5)
LABELS = np.array([3, 0, 1, 1, 2, 3], np.uint8)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("images.idx", "labels.idx"),
    ],
)
def test_labels_of_idx_images_are_in_the_file_beside_them(tmp_path: Path, images: str, labels: str) -> None:
    for name, data in ((images, idx_bytes(PIXELS)), (labels, idx_bytes(LABELS))):
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    found = read(tmp_path / images)
    assert found.labels is not None and found.labels.tolist() == LABELS.tolist()
    assert found.label_names == ("0", "1", "2", "3") and not found.notes
    few = read(tmp_path / images, Wanted(most=4), whole=False)
    assert few.labels is not None and few.labels.tolist() == [3, 0, 1, 1]


GOOD = idx_bytes(LABELS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (idx_bytes(LABELS[:5]), "holds 5 labels for 6 images"),
        (struct.pack(">HBBI", 0, 8, 1, 2**32 - 1), "holds 4,294,967,295 labels for 6 images"),
        (b"\0\0\x0d\x01" + GOOD[4:], "broken header"),
        (b"hello", "broken header"),
        (GOOD[:-1], "not as long as its header says"),
        (GOOD + b"\0", "not as long as its header says"),
        (b"\x1f\x8b and no more", "damaged"),
        (b"", "is empty"),
    ],
)
def test_images_are_read_without_labels_that_are_broken_and_a_note_says_so(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx_bytes(PIXELS))
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(content)
    found = read(tmp_path / "a-images-idx3-ubyte")
    assert np.array_equal(found.pixels[:, 0], PIXELS) and found.labels is None and found.label_names == ()
    (note,) = found.notes
    assert said in note and "a-labels-idx1-ubyte" in note and note.endswith("The images have no labels.")


def test_a_file_of_labels_that_comes_later_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_last", None)
    path = tmp_path / "a-images-idx3-ubyte"
    path.write_bytes(idx_bytes(PIXELS))
    assert read_once(path, Wanted()).labels is None
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(GOOD)
    assert read_once(path, Wanted()).labels is not None


@pytest.mark.parametrize(
    ("arrays", "wanted", "expected"),
    [
        ({"images": PIXELS, "labels": LABELS, "weights": LABELS + 1}, "", LABELS),
        ({"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS, "y_test": LABELS[::-1]}, "x_test", LABELS[::-1]),
        ({"x_train": PIXELS, "y_train": LABELS[:, None].astype(np.int64)}, "", LABELS),
        ({"a": PIXELS, "b": LABELS, "c": LABELS[:5]}, "", LABELS),
        ({"a": PIXELS, "b": LABELS / 2}, "", None),
        ({"a": PIXELS, "b": LABELS[:5]}, "", None),
        ({"a": PIXELS, "b": LABELS, "c": LABELS}, "", None),
    ],
)
def test_labels_of_an_archive_are_known_by_their_name_or_by_being_the_only_ones(
    tmp_path: Path, arrays: dict[str, Any], wanted: str, expected: Any
) -> None:
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read(tmp_path / "a.npz", Wanted(array=wanted))
    assert (None if found.labels is None else found.labels.tolist()) == (
        None if expected is None else expected.tolist()
    )
    assert bool(found.notes) == ("c" in arrays and expected is None)


def test_an_archive_with_broken_labels_keeps_its_images(tmp_path: Path) -> None:
    def npy(values: Any) -> bytes:
        file = io.BytesIO()
        np.save(file, values)
        return file.getvalue()

    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", npy(PIXELS))
        archive.writestr("labels.npy", npy(LABELS.astype(np.int64) + 77)[:-1])
    assert "“labels” cannot be read" in read(path).notes[0]
    whole = path.read_bytes()
    path.write_bytes(whole.replace((LABELS.astype(np.int64) + 77).tobytes()[:40], b"\xaa" * 40))
    found = read(path)
    assert found.labels is None and "“labels” cannot be read" in found.notes[0] and len(found.pixels) == 6


def test_cifars_records_name_their_classes(tmp_path: Path) -> None:
    pixels = random_pixels(5, 3, 32, 32)
    (tmp_path / "data_batch_1.bin").write_bytes(cifar_bytes(pixels[:2], [0, 9]))
    (tmp_path / "data_batch_2.bin").write_bytes(cifar_bytes(pixels[2:], [3, 4, 5]))
    found, first = read(tmp_path, Wanted(most=4)), read(tmp_path / "data_batch_1.bin")
    assert found.labels is not None and found.labels.tolist() == [0, 9, 3, 4]
    assert found.label_names[0] == "airplane" and found.label_names[9] == "truck" and len(found.label_names) == 10
    assert first.labels is not None and first.labels.tolist() == [0, 9] and first.label_names == found.label_names


def test_folders_in_a_folder_are_classes_that_come_in_turns(tmp_path: Path) -> None:
    counts = {"cats": 3, "dogs": 1, "empty": 0}
    for name, count in counts.items():
        (tmp_path / name).mkdir()
        for place in range(count):
            save_png(tmp_path / name / f"{place}.png", random_pixels(4, 4, seed=len(name) * 10 + place))
    save_png(tmp_path / "dogs" / ".hidden.png", random_pixels(4, 4))
    found = read(tmp_path)
    assert found.label_names == ("cats", "dogs") and found.labels is not None
    assert found.labels.tolist() == [0, 1, 0, 0] and found.total == 4
    assert found.sha256 and found.sha256 == read(tmp_path, Wanted(most=2)).sha256
    (tmp_path / "dogs" / "0.png").rename(tmp_path / "empty" / "0.png")
    assert read(tmp_path).sha256 != found.sha256


def test_labels_go_with_their_images_into_the_parts(tmp_path: Path) -> None:
    digits = datasets.load_digits()
    known = {
        image.tobytes(): target for image, target in zip(digits.images.astype(np.int64), digits.target, strict=True)
    }
    data = ImagesSpec(most=500).build(1)
    assert data.picture is not None and data.labels is not None and data.validation_labels is not None
    assert data.label_names == tuple("0123456789") and data.labels.dtype == torch.int64
    for points, labels in ((data.train, data.labels), (data.validation, data.validation_labels)):
        grey = data.picture.to_grey(points)[:, 0].numpy()
        assert [known[image.tobytes()] for image in grey] == labels.tolist()


def test_numbers_that_are_no_classes_are_not_taken_for_them() -> None:
    many = classes(np.arange(300), "ids")
    assert many.values is None and "“ids” has 300 different numbers" in many.notes[0]
    few = classes(np.array([-1, 1000, 7, 1000]), "y")
    assert few.values is not None and few.values.tolist() == [-1, 1, 0, 1] and few.names == ("7", "1000")
    assert classes(np.array([-1, -5]), "y").values is None
