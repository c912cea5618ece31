"""The five cards of an experiment: Data, Model, Objective, Mollification, Training."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtGui import QContextMenuEvent, QResizeEvent, QUndoStack
from PySide6.QtWidgets import QLabel, QMenu, QVBoxLayout, QWidget

from gmstudio import registry
from gmstudio.data.base import DataSpec
from gmstudio.data.sets.drawing import Drawing
from gmstudio.gui.cards.card import Card
from gmstudio.gui.cards.card_area import CardArea
from gmstudio.gui.cards.change import Change
from gmstudio.gui.cards.chooser import Chooser
from gmstudio.gui.cards.columns import ColumnStrip
from gmstudio.gui.cards.following import Origins, follow, live_edits, same, waits_for_restart
from gmstudio.gui.cards.form import SpecForm, shown
from gmstudio.gui.cards.json_text import JsonDialog, card_from_text, card_to_text, clipboard, copy
from gmstudio.gui.cards.message import Message
from gmstudio.gui.cards.summaries import exactness, summary
from gmstudio.gui.cards.thumbnail import Thumbnail
from gmstudio.gui.tables.source_note import SourceNote
from gmstudio.gui.theme import Theme, themes
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.objectives import fit
from gmstudio.registry import Room, Spec, SpecError
from gmstudio.runs import Experiment, default_run, to_json, twins

#: Part of a run, title of its card, room of its components.
CARDS: tuple[tuple[str, str, Room | None], ...] = (
    ("data", "Data", "data"),
    ("model", "Model", "model"),
    ("objective", "Objective", "objective"),
    ("mollification", "Mollification", "schedule"),
    ("training", "Training", None),
)
#: Model and objective in one change, since not every objective fits every model.
LEARNING = "learning"
OPEN_AT_FIRST = frozenset({"data", "model", "mollification"})


class CardDeck(QWidget):
    """The cards; what they show is `experiment`.

    Args:
        undo: where every change of the person goes.
    """

    #: The new experiment, after a change, an undo or a redo.
    changed = Signal(object)
    #: A `SetSchedule` or `SetRate` for the running training.
    live = Signal(object)
    #: The person asks for a table on the Data card: ``edit``, ``choose`` or ``pick``.
    source_wanted = Signal(str)

    def __init__(self, undo: QUndoStack, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("carddeck")
        self.setAccessibleName("Cards of the experiment")
        self.undo = undo
        self._experiment = twins(default_run())
        self._running: Experiment | None = None
        self._origins: Origins = ()
        self._displaced: DataSpec | None = None
        self._fitted = False
        self.cards: dict[str, Card] = {}
        self.choosers: dict[str, Chooser] = {}
        self._build()
        self._refresh()
        themes().changed.connect(self.apply_theme)

    def _build(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self.area = CardArea()
        self._inside = inside = QWidget()
        inside.setObjectName("cardlist")
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(6)
        self.message = Message()
        layout.addWidget(self.message)
        self.columns = ColumnStrip(self._experiment)
        self.columns.edited.connect(self._columns_edited)
        layout.addWidget(self.columns)
        for part, title, room in CARDS:
            card = Card(part, title, self._body(part, room))
            card.open = part in OPEN_AT_FIRST
            card.toggled.connect(self._settle)
            self.cards[part] = card
            layout.addWidget(card)
        layout.addStretch(1)
        self.area.setWidget(inside)
        outer.addWidget(self.area)

    def _body(self, part: str, room: Room | None) -> QWidget:
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        spec = getattr(self._experiment.run, part)
        if room is None:
            self.training = SpecForm(spec)
            self.training.edited.connect(self._training_edited)
            layout.addWidget(self.training)
            return body
        chooser = Chooser(room, spec)
        self.choosers[part] = chooser
        layout.addWidget(chooser)
        if part == "data":
            chooser.edited.connect(self._data_edited)
            self.source = SourceNote()
            self.source.wanted.connect(self.source_wanted)
            chooser.put_under_combo(self.source)
            self.exact = QLabel()
            self.exact.setObjectName("exactness")
            self.exact.setWordWrap(True)
            layout.addWidget(self.exact)
        elif part == "model":
            chooser.edited.connect(self._model_edited)
        elif part == "objective":
            chooser.edited.connect(self._objective_edited)
        else:
            chooser.edited.connect(self._mollification_edited)
            self.thumbnail = Thumbnail(spec)
            layout.insertWidget(0, self.thumbnail)
        return body

    @property
    def experiment(self) -> Experiment:
        """What the cards show."""
        return self._experiment

    @experiment.setter
    def experiment(self, experiment: Experiment) -> None:
        self.set_experiment(experiment)

    def set_experiment(self, experiment: Experiment) -> None:
        """Show another experiment; no entry in the undo list, no signal."""
        if experiment.run.data != self._experiment.run.data:
            self._displaced = None
        if experiment != self._experiment:
            if self._running is not None:
                self._origins = follow(self._origins, self._experiment.columns, experiment.columns, self._running)
            self._experiment = experiment
        self._refresh()

    def set_data(self, spec: DataSpec) -> None:
        """Show a drawing that changed; its own undo entry is elsewhere; no signal.

        The first stroke puts the drawing in the place of other data; when it is undone or cleared, those come back.
        """
        before = self._experiment.run.data
        displaced = self._displaced if type(before) is type(spec) else before
        empty = isinstance(spec, Drawing) and not spec.points
        if empty and displaced is not None:
            spec, displaced = displaced, None
        self.set_experiment(self._experiment.changed(run=self._experiment.run.changed(data=spec)))
        self._displaced = displaced

    def edit_data(self, spec: DataSpec, text: str) -> None:
        """Change the data as the person's own act, with an undo entry of that text."""
        self._push("data", spec, text, "")

    def edit_schedule(self, column: int, schedule: ScheduleSpec) -> None:
        """Change the schedule of a column as the person's own act, such as a drag of a curve: one merged undo entry.

        A column without a schedule of its own changes the card's.
        """
        columns = list(self._experiment.columns)
        if columns[column].mollification is None:
            self._push("mollification", schedule, "Shape the schedule", "mollification.shape")
            return
        columns[column] = msgspec.structs.replace(columns[column], mollification=schedule)
        text = f"Shape the schedule of {columns[column].title}"
        self._push("columns", tuple(columns), text, f"columns.{column}.shape")

    def commit(self) -> None:
        """Take numbers that are typed but not yet entered; call it before a run starts."""
        for chooser in self.choosers.values():
            chooser.form.commit()
        self.training.commit()

    def set_running(self, running: bool) -> None:
        """Say that a training of what the cards show has started, or that it is over."""
        self._running = self._experiment if running else None
        self._origins = same(self._experiment) if running else ()
        self._refresh()

    @property
    def open_cards(self) -> tuple[str, ...]:
        """The parts whose cards are open; kept in the window's settings."""
        return tuple(part for part, card in self.cards.items() if card.open)

    @open_cards.setter
    def open_cards(self, parts: tuple[str, ...]) -> None:
        self._fitted = True
        for part, card in self.cards.items():
            card.open = part in parts

    def _data_edited(self, spec: Spec, name: str) -> None:
        self._edited("data", spec, name)

    def _model_edited(self, spec: Spec, name: str) -> None:
        self._edited("model", spec, name)

    def _objective_edited(self, spec: Spec, name: str) -> None:
        self._edited("objective", spec, name)

    def _mollification_edited(self, spec: Spec, name: str) -> None:
        self._edited("mollification", spec, name)

    def _training_edited(self, spec: Spec, name: str) -> None:
        self._edited("training", spec, name)

    def _edited(self, part: str, spec: Spec, name: str) -> None:
        if not name:
            self._push(part, spec, f"Choose {registry.of(spec).title}", "")
            return
        info = next(info for info in registry.fields(type(spec)) if info.name == name)
        text = f"Set {info.label[0].lower()}{info.label[1:]} to {shown(getattr(spec, name), info)}"
        self._push(part, spec, text, f"{part}.{spec.__struct_config__.tag}.{name}")

    def _columns_edited(self, columns: tuple[Any, ...], text: str, key: str) -> None:
        self._push("columns", columns, text, key)

    def _push(self, part: str, value: Any, text: str, key: str) -> None:
        run = self._experiment.run
        if part == "objective" and (refusal := fit.refusal(value, run.model)) is not None:
            self.message.say(refusal.message, refusal.remedy)
            self._refresh()
            return
        if part == "model" and not fit.fits(run.objective, value):
            part, value, key = LEARNING, (value, fit.fitting(run.objective, value)), ""
        before = self._part(part)
        if value != before:
            self._settle()
            self.message.hide()
            self.undo.push(Change(self._show_part, part, before, value, text, key))

    def _part(self, part: str) -> Any:
        if part == "experiment":
            return self._experiment
        if part == LEARNING:
            return (self._experiment.run.model, self._experiment.run.objective)
        return self._experiment.columns if part == "columns" else getattr(self._experiment.run, part)

    def _show_part(self, part: str, value: Any) -> None:
        before = self._experiment
        if part == "experiment":
            after = cast(Experiment, value)
        elif part == "columns":
            after = before.changed(columns=value)
        elif part == LEARNING:
            model, objective = value
            after = before.changed(run=before.run.changed(model=model, objective=objective))
        else:
            after = before.changed(run=before.run.changed(**{part: value}))
        self.set_experiment(after)
        self.changed.emit(after)
        if self._running is not None:
            for edit in live_edits(before, after, self._origins):
                self.live.emit(edit)

    def _refresh(self) -> None:
        run = self._experiment.run
        for part, card in self.cards.items():
            spec = getattr(run, part)
            if part == "training":
                self.training.set_spec(spec)
            elif self.choosers[part].spec != spec:
                self.choosers[part].show_spec(spec)
            card.summary = summary(spec)
            card.mark_restart(self._running is not None and waits_for_restart(part, self._running, self._experiment))
        self.choosers["objective"].combo.refuse(fit.refused(run.model))
        self.source.show_data(run.data)
        self.exact.setText(exactness(run.data))
        self.exact.setProperty("exact", run.data.exact)
        self.exact.style().polish(self.exact)
        self.thumbnail.show_schedule(run.mollification)
        self.columns.show_experiment(self._experiment)
        self.columns.mark_restart(self._running is not None and self._origins != same(self._running))

    def apply_theme(self, theme: Theme) -> None:
        """Take icons and painted parts in other colours."""
        for card in self.cards.values():
            card.heading.paint_icon()
        self.columns.show_experiment(self._experiment)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Until the person opens, closes or changes something, open the cards that the height has room for."""
        super().resizeEvent(event)
        if self._fitted:
            return
        for part, card in self.cards.items():
            card.open = part in OPEN_AT_FIRST
        for part in ("model", "data"):
            if not self._fits():
                self.cards[part].open = False

    def _settle(self) -> None:
        self._fitted = True

    def _fits(self) -> bool:
        inside = self._inside
        for widget in (*inside.findChildren(QWidget), inside):
            if (layout := widget.layout()) is not None:
                layout.activate()
        return inside.sizeHint().height() <= max(100, self.area.viewport().height())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """JSON of the card under the mouse and of the whole experiment."""
        widget = self.childAt(event.pos())
        while widget is not None and not isinstance(widget, Card):
            widget = widget.parentWidget()
        menu = self.json_menu(widget.name if isinstance(widget, Card) else "")
        menu.exec(event.globalPos())
        menu.deleteLater()

    def json_menu(self, part: str) -> QMenu:
        """The menu of a card; an empty part gives the experiment's entries alone."""
        menu = QMenu(self)
        if part:
            title = self.cards[part].heading.title.text()
            menu.addAction(f"Copy {title} as JSON", lambda: copy(card_to_text(self._part(part))))
        menu.addAction("Copy experiment as JSON", lambda: copy(to_json(self._experiment)))
        menu.addAction("Paste JSON", lambda: self.paste(part, clipboard()))
        menu.addSeparator()
        menu.addAction("Edit as JSON…", self.edit_as_json)
        return menu

    def paste(self, part: str, text: str) -> bool:
        """Take JSON text of a card's specification, of a run or of an experiment; says what is wrong with it."""
        try:
            target, value = card_from_text(text, part)
        except SpecError as error:
            self.message.say("That cannot be pasted.", str(error))
            return False
        self._push(target, value, f"Paste {'experiment' if target == 'experiment' else target}", "")
        return True

    def edit_as_json(self) -> None:
        """Open a window with the experiment's JSON, which can be changed there."""
        dialog = JsonDialog(to_json(self._experiment), self)
        dialog.taken.connect(self._take_experiment)
        dialog.open()

    def _take_experiment(self, experiment: Experiment) -> None:
        self._push("experiment", experiment, "Edit the experiment as JSON", "")


if __name__ == "__main__":
    from gmstudio.gui.alone import show_alone

    show_alone(lambda: CardDeck(QUndoStack()), 320, 800)
