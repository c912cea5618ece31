"""Every pair of some columns: the data, the mollified batch and the samples of every model."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtCore import QSize, QSizeF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.column_choice import ColumnButton
from gmstudio.gui.panels.pair_grid import BOTH, LOWER, UPPER, Layer, PairGrid, Title
from gmstudio.gui.panels.plane_choice import show_columns
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.quantiles import Span, span_of
from gmstudio.gui.panels.strip_panel import StripPanel
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import F32, Frame, RunInfo

#: Columns at most, and at first.
MOST, FIRST = 6, 5
#: Colour of the batch: the columns' own are those of their samples.
BATCH = "column-4"
#: Samples drawn, at least and at most.
SHOWN = (500, 2000)
#: Where the columns of the experiment are drawn: below and above the diagonal, side by side; then one alone.
HALVES, BESIDE = range(2)


def names_in(info: RunInfo) -> tuple[str, ...]:
    """The names of a run's columns; of pixels in few letters: row and column, before them the channel."""
    if info.picture is not None and info.data.shape[1] == info.picture.dim:
        channels, height, width = info.picture.shape
        letters = ("R ", "G ", "B ") if channels == 3 else ("",)
        return tuple(
            f"{letter}{row},{column}" for letter in letters for row in range(height) for column in range(width)
        )
    return info.space.names if info.space is not None else ("x", "y")[: info.data.shape[1]]


def telling_columns(info: RunInfo, count: int) -> tuple[int, ...]:
    """Which columns to show at first: the first ones; of pixels those that vary most, and are no neighbours."""
    columns = info.data.shape[1]
    if info.picture is None or columns != info.picture.dim or not len(info.data):
        return tuple(range(min(count, columns)))
    _, _, width = info.picture.shape
    inside, found = info.picture.shape[1] * width, list[int]()
    for at in np.argsort(-info.data.var(axis=0), kind="stable").tolist():
        here = np.array(divmod(at % inside, width))
        if all(np.abs(here - divmod(other % inside, width)).max() > 1 for other in found):
            found.append(at)
        if len(found) == count:
            break
    return tuple(sorted(found))


class PairsPanel(StripPanel):
    """Scatter plots of pairs of columns; vanilla below the diagonal, mollified above it, or as one likes."""

    name: ClassVar[str] = "pairs"
    title: ClassVar[str] = "Pairs"
    help: ClassVar[str] = (
        "Every pair of the chosen columns: data, mollified batch and samples. A click on a pair shows it in density, "
        "score and samples."
    )
    wants: ClassVar[frozenset[str]] = frozenset({"samples", "batch"})
    place: ClassVar[tuple[str, int]] = ("hidden", 50)
    table_place: ClassVar[tuple[str, int] | None] = ("stage", 0)
    # Pixels two at a time tell little of an image.
    image_place: ClassVar[tuple[str, int] | None] = ("tabs", 5)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame: Frame | None = None
        self.link = PlaneLink(self)
        self._spans: dict[int, Span] = {}
        self.grid = PairGrid()
        self.grid.setAccessibleName(self.title)
        self.grid.hint = self.empty_hint
        self.grid.pair_chosen.connect(self._pair_chosen)
        tr = self.tr
        self.choice = ColumnButton(MOST, self)
        self.choice.chosen.connect(self._columns_chosen)
        self.strip.addWidget(self.choice)
        self.mode = self.add_choice(
            tr("Where the columns are drawn"),
            tr("The first below and the second above the diagonal, side by side, or one alone."),
            (tr("Halves"), tr("Beside")),
            self._switched,
        )
        self.show_batch = self.add_switch(
            tr("Batch"), tr("Show the mollified batch of the step."), False, self._switched
        )
        self.show_samples = self.add_switch(tr("Samples"), tr("Show what the models make."), True, self._switched)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(self.strip)
        box.addWidget(self.grid, 1)
        self.setFocusProxy(self.grid)
        self.link.plane_changed.connect(self._turned)

    def set_link(self, link: PlaneLink) -> None:
        """Share the plane with the panels of the window."""
        self.link.plane_changed.disconnect(self._turned)
        self.link = link
        link.plane_changed.connect(self._turned)
        if self.info is not None:
            link.begin(self.info)

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that are shown."""
        return self.choice.columns

    def begin(self, info: RunInfo) -> None:
        same = self.info is not None and names_in(info) == names_in(self.info)
        super().begin(info)
        self.frame = None
        self.link.begin(info)
        self._spans = {}
        names = names_in(info)
        self.choice.offer(names, self.choice.columns if same else telling_columns(info, FIRST))
        self._offer_modes(info.titles)
        self._arrange()

    def _offer_modes(self, titles: tuple[str, ...]) -> None:
        items = [self.tr("Halves"), self.tr("Beside"), *titles] if len(titles) > 1 else list(titles)
        if items != [self.mode.itemText(k) for k in range(self.mode.count())]:
            self.mode.blockSignals(True)
            self.mode.clear()
            self.mode.addItems(items)
            self.mode.setCurrentIndex(HALVES if len(titles) == 2 else BESIDE if len(titles) > 2 else 0)
            self.mode.blockSignals(False)
        self.mode.setVisible(len(titles) > 1)

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.frame = None
        self.choice.offer((), ())
        self.grid.columns, self.grid.layers, self.grid.titles, self.grid.hint = (), (), (), self.empty_hint
        self.grid.refresh()

    def show_frame(self, frame: Frame) -> None:
        if self.info is None or frame.run != self.info.run:
            return
        before, self.frame = self.frame, frame
        parts = ("samples", "batch")
        same = before is not None and all(
            getattr(old, part) is getattr(new, part)
            for old, new in zip(before.columns, frame.columns, strict=False)
            for part in parts
        )
        if not same:
            self._layer()

    # What is drawn where.

    def seats(self) -> list[tuple[int, int, int]]:
        """Index, grid and half of every column of the experiment that is shown."""
        count = len(self.info.titles) if self.info is not None else 0
        chosen = self.mode.currentIndex()
        if count < 2:
            return [(0, 0, BOTH)] * count
        if chosen == HALVES:
            # Of more than two the first and the last: there are but two halves.
            return [(0, 0, LOWER), (count - 1, 0, UPPER)]
        if chosen == BESIDE:
            return [(k, k, BOTH) for k in range(count)]
        return [(min(chosen - 2, count - 1), 0, BOTH)]

    def _arrange(self) -> None:
        """Take other columns, another order or another run."""
        info, grid = self.info, self.grid
        if info is None:
            return
        for column in self.columns:
            if column not in self._spans:
                self._spans[column] = span_of(info.data[:, column])
        seats = self.seats()
        grid.names, grid.columns, grid.spans = names_in(info), self.columns, self._spans
        grid.grids = max(index for _, index, _ in seats) + 1
        words = {LOWER: self.tr("{} below"), UPPER: self.tr("{} above"), BOTH: "{}"}
        grid.titles = tuple(
            Title(words[half].format(info.titles[k]), self.theme.column(k), index, half == UPPER)
            for k, index, half in seats
        )
        grid.hint = ""
        self._mark()
        self._layer()

    def _layer(self) -> None:
        """Take other points."""
        if self.info is None:
            return
        seats, layers = self.seats(), []
        if len(self.info.data):
            grids = range(self.grid.grids)
            words = self.tr("data")
            layers += [
                Layer(f"{words}{' ' * k}", self.info.data, "data", k, BOTH, _faint(len(self.info.data)), True)
                for k in grids
            ]
        for k, index, half in seats:
            column = self.frame.columns[k] if self.frame is not None and k < len(self.frame.columns) else None
            if column is None:
                continue
            title, token = self.info.titles[k], self.theme.column(k)
            samples, batch = column.samples, column.batch
            if self.show_samples.isChecked() and samples is not None and self._fits(samples):
                # As many points as of the data, so that one can be told from the other.
                shown = samples[: int(np.clip(len(self.info.data), *SHOWN))]
                layers.append(Layer(title, shown, token, index, half, _faint(len(shown))))
            if self.show_batch.isChecked() and batch is not None and self._fits(batch):
                layers.append(Layer(self.tr("batch of {}").format(title), batch, BATCH, index, half, 0.9))
        self.grid.show_layers(tuple(layers))

    def _fits(self, points: F32) -> bool:
        """Whether points have the columns that are shown."""
        return len(points) > 0 and points.shape[1] > max(self.columns, default=0)

    def _mark(self) -> None:
        plane = self.link.plane
        across, up = (None, None) if plane is None else (plane.column(0), plane.column(1))
        self.grid.marked = None if across is None or up is None else (across, up)
        self.grid.refresh()

    # What the person does.

    def _switched(self, _value: int) -> None:
        self._arrange()

    def _columns_chosen(self, _columns: object) -> None:
        self._arrange()

    def _turned(self, _plane: object) -> None:
        self._mark()

    def _pair_chosen(self, across: int, up: int) -> None:
        if self.info is not None:
            show_columns(self.link, self.info, across, up)

    # Look, words, files.

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.grid.apply_theme(theme)
        self._arrange()

    def summary(self) -> str:
        if self.info is None:
            return self.tr("Pairs: no run yet.")
        names = names_in(self.info)
        words = [f"Pairs of {', '.join(names[k] for k in self.columns)}: {len(self.info.data):,} training rows"]
        if self.frame is not None:
            for title, column in zip(self.info.titles, self.frame.columns, strict=False):
                if column.samples is not None and self._fits(column.samples):
                    off = _correlation_error(self.info.data, column.samples, self.columns)
                    words.append(f"{title}: {len(column.samples):,} samples, correlations off by {off:.2f} on average")
        return "; ".join(words) + "."

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the grids, without the switches, on `painter`."""
        scale = size.width() / max(1, self.grid.width())
        painter.save()
        painter.scale(scale, scale)
        self.grid.paint_all(painter, QSizeF(size.width() / scale, size.height() / scale), overlay=False)
        painter.restore()


def _faint(count: int, few: int = 400) -> float:
    """Opacity of one of so many points: many lie over each other."""
    return float(np.clip((few / max(count, 1)) ** 0.5, 0.3, 0.8))


def _correlation_error(data: F32, samples: F32, columns: tuple[int, ...]) -> float:
    """Mean difference of the correlations of all pairs of some columns."""
    if len(columns) < 2 or len(data) < 2 or len(samples) < 2:
        return 0.0
    at = list(columns)
    clean = [rows[:, at][np.isfinite(rows[:, at]).all(axis=1)].astype(np.float64) for rows in (data, samples)]
    if min(map(len, clean)) < 2:
        return 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        one, other = (np.nan_to_num(np.corrcoef(rows.T)) for rows in clean)
    upper = np.triu_indices(len(at), 1)
    return float(np.abs(one - other)[upper].mean())


PANELS: tuple[type[Panel], ...] = (PairsPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo_table import main

    main(PairsPanel)
