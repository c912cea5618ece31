"""Images that are opened in the window: told from tables, looked at, shaped, used, undone, refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFileDialog

from gmstudio.data.sets.images import ImagesSpec
from gmstudio.data.sets.table import TableSpec
from gmstudio.gui.drops import kind_of
from gmstudio.gui.images.dialog import ImagesDialog
from gmstudio.gui.images.grid import ImageGrid, pictures_of
from gmstudio.gui.main_window import MainWindow

SECONDS = 30_000


def random_pixels(*shape: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An IDX file of 80 images of 8 × 6 pixels."""
    pixels = random_pixels(80, 6, 8)
    path = tmp_path / "some-images-idx3-ubyte"
    path.write_bytes(struct.pack(">HBB3I", 0, 8, 3, *pixels.shape) + pixels.tobytes())
    return path


def dialog_of(qtbot: Any, window: MainWindow, path: Path | None = None) -> ImagesDialog:
    if path is not None:
        window.handlers.tables.open(path)
    images = window.handlers.tables.images
    qtbot.waitUntil(lambda: images.dialog is not None, timeout=SECONDS)
    assert images.dialog is not None
    return images.dialog


def used(qtbot: Any, window: MainWindow) -> ImagesSpec:
    data = window.deck.experiment.run.data
    qtbot.waitUntil(lambda: window.deck.experiment.run.data is not data, timeout=SECONDS)
    spec = window.deck.experiment.run.data
    assert isinstance(spec, ImagesSpec)
    return spec


def test_images_are_offered_shaped_used_undone_and_redone(qtbot: Any, window: MainWindow, file: Path) -> None:
    before = window.deck.experiment
    dialog = dialog_of(qtbot, window, file)
    assert window.handlers.tables.dialog is None
    assert dialog.size_label.text() == "80 images · 8 × 6 pixels in grey"
    assert len(dialog.grid.pictures) == 60
    assert dialog.sentence.text() == "65 images to train on, 7 to validate, 8 to test; 48 numbers each."
    dialog.form.take("crop", 4)
    assert not dialog.ok.isEnabled()
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=SECONDS)
    assert dialog.sentence.text().endswith("16 numbers each.")
    dialog.use()
    spec = used(qtbot, window)
    assert (spec.path, spec.crop, len(spec.sha256)) == (str(file), 4, 64)
    data = spec.build(1)
    assert (len(data.train), len(data.validation), data.dim) == (65, 7, 16)
    assert "80 images × 16 numbers" in window.deck.source.extent.text()
    window.undo.undo()
    assert window.deck.experiment == before
    window.undo.redo()
    assert window.deck.experiment.run.data == spec


def test_what_a_choice_cannot_give_is_said_in_the_dialog_and_mended_there(
    qtbot: Any, window: MainWindow, file: Path
) -> None:
    dialog = dialog_of(qtbot, window, file)
    dialog.form.take("pool", 4)
    qtbot.waitUntil(lambda: "cannot be divided into squares of 4 × 4" in dialog.sentence.text(), timeout=SECONDS)
    assert not dialog.ok.isEnabled() and not dialog.grid.pictures
    dialog.form.take("crop", 4)
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=SECONDS)
    dialog.form.take("most", 3)
    qtbot.waitUntil(lambda: "3 would be left to train on" in dialog.sentence.text(), timeout=SECONDS)
    assert not dialog.ok.isEnabled()
    dialog.reject()
    assert not window.undo.canUndo()


def test_a_folder_of_mixed_sizes_can_be_cropped(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "faces"
    folder.mkdir()
    for place in range(20):
        Image.fromarray(random_pixels(10 + place % 2, 12, 3, seed=place)).save(folder / f"{place:02d}.png")
    dialog = dialog_of(qtbot, window, folder)
    assert "Crop them all to their middle, 10 pixels or less" in dialog.sentence.text()
    dialog.form.take("crop", 10)
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=SECONDS)
    dialog.use()
    spec = used(qtbot, window)
    assert spec.build(1).picture.shape == (3, 10, 10)  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=SECONDS)
    assert window.deck.source.problem.text() == ""
    (folder / "05.png").unlink()
    window.undo.undo()
    window.undo.redo()
    qtbot.waitUntil(lambda: "has changed" in window.deck.source.problem.text(), timeout=SECONDS)


def test_a_file_that_is_found_broken_when_all_of_it_is_read_is_refused_in_words(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    from PIL import Image

    for place in range(70):
        Image.fromarray(random_pixels(6, 6, seed=place)).save(tmp_path / f"{place:02d}.png")
    (tmp_path / "69.png").write_bytes(b"hello")
    before = window.deck.experiment
    dialog_of(qtbot, window, tmp_path).use()
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    banner = window.banners.shown[0]
    assert "“69.png” is neither PNG nor JPEG" in banner.text and banner.kind == "danger"
    assert window.deck.experiment == before
    banner.buttons()[0].click()
    assert dialog_of(qtbot, window).spec.path == str(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a-idx3-ubyte", b"\0\0\x08\x03\0\0", "ends in the middle of its header"),
        ("a-labels-idx1-ubyte", struct.pack(">HBBI", 0, 8, 1, 2) + b"ab", "no images"),
        ("data_batch_1", b"\x80\x03}q\0.", "a pickle, which could run code"),
    ],
)
def test_a_bad_file_is_refused_in_words_and_changes_nothing(
    qtbot: Any, window: MainWindow, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    before = window.deck.experiment
    window.handlers.drops.open(tmp_path / name)
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    banner = window.banners.shown[0]
    assert banner.title == f"{name} was not opened" and said in banner.text
    assert window.deck.experiment == before and window.handlers.tables.images.dialog is None


def test_arrays_of_rows_are_tables_and_of_images_images(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", x_train=random_pixels(30, 4, 4), x_test=random_pixels(20, 4, 4))
    np.save(tmp_path / "rows.npy", np.random.default_rng(1).random((30, 3)))
    dialog = dialog_of(qtbot, window, tmp_path / "images.npz")
    assert "“x_train” (30 × 4 × 4)" in dialog.sentence.text()
    dialog.form.take("array", "x_test")
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=SECONDS)
    assert dialog.size_label.text().startswith("20 images")
    tables = window.handlers.tables
    tables.open(tmp_path / "rows.npy")
    qtbot.waitUntil(lambda: tables.dialog is not None, timeout=SECONDS)
    assert tables.images.dialog is None
    assert tables.dialog is not None
    tables.dialog.use()
    assert isinstance(window.deck.experiment.run.data, TableSpec)


def test_the_choice_can_be_edited_and_another_file_or_folder_chosen(
    qtbot: Any, window: MainWindow, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.deck.edit_data(ImagesSpec(), "Digits")
    source = window.deck.source
    assert "1,797 digits" in source.extent.text() and source.edit.isHidden() and not source.folder.isHidden()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    source.choose.click()
    dialog = dialog_of(qtbot, window)
    dialog.form.take("logit", True)
    dialog.use()
    assert used(qtbot, window).logit
    source.edit.click()
    dialog = dialog_of(qtbot, window)
    assert dialog.spec.logit
    dialog.reject()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(file.parent))
    source.folder.click()
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    assert "“some-images-idx3-ubyte”" in window.banners.shown[0].text


def test_open_and_the_command_line_take_images_too(qtbot: Any, make_window: Any, file: Path) -> None:
    window = make_window(path=file)
    dialog_of(qtbot, window).use()
    assert used(qtbot, window).path == str(file)


def test_files_are_told_by_their_names_for_the_line_beneath(tmp_path: Path) -> None:
    names = {"t10k-images-idx3-ubyte.gz": "images", "data_batch_1.bin": "images", "a.npz": "table", "a.png": "picture"}
    assert {name: kind_of(tmp_path / name) for name in names} == names
    assert kind_of(tmp_path) == "images"


def test_pictures_show_the_bytes_and_the_grid_shows_all_that_fit(qtbot: Any, file: Path) -> None:
    from gmstudio.data.images.reading import read

    images = read(file)
    pictures = pictures_of(images)
    assert all(
        pictures[3].pixelColor(column, row).red() == images.pixels[3, 0, row, column]
        for row in range(6)
        for column in range(8)
    )
    grid = ImageGrid()
    qtbot.addWidget(grid)
    grid.resize(QSize(500, 400))
    grid.show_pictures(pictures[:40])
    places = grid.places()
    assert len(places) == 40
    assert all(grid.rect().contains(place) and place.width() % 8 == 0 for place in places)
    assert not any(a.intersects(b) for at, a in enumerate(places) for b in places[at + 1 :])
