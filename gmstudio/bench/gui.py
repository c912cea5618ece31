"""`gmstudio bench gui`: the real window while it trains: panel work per frame, lateness, training speed.

Two columns, Real-NVP 8 x 128^2, 200 x 200 density, 24 x 24 arrows, 5,000 samples, all panels visible.
Training speed is compared with the same training without window and without observing, before and after, in
the same process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from gmstudio import runs
from gmstudio.bench import report

MODEL = {"kind": "real-nvp", "blocks": 8, "hidden": 128, "layers": 2}


def experiment(batch: int) -> runs.Experiment:
    """What is trained: vanilla beside mollified, without end."""
    run = runs.run_from_plain(
        {
            "data": {"kind": "two-moons"},
            "model": MODEL,
            "mollification": {"kind": "sigmoid"},
            "training": {"steps": 10_000_000, "batch": batch, "decay": "constant", "rate": 5e-4},
        }
    )
    return runs.twins(run)


def main(arguments: list[str]) -> int:
    """Drive the window; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gmstudio bench gui", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the window trains (default: 60)")
    parser.add_argument("--batch", type=int, default=512, help="points in one step (default: 512)")
    parser.add_argument("--size", default="1500x900", help="of the window (default: 1500x900)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GMSTUDIO_HOME"] = folder
        figures = measure(options.seconds, options.batch, options.size)
    for name, bar in BARS.items():
        print(f"{name:<18} {figures[name]:8.2f}   (bar: {bar})")
    print(f"headless {figures['headless']:.0f} steps/s, in the window {figures['window']:.0f} steps/s")
    report.write(options.json, figures)
    return 0


BARS = {
    "frame_p99_ms": "<= 8",
    "lateness_p99_ms": "<= 10",
    "lateness_max_ms": "<= 50",
    "training_ratio": ">= 0.80",
}


def measure(seconds: float, batch: int, size: str) -> dict[str, Any]:
    """The figures of one run."""
    share = max(3.0, seconds / 4)
    before = _headless(share, batch)
    figures = _window(seconds, batch, size)
    after = _headless(share, batch)
    headless = (before + after) / 2
    return {
        **figures,
        "training_ratio": figures["window"] / headless,
        "headless": headless,
        "headless_rounds": [before, after],
        "seconds": seconds,
        "batch": batch,
    }


def _headless(seconds: float, batch: int) -> float:
    """Steps a second of the bare training: no window, nothing observed, nothing recorded."""
    from gmstudio.sessions import Session
    from gmstudio.training.commands import Stop

    session = Session(experiment(batch), device="auto", wants=frozenset(), budget=0.0)
    thread = threading.Thread(target=session.run)
    thread.start()
    marks: list[tuple[float, int]] = []
    while thread.is_alive() and (not marks or time.perf_counter() < marks[0][0] + seconds + 1.0):
        time.sleep(0.05)
        status = session.status.take()
        if status is not None and status.state == "running":
            marks.append((time.perf_counter(), status.step))
    session.post(Stop())
    thread.join()
    return _speed(marks)


def _speed(marks: list[tuple[float, int]]) -> float:
    """Steps a second between two marks, without the first second, in which caches are cold."""
    warm = [mark for mark in marks if mark[0] > marks[0][0] + 1.0]
    (first, low), (last, high) = warm[0], warm[-1]
    return (high - low) / (last - first)


def _window(seconds: float, batch: int, size: str) -> dict[str, Any]:
    from PySide6.QtCore import QEventLoop, QTimer

    from gmstudio.gui.app import make_app, make_window

    app = make_app()
    window = make_window()
    width, _, height = size.partition("x")
    window.resize(int(width), int(height))
    window.show()

    def rest(duration: float) -> None:
        loop = QEventLoop()
        QTimer.singleShot(round(duration * 1000), loop.quit)
        loop.exec()

    rest(1.5)
    window.workbench.show_cards(experiment(batch))
    window.workbench.start()
    marks: list[tuple[float, int]] = []
    window.display.status.connect(lambda status: marks.append((time.perf_counter(), status.step)))
    rest(4.0)
    if not marks:
        raise RuntimeError("the window does not train")
    marks.clear()
    window.display.forget_measures()
    rest(seconds)
    work, late = list(window.display.work_ms), list(window.display.lateness_ms)
    visible = sorted(name for name, panel in window.panels.items() if panel.isVisible())
    window.close()
    app.processEvents()
    return {
        "frame_p50_ms": statistics.median(work),
        "frame_p99_ms": _quantile(work, 0.99),
        "frame_max_ms": max(work),
        "lateness_p99_ms": _quantile(late, 0.99),
        "lateness_max_ms": max(late),
        "window": _speed(marks),
        "frames": len(work),
        "panels": visible,
        "size": size,
    }


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
