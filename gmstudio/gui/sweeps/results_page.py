"""The second page of the sweep window: how far it is, the table, the runs of a cell, ways to take the table away."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSplitter, QVBoxLayout, QWidget

from gmstudio.gui.cards.calm import CalmCombo
from gmstudio.gui.status_bar import duration
from gmstudio.gui.sweeps.control import SweepControl
from gmstudio.gui.sweeps.runs_of_cell import RunsOfCell
from gmstudio.gui.sweeps.table_model import TableModel
from gmstudio.gui.sweeps.table_view import SweepTable
from gmstudio.sweeps import writing
from gmstudio.sweeps.table import WHEN, Table, Units

STATES = {
    "": "No sweep yet",
    "idle": "Not running",
    "estimating": "Measuring how long it will take",
    "measuring": "Measuring how long it will take",
    "running": "Training",
    "paused": "Paused",
    "stopping": "Stopping",
    "finished": "Finished",
    "stopped": "Stopped",
    "failed": "Failed",
}
UNITS: dict[Units, str] = {"standardised": "standardised units", "data": "units of the data"}


class ResultsPage(QWidget):
    """Shows a sweep and its table.

    Args:
        control: of the sweep.

    Signals:
        save_wanted(), copy_wanted(), start_wanted(): buttons.
    """

    save_wanted = Signal()
    copy_wanted = Signal()
    start_wanted = Signal()

    def __init__(self, control: SweepControl, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.control = control
        self.model = TableModel()
        self._units: Units = "standardised"
        self._stale = False
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 8, 0, 0)
        box.setSpacing(8)
        self.title, self.subject = QLabel(), QLabel()
        self.title.setObjectName("heading")
        for label in (self.title, self.subject):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            box.addWidget(label)
        box.addLayout(self._head())
        box.addLayout(self._choices())
        self.table = SweepTable(self.model)
        self.table.selectionModel().currentChanged.connect(self._chosen)
        self.caption = QLabel()
        self.caption.setProperty("muted", True)
        self.caption.setWordWrap(True)
        self.caption.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        upper = QWidget()
        above = QVBoxLayout(upper)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(4)
        above.addWidget(self.table, 1)
        above.addWidget(self.caption)
        self.runs = RunsOfCell(control)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(upper)
        self.splitter.addWidget(self.runs)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        box.addWidget(self.splitter, 1)
        control.changed.connect(self.refresh)
        control.moved.connect(self._moved)
        control.results_changed.connect(self.show_results)
        self.refresh()

    # Making.

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        words = QVBoxLayout()
        words.setSpacing(3)
        self.state = QLabel()
        self.state.setObjectName("sentence")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("How much of the sweep is done")
        words.addWidget(self.state)
        words.addWidget(self.bar)
        row.addLayout(words, 1)
        self.pause = self._button("Pause", "Hold all runs between two steps; nothing is lost")
        self.pause.clicked.connect(self.control.pause)
        self.stop = self._button("Stop", "End within half a second; runs that are done are kept, the others begin anew")
        self.stop.clicked.connect(self.control.stop)
        self.start = self._button("Go on", "Train the runs that are missing")
        self.start.clicked.connect(self.start_wanted)
        for button in (self.pause, self.stop, self.start):
            row.addWidget(button)
        return row

    def _choices(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.when = self._combo("At the", "The moment at which the likelihoods are shown", list(WHEN.items()))
        self.when.currentIndexChanged.connect(self._when)
        self.units = self._combo(
            "in", "The paper's tables are in standardised units, nats per point", list(UNITS.items())
        )
        self.units.currentIndexChanged.connect(self._unit)
        for combo in (self.when, self.units):
            label = QLabel("At the" if combo is self.when else "in")
            label.setBuddy(combo)
            label.setProperty("muted", True)
            row.addWidget(label)
            row.addWidget(combo)
        legend = QLabel("▲ bold: the best of a model")
        legend.setProperty("muted", True)
        legend.setToolTip("The larger likelihood of vanilla and mollified, for each data set and model")
        # With large letters it may be cut rather than widen the window.
        legend.setMinimumWidth(40)
        row.addSpacing(8)
        row.addWidget(legend, 1)
        self.copy = self._button("Copy as Markdown", "Put the table onto the clipboard, at both moments")
        self.copy.clicked.connect(self.copy_wanted)
        self.save = self._button("Save the table…", "As CSV, LaTeX or Markdown, at both moments")
        self.save.clicked.connect(self.save_wanted)
        row.addWidget(self.copy)
        row.addWidget(self.save)
        return row

    def _combo(self, name: str, hint: str, entries: list[tuple[str, str]]) -> CalmCombo:
        combo = CalmCombo()
        combo.setAccessibleName(name)
        combo.setToolTip(hint)
        combo.setMinimumContentsLength(12)
        for value, text in entries:
            combo.addItem(text, value)
        return combo

    def _button(self, text: str, hint: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(hint)
        button.setAccessibleDescription(hint)
        button.setAutoDefault(False)
        return button

    # What it shows.

    def table_now(self) -> Table | None:
        """The table as it is now, in the units that are chosen."""
        sweep = self.control.sweep
        return sweep.table(self._units) if sweep is not None else None

    def show_results(self) -> None:
        """Bring the table up to date, as soon as somebody can see it."""
        if self.control.sweep is not None and not self.isVisible():
            self._stale = True
            return
        self._stale = False
        table = self.table_now()
        before = self.model.table
        self.model.show_courses(self.control.courses)
        self.model.show(table)
        self.table.fit()
        self.title.setText(table.title if table is not None else "")
        self.subject.setText(f"{writing.subject(table)}." if table is not None else "")
        for label in (self.title, self.subject):
            label.setVisible(bool(label.text()))
        if table is None:
            self.caption.setText("")
            self.runs.show_cell("", ())
            return
        self.caption.setText(" ".join([writing.caption(table), *writing.notes(table)]))
        if before is None or not self.table.currentIndex().isValid():
            self.runs.show_cell("", ())
        self.runs.refresh()
        self.refresh()

    def refresh(self) -> None:
        """Bring state, progress and buttons up to date."""
        control, state = self.control, self.control.state
        total, done, failed = control.counts()
        parts = [STATES[state]]
        if total:
            parts.append(f"{done:,} of {total:,} runs done")
        if failed:
            parts.append(f"{failed:,} failed")
        left = control.sweep.seconds_left if control.sweep is not None and control.training else None
        if left is not None:
            parts.append(f"about {duration(left)} left")
        if control.training and control.estimate is not None:
            count = control.estimate[1]
            parts.append(f"{count} worker{'' if count == 1 else 's'}")
        self.state.setText(" · ".join(parts))
        self.bar.setValue(round(1000 * control.share()))
        self.pause.setText("Go on" if state == "paused" else "Pause")
        self.pause.setEnabled(state in ("running", "paused"))
        self.stop.setEnabled(control.training and state != "stopping")
        for button in (self.pause, self.stop):
            button.setVisible(control.training)
        missing = total - done
        self.start.setText(
            "Try the failed ones again" if missing and missing == failed else "Go on" if done else "Start"
        )
        self.start.setVisible(not control.training and missing > 0)
        for button in (self.copy, self.save):
            button.setEnabled(total > 0)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what has happened unseen."""
        super().showEvent(event)
        if self._stale:
            self.show_results()
        self._moved()

    def _moved(self) -> None:
        if not self.isVisible():
            return
        self.model.show_courses(self.control.courses)
        self.runs.refresh_states()
        self.refresh()

    # What the person does.

    def _chosen(self, index: QModelIndex) -> None:
        cell, sweep = self.model.cell(index.row(), index.column()), self.control.sweep
        if cell is None or sweep is None:
            self.runs.show_cell("", ())
            return
        keys = set(cell.keys)
        runs = tuple(run for run in sweep.plan.runs if run.key in keys)
        self.runs.show_cell(self.model.title(index.row(), index.column()), runs)

    def _when(self) -> None:
        self.model.show_when(self.when.currentData())
        self.table.fit()

    def _unit(self) -> None:
        self._units = self.units.currentData()
        self.runs.show_units(self._units)
        self.show_results()
