"""What pictures show, in short sentences with numbers, for people who cannot see them; numpy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gmstudio.observation import maps
from gmstudio.observation.frame import F32, METRICS, ColumnFrame, Frame, Metric, Truth, View


def frame_summary(frame: Frame, titles: Sequence[str], truth: Truth | None = None) -> str:
    """One sentence about each column of a frame, after one about the step.

    Args:
        frame: the frame.
        titles: of the columns.
        truth: on the same view, or None.
    """
    lines = [f"Step {frame.step:,}."]
    for title, column in zip(titles, frame.columns, strict=True):
        parts = [part for part in _parts(column, frame.view, truth) if part]
        if parts:
            lines.append(f"{title}: {'; '.join(parts)}.")
    return " ".join(lines)


def _parts(column: ColumnFrame, view: View, truth: Truth | None) -> list[str]:
    exact = truth if truth is not None and truth.view.bounds == view.bounds else None
    return [
        density_summary(column.log_density, view),
        score_summary(column.score, None if exact is None else exact.score),
        samples_summary(column.samples, view),
        f"noise variance {column.sigma2:.2g}" if column.sigma2 > 0 else "",
    ]


def density_summary(log_density: F32 | None, view: View) -> str:
    """Where a log-density (side, side) is highest, and how much of the picture holds nine tenths of the mass."""
    if log_density is None or not log_density.size:
        return ""
    side = log_density.shape[0]
    row, column = np.unravel_index(int(np.argmax(log_density)), log_density.shape)
    x, y = view.points(side).reshape(side, side, 2)[row, column]
    left, right, bottom, top = view.bounds
    cell = (right - left) * (top - bottom) / side**2
    if view.plane is not None:
        # A slice has no mass of its own; its logarithms may be of any size.
        mass = np.exp(log_density.astype(np.float64) - float(log_density.max()))
        ordered = np.sort(mass.ravel())[::-1].cumsum()
        area = (np.searchsorted(ordered, 0.9 * ordered[-1]) + 1) / mass.size
        across, up = view.plane.names
        return (
            f"on the plane of {across} and {up} the density peaks at {point(*view.plane.written(x, y))} with "
            f"{log_density[row, column]:.1f} nats, nine tenths of what is in view lies on {100 * area:.0f} % of it"
        )
    mass = np.exp(np.minimum(log_density.astype(np.float64), 80.0)) * cell
    ordered = np.sort(mass.ravel())[::-1].cumsum()
    area = (np.searchsorted(ordered, 0.9 * ordered[-1]) + 1) / mass.size
    return (
        f"density peaks at {point(x, y)} with {log_density[row, column]:.1f} nats, "
        f"{100 * min(ordered[-1], 1.0):.0f} % of its mass is in view, nine tenths of that on {100 * area:.0f} % of it"
    )


def score_summary(score: F32 | None, truth: F32 | None) -> str:
    """How score vectors (side, side, 2) compare with the true ones; their typical length where no truth is known."""
    if score is None or not score.size:
        return ""
    if truth is None or truth.shape != score.shape:
        return f"median length of the score {np.median(maps.norm(score)):.2g}"
    degrees = np.rad2deg(maps.angle_error(score, truth))
    return (
        f"score off by {np.median(degrees):.0f}° in the median, by more than 90° at {100 * (degrees > 90).mean():.0f} %"
    )


def samples_summary(samples: F32 | None, view: View) -> str:
    """Where samples (N, 2), or (N, C) seen on the view's plane, lie."""
    if samples is None or not len(samples):
        return ""
    if view.plane is not None:
        samples = view.plane.project(samples)
    left, right, bottom, top = view.bounds
    inside = (samples[:, 0] >= left) & (samples[:, 0] <= right) & (samples[:, 1] >= bottom) & (samples[:, 1] <= top)
    centre, spread = samples.mean(axis=0), samples.std(axis=0)
    return (
        f"{len(samples):,} samples around {point(*centre)} with deviations {spread[0]:.2g} and {spread[1]:.2g}, "
        f"{100 * inside.mean():.0f} % in view"
    )


def metrics_summary(metrics: Sequence[Metric], titles: Sequence[str]) -> str:
    """The last value of every metric of every column, and which column is best."""
    last: dict[tuple[str, int], Metric] = {(one.name, one.column): one for one in metrics}
    lines = []
    for name, (title, unit, better) in METRICS.items():
        values = {column: last[name, column].value for column in range(len(titles)) if (name, column) in last}
        if not values:
            continue
        told = ", ".join(f"{titles[column]} {number(value, unit)}" for column, value in values.items())
        lines.append(f"{title}: {told}{_best(values, titles, better)}.")
    return " ".join(lines)


def _best(values: dict[int, float], titles: Sequence[str], better: int) -> str:
    if not better or len(values) < 2 or len(set(values.values())) < 2:
        return ""
    best = max(values, key=lambda column: better * values[column])
    return f"; {titles[best]} is better" if len(values) == 2 else f"; {titles[best]} is best"


def number(value: float, unit: str = "") -> str:
    """A number for reading aloud: three digits, with its unit; a share in per cent."""
    if unit == "share":
        return f"{100 * value:.0f} %"
    return f"{value:.3g} {unit}".strip()


def point(x: float, y: float) -> str:
    """A point of the plane, such as (0.5, 1.2)."""
    return f"({x:.2g}, {y:.2g})"
