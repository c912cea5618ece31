"""Fixtures of the window's tests: nothing may be left behind that ticks, runs or moves."""

from __future__ import annotations

import gc
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QAbstractAnimation, QCoreApplication, QEvent, QObject, QPoint, QPointF, Qt, QThread, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QWidget

from gmstudio import runs
from gmstudio.gui import main_window
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.panels import demo
from gmstudio.gui.panels.base import Panel
from gmstudio.runs import Experiment

# Tests may use `sweep_played.py` and `table_shown.py`, which are no tests.
sys.path.insert(0, str(Path(__file__).parent))

#: Seconds in which timers that fire once may do so.
GRACE = 0.5
#: What the platform without a screen says of every window; it is no fault of ours.
HARMLESS = "This plugin does not support"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the platform's own remarks pass in all tests of the window."""
    for item in items:
        if "tests/gui" in item.path.as_posix():
            item.add_marker(pytest.mark.qt_log_ignore(HARMLESS, extend=True))


def _watched(cls: type[QObject], seen: list[weakref.ref[QObject]]) -> Callable[..., Any]:
    start = cls.start  # type: ignore[attr-defined]

    def started(self: QObject, *arguments: Any) -> Any:
        seen.append(weakref.ref(self))
        return start(self, *arguments)

    return started


def _busy(found: QObject) -> bool:
    if isinstance(found, QTimer):
        return found.isActive()
    if isinstance(found, QThread):
        return found.isRunning()
    return isinstance(found, QAbstractAnimation) and found.state() == QAbstractAnimation.State.Running


def _alive(seen: list[weakref.ref[QObject]]) -> list[QObject]:
    return [found for ref in seen if (found := ref()) is not None and shiboken6.isValid(found) and _busy(found)]


def _name(found: QObject) -> str:
    parent = found.parent()
    return f"{type(found).__name__} {found.objectName()!r} of {type(parent).__name__ if parent else None}"


@pytest.fixture(autouse=True)
def nothing_left_behind(monkeypatch: pytest.MonkeyPatch, own_home: object) -> Iterator[None]:
    """Fail a test after which a timer, a thread or an animation that it started is still alive."""
    seen: list[weakref.ref[QObject]] = []
    for cls in (QTimer, QThread):
        monkeypatch.setattr(cls, "start", _watched(cls, seen))
    yield
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QCoreApplication.processEvents()
    end = time.monotonic() + GRACE
    while any(isinstance(found, QTimer) and found.isSingleShot() for found in _alive(seen)) and time.monotonic() < end:
        QCoreApplication.processEvents()
        time.sleep(0.005)
    alive = _alive(seen)
    names = sorted({_name(found) for found in alive})
    for found in alive:
        if isinstance(found, QTimer):
            found.stop()
        elif isinstance(found, QThread):
            found.wait(20_000)
    assert not names, f"left behind: {', '.join(names)}"
    assert gc.isenabled(), "the garbage collector was left switched off"


@pytest.fixture
def shown(qtbot: Any) -> Callable[[Any, int, int], Any]:
    """Shows a widget in a size, and returns it; it is closed after the test."""

    def show(widget: QWidget, width: int, height: int) -> QWidget:
        qtbot.addWidget(widget)
        widget.resize(width, height)
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    return show


@pytest.fixture
def begun(shown: Callable[[Any, int, int], Any]) -> Callable[..., Any]:
    """Shows a panel in a size with a made run begun, of so many points."""

    def begin(panel: Panel, width: int = 480, height: int = 260, size: int = 50) -> Panel:
        shown(panel, width, height).begin(demo.info(size=size))
        return panel

    return begin


@pytest.fixture
def wheel() -> Callable[[QWidget, QPointF, int], None]:
    """Turns the wheel over a place of a widget, so many notches away from the person."""

    def turn(widget: QWidget, at: QPointF, notches: int) -> None:
        event = QWheelEvent(
            at,
            widget.mapToGlobal(at),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QCoreApplication.sendEvent(widget, event)

    return turn


def make_tiny(steps: int = 60, **training: Any) -> Experiment:
    """Vanilla beside mollified, small enough to train in a moment."""
    run = runs.run_from_plain(
        {
            "data": {"kind": "two-moons", "size": 256},
            "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8, "layers": 1},
            "mollification": {"kind": "sigmoid"},
            "training": {"steps": steps, "batch": 32, "threads": 1, "evaluate_every": 20, **training},
        }
    )
    return runs.twins(run)


@pytest.fixture
def tiny() -> Callable[..., Experiment]:
    """Makes experiments that train in a moment."""
    return make_tiny


@pytest.fixture
def make_window(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., MainWindow]]:
    """Makes shown windows with a project; closes those that are still open, however long their threads take."""
    windows: list[MainWindow] = []
    monkeypatch.setattr(main_window, "CLOSE_WAIT", 120_000)
    monkeypatch.setattr(main_window, "WARM_UP_AFTER", 0)

    def make(experiment: Experiment | None = None, path: Any = None, warm_up: bool = False) -> MainWindow:
        window = MainWindow(warm_up)
        windows.append(window)
        window.setWindowState(Qt.WindowState.WindowNoState)
        window.resize(1280, 800)
        window.show()
        opened: list[bool] = []
        window.handlers.documents.begin(path, lambda: opened.append(True))
        qtbot.waitUntil(lambda: bool(opened) or window.workbench.project is not None, timeout=10_000)
        if experiment is not None:
            window.workbench.show_cards(experiment)
        return window

    yield make
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def window(make_window: Callable[..., MainWindow]) -> MainWindow:
    """A shown window with an untitled project and a tiny experiment."""
    return make_window(make_tiny())
