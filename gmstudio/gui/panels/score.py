"""The score (gradient of the log-density) of every column: as vectors, or as maps of its angle and its errors."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from gmstudio.gui.panels.arrows import arrows, field, finer, lengths
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.layered import write
from gmstudio.gui.panels.legend import BAR_SIDE, LEFT_MIDDLE, colour_bar, draw_inside
from gmstudio.gui.panels.plane_panel import PlanePanel
from gmstudio.gui.panels.plane_row import Heading, Plot
from gmstudio.gui.panels.strokes import from_pixels, levels, lookup, picture, segments_path
from gmstudio.gui.panels.ticks import short
from gmstudio.gui.theme import Table
from gmstudio.observation import maps
from gmstudio.observation.frame import F32, Frame, Truth

VECTORS, ANGLE, ANGLE_ERROR, NORM_ERROR = range(4)
#: Maps are interpolated this much finer than the grid of arrows.
FINER = 5


class ScorePanel(PlanePanel):
    """Score vectors of model and truth, or maps of the angle, the angle's error and the norm of the error."""

    name: ClassVar[str] = "score"
    title: ClassVar[str] = "Score"
    help: ClassVar[str] = "The direction in which each model's log-density rises, beside that of the truth."
    wants: ClassVar[frozenset[str]] = frozenset({"score"})
    place: ClassVar[tuple[str, int]] = ("stage", 2)
    table_place: ClassVar[tuple[str, int] | None] = ("tabs", 1)
    on_grids = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        #: The norm drawn at half length; the truth's median where it is known, else the first frame's.
        self.half: float | None = None
        self._pictures: dict[int, tuple[F32, int, QImage]] = {}
        self._truth_path: dict[int, tuple[tuple[Plot, float], QPainterPath]] = {}
        self.row.side = BAR_SIDE
        tr = self.tr
        self.add_note(
            "",
            tr("Arrows are shortened: an arrow of norm s has the length s / (s + h) of the distance between arrows."),
        )
        self.mode = self.add_choice(
            tr("What is shown of the score"),
            tr("Vectors; the angle as colour; the angle between model and truth; the norm of their difference."),
            (tr("Vectors"), tr("Angle"), tr("Angle error"), tr("Norm error")),
            self._chosen,
        )
        self.exact = self.add_switch(
            tr("Truth"),
            tr("Show the exact score of the data: its arrows under the model's, or its map."),
            True,
            self._on,
        )
        self._enable()

    @property
    def known(self) -> F32 | None:
        """The exact score of the data, where it is known."""
        return self.truth.score if self.truth is not None else None

    def reset(self) -> None:
        self._pictures.clear()
        if self.frame is None:
            self.half = None
        self._enable()

    def turned(self) -> None:
        self.half = None

    def _enable(self) -> None:
        there = self.known is not None
        self.exact.setEnabled(there and self.mode.currentIndex() in (VECTORS, ANGLE))
        # A QStandardItemModel stands behind every QComboBox filled by addItems.
        for index in (ANGLE_ERROR, NORM_ERROR):
            item = self.mode.model().item(index)  # type: ignore[attr-defined]
            item.setEnabled(there)
            item.setToolTip("" if there else self.tr("The exact score of these data is not known."))

    def show_truth(self, truth: Truth) -> None:
        self.truth = truth
        if truth.score is not None and (half := _median(truth.score)) is not None:
            self.half = half
        self._pictures.clear()
        self._truth_path.clear()
        self._enable()
        super().show_truth(truth)

    def show_frame(self, frame: Frame) -> None:
        if self.half is None and self.suits(frame):
            medians = [_median(column.score) for column in frame.columns if column.score is not None]
            known = [median for median in medians if median is not None]
            # Scores of tables differ by orders of magnitude: the shorter ones must be seen, the others are cut anyway.
            least = self.link.plane is not None
            self.half = (min(known) if least else max(known)) if known else None
        super().show_frame(frame)

    def missing(self, frame: Frame) -> str:
        if all(column.score is None for column in frame.columns):
            return self.none_of(frame, self.tr("This model has no score."))
        if self.shown() in (ANGLE_ERROR, NORM_ERROR) and self.known is None:
            return self.tr("The exact score of these data is not known.")
        return ""

    def shown(self) -> int:
        """Which of VECTORS, ANGLE, ANGLE_ERROR and NORM_ERROR is shown."""
        return self.mode.currentIndex()

    def extra_headings(self) -> tuple[Heading, ...]:
        if self.shown() == ANGLE and self.exact.isChecked() and self.known is not None:
            return (Heading(self.tr("Truth"), "truth"),)
        return ()

    def draw(self, painter: QPainter, index: int, plot: Plot) -> None:
        column = self.frame.columns[index] if self.frame is not None and index < len(self.frame.columns) else None
        if self.frame is not None and not self.suits(self.frame):
            return
        score = column.score if column is not None else None
        if self.shown() == VECTORS:
            self._draw_vectors(painter, index, plot, score)
            return
        extra = self.info is not None and index >= len(self.info.titles)
        if extra and self.truth is not None and self.known is not None:
            score, view = self.known, self.truth.view
        elif self.frame is not None and score is not None:
            view = self.frame.view
        else:
            return
        image = self._picture(index, score)
        if image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            draw_inside(painter, plot.area(view.bounds), plot.rect, image)

    def _draw_vectors(self, painter: QPainter, index: int, plot: Plot, score: F32 | None) -> None:
        half = self.half if self.half is not None else 1.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.exact.isChecked() and self.known is not None and self.truth is not None:
            key = (plot, half)
            kept = self._truth_path.get(index)
            if kept is None or kept[0] != key:
                kept = self._truth_path[index] = (key, segments_path(field(plot, self.truth.view, self.known, half)))
            painter.strokePath(kept[1], QPen(self.theme.colour("truth", 0.75), 1))
        if score is not None and self.frame is not None:
            path = segments_path(field(plot, self.frame.view, score, half))
            painter.strokePath(path, QPen(self.theme.colour(self.theme.column(index)), 1))

    def _picture(self, index: int, score: F32) -> QImage | None:
        mode = self.shown()
        kept = self._pictures.get(index)
        if kept is not None and kept[0] is score and kept[1] == mode:
            return kept[2]
        values = self.values(score)
        if values is None:
            return None
        image = picture(levels(values, *self.limits()), lookup(self.table()))
        self._pictures[index] = (score, mode, image)
        return image

    def values(self, score: F32) -> NDArray[np.floating] | None:
        """What the map shows of a score (n, n, 2): radians, or the decimal logarithm of a norm."""
        fine = finer(score, FINER)
        if self.shown() == ANGLE:
            return maps.angle(fine)
        if self.known is None or self.known.shape != score.shape:
            return None
        truth = finer(self.known, FINER)
        if self.shown() == ANGLE_ERROR:
            return maps.angle_error(fine, truth)
        return np.log10(np.maximum(maps.norm_error(fine, truth), 1e-12))

    def limits(self) -> tuple[float, float]:
        """The values at the ends of the map's colours."""
        if self.shown() == ANGLE:
            return -math.pi, math.pi
        if self.shown() == ANGLE_ERROR:
            return 0.0, math.pi
        middle = math.log10(max(self.half or 1.0, 1e-9))
        return middle - 1.0, middle + 1.0

    def table(self) -> Table:
        """The map's colours."""
        return self.theme.angle_map if self.shown() == ANGLE else self.theme.error_map

    def draw_legend(self, painter: QPainter, rect: QRectF) -> None:
        if self.frame is None:
            return
        mode = self.shown()
        if mode == VECTORS:
            self._draw_lengths(painter, rect)
        elif mode == ANGLE:
            self._draw_wheel(painter, rect)
        elif mode == ANGLE_ERROR:
            marks = [(math.radians(degrees), f"{degrees}°") for degrees in (0, 45, 90, 135, 180)]
            colour_bar(painter, rect, self.theme, self.table(), self.limits(), self.tr("angle"), marks)
        else:
            low, high = self.limits()
            marks = [(low + k * 0.5, short(10 ** (low + k * 0.5), 2)) for k in range(5)]
            colour_bar(painter, rect, self.theme, self.table(), (low, high), "|Δs|", marks)

    def _draw_lengths(self, painter: QPainter, rect: QRectF) -> None:
        """Three arrows with their norms: the scale of the drawn lengths."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        half = self.half if self.half is not None else 1.0
        norms = np.array([half / 3, half, half * 4])
        y = rect.top() + 8 + np.arange(3) * 30.0
        drawn = lengths(norms, half) * 24.0
        vectors = np.stack([drawn, np.zeros(3)], axis=1)
        tails = np.stack([np.full(3, rect.left() + 1), y], axis=1)
        painter.strokePath(segments_path(arrows(tails, vectors)), self.theme.pen("text"))
        painter.setPen(self.theme.colour("muted"))
        write(painter, QRectF(rect.left(), rect.top() - 17, rect.width(), 15), "|s|", LEFT_MIDDLE)
        for norm, at in zip(norms, y, strict=True):
            write(painter, QRectF(rect.left(), at + 3, rect.width(), 14), short(float(norm), 2), LEFT_MIDDLE)
        if self.exact.isChecked() and self.known is not None and rect.height() > 120:
            painter.setPen(self.theme.colour("truth"))
            write(painter, QRectF(rect.left(), rect.bottom() - 14, rect.width(), 14), self.tr("truth"), LEFT_MIDDLE)

    def _draw_wheel(self, painter: QPainter, rect: QRectF) -> None:
        side = 64
        at = np.arange(side) - (side - 1) / 2
        x, y = np.meshgrid(at, -at)
        entries = levels(np.arctan2(y, x), -math.pi, math.pi)
        radius = np.hypot(x, y)
        cover = np.clip(side / 2 - radius, 0, 1) * np.clip(radius - side * 0.2, 0, 1)
        colours = self.theme.angle_map[entries].astype(np.float64) * cover[..., None]
        alpha = (cover * 255).astype(np.uint32)
        rgb = colours.astype(np.uint32)
        pixels = (alpha << 24) | (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
        wheel = from_pixels(pixels, QImage.Format.Format_ARGB32_Premultiplied)
        size = min(34.0, rect.width())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(rect.left(), rect.top(), size, size), wheel)
        painter.setPen(self.theme.colour("muted"))
        write(painter, QRectF(rect.left(), rect.top() - 17, rect.width(), 15), self.tr("angle"), LEFT_MIDDLE)
        middle = QPointF(rect.left() + size / 2, rect.top() + size + 9)
        write(painter, QRectF(rect.left(), middle.y() - 7, size, 14), "0° →", Qt.AlignmentFlag.AlignCenter)

    def _chosen(self, _index: int) -> None:
        self._enable()
        if self.frame is not None:
            self.row.hint = self.missing(self.frame)
        self.changed()

    def _on(self, _on: bool) -> None:
        self.changed()

    def summary(self) -> str:
        if self.info is None or self.frame is None:
            return self.tr("Score: no picture yet.")
        words = []
        for title, column in zip(self.info.titles, self.frame.columns, strict=False):
            score = column.score
            if score is None:
                words.append(f"{title}: no score")
                continue
            median = _median(score)
            text = f"{title}: median norm {short(median)}"
            if median is not None and self.known is not None and self.known.shape == score.shape:
                degrees = math.degrees(float(np.nanmean(maps.angle_error(score, self.known))))
                text += f", {degrees:.0f}° from the truth on average over the view"
            words.append(text)
        return f"Score at step {self.frame.step:,}. " + "; ".join(words) + "."


def _median(score: F32) -> float | None:
    norms = np.hypot(score[..., 0], score[..., 1])
    norms = norms[np.isfinite(norms)]
    return float(np.median(norms)) if len(norms) and float(np.median(norms)) > 0 else None


PANELS: tuple[type[Panel], ...] = (ScorePanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(ScorePanel)
