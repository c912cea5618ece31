"""Made data of six columns, to look at panels for tables alone: ``python -m gmstudio.gui.panels.pairs``."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gmstudio.gui.panels import demo
from gmstudio.gui.panels.base import Panel
from gmstudio.observation.frame import F32, ColumnFrame, Frame, RunInfo, Truth, View
from gmstudio.observation.plane import Space

NAMES = ("alcohol", "volatile acidity", "pH", "total sulphur dioxide, in milligrams a litre", "density", "sugar")
_MEAN = np.array([10.4, 0.53, 3.3, 46.0, 0.997, 2.5])
_SPREAD = np.array([1.1, 0.18, 0.15, 33.0, 0.002, 1.4])


def _draw(size: int, wider: float, rng: np.random.Generator) -> F32:
    """Correlated rows, one column skewed and one of few values."""
    common = rng.normal(size=(size, 2))
    z = 0.6 * rng.normal(size=(size, 6)) + common @ np.array([[0.8, -0.5, 0, 0.3, -0.8, 0], [0, 0.6, 0.7, 0, 0.1, 0.8]])
    z[:, 3] = np.exp(0.5 * z[:, 3]) * 1.6 - 1.8
    rows = _MEAN + _SPREAD * z * wider
    rows[:, 2] = np.round(rows[:, 2], 2)
    made: F32 = rows.astype(np.float32)
    return made


def space() -> Space:
    """The columns of the made data."""
    rows = _draw(1200, 1.0, np.random.default_rng(1)).astype(np.float64)
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    _, _, right = np.linalg.svd((rows - mean) / spread, full_matrices=False)
    return Space(NAMES, mean, np.median(rows, axis=0), spread, right[:2], float(np.log(spread).sum()))


def info(run: str = "demo", size: int = 1200) -> RunInfo:
    """A made run of two columns on six columns of data."""
    data = _draw(size, 1.0, np.random.default_rng(1))
    return replace(
        demo.info(run, size), data=data, mode_centres=None, path_titles=(), space=space(), bounds=(-5.0, 5.0, -5.0, 5.0)
    )


def view(**sizes: int) -> View:
    """What is seen of it."""
    made = info(size=10)
    return replace(View(made.bounds, plane=made.plane), **sizes)  # type: ignore[arg-type]


def truth(view: View) -> Truth:
    """Nothing is known but the levels of simpler models."""
    return Truth(view, baselines=(("Gaussian", -4.2), ("Mixture of 4 Gaussians", -3.6)))


def frame(step: int, view: View, run: str = "demo") -> Frame:
    """What a model might show at a step: too wide at first."""
    columns = []
    flat = demo.frame(step, replace(view, plane=None, samples=1, batch=1), run)
    for k, column in enumerate(flat.columns):
        rng = np.random.default_rng((7, step, k))
        wider = 1 + (0.8 if k == 0 else 0.5) * math.exp(-3 * step / demo.STEPS)
        batch = _draw(view.batch, 1.0, rng)
        noise = _SPREAD * rng.normal(size=batch.shape)
        batch = _MEAN + (batch - _MEAN) * math.sqrt(1 - column.sigma2) + math.sqrt(column.sigma2) * noise
        columns.append(
            replace(
                column,
                samples=_draw(view.samples, wider, rng),
                batch=batch.astype(np.float32),
                path=None,
                outliers=_outliers(k),
            )
        )
    return Frame(run, step, view, tuple(columns))


def _outliers(column: int) -> F32:
    rows = _draw(1200, 1.0, np.random.default_rng(1))
    away = (((rows - _MEAN) / _SPREAD) ** 2).sum(axis=1).astype(np.float64)
    number: NDArray[np.int64] = np.argsort(-away)[:60]
    head = np.stack([number, number % 5 == 0, -away[number] / 2 - column], axis=1)
    return np.concatenate([head, rows[number]], axis=1).astype(np.float32)


def empty(frame: Frame) -> Frame:
    """The frame without anything in it."""
    return replace(frame, columns=tuple(ColumnFrame() for _ in frame.columns))


def main(panel: type[Panel]) -> None:
    """Show a panel on made data that trains for ever."""
    from gmstudio.gui.alone import show_alone

    show_alone(lambda: running(panel), 760, 560)


def running(panel: type[Panel]) -> Panel:
    """A panel on made data that trains for ever."""
    from PySide6.QtCore import QTimer

    widget, seen, state = panel(), view(), {"step": 0}
    widget.setWindowTitle(panel.title)
    widget.begin(info())
    widget.show_truth(truth(seen))

    def advance() -> None:
        step = state["step"]
        widget.show_metrics(demo.metrics(step, step + 20))
        widget.show_frame(frame(step, seen))
        widget.show_step(step)
        state["step"] = (step + 20) % demo.STEPS
        if not state["step"]:
            widget.begin(info())

    timer = QTimer(widget)
    timer.timeout.connect(advance)
    timer.start(50)
    return widget
