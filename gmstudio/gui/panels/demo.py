"""Made data, so that every panel can be looked at alone: ``python -m gmstudio.gui.panels.density``."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gmstudio.gui.panels.base import Panel
from gmstudio.observation.frame import F32, WARP, ColumnFrame, Frame, Metric, RunInfo, Truth, View

STEPS = 4000
BOUNDS = (-3.0, 3.0, -3.0, 3.0)
LAYERS = 6
#: Latent dimensions of the made models, of which two are active.
LATENT = 3
_CENTRES = np.array([[2 * math.cos(a), 2 * math.sin(a)] for a in np.arange(8) * math.pi / 4])


def _mixture(points: NDArray[np.float64], spread: float) -> tuple[F32, F32]:
    """Log-density and score of eight Gaussians at (N, 2) points."""
    away = _CENTRES[None] - points[:, None]
    logs = -(away**2).sum(-1) / (2 * spread**2) - math.log(2 * math.pi * spread**2 * len(_CENTRES))
    top = logs.max(axis=1, keepdims=True)
    weights = np.exp(logs - top)
    log_density = top[:, 0] + np.log(weights.sum(axis=1))
    weights /= weights.sum(axis=1, keepdims=True)
    return log_density.astype(np.float32), ((weights[..., None] * away).sum(1) / spread**2).astype(np.float32)


def _draw(size: int, spread: float, rng: np.random.Generator) -> F32:
    return (_CENTRES[rng.integers(0, 8, size)] + spread * rng.normal(size=(size, 2))).astype(np.float32)


def sigma2(step: int, column: int) -> float:
    """The noise variance of the made run."""
    u = step / STEPS
    return 0.0 if column == 0 else float(np.clip((1 - u / 0.8) ** 2, 0, 1)) * (u < 0.8)


def info(run: str = "demo", size: int = 8192) -> RunInfo:
    """A made run of two columns."""
    plans = np.array([[sigma2(step, column) for step in range(STEPS)] for column in range(2)])
    return RunInfo(
        run=run,
        titles=("Vanilla", "Mollified"),
        steps=STEPS,
        device="cpu",
        data=data(size),
        bounds=BOUNDS,
        plans=plans,
        mode_centres=_CENTRES.astype(np.float32),
        path_titles=("data", *(f"coupling {k + 1}" for k in range(LAYERS - 1)), "latent"),
        latent=LATENT,
    )


def data(size: int) -> F32:
    """The first points of the made data."""
    return _draw(8192, 0.2, np.random.default_rng(1))[:size]


def truth(view: View) -> Truth:
    """The exact density of the made data."""
    log_density = _mixture(view.points(view.grid).astype(np.float64), 0.2)[0].reshape(view.grid, view.grid)
    score = _mixture(view.points(view.arrows).astype(np.float64), 0.2)[1].reshape(view.arrows, view.arrows, 2)
    return Truth(view, log_density, score)


def frame(step: int, view: View, run: str = "demo") -> Frame:
    """What a model might show at a step: the mixture, too wide at first; the vanilla column stays wider."""
    columns = []
    for column in range(2):
        rng = np.random.default_rng((7, step, column))
        spread = 0.2 + (0.5 if column == 0 else 0.35) * math.exp(-3 * step / STEPS)
        variance = sigma2(step, column)
        log_density = _mixture(view.points(view.grid).astype(np.float64), spread)[0]
        score = _mixture(view.points(view.arrows).astype(np.float64), spread)[1]
        batch = _draw(view.batch, 0.2, rng) * math.sqrt(1 - variance)
        batch = (batch + math.sqrt(variance) * rng.normal(size=batch.shape)).astype(np.float32)
        turn = np.linspace(0, 1.2 + column, LAYERS + 1)
        start = np.array(view.probe or (1.0, 0.5)) / 1.5
        path = np.stack(
            [start[0] * np.cos(turn) - start[1] * np.sin(turn), start[0] * np.sin(turn) + start[1] * np.cos(turn)], 1
        )
        columns.append(
            ColumnFrame(
                log_density=log_density.reshape(view.grid, view.grid) if view.grid else None,
                score=score.reshape(view.arrows, view.arrows, 2) if view.arrows else None,
                samples=_draw(view.samples, spread, rng),
                batch=batch,
                path=(path * (1 - 0.04 * np.arange(LAYERS + 1))[:, None]).astype(np.float32),
                sigma2=variance,
                outliers=_outliers(column),
                **_latent(step, column, view),
            )
        )
    return Frame(run, step, view, tuple(columns))


def _latent(step: int, column: int, view: View) -> dict[str, F32]:
    """Codes of an autoencoder whose posteriors sharpen, and what it decodes; the vanilla column leaves a hole."""
    rng = np.random.default_rng((11, column))
    rows = data(view.codes).astype(np.float64)
    learned = 1 - math.exp(-4 * step / STEPS)
    means = np.concatenate([_encoded(rows, column) * (0.2 + 0.8 * learned), 0.03 * rng.normal(size=(len(rows), 1))], 1)
    logs = np.broadcast_to(np.array([-3.2, -2.6, -0.02]) * (0.1 + 0.9 * learned), means.shape)
    draws = means + np.exp(logs / 2) * rng.normal(size=means.shape)
    line = np.linspace(-WARP, WARP, view.warp)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    shown = data(view.rebuilt).astype(np.float64)
    made = {
        "codes": np.stack([means, logs, draws], axis=1),
        "prior": np.random.default_rng(12).normal(size=(view.codes, LATENT)),
        "rebuilt": shown * (0.4 + 0.55 * learned) + 0.3 * (1 - learned) * rng.normal(size=shown.shape),
        "warp": (_decoded(grid, column) * (0.3 + 0.7 * learned)).reshape(view.warp, view.warp, 2),
        "warp_axes": np.array([0.0, 1.0]),
    }
    return {name: part.astype(np.float32) for name, part in made.items()}


def _encoded(points: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    """Where (N, 2) points of the plane are in the latent space; `_decoded` leads back."""
    radius = np.linalg.norm(points, axis=1, keepdims=True)
    turned = points @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    pulled = 1.45 if column == 0 else 1.3
    return np.asarray(turned / np.maximum(radius, 1e-9) * pulled * (radius / 2) ** 1.5)


def _decoded(latent: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    radius = np.linalg.norm(latent, axis=1, keepdims=True)
    pulled = 1.45 if column == 0 else 1.3
    points = latent / np.maximum(radius, 1e-9) * 2 * (radius / pulled) ** (2 / 3)
    return np.asarray(points @ np.array([[0.8, -0.6], [0.6, 0.8]]))


def _outliers(column: int) -> F32:
    """Forty rows that the column finds unlikely."""
    rows = _draw(40, 0.6, np.random.default_rng(5 + column))
    levels = np.sort(_mixture(rows.astype(np.float64), 0.25)[0])
    return np.column_stack([np.arange(40) * 17, np.arange(40) % 4 == 0, levels, rows]).astype(np.float32)


def metrics(start: int, stop: int) -> list[Metric]:
    """Made numbers of the steps from `start` to before `stop`, with one spike."""
    rng = np.random.default_rng((3, start))
    made: list[Metric] = []
    for step in range(start, stop):
        for column in range(2):
            level = -1.9 - (2.2 - 0.5 * column) * math.exp(-4 * step / STEPS)
            noise = float(rng.normal()) * 0.12
            made.append(Metric(step, column, "train", -450.0 if step == 700 else level + noise))
            made.append(Metric(step, column, "sigma2", sigma2(step, column)))
            if step % 50 == 0:
                overfit = 0.25 * (step / STEPS) ** 2 if column == 0 else 0.0
                made.append(Metric(step, column, "validation", level - 0.05 - overfit))
            if step % 200 == 0:
                falling = math.exp(-3 * step / STEPS)
                made.append(Metric(step, column, "kl", 0.02 + (1.4 - column * 0.4) * falling))
                made.append(Metric(step, column, "fisher", 0.6 + (9.0 - column * 4) * falling))
                made.append(Metric(step, column, "mmd", 1e-4 + 0.02 * falling))
                made.append(Metric(step, column, "modes", min(1.0, 0.5 + 0.125 * (step // 400))))
                made.append(Metric(step, column, "gamma", 0.01 + 0.99 * falling**2))
                made.append(Metric(step, column, "divergence", 4.1 - 4 * falling))
                made.append(Metric(step, column, "active", 2.0))
    return made


def main(panel: type[Panel]) -> None:
    """Show a panel on made data that trains for ever."""
    from gmstudio.gui.alone import show_alone

    show_alone(lambda: running(panel), 640, 400)


def running(panel: type[Panel]) -> Panel:
    """A panel on made data that trains for ever."""
    from PySide6.QtCore import QTimer

    widget = panel()
    widget.setWindowTitle(panel.title)
    view = View(BOUNDS)
    widget.begin(info())
    widget.show_truth(truth(view))
    state = {"step": 0}

    def advance() -> None:
        step = state["step"]
        widget.show_metrics(metrics(step, step + 20))
        widget.show_frame(frame(step, view))
        widget.show_step(step)
        state["step"] = (step + 20) % STEPS
        if not state["step"]:
            widget.begin(info())

    timer = QTimer(widget)
    timer.timeout.connect(advance)
    timer.start(50)
    return widget
