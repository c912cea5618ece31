"""Made images of 8 × 8 pixels, to look at panels for images alone: ``python -m gmstudio.gui.panels.images``."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Picture
from gmstudio.gui.panels import demo
from gmstudio.gui.panels.base import Panel
from gmstudio.mollification.widths import width
from gmstudio.observation.frame import F32, Frame, RunInfo, View
from gmstudio.observation.plane import Space

SIDE = 8
PICTURE = Picture((1, SIDE, SIDE), 17)
CLASSES = ("disc", "ring", "bar", "cross")
TITLES = ("Vanilla", "Noise", "Blur")
BY = ("noise", "noise", "blur")


def _draw(size: int, rng: np.random.Generator) -> tuple[F32, NDArray[np.int64]]:
    """Light shapes on dark ground, and the class of each."""
    y, x = np.mgrid[:SIDE, :SIDE][:, None]
    labels = rng.integers(0, len(CLASSES), size)
    centre = SIDE / 2 - 0.5 + rng.uniform(-1, 1, (2, size, 1, 1))
    across, up = x - centre[0], y - centre[1]
    away = np.hypot(across, up)
    shapes = np.stack(
        [
            away < 2.4,
            np.abs(away - 2.4) < 0.8,
            np.abs(across) < 0.9,
            (np.abs(across) < 0.8) | (np.abs(up) < 0.8),
        ]
    )
    light = 0.85 * shapes[labels, np.arange(size)] + rng.uniform(0.02, 0.13, (size, SIDE, SIDE))
    return light.reshape(size, -1).astype(np.float32), labels.astype(np.int64)


def blurred(rows: F32, pixels: float) -> F32:
    """Images blurred by about so many pixels."""
    if pixels <= 0:
        return rows
    at = np.arange(SIDE)
    weights = np.exp(-((at[:, None] - at) ** 2) / (2 * pixels**2))
    weights /= weights.sum(axis=1, keepdims=True)
    found: F32 = (weights @ rows.reshape(-1, SIDE, SIDE) @ weights.T).reshape(rows.shape).astype(np.float32)
    return found


def info(run: str = "demo", size: int = 600) -> RunInfo:
    """A made run of three columns on made images: without mollification, with noise, with blur."""
    data, labels = _draw(size, np.random.default_rng(1))
    mean, spread = data.mean(axis=0).astype(np.float64), data.std(axis=0).astype(np.float64)
    names = tuple(f"{row},{column}" for row in range(SIDE) for column in range(SIDE))
    _, _, right = np.linalg.svd((data - mean) / spread, full_matrices=False)
    space = Space(names, mean, mean, spread, right[:2].astype(np.float64), float(np.log(spread).sum()))
    plain = demo.info(run, 10)
    return replace(
        plain,
        titles=TITLES,
        data=data,
        bounds=(-12.0, 12.0, -12.0, 12.0),
        plans=np.stack([plain.plans[0], plain.plans[1], plain.plans[1]]),
        mode_centres=None,
        path_titles=(),
        space=space,
        latent=6,
        picture=PICTURE,
        labels=labels,
        label_names=CLASSES,
        by=BY,
    )


def view(**sizes: int) -> View:
    """What is seen of it."""
    made = info()
    return replace(View(made.bounds, plane=made.plane, samples=160, batch=160), **sizes)  # type: ignore[arg-type]


def frame(step: int, view: View, run: str = "demo") -> Frame:
    """What a model might show at a step: samples are hidden by noise at first."""
    data, columns = info().data, []
    flat = demo.frame(step, replace(view, plane=None, samples=1, batch=1), run)
    for k in range(len(TITLES)):
        rng = np.random.default_rng((7, step, k))
        left = math.exp(-3 * step / demo.STEPS) * (0.5 if k == 0 else 0.3)
        samples = _draw(view.samples, np.random.default_rng(5))[0]
        samples = (samples + left * rng.normal(size=samples.shape)).astype(np.float32)
        sigma2 = demo.sigma2(step, min(k, 1))
        batch = data[: view.batch]
        if BY[k] == "blur":
            batch = blurred(batch, float(width(sigma2, SIDE)))
        else:
            noise = 0.4 * rng.normal(size=batch.shape)
            batch = (math.sqrt(1 - sigma2) * batch + math.sqrt(sigma2) * noise).astype(np.float32)
        near = samples[: view.neighbours]
        at = ((near[:, None] - data) ** 2).sum(-1).argmin(axis=1)
        columns.append(
            replace(
                flat.columns[min(k, 1)],
                samples=samples,
                batch=batch,
                path=None,
                outliers=None,
                sigma2=sigma2,
                rebuilt=blurred(data[: min(view.rebuilt, 160)], 0.8 + left),
                neighbours=np.column_stack([at, data[at]]).astype(np.float32),
            )
        )
    return Frame(run, step, view, tuple(columns))


def main(panel: type[Panel]) -> None:
    """Show a panel on made images that are learned for ever."""
    from gmstudio.gui.alone import show_alone

    show_alone(lambda: running(panel), 760, 560)


def running(panel: type[Panel]) -> Panel:
    """A panel on made images that are learned for ever."""
    from PySide6.QtCore import QTimer

    widget, seen, state = panel(), view(), {"step": 0}
    widget.setWindowTitle(panel.title)
    widget.begin(info())

    def advance() -> None:
        step = state["step"]
        widget.show_frame(frame(step, seen))
        widget.show_step(step)
        state["step"] = (step + 20) % demo.STEPS
        if not state["step"]:
            widget.begin(info())

    timer = QTimer(widget)
    timer.timeout.connect(advance)
    timer.start(50)
    return widget
