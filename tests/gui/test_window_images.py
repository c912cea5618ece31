"""A run on images in the window: its arrangement, and that only what is ticked is computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from gmstudio import runs
from gmstudio.gui.docks import on_screen
from gmstudio.gui.layout import IMAGES, PLANE
from gmstudio.gui.main_window import MainWindow
from gmstudio.runs import Column, Experiment

SECONDS = 60_000


def digits() -> Experiment:
    """Vanilla, noise and blur on a few digits, small enough to train in a moment."""
    run = runs.run_from_plain(
        {
            "data": {"kind": "images", "most": 120},
            "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8, "layers": 1},
            "mollification": {"kind": "linear"},
            "training": {"steps": 40, "batch": 32, "threads": 1, "evaluate_every": 20},
        }
    )
    vanilla, noise = runs.twins(run).columns
    blur = Column(title="Blur", mollification=run.mollification.changed(by="blur"))
    return Experiment(run=run, columns=(vanilla, noise, blur))


def test_images_come_first_and_only_what_is_ticked_is_computed(qtbot: Any, window: MainWindow) -> None:
    panel = window.panels["images"]
    assert window.layout_.kind == PLANE and not on_screen(panel)
    window.workbench.show_cards(digits())
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    qtbot.waitUntil(lambda: window.display.frame is not None and panel.frame is not None, timeout=SECONDS)
    assert window.layout_.kind == IMAGES and on_screen(panel) and not on_screen(window.panels["pairs"])
    assert window.layout_.area("stage")[0] is window.docks["images"]
    assert "samples" in window.display.wants and not {"batch", "neighbours"} & window.display.wants
    info = window.display.info
    assert info.picture.shape == (1, 8, 8) and info.by == ("noise", "noise", "blur")
    assert all(column.samples.shape[1] == 64 for column in panel.frame.columns)
    assert all(column.batch is not None and column.neighbours is not None for column in panel.frame.columns), (
        "the last picture holds all that can still be ticked"
    )
    panel.switches["batch"].setChecked(True)
    panel.switches["neighbours"].setChecked(True)
    assert {"samples", "batch", "neighbours"} <= window.display.wants
    window.workbench.restart()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    qtbot.waitUntil(lambda: panel.frame is not None and panel.frame.step == 40, timeout=SECONDS)
    for column in panel.frame.columns:
        first, found = column.samples[0], column.neighbours[0]
        away = np.square(info.data - first).sum(axis=1)
        # What is near was sought among all training images, and this run has no others.
        np.testing.assert_allclose(np.square(found[1:] - first).sum(), away.min(), rtol=1e-3)
    assert [stack.strips[1].count > 0 for stack in panel.view.stacks] == [True] * 3
