"""Colours of data points, so that they are known again elsewhere: by their place, their class, or a value."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gmstudio.gui.panels.plane_row import Plot
from gmstudio.gui.panels.points import within
from gmstudio.gui.panels.strokes import polygon
from gmstudio.gui.theme import Table, Theme

#: Colours per side of the map of places, and of a scale of values: more cannot be told apart, and each is one call.
SIDE, LEVELS = 11, 24
#: Share of the points left out at each end of the range of places and values, so that outliers do not use it up.
CUT = 0.01
_CLASSES = {
    True: "7aa9ff ff9e57 5ad19a ff7a7a c792ea c9a27c ff8fd0 b0b8c4 d6d45a 4fd6e0",
    False: "1f5fd0 d9690a 1c8a4a cc2b2b 7d3fb5 7a4f35 c33c93 5f6673 8a8a00 0a8fa3",
}
_VALUES = {
    True: ("#4f7dff", "#2fb7c9", "#7fd06a", "#e8cf4a", "#ff8f4d"),
    False: ("#1c3f9f", "#0f7f93", "#3c8f2f", "#b08a00", "#c23b12"),
}


@dataclass(frozen=True)
class Colouring:
    """The colour of every row of the data.

    Attributes:
        groups: (N,) the number of each row's colour.
        colours: of the groups.
        names: of the groups, where they are classes; else empty.
        limits: the values of the first and the last colour, where they are a scale.
        title: what the scale measures.
    """

    groups: NDArray[np.intp]
    colours: tuple[QColor, ...]
    names: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    title: str = ""

    def of(self, row: int) -> QColor:
        """The colour of a row."""
        return self.colours[int(self.groups[row])]


def by_place(points: NDArray[Any], theme: Theme) -> Colouring:
    """Points (N, 2) that are near each other have colours that are: hue and strength turn about the middle."""
    cells = np.stack([_cells(points[:, axis], SIDE)[0] for axis in (0, 1)], axis=1)
    at = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    across, up = np.meshgrid(at, at)
    # Lightness changes, too: some eyes know only one of the two axes of colour.
    light = (0.74 if theme.dark else 0.56) + (0.10 if theme.dark else 0.09) * up
    rgb = _oklab(light, 0.14 * across, -0.115 * up + 0.02)
    colours = tuple(QColor.fromRgbF(*(float(v) for v in one)) for one in rgb.reshape(-1, 3))
    return Colouring(cells[:, 1] * SIDE + cells[:, 0], colours)


def by_class(labels: NDArray[Any], theme: Theme, names: tuple[str, ...] = ()) -> Colouring:
    """One colour for each class 0, 1, …; rows of class -1, of which nothing is known, are grey and named last."""
    count = max(int(labels.max(initial=-1)) + 1, len(names))
    palette = [QColor(f"#{one}") for one in _CLASSES[theme.dark].split()]
    if count > len(palette):
        # Neighbours on a wheel of many hues are told apart by their lightness.
        turn = np.arange(count) * 2.399963
        light = (0.76 if theme.dark else 0.54) + 0.08 * (np.arange(count) % 3 - 1)
        rgb = _oklab(light, 0.15 * np.cos(turn), 0.15 * np.sin(turn))
        palette = [QColor.fromRgbF(*(float(v) for v in one)) for one in rgb]
    known = tuple(names[k] if k < len(names) else str(k) for k in range(count))
    groups = np.where(labels < 0, count, labels).astype(np.intp)
    unknown = bool((labels < 0).any())
    colours = tuple(palette[:count]) + ((theme.colour("muted"),) if unknown else ())
    return Colouring(groups, colours, known + (("unknown",) if unknown else ()))


def by_value(values: NDArray[Any], theme: Theme, title: str) -> Colouring:
    """A scale of colours from the lowest to the highest of (N,) values."""
    groups, limits = _cells(values, LEVELS)
    table = value_map(theme)
    picked = table[np.linspace(0, 255, LEVELS).round().astype(int)]
    return Colouring(groups, tuple(QColor(*(int(v) for v in one[:3])) for one in picked), limits=limits, title=title)


def value_map(theme: Theme) -> Table:
    """(256, 4) RGBA of the scale of values; all of it stands out from the plot's ground."""
    stops = np.array([QColor(one).getRgb() for one in _VALUES[theme.dark]], dtype=np.float64)
    at = np.linspace(0, len(stops) - 1, 256)
    parts = [np.interp(at, range(len(stops)), stops[:, channel]) for channel in range(4)]
    return np.stack(parts, axis=1).round().astype(np.uint8)


def draw_coloured(
    painter: QPainter, plot: Plot, points: NDArray[Any], colouring: Colouring | None, plain: QColor, dot: float
) -> None:
    """Draw points (N, 2), the k-th in the colour of the data's k-th row.

    Args:
        colouring: None for none; rows beyond its own are drawn plainly.
        plain: the colour of points that have none of their own.
        dot: diameter in pixels.
    """
    groups = np.full(len(points), -1, dtype=np.intp)
    if colouring is not None:
        known = min(len(points), len(colouring.groups))
        groups[:known] = colouring.groups[:known]
    inside = within(points, plot.bounds)
    groups, pixels = groups[inside], plot.pixels(points[inside])
    order = np.argsort(groups, kind="stable")
    groups, pixels = groups[order], pixels[order]
    starts = [int(k) for k in np.flatnonzero(np.diff(groups, prepend=-2))]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for start, stop in pairwise([*starts, len(groups)]):
        group = int(groups[start])
        pen = QPen(plain if colouring is None or group < 0 else colouring.colours[group], dot)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints(polygon(pixels[start:stop]))


def _cells(values: NDArray[Any], count: int) -> tuple[NDArray[np.intp], tuple[float, float]]:
    """The cell, 0 to count - 1, of each of (N,) values, and the values at both ends of the cells."""
    finite = np.sort(values[np.isfinite(values)].astype(np.float64))
    if not len(finite):
        return np.zeros(len(values), dtype=np.intp), (0.0, 1.0)
    cut = int(CUT * (len(finite) - 1))
    low, high = float(finite[cut]), float(finite[len(finite) - 1 - cut])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    scaled = np.nan_to_num((values.astype(np.float64) - low) / (high - low), nan=0.5, posinf=1.0, neginf=0.0)
    return np.clip(np.floor(scaled * count), 0, count - 1).astype(np.intp), (low, high)


def _oklab(light: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """sRGB in 0 to 1 of OKLab colours (Ottosson, A perceptual color space for image processing, 2020): (..., 3)."""
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = np.stack(
        [
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        ],
        axis=-1,
    )
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
