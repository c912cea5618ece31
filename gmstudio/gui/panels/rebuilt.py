"""Data points and what the decoder makes of their codes, on the plane."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from gmstudio.gui.panels.age import lacking
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.plane_panel import PlanePanel
from gmstudio.gui.panels.plane_row import Plot
from gmstudio.gui.panels.points import Cloud, within
from gmstudio.gui.panels.strokes import segments_path
from gmstudio.gui.panels.ticks import short
from gmstudio.observation.frame import F32, Frame, RunInfo


class RebuiltPanel(PlanePanel):
    """Short strokes from data points to their reconstructions."""

    name: ClassVar[str] = "rebuilt"
    title: ClassVar[str] = "Reconstructions"
    help: ClassVar[str] = (
        "Data points, and strokes to what the decoder makes of the means of their posteriors. The error is the mean "
        "square over points and columns; those of a table are standardised."
    )
    wants: ClassVar[frozenset[str]] = frozenset({"rebuilt"})
    place: ClassVar[tuple[str, int]] = ("stage", 13)
    behind: ClassVar[tuple[str, ...]] = ("pairs", "samples")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = Cloud(dot=3.0)
        self._clouds: dict[int, Cloud] = {}
        self._kept: dict[int, tuple[F32, F32, float]] = {}
        self.strokes = self.add_switch(
            self.tr("Strokes"), self.tr("Join each data point with its reconstruction."), True, self._switched
        )

    @classmethod
    def fits(cls, info: RunInfo | None) -> bool:
        # Images are compared side by side, in their own panel.
        return info is not None and info.latent > 0 and info.picture is None

    def reset(self) -> None:
        self._clouds.clear()
        self._kept.clear()

    def missing(self, frame: Frame) -> str:
        if self.info is not None and not self.info.latent:
            return self.tr("This model has no latent space.")
        if self.info is not None and self.info.picture is not None:
            return self.tr("Reconstructed images are in the panel Images.")
        return "" if any(column.rebuilt is not None for column in frame.columns) else lacking(self.live)

    def pairs(self, index: int) -> tuple[F32, F32, float] | None:
        """Data points and reconstructions of a column, both (N, C), and the mean squared error."""
        columns = self.frame.columns if self.frame is not None else ()
        rebuilt = columns[index].rebuilt if index < len(columns) else None
        info = self.info
        if info is None or info.picture is not None or rebuilt is None or rebuilt.shape[1:] != info.data.shape[1:]:
            return None
        kept = self._kept.get(index)
        if kept is None or kept[1] is not rebuilt:
            count = min(len(rebuilt), len(info.data))
            data = info.data[:count]
            away = data.astype(np.float64) - rebuilt[:count]
            if info.space is not None:
                away /= info.space.spread[: away.shape[1]]
            with np.errstate(over="ignore"):
                error = float(np.mean(away**2)) if away.size else float("nan")
            kept = self._kept[index] = (data, rebuilt, error)
        return kept

    def note(self, index: int) -> str:
        found = self.pairs(index)
        return super().note(index) if found is None else self.tr("MSE {}").format(short(found[2]))

    def draw(self, painter: QPainter, index: int, plot: Plot) -> None:
        found = self.pairs(index)
        if found is None:
            return
        data, rebuilt = self.flat(f"data {index}", found[0]), self.flat(f"{index}", found[1])
        self._data.draw(painter, plot, data, self.theme.colour("data", 0.85))
        if self.strokes.isChecked():
            count = min(len(data), len(rebuilt))
            inside = within(data[:count], plot.bounds) & within(rebuilt[:count], plot.bounds)
            ends = np.concatenate([plot.pixels(data[:count][inside]), plot.pixels(rebuilt[:count][inside])], axis=1)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.strokePath(segments_path(ends), QPen(self.theme.colour("muted"), 1))
        cloud = self._clouds.setdefault(index, Cloud(dot=3.0))
        cloud.draw(painter, plot, rebuilt, self.theme.colour(self.theme.column(index)))

    def _switched(self, _on: bool) -> None:
        self.changed()

    def summary(self) -> str:
        if self.info is None or self.frame is None:
            return self.tr("Reconstructions: no picture yet.")
        words = []
        for index, title in enumerate(self.info.titles):
            found = self.pairs(index)
            if found is None:
                words.append(f"{title}: {self.missing(self.frame).rstrip('.') or 'none'}")
                continue
            words.append(f"{title}: {len(found[0]):,} points, mean squared error {short(found[2])}")
        return f"Reconstructions at step {self.frame.step:,}. " + "; ".join(words) + "."


PANELS: tuple[type[Panel], ...] = (RebuiltPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(RebuiltPanel)
