"""The first page of the sweep window: what is swept over, how many runs that makes, how long it will take."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gmstudio import registry
from gmstudio.gui.cards.calm import CalmCombo, IconButton, set_state
from gmstudio.gui.cards.editors import NumberEditor
from gmstudio.gui.cards.form import SpecForm, tooltip
from gmstudio.gui.sweeps.axis_list import AxisList
from gmstudio.gui.sweeps.choices import (
    AXES,
    Amount,
    amount,
    axes_of,
    choice,
    choices,
    first_sweep,
    merged,
    parts_of,
    recipes,
    runs_in_words,
)
from gmstudio.objectives import fit
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.registry import SpecError
from gmstudio.runs import Experiment
from gmstudio.sweeps.spec import MAX_TITLE, SweepSpec

#: Title, place in the table and name of the card of each axis.
_WORDS = {
    "data": ("Data sets", "Each is a row of the table.", "Data"),
    "models": ("Models", "Each is a group of columns of the table.", "Model"),
    "schedules": ("Mollification", "Each is a column under every model; vanilla beside mollified.", "Mollification"),
    "trainings": ("Training", "How long and how fast; more than one give columns of their own.", "Training"),
}
#: Width of what stands beside the lists: letters of middling width, and pixels of arrows and edges.
SIDE, EDGES = 32, 38


class PlanPage(QWidget):
    """Chooses the axes of a sweep.

    Args:
        cards: gives what the cards show.
        automatic: gives how many workers there are where nobody says a number.

    Signals:
        changed(): another sweep is described.
        open_wanted(), save_wanted(), start_wanted(), download_wanted(): buttons.
        spec_wanted(SweepSpec): the person begins with a sweep of the project or of the program.
    """

    changed = Signal()
    open_wanted = Signal()
    save_wanted = Signal()
    start_wanted = Signal()
    download_wanted = Signal()
    spec_wanted = Signal(object)

    def __init__(
        self, cards: Callable[[], Experiment], automatic: Callable[[], int], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._cards, self._automatic = cards, automatic
        self._objective: ObjectiveSpec = cards().run.objective
        self._seeds: tuple[int, ...] = ()
        self._busy, self._origin = False, ""
        self._recipes = recipes()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 8, 0, 0)
        box.setSpacing(10)
        box.addLayout(self._head())
        box.addLayout(self._middle(), 1)
        box.addLayout(self._foot())
        self.show_kept(())
        self.begin()

    # Making.

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.title = QLineEdit()
        self.title.setMaxLength(MAX_TITLE)
        self.title.setAccessibleName("Title of the sweep")
        self.title.setToolTip("What stands over the table")
        self.title.textChanged.connect(self._edited)
        name = QLabel("&Title")
        name.setBuddy(self.title)
        row.addWidget(name)
        row.addWidget(self.title, 1)
        self.recipes = CalmCombo()
        self.recipes.setAccessibleName("Begin with")
        self.recipes.setToolTip("Begin with the cards, with a sweep of this project, or with one that GM Studio brings")
        self.recipes.setMinimumContentsLength(16)
        self.recipes.activated.connect(self._recipe)
        row.addWidget(self.recipes)
        self.open = _button("Open…", "Open a sweep from a JSON file, as `gmstudio sweep` reads it", self.open_wanted)
        self.save = _button("Save…", "Save this sweep as a JSON file for `gmstudio sweep`", self.save_wanted)
        row.addWidget(self.open)
        row.addWidget(self.save)
        return row

    def _middle(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(12)
        self.axes: dict[str, AxisList] = {}
        for axis in AXES:
            self.axes[axis] = made = AxisList(*_WORDS[axis])
            made.changed.connect(self._edited)
            made.card_wanted.connect(self._take_card)
        self.download = IconButton("uci", "UCI data sets: download those that are not here yet", 14)
        self.download.clicked.connect(self.download_wanted)
        self.axes["data"].add_button(self.download)
        for axis, stretch in (("data", 5), ("models", 4), ("schedules", 4)):
            row.addWidget(self.axes[axis], stretch)
        side = QVBoxLayout()
        side.setSpacing(10)
        side.addWidget(self.axes["trainings"], 1)
        side.addWidget(self._amounts(), 0)
        self.objective = QLabel()
        self.objective.setProperty("muted", True)
        self.objective.setWordWrap(True)
        self.objective.setContentsMargins(10, 0, 0, 0)
        self.objective.setToolTip("How all runs learn; a new sweep takes it from the Objective card")
        side.addWidget(self.objective)
        row.addLayout(side)
        self._fit()
        return row

    def changeEvent(self, event: QEvent) -> None:
        """Grow with the letters."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        """Give what stands beside the lists room for its letters."""
        side = SIDE * self.fontMetrics().averageCharWidth() + EDGES
        for widget in (self.axes["trainings"], self.form, self.area, self.objective):
            widget.setFixedWidth(side)

    def _amounts(self) -> QWidget:
        self.form = SpecForm(Amount())
        self.form.edited.connect(self._amount_edited)
        row = self.form.rows["workers"]
        assert isinstance(row.editor, NumberEditor)
        row.editor.box.name(0, "automatic")
        for widget in (row.label, row.editor):
            widget.installEventFilter(self)
        self.area = area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setMinimumHeight(150)
        area.setWidget(self.form)
        return area

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Say how many workers automatic are when somebody asks: they follow the device, and GPUs take a while."""
        if event.type() == QEvent.Type.ToolTip and isinstance(watched, QWidget):
            count = self._automatic()
            watched.setToolTip(
                f"{tooltip(self.form.rows['workers'].info)}<br>"
                f"Automatic is {count:,} worker{'' if count == 1 else 's'} on this machine."
            )
        return super().eventFilter(watched, event)

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        words = QVBoxLayout()
        words.setSpacing(1)
        self.count = QLabel()
        self.count.setObjectName("sentence")
        self.count.setWordWrap(True)
        self.time = QLabel()
        self.time.setProperty("muted", True)
        self.time.setWordWrap(True)
        words.addWidget(self.count)
        words.addWidget(self.time)
        row.addLayout(words, 1)
        self.start = _button("Start", "Train what is missing, in processes of its own (Ctrl+Return)", self.start_wanted)
        self.start.setDefault(True)
        row.addWidget(self.start, 0, Qt.AlignmentFlag.AlignBottom)
        return row

    # What it shows.

    def show_kept(self, kept: Sequence[SweepSpec]) -> None:
        """Offer the sweeps of the project to begin with."""
        chosen = self.recipes.currentText()
        self.recipes.clear()
        self.recipes.addItem("From the cards", None)
        for spec in kept:
            self.recipes.addItem(f"In this project: {spec.title}", spec)
        for spec in self._recipes:
            self.recipes.addItem(spec.title, spec)
        self.recipes.setCurrentIndex(max(0, self.recipes.findText(chosen)))

    def begin(self) -> None:
        """Begin anew with what the cards show."""
        self.recipes.setCurrentIndex(0)
        self.show_spec(first_sweep(self._cards()), "on the card")

    def show_spec(self, spec: SweepSpec, origin: str = "from the file") -> None:
        """Show a sweep; entries that no list has come from `origin`."""
        blocked = self.blockSignals(True)
        self._objective, self._seeds, self._origin = spec.objective, spec.seeds, origin
        self.title.setText(spec.title)
        cards = parts_of(self._cards().run)
        for axis, entries in axes_of(spec).items():
            known = choices(axis, self._recipes)
            card = choice(cards[axis], "on the card")
            if all(card.spec != entry.spec for entry in known):
                known.insert(0, card)
            self.axes[axis].show_entries(merged(known), entries, origin)
        shown = amount(spec, self.workers)
        form = self.form.spec
        assert isinstance(form, Amount)
        self.form.set_spec(shown or form.changed(seeds=len(spec.seeds), first=min(spec.seeds), together=spec.together))
        self.blockSignals(blocked)
        self._edited()

    def look_again(self) -> None:
        """Show anew which data sets are here; what is ticked stays."""
        with contextlib.suppress(SpecError):
            self.show_spec(self.spec(), self._origin)

    def spec(self) -> SweepSpec:
        """The sweep that is described.

        Raises:
            SpecError: naming what is missing.
        """
        self.form.commit()
        for axis, listed in self.axes.items():
            if not listed.ticked:
                raise SpecError(f"No entry is ticked under {_WORDS[axis][0]}.", "Tick at least one.", axis)
        amounts = self.form.spec
        assert isinstance(amounts, Amount)
        return SweepSpec(
            title=self.title.text().strip() or "Sweep",
            **{axis: listed.ticked for axis, listed in self.axes.items()},
            seeds=self._seeds,
            objective=self._objective,
            together=amounts.together,
        )

    @property
    def workers(self) -> int:
        """How many processes train; 0 for as many as fit the machine."""
        amounts = self.form.spec
        assert isinstance(amounts, Amount)
        return amounts.workers

    def say_time(self, text: str) -> None:
        """Tell what is known of the time."""
        self.time.setText(text)

    def set_busy(self, busy: bool) -> None:
        """Whether a sweep is under way, so that no other can start."""
        if busy != self._busy:
            self._busy = busy
            self._judge()

    def _edited(self) -> None:
        self._judge()
        self.changed.emit()

    def _judge(self) -> None:
        """Count the runs, or say what is missing."""
        counts = {axis: len(listed.ticked) for axis, listed in self.axes.items()}
        try:
            self.objective.setText(_objectives(self.spec()))
            words, fine = runs_in_words(counts, len(self._seeds)), True
            refusals = [text for listed in self.axes.values() for text in listed.refusals]
            if refusals:
                words += f". Some of the data are missing. {' '.join(refusals)}"
        except SpecError as error:
            words, fine = str(error), False
        self.count.setText(words)
        set_state(self.count, "state", "" if fine else "error")
        self.start.setEnabled(fine and not self._busy)
        self.save.setEnabled(fine)

    # What the person does.

    def _amount_edited(self, spec: Amount, name: str) -> None:
        if name in ("seeds", "first", ""):
            self._seeds = spec.numbers()
        self._edited()

    def _take_card(self) -> None:
        run = self._cards().run
        for axis, listed in self.axes.items():
            if listed is self.sender():
                listed.add(choice(parts_of(run)[axis], "on the card"))

    def _recipe(self, index: int) -> None:
        spec = self.recipes.itemData(index)
        if spec is None:
            self.begin()
        else:
            self.spec_wanted.emit(spec)


def _objectives(spec: SweepSpec) -> str:
    """How the models learn, in words."""
    words = [f"Objective: {registry.of(spec.objective).title}"]
    for model in spec.models:
        if not fit.fits(spec.objective, model):
            own = f"for {registry.of(model).title}: {registry.of(fit.fitting(spec.objective, model)).title}"
            words += [own] if own not in words else []
    return "; ".join(words)


def _button(text: str, hint: str, do: object) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(hint)
    button.setAccessibleDescription(hint)
    button.setAutoDefault(False)
    button.clicked.connect(do)
    return button
