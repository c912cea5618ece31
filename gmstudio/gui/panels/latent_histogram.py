"""A latent space of one dimension: the histogram of its points under the prior's curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gmstudio.gui.panels.plane_row import Plot
from gmstudio.gui.panels.point_colours import Colouring, draw_coloured
from gmstudio.gui.panels.strokes import polygon

Floats = NDArray[np.float64]

#: How far the bars reach in standard deviations of the prior, and how many there are.
REACH, BARS = 4.0, 48
#: Heights at which the axis may end: it stays calm while the bars grow.
TOPS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0)
#: Share of the height in which the points themselves stand.
FOOT = 0.11


def histogram(values: NDArray[Any]) -> tuple[Floats, Floats]:
    """Edges (B + 1,) and heights (B,) of the density of values; those beyond the edges are counted in the whole."""
    edges = np.linspace(-REACH, REACH, BARS + 1)
    finite = values[np.isfinite(values)]
    counts, _ = np.histogram(finite, edges)
    return edges, counts / max(1, len(finite)) * (BARS / (2 * REACH))


def height_at(values: NDArray[Any], place: float) -> float:
    """The height of the bar at a place; 0 beyond the bars."""
    edges, heights = histogram(values)
    bar = int(np.searchsorted(edges, place, side="right")) - 1
    return float(heights[bar]) if 0 <= bar < BARS else 0.0


def normal_density(x: Floats) -> Floats:
    """That of N(0, 1)."""
    return np.asarray(np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))


def top_for(parts: list[NDArray[Any]]) -> float:
    """Where an axis ends that shows these values' histograms and the density of N(0, 1)."""
    highest = 1.05 * max([0.4, *(float(histogram(part)[1].max(initial=0.0)) for part in parts)])
    return next((top for top in TOPS if top >= highest), highest)


def draw_histogram(
    painter: QPainter, plot: Plot, values: NDArray[Any], prior: NDArray[Any] | None, colour: QColor, line: QPen
) -> None:
    """Draw the bars of the latent points, and over them the prior.

    Args:
        plot: its bounds reach from 0 up.
        values: (N,) latent points.
        prior: (M,) draws of a second stage; None for N(0, 1).
        colour: of the bars.
        line: the prior's.
    """
    edges, heights = histogram(values)
    outline = np.concatenate([[[edges[0], 0.0]], _steps(edges, heights), [[edges[-1], 0.0]]])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(polygon(plot.pixels(outline)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(line)
    if prior is None:
        x = np.linspace(plot.bounds[0], plot.bounds[1], 160)
        painter.drawPolyline(polygon(plot.pixels(np.stack([x, normal_density(x)], axis=1))))
    else:
        painter.drawPolyline(polygon(plot.pixels(_steps(*histogram(prior)))))


def draw_rug(painter: QPainter, plot: Plot, values: NDArray[Any], colouring: Colouring | None, plain: QColor) -> None:
    """Draw the points themselves at the foot, in the colours of the data."""
    # Their height says nothing: it only keeps points apart.
    apart = (np.arange(len(values)) * 0.6180339887) % 1.0
    low, high = plot.bounds[2:]
    strip = np.stack([values, low + FOOT * (high - low) * (0.15 + 0.85 * apart)], axis=1)
    draw_coloured(painter, plot, strip, colouring, plain, 3.0)


def _steps(edges: Floats, heights: Floats) -> Floats:
    return np.stack([np.repeat(edges, 2)[1:-1], np.repeat(heights, 2)], axis=1)
