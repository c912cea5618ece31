"""Pictures: good ones, broken ones, huge ones, and what becomes of them."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QColor, QGuiApplication, QImage, QImageReader, QUndoStack
from pytestqt.qtbot import QtBot

from gmstudio.data.sets.picture import Picture
from gmstudio.gui.drawing.draw_panel import DrawPanel
from gmstudio.gui.drawing.pictures import (
    SIDE,
    PictureError,
    as_density,
    as_points,
    from_clipboard,
    of_image,
    read_bytes,
    read_picture,
)


def half_black(width: int = 80, height: int = 40) -> QImage:
    """Black on the left, white on the right."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    for x in range(width // 2):
        for y in range(height):
            image.setPixelColor(x, y, QColor("black"))
    return image


def saved(image: QImage, path: Path) -> Path:
    assert image.save(str(path))
    return path


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[DrawPanel]:
    undo = QUndoStack()
    made = DrawPanel(undo)
    qtbot.addWidget(made)
    yield made
    undo.clear()


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_dark_is_dense_unless_inverted(qapp: QGuiApplication, tmp_path: Path, ending: str) -> None:
    loaded = read_picture(saved(half_black(), tmp_path / f"half.{ending}"))
    assert loaded.title == "half"
    assert loaded.grey.shape == (40, 80)
    weights = loaded.weights(invert=False)
    assert weights[:, :38].min() > 0.95
    assert weights[:, 42:].max() < 0.05
    np.testing.assert_allclose(loaded.weights(invert=True), 1 - weights)


def test_a_picture_becomes_a_data_set_of_its_own_aspect(qapp: QGuiApplication, tmp_path: Path) -> None:
    spec = as_density(read_picture(saved(half_black(), tmp_path / "half.png")), invert=False)
    assert (spec.title, spec.width, spec.height) == ("half", 80, 40)
    pixels = np.frombuffer(base64.b64decode(spec.pixels), dtype=np.uint8).reshape(40, 80)
    assert pixels[:, :40].min() == 255
    assert pixels[:, 40:].max() == 0


def test_points_of_a_picture_lie_where_it_is_dark(qapp: QGuiApplication) -> None:
    loaded = of_image(half_black(), "half")
    points = as_points(loaded, False, 4000, np.random.default_rng(0))
    assert points.shape == (4000, 2)
    assert points[:, 0].max() <= 0
    assert points[:, 0].min() == pytest.approx(-3.5, abs=0.01)
    assert np.abs(points[:, 1]).max() == pytest.approx(1.75, abs=0.01)
    assert as_points(loaded, True, 100, np.random.default_rng(0))[:, 0].min() >= 0


def test_the_top_of_a_picture_is_up(qapp: QGuiApplication) -> None:
    image = QImage(10, 10, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    image.setPixelColor(5, 0, QColor("black"))
    points = as_points(of_image(image, "dot"), False, 50, np.random.default_rng(0))
    assert points[:, 1].min() >= 2.8 - 1e-9


def test_large_pictures_are_scaled_down_and_keep_their_aspect(qapp: QGuiApplication) -> None:
    loaded = of_image(half_black(1200, 300), "wide")
    assert loaded.grey.shape == (SIDE // 4, SIDE)


def test_what_is_transparent_is_paper(qapp: QGuiApplication) -> None:
    image = QImage(4, 4, QImage.Format.Format_ARGB32)
    image.fill(0)
    assert of_image(image, "clear").grey.min() == 255


def huge_png(width: int, height: int) -> bytes:
    """A valid beginning of a PNG that says it is huge, and nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64))


def test_a_picture_that_says_it_is_huge_is_refused_before_it_is_decoded(qapp: QGuiApplication, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(huge_png(60_000, 60_000))
    with pytest.raises(PictureError, match=r"bomb\.png has 60,000 × 60,000 pixels.*scale it down"):
        read_picture(path)


@pytest.mark.qt_log_ignore("")
def test_broken_pictures_are_refused_by_name(qapp: QGuiApplication, tmp_path: Path) -> None:
    whole = saved(half_black(), tmp_path / "whole.png").read_bytes()
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole[:60])
    with pytest.raises(PictureError, match=r"cut\.png"):
        read_picture(cut)


@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.txt", b"just text\n"), ("text.png", b"not a picture"), ("empty.png", b"")],
)
def test_files_that_are_no_pictures_are_refused_by_name(
    qapp: QGuiApplication, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PictureError, match=r"is not a picture.*Choose a PNG"):
        read_picture(path)


def test_a_picture_with_the_wrong_ending_is_read_for_what_it_is(qapp: QGuiApplication, tmp_path: Path) -> None:
    data = saved(half_black(), tmp_path / "a.png").read_bytes()
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert read_picture(path).grey.shape == (40, 80)


def test_missing_files_and_folders_are_refused(qapp: QGuiApplication, tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"gone\.png cannot be opened"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(PictureError, match="is not a file"):
        read_picture(tmp_path)


def test_the_limit_of_memory_is_put_back(qapp: QGuiApplication) -> None:
    before = QImageReader.allocationLimit()
    with pytest.raises(PictureError):
        read_bytes(huge_png(60_000, 60_000), "bomb")
    assert QImageReader.allocationLimit() == before


def test_a_blank_picture_names_the_remedy(qapp: QGuiApplication) -> None:
    white = QImage(8, 8, QImage.Format.Format_RGB32)
    white.fill(QColor("white"))
    for use in (
        lambda: as_density(of_image(white, "page"), False),
        lambda: as_points(of_image(white, "page"), False, 10, np.random.default_rng(0)),
    ):
        with pytest.raises(PictureError, match=r"page is all white.*inversion on"):
            use()


def test_a_picture_is_offered_and_used_as_a_density(panel: DrawPanel, tmp_path: Path) -> None:
    seen: list[Picture] = []
    panel.picture.connect(seen.append)
    panel.open_picture(saved(half_black(), tmp_path / "half.png"))
    assert not panel.bar.isHidden()
    panel.bar.use.click()
    assert [spec.title for spec in seen] == ["half"]
    assert panel.bar.isHidden()
    assert panel.undo.count() == 0


def test_a_picture_is_added_as_points_with_undo(panel: DrawPanel, tmp_path: Path) -> None:
    panel.open_picture(saved(half_black(), tmp_path / "half.png"))
    panel.bar.count.show_value(500)
    panel.bar.add.click()
    assert len(panel.spec.points) == 500
    assert panel.undo.undoText() == "Add 500 points from half"
    panel.undo.undo()
    assert panel.spec.points == ()


def test_a_bad_picture_says_what_is_wrong_in_place(panel: DrawPanel, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no picture")
    panel.open_picture(path)
    assert panel.message.text.startswith("notes.txt is not a picture. Choose")
    assert panel.bar.isHidden()


def test_pictures_are_pasted_and_dropped(panel: DrawPanel, tmp_path: Path) -> None:
    data = QMimeData()
    data.setImageData(half_black())
    pasted = from_clipboard(data)
    assert pasted is not None
    assert pasted.grey.shape == (40, 80)
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(saved(half_black(), tmp_path / "b.png")))])
    dropped = from_clipboard(files)
    assert dropped is not None
    assert dropped.title == "b"
    words = QMimeData()
    words.setText("hello")
    assert from_clipboard(words) is None
    QGuiApplication.clipboard().setImage(half_black())
    assert panel.paste()
    assert not panel.bar.isHidden()
