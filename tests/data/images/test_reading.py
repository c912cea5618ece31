"""Images from every format, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gmstudio.data.images import reading
from gmstudio.data.images.errors import ImagesCancelledError, ImagesError
from gmstudio.data.images.idx import read_header
from gmstudio.data.images.reading import Wanted, looks_like_images, read, read_once

from .conftest import cifar_bytes, idx_bytes, random_pixels, save_png

Writer = Callable[..., Path]


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "mine.dat"])
def test_idx_images_come_back_byte_for_byte_packed_or_not(idx: Writer, name: str) -> None:
    pixels = random_pixels(7, 5, 4)
    path = idx(pixels, name)
    images = read(path)
    assert np.array_equal(images.pixels[:, 0], pixels) and images.pixels.dtype == np.uint8
    assert (images.shape, images.levels, images.total) == ((1, 5, 4), 256, 7)
    assert images.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("axis", [1, 3])
def test_idx_images_in_colour_have_their_channels_before_or_after_the_sides(idx: Writer, axis: int) -> None:
    pixels = random_pixels(4, 3, 6, 5)
    images = read(idx(np.ascontiguousarray(np.moveaxis(pixels, 1, axis))))
    assert np.array_equal(images.pixels, pixels)


@given(
    st.tuples(st.integers(0, 2**32 - 1), *[st.integers(1, 4096)] * 2),
    st.binary(max_size=20),
)
@settings(deadline=None)
def test_every_header_of_the_standard_is_read_as_it_was_written(sides: tuple[int, int, int], more: bytes) -> None:
    head = b"\0\0\x08\x03" + b"".join(side.to_bytes(4, "big") for side in sides) + more
    header = read_header(head, "file")
    assert (header.count, header.shape, header.start) == (sides[0], sides[1:], 16)
    assert header.size == 16 + sides[0] * sides[1] * sides[2]


@given(st.binary(max_size=40))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_a_header_or_are_refused_in_words(head: bytes) -> None:
    try:
        header = read_header(head, "file")
    except ImagesError as error:
        assert "file" in error.message and error.remedy
    else:
        assert head[:3] == b"\0\0\x08" and len(header.shape) == head[3] - 1


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_whose_bytes_are_changed_is_read_or_refused_in_words(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(idx_bytes(random_pixels(3, 4, 4)))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, 20))] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(1, len(whole))) :]
    path = tmp_path / "broken-idx3-ubyte"
    path.write_bytes(bytes(whole))
    try:
        images = read(path)
    except ImagesError as error:
        assert error.message and error.remedy
    else:
        assert images.pixels.size == len(whole) - 16


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_numpy_arrays_come_back_byte_for_byte_in_either_order(tmp_path: Path, last: bool, ending: str) -> None:
    pixels = random_pixels(5, 3, 6, 4)
    stored = np.moveaxis(pixels, 1, 3) if last else pixels
    path = tmp_path / f"some{ending}"
    if ending == ".npy":
        np.save(path, np.asfortranarray(stored))
    else:
        np.savez_compressed(path, images=stored, labels=np.array(["a", "b"]), about=np.array({"x": 1}, object))
    images = read(path)
    assert np.array_equal(images.pixels, pixels)
    assert images.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint16"])
def test_numbers_that_are_whole_grey_values_become_bytes(tmp_path: Path, dtype: str) -> None:
    pixels = random_pixels(5, 6, 4)
    pixels[0, 0, :2] = 0, 255
    kinds = [pixels] if "int" in dtype else [pixels, pixels / 255, pixels / 127.5 - 1]
    for place, values in enumerate(kinds):
        if dtype == "float16" and place == 2:
            # Half precision cannot hold them.
            continue
        np.save(tmp_path / "some.npy", values.astype(dtype))
        images = read(tmp_path / "some.npy")
        assert images.whole and np.array_equal(images.pixels[:, 0], pixels)
        assert bool(images.notes) == (place == 2)


def test_floats_between_grey_values_stay_floats_and_truths_are_black_and_white(tmp_path: Path) -> None:
    light = np.random.default_rng(1).random((5, 4, 4))
    np.save(tmp_path / "some.npy", light)
    images = read(tmp_path / "some.npy")
    assert not images.whole and np.array_equal(images.pixels[:, 0], light.astype(np.float32))
    np.save(tmp_path / "some.npy", light > 0.5)
    images = read(tmp_path / "some.npy")
    assert images.levels == 2 and np.array_equal(images.pixels[:, 0], light > 0.5)


def test_of_several_arrays_the_one_that_is_named_is_read(tmp_path: Path) -> None:
    path, train, test = tmp_path / "mnist.npz", random_pixels(5, 4, 4), random_pixels(3, 4, 4)
    np.savez(path, x_train=train, y_train=np.arange(5), x_test=test)
    assert np.array_equal(read(path, Wanted(array="x_test")).pixels[:, 0], test)
    with pytest.raises(ImagesError, match=r"several arrays: “x_train” \(5 × 4 × 4\)") as caught:
        read(path)
    assert caught.value.field == "array"
    with pytest.raises(ImagesError, match="no array of numbers “z”"):
        read(path, Wanted(array="z"))


def test_cifars_binary_batches_are_read_in_order_without_the_one_for_testing(tmp_path: Path) -> None:
    pixels = random_pixels(5, 3, 32, 32)
    (tmp_path / "data_batch_1.bin").write_bytes(cifar_bytes(pixels[:2], [0, 9]))
    (tmp_path / "data_batch_2.bin").write_bytes(cifar_bytes(pixels[2:], [3, 4, 5]))
    (tmp_path / "test_batch.bin").write_bytes(cifar_bytes(pixels[:2], [1, 1]))
    images = read(tmp_path)
    assert np.array_equal(images.pixels, pixels) and images.total == 5
    assert images.notes == ("1 other file is left out: “test_batch.bin”.",)
    assert np.array_equal(read(tmp_path, Wanted(most=3)).pixels, pixels[:3])
    assert read(tmp_path, Wanted(most=3)).sha256 == images.sha256
    assert np.array_equal(read(tmp_path / "data_batch_2.bin").pixels, pixels[2:])


@pytest.mark.parametrize("colour", [False, True])
def test_a_folder_of_pictures_is_read_in_the_order_of_names(tmp_path: Path, colour: bool) -> None:
    pixels = random_pixels(4, 6, 5, *([3] if colour else []))
    for place in (2, 0, 3, 1):
        save_png(tmp_path / f"{place}.png", pixels[place])
    (tmp_path / "README.txt").write_text("hello")
    (tmp_path / ".hidden").write_text("hello")
    images = read(tmp_path)
    expected = pixels.transpose(0, 3, 1, 2) if colour else pixels[:, None]
    assert np.array_equal(images.pixels, expected)
    assert images.notes == ("1 other file is left out: “README.txt”.",)


def test_a_hash_of_a_folder_tells_a_changed_file_and_not_how_much_is_wanted(tmp_path: Path) -> None:
    for place in range(3):
        save_png(tmp_path / f"{place}.png", random_pixels(4, 4, seed=place))
    before = read(tmp_path).sha256
    assert read(tmp_path, Wanted(most=2)).sha256 == before
    save_png(tmp_path / "2.png", random_pixels(4, 4, seed=9))
    assert read(tmp_path).sha256 != before


def test_images_are_cropped_to_their_middle_made_grey_and_smaller(idx: Writer) -> None:
    pixels = random_pixels(3, 3, 8, 10)
    path = idx(pixels)
    middle = pixels[:, :, 2:6, 3:7].astype(float)
    assert np.array_equal(read(path, Wanted(crop=4)).pixels, middle)
    means = (middle[:, :, ::2, ::2] + middle[:, :, 1::2, ::2] + middle[:, :, ::2, 1::2] + middle[:, :, 1::2, 1::2]) / 4
    assert np.array_equal(read(path, Wanted(crop=4, pool=2)).pixels, np.rint(means))
    light = 0.299 * middle[:, 0] + 0.587 * middle[:, 1] + 0.114 * middle[:, 2]
    assert np.abs(read(path, Wanted(crop=4, grey=True)).pixels[:, 0] - light).max() <= 0.501


def test_only_as_much_is_read_as_the_wanted_images_need_unless_the_whole_file_is_asked_for(idx: Writer) -> None:
    pixels = random_pixels(6, 4, 4)
    path = idx(pixels, "a-idx3-ubyte.gz")
    few = read(path, Wanted(most=2), whole=False)
    assert np.array_equal(few.pixels[:, 0], pixels[:2]) and few.total == 6 and few.sha256 == ""
    assert read(path, Wanted(most=2)).sha256


def test_reading_tells_how_far_it_is_and_can_be_cancelled(idx: Writer, tmp_path: Path) -> None:
    path, told = idx(random_pixels(6, 4, 4)), list[float]()
    read(path, progress=told.append)
    assert told[0] == 0 and told[-1] == 1 and told == sorted(told)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "data_batch_1.bin").write_bytes(cifar_bytes(random_pixels(2, 3, 32, 32), [1, 2]))
    for stopped in (path, tmp_path / "folder"):
        with pytest.raises(ImagesCancelledError):
            read(stopped, cancelled=lambda: True)


def test_a_file_is_read_once_until_it_or_what_is_wanted_changes(idx: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    count, real = 0, read

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        return real(*arguments, **options)

    monkeypatch.setattr(reading, "read", counted)
    monkeypatch.setattr(reading, "_last", None)
    path = idx(random_pixels(6, 4, 4))
    assert read_once(path, Wanted()) is read_once(path, Wanted())
    assert count == 1
    read_once(path, Wanted(crop=2))
    idx(random_pixels(7, 4, 4))
    read_once(path, Wanted(crop=2))
    assert count == 3


def test_images_are_told_from_tables(idx: Writer, tmp_path: Path) -> None:
    np.save(tmp_path / "table.npy", np.ones((4, 3)))
    np.save(tmp_path / "images.npy", np.ones((4, 3, 3)))
    np.savez(tmp_path / "table.npz", a=np.ones((4, 3)))
    np.savez(tmp_path / "images.npz", a=np.ones((4, 3, 3)), b=np.ones(4))
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x03}q\0.")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 and no more")
    yes = ["images.npy", "images.npz", idx(random_pixels(2, 2, 2)).name, idx(random_pixels(2, 2, 2), "b.gz").name, "."]
    yes += ["data_batch_1"]
    assert [looks_like_images(tmp_path / name) for name in yes] == [True] * len(yes)
    no = ["table.npy", "table.npz", "table.csv", "broken.npz", "gone"]
    assert [looks_like_images(tmp_path / name) for name in no] == [False] * len(no)
