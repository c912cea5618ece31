"""Files that are no images, or none that can be learned: each is refused in words that name it and say what to do."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gmstudio.data.images import stack
from gmstudio.data.images.errors import ImagesError
from gmstudio.data.images.reading import Wanted, read
from gmstudio.data.sets.images import ImagesSpec
from gmstudio.data.tables import source
from gmstudio.registry import SpecError

from .conftest import cifar_bytes, idx_bytes, random_pixels, save_png

GOOD = idx_bytes(random_pixels(4, 5, 5))


def npy(values: object, **changes: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(values), **changes)  # type: ignore[arg-type]
    return file.getvalue()


def lying_npy() -> bytes:
    """A header of 128 TiB and no numbers."""
    honest = npy(np.zeros((2, 4, 4), np.uint8))
    shape = b"(2, 4, 4), }".ljust(40)
    assert shape in honest
    return honest.replace(shape, b"(2147483648, 256, 256), }".ljust(40))


def nested_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return file.getvalue()


BAD: list[tuple[str, str, bytes, str]] = [
    ("an empty file", "a-idx3-ubyte", b"", "is empty"),
    ("a broken header", "a-idx3-ubyte", b"\0\0\x08\x63" + GOOD[4:], "broken header"),
    ("a header of another byte order", "a-idx3-ubyte", b"\x03\x08\0\0" + GOOD[4:], "broken header"),
    ("a header that ends", "a-idx3-ubyte", GOOD[:9], "ends in the middle of its header"),
    ("labels", "train-labels-idx1-ubyte", idx_bytes(random_pixels(9)), "the labels of images"),
    ("floats", "a-idx3-ubyte", idx_bytes(random_pixels(2, 4, 4), 13), "holds floats in 3 dimensions"),
    ("a cut", "a-idx3-ubyte", GOOD[:-1], "is cut off: its header says 4 × 5 × 5, which is 116 bytes, and it has 115"),
    ("a packed cut", "a-idx3-ubyte.gz", gzip.compress(GOOD[:-1]), "is cut off: its header says 4 × 5 × 5"),
    ("trailing bytes", "a-idx3-ubyte", GOOD + b"\0", "goes on where it should end"),
    ("packed trailing bytes", "a-idx3-ubyte.gz", gzip.compress(GOOD + b"\0"), "goes on where it should end"),
    ("broken packing", "a-idx3-ubyte.gz", gzip.compress(GOOD)[:-9], "is cut off"),
    ("no image", "a-idx3-ubyte", idx_bytes(random_pixels(0, 5, 5)), "holds no images"),
    ("one image", "a-idx3-ubyte", idx_bytes(random_pixels(1, 5, 5)), "holds one image only"),
    ("absurd sides", "a-idx3-ubyte", b"\0\0\x08\x03" + b"\xff" * 12, "4,294,967,295 × 4,294,967,295 pixels"),
    ("sides of nothing", "a-idx3-ubyte", b"\0\0\x08\x03" + b"\0\0\0\x05" * 2 + b"\0" * 4, "0 × 5 pixels"),
    ("four channels", "a-idx4-ubyte", idx_bytes(random_pixels(2, 5, 5, 4)), "1 or 3 channels"),
    ("images too large to learn", "a.npy", npy(random_pixels(2, 129, 128)), "have 16,512 numbers each"),
    (
        "a lying array",
        "a.npy",
        lying_npy(),
        "says that it holds 2,147,483,648 × 256 × 256 numbers, which is 140,737,488,355,328 bytes",
    ),
    ("a cut array", "a.npy", npy(random_pixels(2, 5, 5))[:-3], "it has 47 bytes for them"),
    ("objects", "a.npy", npy(np.array([[[{}]]], object)), "could run code"),
    ("rows", "a.npy", npy(np.ones((5, 64))), "is an array of 5 × 64, which are no images"),
    ("numbers beyond grey", "a.npy", npy(np.full((3, 4, 4), 1000.0)), "values from 1000 to 1000"),
    ("no numbers", "a.npy", npy(np.full((3, 4, 4), np.nan)), "no numbers (NaN or infinite)"),
    ("one array of one image", "a.npy", npy(np.ones((1, 4, 4))), "holds one image only"),
    ("an archive of other things", "a.npz", nested_zip(), "holds no images, but nothing that can be read"),
    ("a broken archive", "a.npz", b"PK\x03\x04 and no more", "damaged or encrypted"),
    ("a pickle", "data_batch_1", pickle.dumps({b"data": []}), "CIFAR's version for Python, a pickle"),
    ("records that do not fit", "data_batch_1.bin", b"\0" * 3000, "no whole number of CIFAR-10's records"),
    ("a class that is none", "data_batch_1.bin", b"\x0a" * 3073, "image 1 is of class 10"),
    ("one picture", "a.png", b"\x89PNG\r\n\x1a\n", "is one picture"),
    ("a text", "a.txt", b"hello, world", "holds no images that can be read"),
    ("a tape archive", "cifar-10-python.tar.gz", gzip.compress(b"\0" * 600), "is an archive"),
]


@pytest.mark.parametrize(("name", "content", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_file_is_refused_by_its_name_with_a_remedy(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImagesError) as caught:
        read(path)
    assert said in caught.value.message
    assert name in caught.value.message and caught.value.remedy
    with pytest.raises(SpecError) as told:
        ImagesSpec(path=str(path)).build(1)
    assert told.value.message == caught.value.message and told.value.where.startswith("data.")


def test_pickles_are_refused_with_the_download_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"data": []}))
    (tmp_path / "batches.meta").write_bytes(pickle.dumps({}))
    for path in (tmp_path, tmp_path / "data_batch_1"):
        with pytest.raises(ImagesError) as caught:
            read(path)
        assert "binary version" in caught.value.remedy and "cifar-10-binary.tar.gz" in caught.value.remedy


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BOMB_FROM", 2**20)
    path = tmp_path / "bomb-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + (65536).to_bytes(4, "big") + b"\0\0\0\x10" * 2 + b"\0" * 2**24))
    with pytest.raises(ImagesError, match=r"unpacks to .* MiB or more"):
        read(path)


def test_more_numbers_than_memory_should_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "MOST_NUMBERS", 99)
    path = tmp_path / "a-idx3-ubyte"
    path.write_bytes(GOOD)
    with pytest.raises(ImagesError, match="more than 99 numbers") as caught:
        read(path)
    assert caught.value.remedy == "Use at most 3 images, or make them smaller."
    assert len(read(path, Wanted(most=3)).pixels) == 3


def folder_of(path: Path, **sizes: tuple[int, ...]) -> Path:
    for name, size in sizes.items():
        save_png(path / f"{name}.png", random_pixels(*size))
    return path


def test_images_of_mixed_sizes_name_the_file_and_the_crop_that_fits(tmp_path: Path) -> None:
    folder_of(tmp_path, a=(20, 30), b=(24, 26))
    with pytest.raises(ImagesError) as caught:
        read(tmp_path)
    assert "“b.png” is 26 × 24 pixels in grey, but “a.png” is 30 × 20 pixels in grey" in caught.value.message
    assert "20 pixels or less" in caught.value.remedy and caught.value.field == "crop"
    assert read(tmp_path, Wanted(crop=20)).shape == (1, 20, 20)


def test_images_of_mixed_colours_can_be_made_grey(tmp_path: Path) -> None:
    folder_of(tmp_path, a=(8, 8), b=(8, 8, 3))
    with pytest.raises(ImagesError) as caught:
        read(tmp_path)
    assert caught.value.field == "colour" and "Make all of them grey" in caught.value.remedy
    assert read(tmp_path, Wanted(grey=True)).shape == (1, 8, 8)


def test_a_file_of_a_folder_that_is_no_picture_is_named(tmp_path: Path) -> None:
    folder_of(tmp_path, a=(8, 8), b=(8, 8))
    whole = (tmp_path / "a.png").read_bytes()
    for content, said in ((b"hello", "neither PNG nor JPEG"), (whole[:-30], "damaged"), (b"", "neither PNG nor JPEG")):
        (tmp_path / "c.png").write_bytes(content)
        with pytest.raises(ImagesError, match=rf"“c.png” is {said}") as caught:
            read(tmp_path)
        assert caught.value.remedy
    (tmp_path / "c.png").write_bytes(whole.replace(b"\0\0\0\x08" * 2, b"\0\xff\xff\xff" * 2))
    with pytest.raises(ImagesError, match=r"“c.png”"):
        read(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="names are texts here")
def test_names_of_strangers_are_shown_without_controls_and_half_letters(tmp_path: Path) -> None:
    for name in (b"b\x1b[31m.png", b"\xff.png"):
        path = tmp_path / os.fsdecode(name)
        path.write_bytes(b"hello")
        with pytest.raises(ImagesError) as caught:
            read(tmp_path)
        assert "�" in caught.value.message and caught.value.message.isprintable()
        caught.value.message.encode("utf-8")
        path.unlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_a_folder_is_never_waited_for(tmp_path: Path) -> None:
    folder_of(tmp_path, a=(8, 8))
    os.mkfifo(tmp_path / "b.png")
    with pytest.raises(ImagesError, match=r"“b.png” is not a file, but a device or a pipe"):
        read(tmp_path)


def test_folders_without_images_say_what_to_open_instead(tmp_path: Path) -> None:
    def refused() -> str:
        with pytest.raises(ImagesError) as caught:
            read(tmp_path)
        assert tmp_path.name in caught.value.message
        return caught.value.remedy

    assert refused() == "Choose a folder of PNG or JPEG files."
    (tmp_path / "cats").mkdir()
    assert "“cats”" in refused()
    (tmp_path / "train-images-idx3-ubyte").write_bytes(GOOD)
    assert "“train-images-idx3-ubyte”" in refused()


def test_a_folder_of_one_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1.bin").write_bytes(cifar_bytes(random_pixels(1, 3, 32, 32), [1]))
    with pytest.raises(ImagesError, match="holds one image only"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "field", "remedy"),
    [
        (Wanted(crop=6), "crop", "Crop to 5 or less"),
        (Wanted(pool=2), "pool", "Crop to 4 first"),
        (Wanted(pool=6), "pool", "smaller factor"),
    ],
)
def test_shapes_that_cannot_be_had_say_what_can(tmp_path: Path, wanted: Wanted, field: str, remedy: str) -> None:
    path = tmp_path / "a-idx3-ubyte"
    path.write_bytes(GOOD)
    with pytest.raises(ImagesError) as caught:
        read(path, wanted)
    assert caught.value.field == field and remedy in caught.value.remedy


def test_without_pillow_pictures_are_refused_and_all_else_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path, a=(8, 8), b=(8, 8))
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImagesError, match="Pillow is not installed") as caught:
        read(tmp_path)
    assert "pip install pillow" in caught.value.remedy
    (tmp_path / "a-idx3-ubyte").write_bytes(GOOD)
    assert read(tmp_path / "a-idx3-ubyte").total == 4
