"""A window stays as wide as it was made, whatever run it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QSize

from gmstudio import runs
from gmstudio.gui.main_window import MainWindow
from gmstudio.runs import Column, Experiment

SECONDS = 60_000


class Widths(QObject):
    """Every width that a window has had."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.seen: list[int] = []
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and isinstance(watched, MainWindow):
            self.seen.append(watched.width())
        return False


def three(data: dict[str, Any], model: dict[str, Any]) -> Experiment:
    """Three columns, small enough to train in a moment."""
    training = {"steps": 20, "batch": 32, "threads": 1, "evaluate_every": 20}
    plain = {"data": data, "model": model, "mollification": {"kind": "linear"}, "training": training}
    run = runs.run_from_plain(plain)
    vanilla, noise = runs.twins(run).columns
    third = Column(title="Longer", mollification=run.mollification.changed(until=0.5))
    return Experiment(run=run, columns=(vanilla, noise, third))


VAE = {"kind": "vae", "latent": 4, "hidden": 8, "layers": 1}
FLOW = {"kind": "real-nvp", "blocks": 2, "hidden": 8, "layers": 1}
DIGITS = {"kind": "images", "most": 120}
MOONS = {"kind": "two-moons"}


@pytest.mark.parametrize("runs_shown", [((DIGITS, VAE),), ((MOONS, FLOW), (DIGITS, VAE), (MOONS, FLOW))])
def test_no_run_makes_the_window_wider(qtbot: Any, make_window: Callable[..., MainWindow], runs_shown: Any) -> None:
    window = make_window()
    window.showNormal()
    qtbot.wait(50)
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.size() == QSize(1280, 800))
    widths = Widths(window)
    for data, model in runs_shown:
        begun = window.display.run
        window.workbench.show_cards(three(data, model))
        window.workbench.start()
        qtbot.waitUntil(lambda begun=begun: window.display.run != begun, timeout=SECONDS)
        qtbot.waitUntil(lambda: window.display.info is not None, timeout=SECONDS)
        for dock in window.docks.values():
            dock.raise_()
        qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
        qtbot.wait(50)
    assert set(widths.seen) <= {1280}
