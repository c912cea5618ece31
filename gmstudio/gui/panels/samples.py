"""Points drawn from every model, over the faint data."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.plane_panel import PlanePanel
from gmstudio.gui.panels.plane_row import Plot
from gmstudio.gui.panels.points import Cloud, mark_centres, within
from gmstudio.observation.frame import Frame


class SamplesPanel(PlanePanel):
    """Samples of every column, optionally over the data."""

    name: ClassVar[str] = "samples"
    title: ClassVar[str] = "Samples"
    help: ClassVar[str] = "Points that each model makes."
    wants: ClassVar[frozenset[str]] = frozenset({"samples"})
    place: ClassVar[tuple[str, int]] = ("stage", 3)
    table_place: ClassVar[tuple[str, int] | None] = ("tabs", 2)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = Cloud(one=0.35, dot=2.5)
        self._clouds: dict[int, Cloud] = {}
        self.show_data = self.add_switch(
            self.tr("Data"), self.tr("Show the training data under the samples."), False, self._switched
        )
        self.show_modes = self.add_switch(
            self.tr("Modes"), self.tr("Mark the centres of the data's modes."), False, self._switched
        )
        self.show_modes.setEnabled(False)

    def reset(self) -> None:
        self._clouds.clear()
        self.show_modes.setEnabled(self.info is not None and self.info.mode_centres is not None)

    def missing(self, frame: Frame) -> str:
        if any(column.samples is not None for column in frame.columns):
            return ""
        return self.none_of(frame, self.tr("This model cannot draw samples."))

    def draw(self, painter: QPainter, index: int, plot: Plot) -> None:
        if self.info is not None and self.show_data.isChecked() and len(self.info.data):
            self._data.draw(painter, plot, self.flat("data", self.info.data), self.theme.colour("data", 0.6))
        if self.frame is not None and index < len(self.frame.columns):
            samples = self.frame.columns[index].samples
            if samples is not None:
                cloud = self._clouds.setdefault(index, Cloud())
                cloud.draw(painter, plot, self.flat(f"{index}", samples), self.theme.colour(self.theme.column(index)))
        if self.info is not None and self.info.mode_centres is not None and self.show_modes.isChecked():
            mark_centres(painter, plot, self.info.mode_centres, self.theme.pen("marker"))

    def _switched(self, _on: bool) -> None:
        self.changed()

    def summary(self) -> str:
        if self.info is None or self.frame is None:
            return self.tr("Samples: no picture yet.")
        words = []
        for index, (title, column) in enumerate(zip(self.info.titles, self.frame.columns, strict=False)):
            samples = column.samples if column.samples is None else self.flat(f"{index}", column.samples)
            if samples is None or not len(samples):
                words.append(f"{title}: none")
                continue
            finite = samples[np.isfinite(samples).all(axis=1)]
            x, y = finite.mean(axis=0) if len(finite) else (np.nan, np.nan)
            share = float(np.mean(within(samples, self.link.bounds)))
            words.append(f"{title}: {len(samples):,} around ({x:.2f}, {y:.2f}), {share:.0%} in view")
        return f"Samples at step {self.frame.step:,}. " + "; ".join(words) + "."


PANELS: tuple[type[Panel], ...] = (SamplesPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(SamplesPanel)
