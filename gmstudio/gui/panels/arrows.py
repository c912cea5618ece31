"""Vector fields as strokes: every arrow of a plot in one path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.gui.panels.plane_row import Plot
from gmstudio.observation.frame import View

#: Arrows stand at least this many pixels apart; finer grids are thinned.
SPACING = 11.0
_HEAD = math.radians(152)


def lengths(norms: NDArray[Any], half: float) -> NDArray[Any]:
    """Drawn lengths in [0, 1) of vectors of given norms: norm / (norm + half).

    Scores grow without limit where a density is nearly zero; drawn in proportion they would hide everything else.
    """
    drawn: NDArray[Any] = norms / (norms + max(half, 1e-12))
    return drawn


def arrows(tails: NDArray[Any], vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Shafts and heads of arrows.

    Args:
        tails, vectors: (N, 2) in pixels.

    Returns:
        (3 N, 4) segments.
    """
    tips = tails + vectors
    head = np.minimum(0.38, 4.5 / np.maximum(np.hypot(vectors[:, 0], vectors[:, 1]), 1e-9))[:, None]
    cos, sin = math.cos(_HEAD), math.sin(_HEAD)
    barbs = []
    for turn in (sin, -sin):
        barb = np.stack(
            [cos * vectors[:, 0] - turn * vectors[:, 1], turn * vectors[:, 0] + cos * vectors[:, 1]], axis=1
        )
        barbs.append(np.concatenate([tips, tips + head * barb], axis=1))
    return np.concatenate([np.concatenate([tails, tips], axis=1), *barbs])


def field(plot: Plot, view: View, score: NDArray[Any], half: float) -> NDArray[np.float64]:
    """The segments of a score field on a plot, each arrow centred on its point of the grid.

    Args:
        plot: where.
        view: the view whose grid of arrows the field stands on.
        score: (n, n, 2), row 0 at the bottom.
        half: the norm that is drawn at half of the full length.
    """
    n = len(score)
    spacing = (view.bounds[1] - view.bounds[0]) / n * plot.scale
    stride = max(1, math.ceil(SPACING / max(spacing, 1e-9)))
    at = slice((stride - 1) // 2, None, stride)
    points = plot.pixels(view.points(n).reshape(n, n, 2)[at, at].reshape(-1, 2))
    vectors = np.asarray(score, dtype=np.float64)[at, at].reshape(-1, 2) * (1.0, -1.0)
    norms = np.hypot(vectors[:, 0], vectors[:, 1])
    usable = np.isfinite(norms) & (norms > 0)
    points, vectors, norms = points[usable], vectors[usable], norms[usable]
    inside = plot.rect
    seen = (points[:, 0] > inside.left()) & (points[:, 0] < inside.right())
    seen &= (points[:, 1] > inside.top()) & (points[:, 1] < inside.bottom())
    points, vectors, norms = points[seen], vectors[seen], norms[seen]
    drawn = vectors / norms[:, None] * (lengths(norms, half) * spacing * stride * 0.95)[:, None]
    return arrows(points - drawn / 2, drawn)


def finer(vectors: NDArray[Any], factor: int) -> NDArray[np.float32]:
    """A vector field (n, n, 2) interpolated linearly between the middles of its cells, `factor` times as fine."""
    n = len(vectors)
    at = np.clip((np.arange(n * factor) + 0.5) / factor - 0.5, 0, n - 1)
    low = np.minimum(at.astype(np.int64), max(n - 2, 0))
    weights = np.zeros((n * factor, n), dtype=np.float32)
    rows = np.arange(n * factor)
    weights[rows, low] = 1 - (at - low)
    if n > 1:
        weights[rows, low + 1] = at - low
    clean = np.nan_to_num(np.asarray(vectors, dtype=np.float32), posinf=0.0, neginf=0.0)
    along = np.tensordot(weights, clean, axes=(1, 0))
    result: NDArray[np.float32] = np.tensordot(weights, along, axes=(1, 1)).transpose(1, 0, 2)
    return result
