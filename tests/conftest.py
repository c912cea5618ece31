"""Shared by all tests: no screen, no user's folder, two seeds of nothing global."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
# Nothing is compiled in the background while tests run; those of the compiler ask for it.
os.environ["GMSTUDIO_ENGINE"] = "eager"

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's data folder of the test's own."""
    home: Path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("GMSTUDIO_HOME", str(home))
    return home
