"""The runs behind a cell of the table: seed, state, likelihoods; each can be taken over into the main window."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gmstudio.gui.status_bar import duration
from gmstudio.gui.sweeps.control import Course, SweepControl
from gmstudio.gui.theme import themes
from gmstudio.sweeps.plan import PlannedRun
from gmstudio.sweeps.store import Result
from gmstudio.sweeps.table import Units

_HEADS: tuple[tuple[str, str], ...] = (
    ("Seed", "Weights, batches and noise follow from it."),
    ("State", "What became of the run; the reason stands here where it failed."),
    ("Last epoch", "Log-likelihood at the end of the training, nats per point."),
    ("Best epoch", "Log-likelihood with the weights of the best validation likelihood, nats per point."),
    ("Validation", "Best log-likelihood of the validation points, nats per point."),
    ("Step of the best", "The step at which the validation likelihood was best."),
    ("Steps", "Length of the training."),
    ("Time", "Of the pass in which the run was trained, with the others of that pass."),
)
SEED, STATE = 0, 1
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_KEY = Qt.ItemDataRole.UserRole


class RunsOfCell(QWidget):
    """Lists the runs of a cell.

    Args:
        control: of the sweep.

    Signals:
        cards_wanted(PlannedRun): the person wants a run on the cards.
        curves_wanted(str): the person wants to see a run of the project, by its id.
    """

    cards_wanted = Signal(object)
    curves_wanted = Signal(str)

    def __init__(self, control: SweepControl, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._control = control
        self._runs: dict[str, PlannedRun] = {}
        self._results: dict[str, Result] = {}
        self._units: Units = "standardised"
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 4, 0, 0)
        box.setSpacing(6)
        box.addLayout(self._head())
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Runs of the cell")
        self.tree.setHeaderLabels([name for name, _ in _HEADS])
        for place, (_, help) in enumerate(_HEADS):
            self.tree.headerItem().setToolTip(place, help)
            if place > STATE:
                self.tree.headerItem().setTextAlignment(place, RIGHT)
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setAllColumnsShowFocus(True)
        self.tree.header().setStretchLastSection(False)
        self.tree.itemSelectionChanged.connect(self._offer)
        self.tree.itemActivated.connect(self._cards)
        letter = self.tree.fontMetrics().averageCharWidth()
        for place, letters in enumerate((10, 30, 16, 16, 16, 20, 13, 15)):
            self.tree.setColumnWidth(place, letters * letter)
        self.tree.header().setSectionResizeMode(STATE, QHeaderView.ResizeMode.Stretch)
        box.addWidget(self.tree, 1)
        self.show_cell("", ())

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.title = QLabel()
        self.title.setObjectName("sentence")
        row.addWidget(self.title, 1)
        self.curves = self._button(
            "Show the run", "Show it in the main window: its curves and a picture of the finished models"
        )
        self.curves.clicked.connect(self._curves)
        self.cards = self._button(
            "Put it onto the cards",
            "Take data, model, noise and seed into the main window, all schedules side by side; Undo takes it back",
        )
        self.cards.clicked.connect(self._cards)
        row.addWidget(self.curves)
        row.addWidget(self.cards)
        return row

    def _button(self, text: str, hint: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(hint)
        button.setAccessibleDescription(hint)
        button.setAutoDefault(False)
        return button

    # What it shows.

    def show_cell(self, title: str, runs: tuple[PlannedRun, ...]) -> None:
        """List other runs."""
        self._runs = {run.key: run for run in runs}
        self.title.setText(title or "Click a cell of the table for its runs")
        self.tree.clear()
        sweep = self._control.sweep
        for run in runs:
            assert sweep is not None
            item = QTreeWidgetItem([str(sweep.spec.seeds[run.place.seed])])
            item.setData(SEED, _KEY, run.key)
            for place in range(STATE + 1, len(_HEADS)):
                item.setTextAlignment(place, RIGHT)
            self.tree.addTopLevelItem(item)
        if runs:
            self.tree.setCurrentItem(self._items()[0])
        self.refresh()

    def show_units(self, units: Units) -> None:
        """Show likelihoods in other units."""
        self._units = units
        self.refresh()

    def refresh(self) -> None:
        """Bring every line up to date."""
        sweep = self._control.sweep
        self._results = sweep.results if sweep is not None else {}
        for item in self._items():
            result = self._results.get(str(item.data(SEED, _KEY)))
            for place, text in enumerate(self._figures(result), start=STATE + 1):
                item.setText(place, text)
        self.refresh_states()
        self._offer()

    def refresh_states(self) -> None:
        """Bring the states up to date."""
        for item in self._items():
            key = str(item.data(SEED, _KEY))
            text, reason = state_in_words(self._results.get(key), self._control.courses.get(key))
            item.setText(STATE, text)
            item.setToolTip(STATE, reason or text)
            failed = text.startswith("failed")
            item.setForeground(STATE, themes().current.colour("danger" if failed else "text"))

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.tree.topLevelItem(row) for row in range(self.tree.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _figures(self, result: Result | None) -> list[str]:
        if result is None or result.state != "done":
            return [""] * (len(_HEADS) - 2)
        volume = result.log_volume if self._units == "standardised" else 0.0
        said = [_number(value, volume) for value in (result.last, result.best, result.validation_best)]
        step = "" if result.best_step is None else f"{result.best_step:,}"
        return [*said, step, f"{result.steps:,}", duration(result.seconds)]

    # What the person does.

    @property
    def chosen(self) -> PlannedRun | None:
        """The run that is selected."""
        items = self.tree.selectedItems()
        return self._runs.get(str(items[0].data(SEED, _KEY))) if items else None

    @property
    def _record(self) -> str:
        run = self.chosen
        result = self._results.get(run.key) if run is not None else None
        return result.run if result is not None else ""

    def _offer(self) -> None:
        self.cards.setEnabled(self.chosen is not None)
        self.curves.setEnabled(bool(self._record))

    def _cards(self) -> None:
        if self.chosen is not None:
            self.cards_wanted.emit(self.chosen)

    def _curves(self) -> None:
        if self._record:
            self.curves_wanted.emit(self._record)


def state_in_words(result: Result | None, course: Course | None) -> tuple[str, str]:
    """What became of a run, or how far it is; and what stands on hover, empty for the same."""
    if course is not None:
        words = {"building": "beginning", "waiting": "waits for its second try", "paused": "held"}
        text = words.get(course.state, "trains")
        if course.steps and course.state in ("running", "paused"):
            text += f", {course.share:.0%}"
        if course.validation is not None:
            text += f", validation {course.validation:.2f}"
        return (f"{text} (second try)" if course.again and course.state != "waiting" else text), course.reason
    if result is None:
        return "not begun", ""
    if result.state == "failed":
        return f"failed: {result.reason}", result.reason
    return "done", f"Done on {result.device} ({result.engine}), {result.together} in one pass"


def _number(value: float | None, volume: float) -> str:
    return "not finite" if value is None else f"{value + volume:.4f}"
