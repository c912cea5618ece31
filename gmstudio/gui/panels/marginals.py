"""Single columns: how the values of the samples are spread, beside those of the data."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QSize, QSizeF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.column_choice import ColumnButton
from gmstudio.gui.panels.marginals_view import Kind, MarginalsView
from gmstudio.gui.panels.pairs import names_in, telling_columns
from gmstudio.gui.panels.quantiles import span_of
from gmstudio.gui.panels.strip_panel import StripPanel
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import Frame, RunInfo

#: Columns at most, and at first.
MOST, FIRST = 16, 8
HISTOGRAM, QUANTILES = range(2)
#: Seconds between two pictures: quantiles are read, not watched.
CALM = 0.15


class MarginalsPanel(StripPanel):
    """Histograms of single columns with bars from the 5 % to the 95 % quantile, or quantiles against quantiles."""

    name: ClassVar[str] = "marginals"
    title: ClassVar[str] = "Marginals"
    help: ClassVar[str] = (
        "Single columns of data and samples. Bars reach from the 5 % to the 95 % quantile, with the median; "
        "a right model's quantiles on those of the data are within the grey band in 90 % of all cases."
    )
    wants: ClassVar[frozenset[str]] = frozenset({"samples"})
    place: ClassVar[tuple[str, int]] = ("hidden", 51)
    table_place: ClassVar[tuple[str, int] | None] = ("aside", 0)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame: Frame | None = None
        self.view = MarginalsView()
        self.view.setAccessibleName(self.title)
        self.view.hint = self.empty_hint
        self.choice = ColumnButton(MOST, self)
        self.choice.chosen.connect(self._arrange)
        self.strip.addWidget(self.choice)
        self.mode = self.add_choice(
            self.tr("How columns are shown"),
            self.tr("Histograms, or the samples' quantiles on those of the data: a right model lies on the diagonal."),
            (self.tr("Histograms"), self.tr("Quantiles")),
            self._arrange,
        )
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(self.strip)
        box.addWidget(self.view, 1)
        self.setFocusProxy(self.view)

    def begin(self, info: RunInfo) -> None:
        names = names_in(info)
        same = self.info is not None and names == names_in(self.info)
        super().begin(info)
        self.frame = None
        self.view.spans = {}
        self.choice.offer(names, self.choice.columns if same else telling_columns(info, FIRST))
        self._arrange()

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.frame = None
        self.choice.offer((), ())
        self.view.columns, self.view.kinds, self.view.hint = (), (), self.empty_hint
        self.view.refresh()

    def show_frame(self, frame: Frame) -> None:
        if self.info is None or frame.run != self.info.run:
            return
        before, self.frame = self.frame, frame
        same = before is not None and all(
            old.samples is new.samples for old, new in zip(before.columns, frame.columns, strict=False)
        )
        if not same:
            self._take()
            self.view.refresh_calmly(CALM if before is not None else 0.0)

    def _arrange(self, _changed: object = None) -> None:
        """Show other columns, or the same otherwise."""
        if self.info is None:
            return
        view = self.view
        view.names, view.columns, view.hint = names_in(self.info), self.choice.columns, ""
        view.quantiles_shown = self.mode.currentIndex() == QUANTILES
        for column in view.columns:
            if column not in view.spans:
                view.spans[column] = span_of(self.info.data[:, column])
        self._take()
        view.refresh()

    def _take(self) -> None:
        if self.info is None:
            return
        kinds = [Kind(self.tr("data"), self.info.data, "data", data=True)] if len(self.info.data) else []
        columns = self.frame.columns if self.frame is not None else ()
        for k, (title, column) in enumerate(zip(self.info.titles, columns, strict=False)):
            samples = column.samples
            if samples is not None and len(samples) and samples.shape[1] > max(self.view.columns, default=0):
                kinds.append(Kind(title, samples, self.theme.column(k)))
        self.view.kinds = tuple(kinds)

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self._take()
        self.view.apply_theme(theme)

    def summary(self) -> str:
        if self.info is None or not self.view.columns:
            return self.tr("Marginals: no run yet.")
        words = "; ".join(self.view.told(column) for column in self.view.columns)
        return f"Medians, and 5 to 95 % of the values. {words}."

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the plots, without the switches, on `painter`."""
        scale = size.width() / max(1, self.view.width())
        painter.save()
        painter.scale(scale, scale)
        self.view.paint_all(painter, QSizeF(size.width() / scale, size.height() / scale), overlay=False)
        painter.restore()


PANELS: tuple[type[Panel], ...] = (MarginalsPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo_table import main

    main(MarginalsPanel)
