"""The panel of images: what it draws where, what it asks for, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from gmstudio.data.base import Picture
from gmstudio.gui.panels import demo_images
from gmstudio.gui.panels.images import BATCH, DATA, NEAREST, REBUILT, SAMPLES, ImagesPanel
from gmstudio.gui.panels.images_sheet import MANY, SMALL, best_scale, drawn, sheet
from gmstudio.observation.frame import ColumnFrame, Frame

Shown = Callable[..., Any]
SEEN = demo_images.view(neighbours=12, rebuilt=20, samples=30, batch=30)


def fill(panel: ImagesPanel, step: int = 1000, *chosen: str) -> ImagesPanel:
    for name, switch in panel.switches.items():
        switch.setChecked(name in (chosen or (SAMPLES,)))
    panel.begin(demo_images.info())
    panel.show_frame(demo_images.frame(step, SEEN))
    return panel


def grey(panel: ImagesPanel) -> np.ndarray:
    """The panel's own picture, (height, width) of its red light."""
    image = panel.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[:, :, 2].copy()


def test_every_pixel_of_an_image_is_a_square_of_its_light_at_the_place_of_the_image(shown: Shown) -> None:
    panel = fill(shown(ImagesPanel(), 700, 420))
    view, size = panel.view, QSizeF(panel.view.size())
    picture = grey(panel)
    for column in range(3):
        rows = panel.frame.columns[column].samples
        room, found = view.rooms(size)[column, 0], view.sheets(size)[column, 0]
        assert found.scale > 1 and min(found.count, 30) > 5
        for number in (0, 5, min(found.count, 30) - 1):
            x, y = found.place(number)
            left, top = round(room.left()) + x, round(room.top()) + y
            seen = picture[top : top + 8 * found.scale, left : left + 8 * found.scale]
            light = (255 * np.clip(rows[number].reshape(8, 8), 0, 1)).round()
            np.testing.assert_array_equal(seen, np.kron(light, np.ones((found.scale, found.scale))))


def test_colours_are_drawn_as_red_green_and_blue_and_partners_at_the_right() -> None:
    random = np.random.default_rng(1)
    images, partners = (random.integers(0, 256, (3, 3, 4, 5)).astype(np.uint8) for _ in range(2))
    found = sheet((5, 4), (100, 40), 2, 2, 1.0)
    image = drawn(found, images, partners).convertToFormat(QImage.Format.Format_RGBA8888)
    seen = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    for number in range(3):
        x, y = found.place(number)
        for rows, left in ((images, x), (partners, x + 10 + found.inner)):
            own = seen[y : y + 8 : 2, left : left + 10 : 2, :3]
            np.testing.assert_array_equal(own, rows[number].transpose(1, 2, 0))
    assert (seen[:, 10, 3] == 0).all() and (seen[0, found.tile[0] : found.tile[0] + found.gap, 3] == 0).all()


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (64, 64), (200, 100)])
@pytest.mark.parametrize("room", [(90, 60), (300, 250), (900, 700), (2400, 1500)])
def test_images_are_as_large_as_leaves_room_for_many_but_never_cut_or_too_small(
    size: tuple[int, int], room: tuple[int, int], parts: int
) -> None:
    scale = best_scale(size, room, 200, parts, 1.0)
    found, larger = (sheet(size, room, one, parts, 1.0) for one in (scale, scale + 1))
    assert found.tile[0] <= room[0] and found.tile[1] <= room[1]
    # An image is never reduced where it fits, and enlarged only where many have room, or where it would be too small.
    own = sheet(size, room, 1, parts, 1.0).tile
    assert scale >= 1 or own[0] > room[0] or own[1] > room[1]
    fits = larger.tile[0] <= room[0] and larger.tile[1] <= room[1]
    if scale >= 1 and fits:
        assert max(size) * scale >= SMALL and larger.count < MANY // parts
    assert scale <= 1 or found.count >= MANY // parts or max(size) * (scale - 1) < SMALL


def test_reduced_images_are_the_means_of_squares() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8) * 3
    found = sheet((8, 8), (5, 5), -2, 1, 1.0)
    picture = drawn(found, image).convertToFormat(QImage.Format.Format_Grayscale8)
    rows = [[picture.pixelColor(x, y).red() for x in range(4)] for y in range(4)]
    np.testing.assert_array_equal(rows, image[0, 0].reshape(4, 2, 4, 2).mean((1, 3)).round())


def test_only_what_is_ticked_is_asked_for(shown: Shown) -> None:
    panel = fill(shown(ImagesPanel(), 500, 300))
    assert panel.wanted == {"samples"}
    panel.switches[BATCH].setChecked(True)
    panel.switches[NEAREST].setChecked(True)
    assert panel.wanted == {"samples", "batch", "neighbours"}
    for switch in panel.switches.values():
        switch.setChecked(False)
    assert panel.wanted == set() and "Tick" in panel.view.hint


def test_data_stand_beside_the_columns_and_the_rest_below_each_other(shown: Shown) -> None:
    panel = fill(shown(ImagesPanel(), 900, 400), 1000, DATA, SAMPLES, BATCH)
    stacks = panel.view.stacks
    assert [stack.title for stack in stacks] == ["Data", "Vanilla", "Noise", "Blur"]
    assert [[strip.kind for strip in stack.strips] for stack in stacks] == [[DATA]] + 3 * [[SAMPLES, BATCH]]
    rooms = panel.view.rooms(QSizeF(panel.view.size()))
    assert rooms[0, 0].right() < rooms[1, 0].left() and rooms[1, 0].bottom() < rooms[1, 1].top()
    assert rooms[1, 1].top() == rooms[3, 1].top()


def test_columns_of_a_narrow_panel_stand_below_each_other(shown: Shown) -> None:
    panel = fill(shown(ImagesPanel(), 220, 600))
    rooms = panel.view.rooms(QSizeF(panel.view.size()))
    assert rooms[0, 0].bottom() < rooms[1, 0].top() and rooms[0, 0].left() == rooms[1, 0].left()


def test_a_batch_tells_its_noise_or_the_width_of_its_blur(shown: Shown) -> None:
    panel = fill(shown(ImagesPanel(), 900, 400), 1000, BATCH)
    captions = [stack.strips[0].caption for stack in panel.view.stacks]
    sigma2 = panel.frame.columns[1].sigma2
    pixels = 0.3 * (8 / 0.3) ** sigma2
    assert captions == ["batch, clean", f"batch, σ² = {sigma2:.2g}", f"batch, blur {pixels:.2g} px"]
    assert f"blur {pixels:.2g} px" in panel.summary() and f"σ² = {sigma2:.2g}" in panel.summary()


def test_the_partner_of_a_sample_is_its_nearest_training_image_with_number_class_and_distance(shown: Shown) -> None:
    panel = fill(shown(ImagesPanel(), 900, 400), 1000, NEAREST)
    strip, info = panel.view.stacks[1].strips[0], panel.info
    near = int(panel.frame.columns[1].neighbours[2, 0])
    np.testing.assert_array_equal(strip.partners[2], info.data[near])
    away = np.sqrt(((info.data - strip.rows[2]) ** 2).sum(axis=1))
    assert away.argmin() == near
    words = panel.explain((1, 0, 2))
    assert words.startswith("Noise: sample 3;") and f"training image {near + 1} " in words
    assert f"(class {demo_images.CLASSES[info.labels[near]]})" in words and f"{away.min():.2f}" in words


def test_a_rebuilt_image_stands_at_the_right_of_its_own(shown: Shown) -> None:
    panel = fill(shown(ImagesPanel(), 900, 400), 1000, REBUILT)
    strip = panel.view.stacks[2].strips[0]
    np.testing.assert_array_equal(strip.rows, panel.info.data[:20])
    assert strip.partners is panel.frame.columns[2].rebuilt or (strip.partners == panel.frame.columns[2].rebuilt).all()
    off = np.sqrt(np.mean((np.clip(strip.rows[4], 0, 1) - np.clip(strip.partners[4], 0, 1)) ** 2))
    assert f"off by {off:.0%}" in panel.explain((2, 0, 4))
    panel.begin(replace(demo_images.info(), latent=0))
    assert REBUILT not in panel.chosen and "rebuilt" not in panel.wanted
    assert panel.switches[REBUILT].toolTip() == "Only autoencoders rebuild images."


def test_the_mouse_finds_an_image_and_marks_its_like_in_the_other_columns(shown: Shown, qtbot: QtBot) -> None:
    panel = fill(shown(ImagesPanel(), 700, 420))
    view = panel.view
    before = grey(panel)
    place = view._place((1, 0, 7))
    qtbot.mouseMove(view, place.center().toPoint())
    assert view.spot == (1, 0, 7) and panel.explain(view.spot) == "Noise: sample 8"
    changed = np.argwhere(grey(panel) != before)
    for column in range(3):
        mark = view._place((column, 0, 7)).adjusted(-3, -3, 3, 3)
        assert any(mark.contains(QPointF(x, y)) for y, x in changed)
    assert view.under(QPointF(place.right() + 1.5, place.center().y())) is None, "between two images"


def test_arrow_keys_walk_through_the_images_and_into_the_next_column_and_strip(shown: Shown, qtbot: QtBot) -> None:
    panel = fill(shown(ImagesPanel(), 700, 420), 1000, SAMPLES, BATCH)
    view = panel.view
    found = view.sheets(QSizeF(view.size()))[0, 0]
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.spot == (0, 0, 0)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.spot == (0, 0, found.across)
    for _ in range(found.across):
        qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.spot == (1, 0, found.across)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.spot == (0, 0, 2 * found.across - 1)
    for _ in range(found.down):
        qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.spot[:2] == (0, 1) and "batch" in view.accessibleDescription()


def test_plus_and_minus_change_the_size_within_what_can_be_seen(shown: Shown, qtbot: QtBot) -> None:
    panel = fill(shown(ImagesPanel(), 700, 420))
    view, size = panel.view, QSizeF(panel.view.size())
    usual = view.sheets(size)[0, 0]
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.sheets(size)[0, 0].scale == usual.scale + 1
    for _ in range(40):
        qtbot.keyClick(view, Qt.Key.Key_Plus)
    room = view.rooms(size)[0, 0]
    assert view.sheets(size)[0, 0].tile[0] <= room.width()
    for _ in range(60):
        qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.sheets(size)[0, 0].scale == 1 and view.sheets(size)[0, 0].count >= usual.count
    view.resize_images(0)
    assert view.sheets(size)[0, 0] == usual


def test_it_says_why_there_are_no_images(shown: Shown) -> None:
    panel = shown(ImagesPanel(), 500, 300)
    panel.begin(demo_images.info())
    assert "Waiting" in panel.view.hint
    none = ColumnFrame()
    panel.show_frame(Frame("demo", 5, SEEN, (none, none, none)))
    assert panel.view.stacks[0].strips[0].hint == "This model cannot draw samples."
    panel.show_frame(Frame("demo", 6, SEEN, (none, none, none), age=4))
    assert panel.view.stacks[0].strips[0].hint == "Waiting for the first picture…"
    panel.live = False
    panel.show_frame(Frame("demo", 6, SEEN, (none, none, none)))
    assert panel.view.stacks[0].strips[0].hint == "Not kept in this record."
    few = ColumnFrame(samples=np.zeros((4, 60), dtype=np.float32))
    panel.show_frame(Frame("demo", 7, SEEN, (few, few, few)))
    assert panel.view.stacks[0].strips[0].hint == "Of these images only some pixels were kept."


def test_logits_are_shown_as_light_and_what_is_beyond_white_as_white() -> None:
    picture = Picture((1, 1, 4), 256, 0.05)
    light = np.array([[0.0, 0.25, 0.5, 1.0]])
    logits = np.log((0.05 + 0.9 * light) / (0.95 - 0.9 * light))
    assert picture.to_bytes(logits).tolist() == [[[[0, 64, 128, 255]]]]
    assert picture.to_bytes(np.array([[-1e4, np.nan, 1e4, np.inf]])).tolist() == [[[[0, 0, 255, 255]]]]


def test_a_file_shows_the_same_images_as_the_screen(shown: Shown) -> None:
    panel = fill(shown(ImagesPanel(), 500, 300))
    image = QImage(1000, 2 * panel.view.height(), QImage.Format.Format_RGB32)
    with QPainter(image) as painter:
        panel.paint_for_export(painter, image.size())
    file = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), 1000, 4)[:, :, 2]
    room = panel.view.rooms(QSizeF(panel.view.size()))[0, 0]
    top, left = round(room.top()), round(room.left())
    np.testing.assert_array_equal(
        file[2 * top : 2 * top + 200 : 2, 2 * left : 2 * left + 200 : 2],
        grey(panel)[top : top + 100, left : left + 100],
    )
