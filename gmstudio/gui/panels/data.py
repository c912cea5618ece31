"""The training data, and over them the mollified batch that the model is trained on at the step."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.plane_panel import PlanePanel
from gmstudio.gui.panels.plane_row import Plot
from gmstudio.gui.panels.points import Cloud, within
from gmstudio.observation.mollified import amount, in_words


class DataPanel(PlanePanel):
    """Training points, faint, under the points of the mollified batch."""

    name: ClassVar[str] = "data"
    title: ClassVar[str] = "Data and batch"
    help: ClassVar[str] = "The training data, faint, and what a step trains on: the batch with the noise of that step."
    wants: ClassVar[frozenset[str]] = frozenset({"batch"})
    place: ClassVar[tuple[str, int]] = ("stage", 0)
    table_place: ClassVar[tuple[str, int] | None] = ("tabs", 3)
    before_frames = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = Cloud(one=0.35, dot=2.5)
        self._batches: dict[int, Cloud] = {}
        self.add_note(
            self.tr("x̃ = α x + σ ε"),
            self.tr(
                "Each point is shrunk by α = √(1 − σ²) and gets noise of variance σ². Of a column that is blurred, "
                "each image is smeared as heat spreads."
            ),
        )
        self.show_data = self.add_switch(self.tr("Data"), self.tr("Show the training data."), True, self._switched)
        self.show_batch = self.add_switch(
            self.tr("Batch"), self.tr("Show the mollified batch of the step."), True, self._switched
        )

    def reset(self) -> None:
        self._batches.clear()

    def note(self, index: int) -> str:
        if self.frame is None or index >= len(self.frame.columns):
            return ""
        sigma2 = self.frame.columns[index].sigma2
        return "" if self.info is None else amount(self.info, index, sigma2)

    def draw(self, painter: QPainter, index: int, plot: Plot) -> None:
        if self.info is not None and self.show_data.isChecked() and len(self.info.data):
            self._data.draw(painter, plot, self.flat("data", self.info.data), self.theme.colour("data", 0.75))
        if self.frame is None or index >= len(self.frame.columns) or not self.show_batch.isChecked():
            return
        batch = self.frame.columns[index].batch
        if batch is not None:
            cloud = self._batches.setdefault(index, Cloud(one=0.8))
            cloud.draw(painter, plot, self.flat(f"{index}", batch), self.theme.colour(self.theme.column(index), 0.8))

    def _switched(self, _on: bool) -> None:
        self.changed()

    def summary(self) -> str:
        if self.info is None:
            return self.tr("Data: nothing loaded yet.")
        data = self.flat("data", self.info.data)
        if not len(data):
            return self.tr("Data: no rows.")
        middle, spread = data.mean(axis=0), data.std(axis=0)
        words = [
            f"Data: {len(data):,} training points around ({middle[0]:.2f}, {middle[1]:.2f}), "
            f"standard deviations {spread[0]:.2f} and {spread[1]:.2f}"
        ]
        if self.frame is not None:
            for index, (title, column) in enumerate(zip(self.info.titles, self.frame.columns, strict=False)):
                if column.batch is not None:
                    told = in_words(self.info, index, column.sigma2)
                    share = float(np.mean(within(self.flat(f"{index}", column.batch), self.link.bounds)))
                    words.append(f"{title}: {told}, {share:.0%} of the batch in view")
        return "; ".join(words) + "."


PANELS: tuple[type[Panel], ...] = (DataPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(DataPanel)
