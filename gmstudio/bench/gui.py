"""`gmstudio bench gui`: the real window while it trains: panel work per frame, lateness, training speed.

Two columns, Real-NVP 8 x 128^2, 200 x 200 density, 24 x 24 arrows, 5,000 samples, all panels visible.
Training speed is compared with the same training without window and without observing, in turns, in the same process.
A frame is one turn of the event loop: one panel's new picture and all painting.
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
from gmstudio.bench.witness import Witness

MODEL = {"kind": "real-nvp", "blocks": 8, "hidden": 128, "layers": 2}


def experiment(batch: int, engine: str) -> runs.Experiment:
    """What is trained: vanilla beside mollified, without end."""
    run = runs.run_from_plain(
        {
            "data": {"kind": "two-moons"},
            "model": MODEL,
            "mollification": {"kind": "sigmoid"},
            "training": {"steps": 200_000, "batch": batch, "decay": "constant", "rate": 5e-4, "engine": engine},
        }
    )
    return runs.twins(run)


def main(arguments: list[str]) -> int:
    """Drive the window; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gmstudio bench gui", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the window trains (default: 60)")
    parser.add_argument("--batch", type=int, default=512, help="points in one step (default: 512)")
    parser.add_argument(
        "--engine",
        choices=("auto", "eager", "compiled"),
        default="auto",
        help="what makes the steps, in the window and headless (default: compiled where that can be had)",
    )
    parser.add_argument("--size", default="1500x900", help="of the window (default: 1500x900)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GMSTUDIO_HOME"] = folder
        engine = _engine(options.engine, options.batch)
        figures = measure(options.seconds, options.batch, options.size, engine)
    for name, bar in BARS.items():
        print(f"{name:<18} {figures[name]:8.2f}   (bar: {bar})")
    print(f"a process that only sleeps was late by at most {figures['machine_lateness_max_ms']:.1f} ms")
    print(f"all panels together, for one picture: {figures['picture_p50_ms']:.1f} ms median")
    print(f"engine: {engine}")
    print(f"headless {figures['headless']:.0f} steps/s, in the window {figures['window']:.0f} steps/s")
    report.write(options.json, figures)
    return 0


def _engine(wish: str, batch: int) -> str:
    """The engine that a person has after the first minute; a step that is to be compiled is compiled now."""
    from gmstudio.sessions import Session
    from gmstudio.training.engines.builds import obstacle

    if wish == "eager" or (wish == "auto" and obstacle()):
        return "eager"
    print("compiling the step, which takes a minute", flush=True)
    run = experiment(batch, "compiled")
    training = run.run.training.changed(steps=1)
    outcome = Session(run.changed(run=run.run.changed(training=training)), device="cpu", budget=0.0).run()
    if outcome.problem is not None:
        raise SystemExit(f"{outcome.problem.what} {outcome.problem.remedy}")
    return "compiled"


#: Seconds for which the window trains before a headless training has its turn.
ROUND_SECONDS = 10.0
BARS = {
    "frame_p99_ms": "<= 8",
    "lateness_p99_ms": "<= 10",
    "lateness_max_ms": "<= 50",
    "training_ratio": ">= 0.80",
}


def measure(seconds: float, batch: int, size: str, engine: str) -> dict[str, Any]:
    """The figures of one run: window and headless take turns, because a machine's speed drifts."""
    with Witness() as witness, _Window(size, experiment(batch, engine)) as window:
        rounds = []
        for _ in range(max(1, round(seconds / ROUND_SECONDS))):
            speed = window.train(ROUND_SECONDS, witness)
            rounds.append({"window": speed, "headless": _headless(ROUND_SECONDS / 2, experiment(batch, engine))})
        work, pictures, late = window.work, window.pictures, window.late
        visible = window.visible
    return {
        "frame_p50_ms": statistics.median(work),
        "frame_p99_ms": _quantile(work, 0.99),
        "frame_max_ms": max(work),
        "picture_p50_ms": statistics.median(pictures),
        "picture_p99_ms": _quantile(pictures, 0.99),
        "lateness_p99_ms": _quantile(late, 0.99),
        "lateness_max_ms": max(late),
        "machine_lateness_max_ms": max(witness.late, default=0.0),
        "training_ratio": statistics.median(r["window"] / r["headless"] for r in rounds),
        "window": statistics.median(r["window"] for r in rounds),
        "headless": statistics.median(r["headless"] for r in rounds),
        "rounds": rounds,
        "frames": len(work),
        "pictures": len(pictures),
        "panels": visible,
        "size": size,
        "seconds": seconds,
        "batch": batch,
        "engine": engine,
    }


def _headless(seconds: float, trained: runs.Experiment) -> float:
    """Steps a second of the bare training: no window, nothing observed, nothing recorded."""
    from gmstudio.sessions import Session
    from gmstudio.training.commands import Stop

    session = Session(trained, device="auto", wants=frozenset(), budget=0.0)
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
    """Steps a second between two marks, without the first half second, in which caches are cold."""
    warm = [mark for mark in marks if mark[0] > marks[0][0] + 0.5]
    (first, low), (last, high) = warm[0], warm[-1]
    return (high - low) / (last - first)


class _Window:
    """The real window, which trains for a while whenever it is asked to."""

    def __init__(self, size: str, trained: runs.Experiment) -> None:
        from gmstudio.gui.app import make_app, make_window

        self._app = make_app()
        self._window = make_window()
        self.work: list[float] = []
        self.pictures: list[float] = []
        self.late: list[float] = []
        width, _, height = size.partition("x")
        self._window.resize(int(width), int(height))
        self._window.show()
        self._rest(1.5)
        self._window.workbench.show_cards(trained)
        self._window.workbench.start()
        self._marks: list[tuple[float, int]] = []
        self._window.display.status.connect(
            lambda status: self._marks.append((time.perf_counter(), status.step)) if status.state == "running" else None
        )
        # Long enough for the truth to be computed, which happens once in a run.
        self._rest(8.0)
        if not self._marks:
            raise RuntimeError("the window does not train")
        self.visible = sorted(name for name, panel in self._window.panels.items() if panel.isVisible())
        self._window.control.pause()
        self._rest(1.0)

    def __enter__(self) -> _Window:
        return self

    def __exit__(self, *error: object) -> None:
        self._window.close()
        self._app.processEvents()

    def _rest(self, seconds: float) -> None:
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()

    def train(self, seconds: float, witness: Witness) -> float:
        """Train in the window for so long, then hold; returns steps a second."""
        display = self._window.display
        self._window.control.play()
        self._rest(0.5)
        display.measures.forget()
        self._marks.clear()
        witness.begin()
        self._rest(seconds)
        witness.end()
        self.work += display.measures.work_ms
        self.pictures += display.measures.picture_ms
        self.late += display.measures.lateness_ms
        speed = _speed(self._marks)
        self._window.control.pause()
        self._rest(1.0)
        return speed


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
