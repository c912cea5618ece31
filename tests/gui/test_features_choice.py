"""The choice of features for FID and KID in the menu Run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QFileDialog

from gmstudio.errors import RefusedError
from gmstudio.gui.features import Features
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.status_bar import StatusLine
from gmstudio.observation import inception
from gmstudio.observation.inception import Inception
from gmstudio.sessions import Status

SECONDS = 20_000


def ticks(window: MainWindow) -> tuple[bool, bool]:
    own, file = (window.actions_.action(f"features.{name}").isChecked() for name in ("own", "file"))
    return own, file


def test_a_file_that_can_be_read_is_used_from_the_next_run_on_and_remembered(
    qtbot: Any, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.safetensors"
    monkeypatch.setattr(inception, "read", lambda path: Inception({}, "Inception-v3, own.safetensors (01234567)"))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *given: (str(path), ""))
    work = window.workbench
    assert ticks(window) == (True, False) and work.features is None
    window.actions_.action("features.file").trigger()
    assert ticks(window) == (True, False), "not before the file is read"
    qtbot.waitUntil(lambda: work.features == path, timeout=SECONDS)
    assert ticks(window) == (False, True)
    assert "(01234567)" in window.banners.shown[-1].text
    assert work._what(window.deck.experiment, None, False, 0).features == path
    # Another window of the same person.
    work.features = None
    Features(window).show()
    assert work.features == path and ticks(window) == (False, True)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *given: ("", ""))
    window.actions_.action("features.file").trigger()
    assert work.features == path and ticks(window) == (False, True)
    window.actions_.action("features.own").trigger()
    assert work.features is None and ticks(window) == (True, False)


def test_a_file_that_is_refused_changes_nothing_and_is_told(
    qtbot: Any, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> Inception:
        raise RefusedError("It is a pickle.", "Convert it.")

    monkeypatch.setattr(inception, "read", refuse)
    window.handlers.features.choose(tmp_path / "own.pth")
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    banner = window.banners.shown[-1]
    assert (banner.title, banner.text) == ("own.pth is not used", "It is a pickle. Convert it.")
    assert ticks(window) == (True, False) and window.workbench.features is None


def test_a_run_whose_steps_are_all_made_is_being_measured(qtbot: Any) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    line.show_status(Status("r", "running", 10, 20))
    assert "Training" in line.labels["state"].text()
    line.show_status(Status("r", "running", 20, 20, seconds_left=125.0))
    assert "Measuring…" in line.labels["state"].text() and "2:05 min" in line.labels["left"].text()
    line.show_status(Status("r", "finished", 20, 20))
    assert "Finished" in line.labels["state"].text()
