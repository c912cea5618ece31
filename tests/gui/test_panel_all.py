"""Every panel, whatever it draws: it takes a run, frames, numbers, themes and sizes, and exports itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator, QSvgRenderer

from gmstudio.gui.panels import all_panels, demo
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.density import DensityPanel
from gmstudio.gui.panels.plane_panel import PlanePanel
from gmstudio.gui.theme import load
from gmstudio.observation.frame import ColumnFrame, Frame, View

Shown = Callable[..., Any]
VIEW = View(demo.BOUNDS, grid=40, arrows=12, samples=800, batch=128, probe=(1.0, 0.5))


@pytest.fixture(params=all_panels(), ids=lambda panel: panel.name)
def panel(request: pytest.FixtureRequest, shown: Shown) -> Panel:
    return shown(request.param(), 480, 260)


def fill(panel: Panel, step: int = 1000) -> None:
    panel.begin(demo.info(size=500))
    panel.show_truth(demo.truth(VIEW))
    panel.show_metrics(demo.metrics(0, step + 1))
    panel.show_frame(demo.frame(step, VIEW))
    panel.show_step(step)


def pixels(panel: Panel) -> np.ndarray:
    image = panel.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), image.width(), 4).copy()


def svg(panel: Panel) -> QByteArray:
    store = QByteArray()
    buffer = QBuffer(store)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(panel.size())
    generator.setViewBox(panel.rect())
    with QPainter(generator) as painter:
        panel.paint_for_export(painter, panel.size())
    buffer.close()
    return store


def test_every_panel_is_found_once_with_a_name_title_help_and_place() -> None:
    names = [panel.name for panel in all_panels()]
    assert {"data", "density", "score", "samples"} <= set(names)
    assert len(set(names)) == len(names)
    assert all(p.title and p.help and p.place[0] in ("stage", "bottom", "right", "hidden") for p in all_panels())


def test_before_a_run_it_says_what_to_do(panel: Panel) -> None:
    assert panel.summary()
    assert len(np.unique(pixels(panel).reshape(-1, 4), axis=0)) > 1
    assert panel.accessibleName()


def test_a_frame_changes_the_picture(panel: Panel) -> None:
    before = pixels(panel)
    fill(panel)
    assert (pixels(panel) != before).any()
    assert len(panel.summary()) > 20


def test_a_frame_of_another_run_is_dropped(panel: Panel) -> None:
    fill(panel)
    before = pixels(panel)
    panel.show_frame(demo.frame(3000, VIEW, run="another"))
    assert (pixels(panel) == before).all()


def test_it_follows_the_theme(panel: Panel) -> None:
    fill(panel)
    panel.apply_theme(load("light"))
    light = pixels(panel)
    panel.apply_theme(load("dark"))
    dark = pixels(panel)
    assert light.mean() > dark.mean() + 40


@pytest.mark.parametrize("size", [(160, 120), (300, 700), (1200, 300)])
def test_it_can_be_any_size(panel: Panel, size: tuple[int, int]) -> None:
    fill(panel)
    panel.resize(*size)
    assert len(np.unique(pixels(panel).reshape(-1, 4), axis=0)) > 1


def test_nothing_known_is_no_error(panel: Panel) -> None:
    panel.begin(demo.info(size=500))
    panel.show_frame(Frame("demo", 5, VIEW, (ColumnFrame(), ColumnFrame())))
    pixels(panel)
    assert panel.summary()


def test_values_that_are_not_finite_are_no_error(panel: Panel) -> None:
    fill(panel)
    bad = np.full((40, 40), np.nan, dtype=np.float32)
    bad[3, 3] = np.inf
    spoiled = ColumnFrame(
        log_density=bad,
        score=np.full((12, 12, 2), np.nan, dtype=np.float32),
        samples=np.full((800, 2), np.inf, dtype=np.float32),
        batch=np.full((128, 2), np.nan, dtype=np.float32),
        path=np.full((7, 2), np.nan, dtype=np.float32),
    )
    panel.show_frame(Frame("demo", 1001, VIEW, (spoiled, spoiled)))
    pixels(panel)
    assert panel.summary()


def test_a_new_run_forgets_the_last(panel: Panel) -> None:
    panel.begin(demo.info(size=500))
    fresh = pixels(panel)
    fill(panel)
    panel.begin(demo.info(size=500))
    assert (pixels(panel) == fresh).mean() > 0.999


def test_a_panel_that_is_cleared_is_as_before_the_first_run_and_can_say_why(panel: Panel) -> None:
    empty, words = pixels(panel), panel.summary()
    fill(panel)
    assert (pixels(panel) != empty).any()
    panel.clear()
    assert (pixels(panel) == empty).all()
    assert panel.summary() == words and panel.info is None
    panel.clear("The drawing is empty.")
    assert (pixels(panel) != empty).any() == isinstance(panel, PlanePanel), "the plots have room for it"
    fill(panel)
    panel.clear()
    assert (pixels(panel) == empty).all()


def test_it_exports_a_png_of_the_asked_size(panel: Panel, tmp_path: Path) -> None:
    fill(panel)
    image = QImage(960, 520, QImage.Format.Format_RGB32)
    with QPainter(image) as painter:
        panel.paint_for_export(painter, image.size())
    assert image.save(str(tmp_path / "panel.png"))
    values = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(520, 960, 4)
    assert len(np.unique(values[:, 480:].reshape(-1, 4), axis=0)) > 3


def test_it_exports_an_svg_with_text_that_can_be_drawn_again(panel: Panel) -> None:
    fill(panel)
    store = svg(panel)
    root = ElementTree.fromstring(store.data())
    words = " ".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))
    assert any(title in words for title in demo.info(size=10).titles)
    assert QSvgRenderer(store).isValid()


def test_a_zoomed_density_in_an_svg_is_what_is_seen_on_the_screen(shown: Shown) -> None:
    panel = shown(DensityPanel(), 480, 260)
    fill(panel)
    panel.link.zoom(0.5, (1.5, 1.5))
    panel.contours.setChecked(False)
    screen, drawn = (QImage(480, 260, QImage.Format.Format_RGB32) for _ in range(2))
    with QPainter(screen) as painter:
        panel.paint_for_export(painter, screen.size())
    with QPainter(drawn) as painter:
        QSvgRenderer(svg(panel)).render(painter)
    a, b = (
        np.frombuffer(i.constBits(), dtype=np.uint8).reshape(260, 480, 4)[..., :3].astype(int) for i in (screen, drawn)
    )
    assert np.abs(a - b)[40:200, 40:420].mean() < 8
