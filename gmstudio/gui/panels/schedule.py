"""The schedules of all columns: where training stands on them, and handles to change them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtCore import QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.layered import small_font
from gmstudio.gui.panels.note import Note
from gmstudio.gui.panels.schedule_blur import Preview
from gmstudio.gui.panels.schedule_chart import ScheduleChart
from gmstudio.gui.panels.schedule_curves import SHARES, VISIBLE, Curve
from gmstudio.gui.theme import Theme
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.observation.frame import RunInfo
from gmstudio.runs import Experiment
from gmstudio.training.commands import SetSchedule


class SchedulePanel(Panel):
    """gamma(t / T) of every column, with the "you are here" mark.

    Signals:
        dragging(SetSchedule): while a handle moves; for a preview.
        edited(SetSchedule): once at the end of a drag, or after a key: one step of undo.
    """

    dragging = Signal(object)
    edited = Signal(object)

    name: ClassVar[str] = "schedule"
    title: ClassVar[str] = "Schedule"
    help: ClassVar[str] = (
        "The noise variance σ² = γ(t/T) over the training, or the width of a blur in pixels. Drag a point to shape it, "
        "also while it runs; double-click adds a point, right click or Delete removes one, the triangle below is where "
        "it ends."
    )
    wants: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[tuple[str, int]] = ("bottom", 0)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.experiment: Experiment | None = None
        self.chart = ScheduleChart()
        self.chart.setAccessibleName(self.title)
        self.chart.setAccessibleDescription(
            self.tr("Page Up and Page Down choose a point, arrow keys move it, Insert adds one, Delete removes it.")
        )
        self.empty_hint = self.tr("Choose a schedule on the card Mollification")
        self.chart.hint = self.empty_hint
        self.chart.dragging.connect(self._dragged)
        self.chart.edited.connect(self._edited)
        self.chart.activated.connect(self._activate)
        self.which = QComboBox(self)
        self.which.setAccessibleName(self.tr("Schedule to change"))
        self.which.setToolTip(self.tr("The column whose schedule the handles change."))
        self.which.setFont(small_font(self.font(), 0.5))
        self.which.setMaximumHeight(22)
        self.which.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.which.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.which.currentIndexChanged.connect(self.chart.choose)
        self.which.hide()
        hints = (
            self.tr("Drag a point · double-click adds one · Delete removes it"),
            self.tr("Drag a point · double-click adds one"),
            self.tr("Drag to shape"),
            self.tr("Drag it"),
        )
        self.strip_note = Note(hints, self.help, self)
        self.strip_note.hide()
        self.strip = QHBoxLayout()
        self.strip.setContentsMargins(6, 1, 6, 0)
        self.strip.addWidget(self.strip_note, 1)
        self.strip.addWidget(self.which)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self.strip)
        layout.addWidget(self.chart, 1)
        self.setFocusProxy(self.chart)

    @property
    def specs(self) -> tuple[ScheduleSpec, ...]:
        """The schedules as they are shown, one for each column."""
        return self.chart.specs

    def set_experiment(self, experiment: Experiment) -> None:
        """Show the schedules of an experiment, and let them be dragged: the cards before a run, or its own."""
        first = self.experiment is None
        self.experiment = experiment
        specs = tuple(run.mollification for run in experiment.runs())
        titles = tuple(column.title for column in experiment.columns)
        self._keep_what_happened(specs)
        if self.info is None:
            self.chart.steps = experiment.run.training.steps
        self.chart.hint = ""
        if first or len(specs) != len(self.chart.specs):
            self.chart.active = next((i for i, spec in enumerate(specs) if not spec.off), 0)
        self._list_columns(titles)
        self.chart.set_specs(titles, specs)
        self.strip_note.show()

    def _keep_what_happened(self, specs: tuple[ScheduleSpec, ...]) -> None:
        """What lies before the step stays as it was; what lies after follows the new schedules."""
        chart = self.chart
        if chart.now is None or len(specs) != len(chart.happened):
            return
        now = chart.now
        chart.happened = tuple(
            np.where(now >= SHARES, past, spec.variance(SHARES))
            for past, spec in zip(chart.happened, specs, strict=True)
        )

    def _list_columns(self, titles: tuple[str, ...]) -> None:
        if titles != tuple(self.which.itemText(i) for i in range(self.which.count())):
            self.which.blockSignals(True)
            self.which.clear()
            self.which.addItems(titles)
            self.which.blockSignals(False)
        self.which.blockSignals(True)
        self.which.setCurrentIndex(self.chart.active)
        self.which.blockSignals(False)
        self.which.setVisible(len(titles) > 1)

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.chart.titles = info.titles
        self.chart.steps = info.steps
        self.chart.hint = ""
        self.chart.happened = tuple(_sampled(plan) for plan in info.plans)
        self.chart.by = info.by
        self.chart.side = 0 if info.picture is None else max(info.picture.shape[1:])
        self.chart.preview = Preview.of(info)
        if len(self.chart.specs) != len(info.titles):
            self.chart.set_specs(info.titles, ())
        self.chart.now = 0.0
        self.chart.refresh()

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.chart.now = None
        self.chart.happened, self.chart.by, self.chart.side, self.chart.preview = (), (), 0, None
        if self.experiment is not None:
            self.set_experiment(self.experiment)
        else:
            self.chart.set_specs((), ())
            self.chart.hint = self.empty_hint
        self.chart.refresh()

    def show_step(self, step: int) -> None:
        if self.info is None:
            return
        now = min(max(step / max(self.info.steps, 1), 0.0), 1.0)
        if now == self.chart.now:
            return
        self.chart.now = now
        # Where the plan was not changed the curves stay the same picture; only the mark moves.
        if self._changed():
            self.chart.refresh()
        else:
            self.chart.update()

    def _changed(self) -> bool:
        chart = self.chart
        pairs = zip(chart.planned, chart.happened, strict=False)
        return any(np.abs(planned - past).max() > VISIBLE for planned, past in pairs)

    def _dragged(self, column: int, spec: ScheduleSpec) -> None:
        self._keep_what_happened(self.chart.specs)
        self.dragging.emit(SetSchedule(column, spec))

    def _edited(self, column: int, spec: ScheduleSpec) -> None:
        self.edited.emit(SetSchedule(column, spec))

    def _activate(self, column: int) -> None:
        self.which.setCurrentIndex(column)

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.chart.apply_theme(theme)
        self.strip_note.apply_theme(theme)

    def summary(self) -> str:
        chart = self.chart
        if not chart.titles:
            return self.tr("Schedule: nothing chosen yet.")
        words = []
        for column, title in enumerate(chart.titles):
            curve = chart.curve(column)
            if not curve.any():
                words.append(f"{title}: no noise")
                continue
            end = SHARES[np.flatnonzero(curve > 1e-6)[-1]]
            start, half = (chart.told(column, float(np.interp(at, SHARES, curve)), 2) for at in (0.0, 0.5))
            text = f"{title}: {start} at the start, {half} halfway, ends at {end:.0%}"
            if chart.now is not None:
                now = chart.told(column, float(np.interp(chart.now, SHARES, curve)))
                text += f", now {now} at {chart.now:.0%} of the training"
            words.append(text)
        return "Schedule. " + "; ".join(words) + "."

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the chart and the columns' titles on `painter`."""
        scale = size.width() / max(1, self.chart.width())
        painter.save()
        painter.scale(scale, scale)
        room = QSizeF(size.width() / scale, size.height() / scale)
        self.chart.paint_all(painter, room)
        self.chart.place(room)
        painter.setFont(small_font(self.font(), 0.5, bold=True))
        for column, title in enumerate(self.chart.titles):
            painter.setPen(self.theme.colour(self.theme.column(column)))
            area = self.chart.rect_.adjusted(0, 4 + 15 * column, -8, 0)
            painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, title)
        painter.restore()


def _sampled(plan: Curve) -> Curve:
    """The plan of every step at SHARES."""
    if not len(plan):
        return np.zeros_like(SHARES)
    return np.asarray(plan, dtype=np.float64)[np.minimum((SHARES * len(plan)).astype(np.int64), len(plan) - 1)]


PANELS: tuple[type[Panel], ...] = (SchedulePanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(SchedulePanel)
