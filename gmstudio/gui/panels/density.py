"""The density of every column as a picture with lines that enclose given shares of its mass."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QTimer
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from gmstudio.data.base import Bounds
from gmstudio.gui.panels.age import draws, joined
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.contours import contour, enclosing
from gmstudio.gui.panels.legend import BAR_SIDE, colour_bar, draw_inside
from gmstudio.gui.panels.plane_panel import PlanePanel
from gmstudio.gui.panels.plane_row import Heading, Plot
from gmstudio.gui.panels.strokes import levels, lookup, picture, segments_path
from gmstudio.observation.frame import F32, Frame, Truth
from gmstudio.observation.summary import density_summary

#: Depth of the logarithmic picture below its top, in nats, and the shares of the mass that lines enclose.
DEPTH = 9.0
SHARES = (0.5, 0.9, 0.99)
#: Seconds for which contours stay as they are while frames come fast; they follow once the frames pause.
CALM = 0.12


class Top:
    """The log-density shown in the strongest colour: the same for all columns, and calm over time.

    Where the truth is known it is the truth's, for good.  Otherwise it follows the columns' robust maximum slowly, and
    only when it is off by more than a quarter of a nat.
    """

    def __init__(self) -> None:
        self.value: float | None = None
        self._fixed = False

    def fix(self, log_density: F32 | None) -> None:
        """Take the top of the truth."""
        if log_density is not None and (top := _robust_top(log_density)) is not None:
            self.value, self._fixed = top + 0.1, True

    def follow(self, parts: list[F32]) -> None:
        """Take note of new pictures of the columns."""
        if self._fixed:
            return
        tops = [top for part in parts if (top := _robust_top(part)) is not None]
        if not tops:
            return
        wanted = max(tops)
        if self.value is None:
            self.value = wanted
        elif abs(wanted - self.value) > 0.25:
            self.value += 0.3 * (wanted - self.value)


def _robust_top(log_density: F32) -> float | None:
    """The height that one cell in 500 exceeds; a spike of a few cells must not darken the rest."""
    some = log_density[:: max(1, len(log_density) // 64), :: max(1, len(log_density) // 64)]
    finite = some[np.isfinite(some)]
    if not len(finite):
        return None
    rank = int(0.998 * (len(finite) - 1))
    return float(np.partition(finite, rank)[rank])


@dataclass
class Lines:
    """The contours of one picture, kept until they are out of date, and as paths for one place on the screen."""

    log_density: F32
    bounds: Bounds
    stride: int
    made: float
    segments: list[tuple[float, NDArray[np.float64]]]
    _plot: Plot | None = None
    _paths: list[tuple[float, QPainterPath]] = field(default_factory=list)

    @classmethod
    def of(cls, log_density: F32, bounds: Bounds, stride: int) -> Lines:
        """The lines that enclose SHARES of the mass, found on every `stride`-th value; ends in the data's units."""
        rows, columns = log_density.shape
        left, right, bottom, top = bounds
        thinned = log_density[stride // 2 :: stride, stride // 2 :: stride]
        # Values stand in the middle of their cells.
        cell = ((right - left) / columns, (top - bottom) / rows)
        segments = []
        for level in enclosing(log_density, SHARES):
            ends = contour(thinned, level).reshape(-1, 2) * stride + stride // 2 + 0.5
            segments.append((level, ends * cell + (left, bottom)))
        return cls(log_density, bounds, stride, time.monotonic(), segments)

    def paths(self, plot: Plot) -> list[tuple[float, QPainterPath]]:
        """Level and path on a plot."""
        if plot != self._plot:
            self._paths = [(level, segments_path(_inside(plot, ends))) for level, ends in self.segments]
            self._plot = plot
        return self._paths


def _inside(plot: Plot, ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """The segments, in pixels, of which both ends are on the plot."""
    rect = plot.rect
    pixels = plot.pixels(ends).reshape(-1, 2, 2)
    keep = (pixels >= (rect.left() - 1, rect.top() - 1)) & (pixels <= (rect.right() + 1, rect.bottom() + 1))
    return pixels[keep.all(axis=(1, 2))].reshape(-1, 4)


class DensityPanel(PlanePanel):
    """Density images on shared levels, with contours and, on request, the exact density beside them."""

    name: ClassVar[str] = "density"
    title: ClassVar[str] = "Density"
    help: ClassVar[str] = "The density that each model has learned, in the same colours for all columns."
    wants: ClassVar[frozenset[str]] = frozenset({"log_density"})
    place: ClassVar[tuple[str, int]] = ("stage", 1)
    table_place: ClassVar[tuple[str, int] | None] = ("tabs", 0)
    on_grids = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.top = Top()
        self._pictures: dict[int, tuple[F32, tuple[float, float, float | None], QImage]] = {}
        self._lines: dict[int, Lines] = {}
        self._next_lines = 0.0
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(round(1000 * CALM) + 20)
        self._settle.timeout.connect(self.row.refresh)
        self.row.side = BAR_SIDE
        tr = self.tr
        self.log = self.add_switch(
            tr("Log"),
            tr("Logarithmic colours: differences of the density in nats. Off: colours in proportion to the density."),
            True,
            self._switched,
        )
        self.contours = self.add_switch(
            tr("Contours"), tr("Lines that enclose 50, 90 and 99 % of the mass in view."), True, self._switched
        )
        self.exact = self.add_switch(
            tr("Truth"), tr("Show the exact density of the data beside the columns."), False, self._switched
        )
        self.exact.setEnabled(False)

    def _know(self, known: bool) -> None:
        """Offer the truth, or say why there is none."""
        self.exact.setEnabled(known)
        there = self.tr("Show the exact density of the data beside the columns.")
        self.exact.setToolTip(there if known else self.tr("The exact density of these data is not known."))

    def reset(self) -> None:
        self._pictures.clear()
        self._lines.clear()
        if self.frame is None:
            self.top = Top()
            self._know(self.truth is not None and self.truth.log_density is not None)

    def show_truth(self, truth: Truth) -> None:
        self._know(truth.log_density is not None)
        if self.truth is None or self.top.value is None:
            self.top.fix(truth.log_density)
        super().show_truth(truth)

    def turned(self) -> None:
        self.top = Top()
        self._lines.clear()

    def show_frame(self, frame: Frame) -> None:
        if self.suits(frame) and (self.isVisible() or self.top.value is None):
            self.top.follow([c.log_density for c in frame.columns if c.log_density is not None])
        super().show_frame(frame)

    def missing(self, frame: Frame) -> str:
        if any(column.log_density is not None for column in frame.columns):
            return ""
        return self.none_of(frame, self.tr("This model has no density."))

    def note(self, index: int) -> str:
        there = self.info is not None and self.part(index) is not None
        return joined(super().note(index), draws(self.info.pictured) if self.info is not None and there else "")

    def extra_headings(self) -> tuple[Heading, ...]:
        if self.exact.isChecked() and self.truth is not None and self.truth.log_density is not None:
            return (Heading(self.tr("Truth"), "truth"),)
        return ()

    def limits(self) -> tuple[float, float]:
        """The values in the weakest and strongest colour: log-densities in nats, or densities."""
        top = self.top.value if self.top.value is not None else 0.0
        if self.log.isChecked():
            return top - DEPTH, top
        # A slice through many columns may be of any height: it is shown relative to its top.
        return (0.0, 1.0) if self.link.plane is not None else (0.0, math.exp(top))

    def heights(self, log_density: F32) -> F32:
        """What is coloured: log-densities in nats, densities, or densities relative to the top."""
        if self.log.isChecked():
            return log_density
        if self.link.plane is not None:
            log_density = log_density - np.float32(self.top.value or 0.0)
        heights: F32 = np.exp(np.minimum(log_density, np.float32(80)))
        return heights

    def part(self, index: int) -> tuple[F32, Bounds] | None:
        """The log-density in a plot, and the part of the plane that it covers."""
        if self.frame is not None and index < len(self.frame.columns):
            log_density = self.frame.columns[index].log_density if self.suits(self.frame) else None
            return None if log_density is None else (log_density, self.frame.view.bounds)
        if self.info is not None and index >= len(self.info.titles) and self.truth is not None:
            return None if self.truth.log_density is None else (self.truth.log_density, self.truth.view.bounds)
        return None

    def draw(self, painter: QPainter, index: int, plot: Plot) -> None:
        part = self.part(index)
        if part is None:
            return
        area = plot.area(part[1])
        # Smoothing costs milliseconds, and pixels about as large as the screen's need none.
        coarse = area.width() * self.devicePixelRatioF() > 1.4 * part[0].shape[1]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, coarse)
        draw_inside(painter, area, plot.rect, self._picture(index, part[0]))
        if self.contours.isChecked():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_contours(painter, plot, index, *part)

    def _picture(self, index: int, log_density: F32) -> QImage:
        limits = (*self.limits(), self.top.value if self.link.plane is not None else None)
        kept = self._pictures.get(index)
        if kept is not None and kept[0] is log_density and kept[1] == limits:
            return kept[2]
        image = picture(levels(self.heights(log_density), *limits[:2]), lookup(self.theme.density_map))
        self._pictures[index] = (log_density, limits, image)
        return image

    def _draw_contours(self, painter: QPainter, plot: Plot, index: int, log_density: F32, bounds: Bounds) -> None:
        # Cells smaller than two pixels add cost and no sharpness.
        rows, columns = log_density.shape
        stride = max(1, min(round(2 * columns / max(plot.area(bounds).width(), 1.0)), min(rows, columns) // 16))
        kept = self._lines.get(index)
        if kept is None or kept.log_density is not log_density or kept.stride != stride:
            now = time.monotonic()
            same_view = kept is not None and kept.bounds == bounds and kept.stride == stride
            if kept is None or not same_view or (now - kept.made > CALM and now > self._next_lines):
                kept = self._lines[index] = Lines.of(log_density, bounds, stride)
                # The columns take turns, so that no frame pays for the lines of all of them.
                self._next_lines = now + CALM / 8
            else:
                self._settle.start()
        for level, path in kept.paths(plot):
            painter.strokePath(path, QPen(self._contour_colour(level), 1))

    def _contour_colour(self, level: float) -> QColor:
        """A line's colour, readable on the colour that the picture has there."""
        low, high = self.limits()
        height = float(self.heights(np.array([level], dtype=np.float32))[0])
        entry = int(min(max((height - low) / max(high - low, 1e-12), 0.0), 1.0) * 255)
        red, green, blue, _ = self.theme.density_map[entry]
        light = 0.3 * red + 0.6 * green + 0.1 * blue > 128
        colour = QColor("black" if light else "white")
        colour.setAlphaF(0.55)
        return colour

    def draw_legend(self, painter: QPainter, rect: QRectF) -> None:
        if self.top.value is None:
            return
        title = "log p" if self.log.isChecked() else "p" if self.link.plane is None else "p / top"
        colour_bar(painter, rect, self.theme, self.theme.density_map, self.limits(), title)

    def _switched(self, _on: bool) -> None:
        self.changed()

    def summary(self) -> str:
        if self.info is None or self.frame is None:
            return self.tr("Density: no picture yet.")
        words = []
        for index, title in enumerate(self.info.titles):
            part = self.part(index)
            if part is None:
                words.append(f"{title}: no density")
                continue
            log_density, (left, right, bottom, top) = part
            if self.frame.view.plane is not None:
                words.append(f"{title}: {density_summary(log_density, self.frame.view)}")
                continue
            heights = np.exp(np.minimum(log_density[np.isfinite(log_density)].astype(np.float64), 80))
            mass = float(heights.sum()) * (right - left) * (top - bottom) / log_density.size
            row, column = np.unravel_index(int(np.nanargmax(log_density)), log_density.shape)
            x = left + (column + 0.5) * (right - left) / log_density.shape[1]
            y = bottom + (row + 0.5) * (top - bottom) / log_density.shape[0]
            peak = float(log_density[row, column])
            words.append(
                f"{title}: highest log-density {peak:.2f} at ({x:.2f}, {y:.2f}), {mass:.0%} of the mass in view"
            )
        return f"Density at step {self.frame.step:,}. " + "; ".join(words) + "."


PANELS: tuple[type[Panel], ...] = (DensityPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(DensityPanel)
