"""The work itself: cards and drawing, the runs that come of them, and the project that keeps everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from gmstudio.gui.control import ALIVE, Control, Start, meaning_of_space
from gmstudio.gui.display import Display
from gmstudio.gui.timeline import Timeline
from gmstudio.observation.frame import RunInfo
from gmstudio.projects.errors import ProjectError
from gmstudio.registry import SpecError, to_plain
from gmstudio.runs import Column, Experiment, default_run, experiment_from_plain, experiment_to_plain, twins
from gmstudio.sessions import Outcome, Session, Status
from gmstudio.training.commands import Command, SetData

if TYPE_CHECKING:
    from gmstudio.data.base import DataSpec
    from gmstudio.gui.cards.deck import CardDeck
    from gmstudio.projects.project import Project, RunRecord

#: Milliseconds after a change until it is in the project.
SAVE_AFTER = 1000
#: Seconds between two looks at the key frames of the run that trains.
RECORD_SECONDS = 0.7
DRAWING = "drawing"


class Drawer(Protocol):
    """What the workbench needs of the drawing panel."""

    changed: Any
    picture: Any

    @property
    def spec(self) -> Any:
        """The drawing."""

    def set_spec(self, spec: Any) -> None:
        """Show a drawing."""


class Replace(QUndoCommand):
    """Other cards, all at once: another seed, or those of an earlier run."""

    def __init__(self, workbench: Workbench, after: Experiment, text: str) -> None:
        super().__init__(text)
        self._workbench, self._before, self._after = workbench, workbench.deck.experiment, after

    def redo(self) -> None:
        """Show the new cards."""
        self._workbench.show_cards(self._after)

    def undo(self) -> None:
        """Show the cards of before."""
        self._workbench.show_cards(self._before)


class Workbench(QObject):
    """Joins cards, drawing, control, display, timeline and project.

    Signals:
        changed(): what can be done has changed.
        failed(Problem): something went wrong that a person should know.
        cards_shown(Experiment): the cards show something else.
        runs_changed(): runs of the project have come, gone or changed.
    """

    changed = Signal()
    failed = Signal(object)
    cards_shown = Signal(object)
    runs_changed = Signal()

    def __init__(
        self,
        deck: CardDeck,
        drawer: Drawer,
        undo: QUndoStack,
        display: Display,
        control: Control,
        timeline: Timeline,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.deck, self.drawer, self.undo = deck, drawer, undo
        self.display, self.control, self.timeline = display, control, timeline
        self.project: Project | None = None
        self.device = "auto"
        #: What the run that is shown trains, live edits included; None for no run.
        self.trained: Experiment | None = None
        self._seen = 0.0
        self._unsaved: dict[str, Callable[[], Any]] = {}
        self._saver = QTimer(self)
        self._saver.setSingleShot(True)
        self._saver.setInterval(SAVE_AFTER)
        self._saver.timeout.connect(self._save_when_free)
        deck.changed.connect(self._cards_changed)
        deck.live.connect(self.edit)
        drawer.changed.connect(self._drawn)
        drawer.picture.connect(self._pictured)
        display.status.connect(self._status)
        display.begun.connect(self._begun)
        display.looked.connect(timeline.show_looking)
        display.looked.connect(self._tell)
        control.started.connect(self._started)
        control.state_changed.connect(self._tell)
        control.ended.connect(self._ended)
        timeline.scrubbed.connect(display.look_at)
        timeline.live.connect(self.go_live)

    def _tell(self, *_: object) -> None:
        self.changed.emit()

    # Cards and drawing.

    @property
    def cards_differ(self) -> bool:
        """Whether the cards differ from what the run that is shown trains."""
        return self.trained is not None and self.deck.experiment != self.trained

    def show_cards(self, experiment: Experiment) -> None:
        """Show other cards, as from an undo list."""
        self.deck.set_experiment(experiment)
        self._cards_changed(experiment)

    def _cards_changed(self, experiment: Experiment) -> None:
        data = experiment.run.data
        if data.__struct_config__.tag == DRAWING and self.drawer.spec != data:
            if not getattr(data, "points", ()) and self.drawer.spec.points:
                # The card was just switched to the drawing: the points are on the canvas.
                self.deck.set_data(data.changed(points=self.drawer.spec.points))
            else:
                self.drawer.set_spec(data)
        self._keep("cards", self._plain_cards)
        self.cards_shown.emit(self.deck.experiment)
        self.changed.emit()

    def _drawn(self, drawing: DataSpec) -> None:
        drawn_before = self.deck.experiment.run.data.__struct_config__.tag == DRAWING
        self.deck.set_data(drawing)
        if drawn_before and self.trained is not None and self.control.state in ALIVE and self._trains_drawing:
            self.control.post(SetData(drawing))
            self.trained = self.trained.changed(run=self.trained.run.changed(data=drawing))
        self._keep("cards", self._plain_cards)
        self._keep("drawing", self._plain_drawing)
        self.changed.emit()

    def _pictured(self, picture: DataSpec) -> None:
        self.deck.edit_data(picture, "Train on the picture")

    @property
    def _trains_drawing(self) -> bool:
        return self.trained is not None and self.trained.run.data.__struct_config__.tag == DRAWING

    def edit(self, command: Command) -> None:
        """Change the run that is alive."""
        if self.control.state in ALIVE and self.trained is not None:
            self.control.post(command)
            self.trained = with_live(self.trained, self.deck.experiment)
            self._keep("trained", self._plain_trained)
            self.changed.emit()

    # What the person asks for.

    def toggle(self) -> None:
        """Space."""
        self.deck.commit()
        wish = meaning_of_space(self.control.state, self.control.playing, self.cards_differ)
        if wish == "pause":
            self.control.pause()
        elif wish == "play":
            self.display.go_live()
            self.control.play()
        elif wish == "resume":
            self.resume()
        else:
            self.start()

    def start(self, paused: bool = False, steps: int = 0) -> None:
        """Begin a run of what the cards show."""
        self.deck.commit()
        if self.project is None:
            return
        self.trained = self.deck.experiment
        self.save_now()
        self.control.start(self._what(self.trained, None, paused, steps))
        self.deck.set_running(True)

    def resume(self, paused: bool = False, steps: int = 0) -> None:
        """Go on with the run that is shown from its last checkpoint."""
        run = self.display.run
        if self.project is None or not run:
            return
        record = self._try(lambda: self.project.run(run) if self.project else None)
        if record is not None:
            self.control.start(self._what(record.experiment, run, paused, steps))
            self.deck.set_running(not self.cards_differ)

    def _what(self, experiment: Experiment, run: str | None, paused: bool, steps: int) -> Start:
        return Start(
            experiment,
            self.project if self.project is not None and not self.project.read_only else None,
            run,
            paused,
            steps,
            wants=self.display.wants,
            device=self.device,
        )

    def step(self, steps: int) -> None:
        """Make some steps, then hold; begins a run where there is none."""
        self.deck.commit()
        state = self.control.state
        if state in ALIVE and not (self.cards_differ and not self.control.playing):
            self.display.go_live()
            self.control.advance(steps)
        elif state == "stopped" and not self.cards_differ:
            self.resume(steps=steps)
        else:
            self.start(steps=steps)

    def restart(self) -> None:
        """Begin again from the same weights; plays unless the run was being looked at in peace."""
        self.start(paused=self.control.state == "paused" and not self.control.playing)

    def reseed(self) -> None:
        """Begin again from another seed."""
        experiment = self.deck.experiment
        seed = experiment.run.training.seed % (2**31 - 1) + 1
        training = experiment.run.training.changed(seed=seed)
        after = experiment.changed(run=experiment.run.changed(training=training))
        self.undo.push(Replace(self, after, f"Reseed to {seed}"))
        self.restart()

    def stop(self) -> None:
        """End the run."""
        self.control.stop()

    def go_live(self) -> None:
        """Leave the past."""
        self.timeline.stop_replay()
        self.display.go_live()

    # What the session says.

    def _started(self, session: Session) -> None:
        self.display.follow(session)
        self.timeline.begin(session.experiment.run.training.steps, None)
        self._keep("run", self._run)
        self._keep("trained", self._plain_trained)
        self._seen = 0.0

    def _run(self) -> str:
        return self.display.run

    def _status(self, status: Status) -> None:
        if self.display.run != status.run:
            return
        self.control.take(status)
        self.timeline.show_step(status.step)
        now = time.monotonic()
        if status.state != "running":
            self.show_record()
        elif now - self._seen > RECORD_SECONDS and self.project is not None:
            with self.project.unless_busy() as free:
                if free:
                    self._seen = now
                    self.show_record()

    def show_record(self) -> None:
        """Bring key frames and edits of the run that is shown onto the timeline."""
        project, run = self.project, self.display.run
        if project is None or not run:
            return

        def read() -> None:
            frames = project.frame_steps(run)
            self.timeline.show_record(frames, [(step, edit_in_words(edit)) for step, edit in project.edits(run)])

        if project.read_only or self.control.state != "building":
            self._try(read)

    def _begun(self, info: RunInfo) -> None:
        self.timeline.show_plans(info.plans)

    def _ended(self, outcome: Outcome) -> None:
        if self.control.state not in ALIVE:
            self.deck.set_running(False)
            self.display.rest()
        self.timeline.show_step(outcome.step)
        self.show_record()
        self.runs_changed.emit()
        if outcome.problem is not None:
            self.failed.emit(outcome.problem)
        self.changed.emit()

    # The project.

    def adopt(self, project: Project) -> None:
        """Work in a project from now on; the one of before must have been let go."""
        self.project = project
        self.display.record(project)
        self.undo.clear()
        experiment = self._stored("cards") or twins(default_run())
        drawing = self._try(lambda: project.value("drawing"))
        if isinstance(drawing, dict):
            self._try(lambda: self.drawer.set_spec(_drawing(drawing)))
        else:
            self.drawer.set_spec(_drawing({"kind": DRAWING}))
        self.deck.set_experiment(experiment)
        self._cards_changed(experiment)
        self._unsaved = {"ended": bool}
        runs = self._try(project.runs) or []
        wanted = self._try(lambda: project.value("run"))
        known = [record for record in runs if record.id == wanted] or runs[-1:]
        if known:
            self.show_run(known[0], self._stored("trained") if known[0].id == wanted else None)
        else:
            self.show_nothing()
        self.runs_changed.emit()
        self.changed.emit()

    def _stored(self, key: str) -> Experiment | None:
        project = self.project
        plain = self._try(lambda: project.value(key)) if project is not None else None
        return self._try(lambda: experiment_from_plain(plain)) if plain is not None else None

    def show_nothing(self) -> None:
        """Show no run."""
        self.trained = None
        self.control.show_state("")
        self.deck.set_running(False)
        self.display.show_record("", None, None, [])
        self.timeline.begin(0, None)

    def show_run(self, record: RunRecord, trained: Experiment | None = None) -> None:
        """Show a run of the project where it was; it can be scrubbed and gone on with."""
        project = self.project
        assert project is not None
        run = record.id
        self.trained = trained or record.experiment
        info = self._try(lambda: project.info(run))
        truth = self._try(lambda: project.truth(run))
        metrics = self._try(lambda: project.metrics(run)) or []
        steps = record.experiment.run.training.steps
        state = record.state if record.state in ("finished", "failed") else "stopped"
        self.timeline.begin(steps, info.plans if info is not None else None)
        self.timeline.show_step(record.step)
        self.control.show_state(state, Status(run, state, record.step, steps, device=record.device))
        self.deck.set_running(False)
        self._try(lambda: self.display.show_record(run, info, truth, metrics))
        self.show_record()
        self._keep("run", self._run)
        self._keep("trained", self._plain_trained)
        self.changed.emit()

    def choose_run(self, record: RunRecord) -> None:
        """Show an earlier run, and its cards; the run that is alive is ended first, and kept."""
        if record.id == self.display.run:
            return
        self.control.release()
        self.show_run(record)
        if self.deck.experiment != record.experiment:
            self.undo.push(Replace(self, record.experiment, f"Take the cards of {record.title}"))

    def let_go(self) -> Project | None:
        """End the session and give the project away, with everything saved."""
        self.control.release()
        self.save_now()
        project, self.project = self.project, None
        self.display.record(None)
        self.show_nothing()
        return project

    # What is saved.

    def _keep(self, key: str, value: Callable[[], Any]) -> None:
        self._unsaved[key] = value
        if not self._saver.isActive():
            self._saver.start()

    def _save_when_free(self) -> None:
        """Write what has changed, later if the training saves at this moment: the window does not wait for it."""
        if self.project is None:
            self.save_now()
            return
        with self.project.unless_busy() as free:
            if free:
                self.save_now()
            else:
                self._saver.start()

    def save_now(self) -> None:
        """Write what has changed into the project."""
        self._saver.stop()
        project = self.project
        if project is None or project.read_only:
            self._unsaved.clear()
            return
        waiting, self._unsaved = self._unsaved, {}

        def write() -> None:
            with project.batch():
                for key, value in waiting.items():
                    project.set_value(key, value())

        self._try(write)

    def _plain_cards(self) -> Any:
        return experiment_to_plain(self.deck.experiment)

    def _plain_trained(self) -> Any:
        return experiment_to_plain(self.trained) if self.trained is not None else None

    def _plain_drawing(self) -> Any:
        drawing = self.drawer.spec
        return to_plain(drawing) if drawing.points else None

    def _try(self, do: Callable[[], Any]) -> Any:
        """What `do` returns; None, and a message, when the project or a specification in it refuses."""
        from gmstudio.training.problems import problem_of

        try:
            return do()
        except (ProjectError, SpecError) as error:
            self.failed.emit(problem_of(error))
            return None

    def close(self) -> None:
        """Save for the last time, and note that the program has ended as it should."""
        if self.project is not None and not self.project.empty:
            self._keep("ended", lambda: True)
        self.save_now()


def _drawing(plain: dict[str, Any]) -> DataSpec:
    from gmstudio.registry import from_plain

    return from_plain("data", plain)  # type: ignore[return-value]


def with_live(trained: Experiment, cards: Experiment) -> Experiment:
    """What is trained once the live parts of the cards - schedules and rates - have been posted to it."""
    run = trained.run.changed(
        mollification=cards.run.mollification, training=trained.run.training.changed(rate=cards.run.training.rate)
    )
    columns = trained.columns
    if len(columns) == len(cards.columns):
        columns = tuple(_live_column(old, new) for old, new in zip(columns, cards.columns, strict=True))
    return trained.changed(run=run, columns=columns)


def _live_column(old: Column, new: Column) -> Column:
    return msgspec.structs.replace(old, mollification=new.mollification, rate=new.rate)


def edit_in_words(edit: dict[str, Any]) -> str:
    """One line about an edit of a running training."""
    column = f"column {edit['column'] + 1}" if isinstance(edit.get("column"), int) else "all columns"
    if isinstance(edit.get("schedule"), dict):
        return f"Schedule of {column}: {edit['schedule'].get('kind', '')}"
    if isinstance(edit.get("rate"), (int, float)):
        return f"Learning rate of {column}: {edit['rate']:g}"
    return "Other data" if edit.get("kind") == "data" else "Edit"
