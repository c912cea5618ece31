"""The user guide's pictures, made by the window itself.

``make screenshots`` trains in full and writes them into the guide; a plain test run trains for a moment and checks that
every picture that the guide shows can be made, and that none is blank.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from gmstudio import registry, runs
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.theme import themes
from gmstudio.paths import resource
from gmstudio.runs import Experiment

SECONDS = 300_000
KEPT = os.environ.get("GMSTUDIO_SCREENSHOTS")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(KEPT) if KEPT else tmp_path


def experiment(data: dict[str, Any], model: dict[str, Any] | None, steps: int | None) -> Experiment:
    run = runs.default_run()
    if model is not None:
        run = run.changed(model=registry.from_plain("model", model))
        if model["kind"] == "vae":
            run = run.changed(objective=registry.from_plain("objective", {"kind": "elbo"}))
    if steps is not None:
        run = run.changed(training=run.training.changed(steps=steps))
    training = run.training if KEPT else run.training.changed(steps=150)
    return runs.twins(run.changed(data=registry.from_plain("data", data), training=training))


def trained(
    qtbot: Any,
    make_window: Callable[..., MainWindow],
    data: dict[str, Any],
    model: dict[str, Any] | None = None,
    steps: int | None = None,
) -> MainWindow:
    window = make_window(experiment(data, model, steps))
    # The platform without a screen has a small one, which the window fills.
    window.showNormal()
    qtbot.wait(100)
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.size() == QSize(1280, 800))
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    steps = window.workbench.deck.experiment.run.training.steps
    qtbot.waitUntil(lambda: window.display.frame is not None and window.display.frame.step == steps, timeout=SECONDS)
    qtbot.wait(600)
    return window


def picture(widget: QWidget, path: Path) -> None:
    """Save a picture, and see that something is on it."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    assert image.save(str(path))
    pixels = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), -1, 4)
    assert len(np.unique(pixels[::3, ::3].reshape(-1, 4), axis=0)) > 50


def drawing() -> dict[str, Any]:
    """A ring and a stroke, as a hand would draw them."""
    noise = np.random.default_rng(1)
    angle = noise.uniform(0.0, 2 * np.pi, 400)
    ring = np.stack([1.6 * np.cos(angle) - 1.2, 1.6 * np.sin(angle)], axis=1)
    along = noise.uniform(-1.0, 1.0, 400)
    stroke = np.stack([2.2 + 0.8 * along, 2.4 * np.sin(2.5 * along)], axis=1)
    points = np.concatenate([ring, stroke]) + 0.08 * noise.standard_normal((800, 2))
    return {"kind": "drawing", "points": [[round(float(x), 3), round(float(y), 3)] for x, y in points]}


def test_the_window_shows_two_moons_in_light_and_dark(qtbot: Any, make_window: Any, folder: Path) -> None:
    window = trained(qtbot, make_window, {"kind": "two-moons"})
    before = themes().choice
    try:
        for name in ("light", "dark"):
            themes().choose(name)
            qtbot.wait(300)
            picture(window, folder / ("window.png" if name == "light" else "window-dark.png"))
            for panel in ("schedule", "score", "density"):
                if name == "light":
                    picture(window.docks[panel], folder / f"{panel}.png")
    finally:
        themes().choose(before)


def test_the_window_shows_a_drawing(qtbot: Any, make_window: Any, folder: Path) -> None:
    themes().choose("light")
    window = trained(qtbot, make_window, drawing())
    window.handlers.show_dock(window.docks["draw"])
    qtbot.wait(600)
    picture(window, folder / "drawing.png")


def test_the_window_shows_a_table(qtbot: Any, make_window: Any, folder: Path) -> None:
    themes().choose("light")
    window = trained(qtbot, make_window, {"kind": "uci", "name": "iris"}, {"kind": "maf", "hidden": 64})
    picture(window, folder / "table.png")


def test_the_window_shows_a_latent_space(qtbot: Any, make_window: Any, folder: Path) -> None:
    themes().choose("light")
    window = trained(qtbot, make_window, {"kind": "two-moons"}, {"kind": "vae", "latent": 2}, 1500)
    picture(window.docks["latent"], folder / "latent.png")


def test_the_window_shows_images(qtbot: Any, make_window: Any, folder: Path) -> None:
    themes().choose("light")
    data = {"kind": "images", "most": 1797 if KEPT else 120}
    model = {"kind": "vae", "latent": 16, "hidden": 128 if KEPT else 8}
    window = trained(qtbot, make_window, data, model, 1000)
    for name in ("data", "samples", "rebuilt"):
        window.panels["images"].switches[name].setChecked(True)
    qtbot.wait(600)
    picture(window.docks["images"], folder / "images.png")


def test_every_picture_of_the_guide_is_made_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    shown = {
        name
        for page in resource("guide").glob("*.md")
        for name in re.findall(r"!\[[^\]]*\]\(images/([\w-]+)\.png\)", page.read_text(encoding="utf-8"))
    }
    assert "window" in shown
    for name in shown:
        assert re.search(rf'"{name}(\.png)?"', source), name
        assert (resource("guide") / "images" / f"{name}.png").stat().st_size > 5000


def test_every_link_of_the_guide_leads_somewhere() -> None:
    for page in resource("guide").glob("*.md"):
        for link in re.findall(r"\]\(([\w-]+\.md)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} -> {link}"
