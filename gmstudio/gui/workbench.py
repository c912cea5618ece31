"""The work itself: cards and drawing, the runs that come of them, and the project that keeps everything."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from gmstudio.gui.control import ALIVE, Control, Start, meaning_of_space
from gmstudio.gui.display import Display
from gmstudio.gui.edits import edit_in_words, with_live
from gmstudio.gui.keeper import Keeper, drawing_from_plain
from gmstudio.gui.timeline import Timeline
from gmstudio.observation.frame import RunInfo
from gmstudio.registry import to_plain
from gmstudio.runs import Experiment, default_run, experiment_to_plain, twins
from gmstudio.sessions import Outcome, Session, Status
from gmstudio.training.commands import Command, SetData

if TYPE_CHECKING:
    from gmstudio.data.base import DataSpec
    from gmstudio.gui.cards.deck import CardDeck
    from gmstudio.projects.project import Project, RunRecord

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
        leaving(): the project is about to be given away; who writes into it must end now.
    """

    changed = Signal()
    failed = Signal(object)
    cards_shown = Signal(object)
    runs_changed = Signal()
    leaving = Signal()

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
        self.keeper = Keeper(self)
        self.device = "auto"
        self.features: Path | None = None
        #: What the run that is shown trains, live edits included; None for no run.
        self.trained: Experiment | None = None
        self._seen = 0.0
        self.keeper.failed.connect(self.failed)
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

    @property
    def project(self) -> Project | None:
        """The project that is worked in; None between two projects."""
        return self.keeper.project

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
        self.keeper.keep("cards", self._plain_cards)
        self.cards_shown.emit(self.deck.experiment)
        self.changed.emit()

    def _drawn(self, drawing: DataSpec) -> None:
        drawn_before = self.deck.experiment.run.data.__struct_config__.tag == DRAWING
        self.deck.set_data(drawing)
        if drawn_before and self.trained is not None and self.control.state in ALIVE and self._trains_drawing:
            self.control.post(SetData(drawing))
            self.trained = self.trained.changed(run=self.trained.run.changed(data=drawing))
        self.keeper.keep("cards", self._plain_cards)
        self.keeper.keep("drawing", self._plain_drawing)
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
            self.keeper.keep("trained", self._plain_trained)
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
        self.keeper.save_now()
        self.control.start(self._what(self.trained, None, paused, steps))
        self.deck.set_running(True)

    def resume(self, paused: bool = False, steps: int = 0) -> None:
        """Go on with the run that is shown from its last checkpoint."""
        run = self.display.run
        if self.project is None or not run:
            return
        record = self.keeper.attempt(lambda: self.project.run(run) if self.project else None)
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
            features=self.features,
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
        self._keep_run()
        self._seen = 0.0

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
        # A run that could not be built is not in the project.
        if project is None or not run or self.display.info is None:
            return

        def read() -> None:
            frames = project.frame_steps(run)
            self.timeline.show_record(frames, [(step, edit_in_words(edit)) for step, edit in project.edits(run)])

        if project.read_only or self.control.state != "building":
            self.keeper.attempt(read)

    def _begun(self, info: RunInfo) -> None:
        if self.display.run:
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
        self.keeper.project = project
        self.display.record(project)
        self.undo.clear()
        experiment = self.keeper.experiment("cards") or twins(default_run())
        drawing = self.keeper.drawing() or drawing_from_plain({"kind": DRAWING})
        self.keeper.attempt(lambda: self.drawer.set_spec(drawing))
        self.deck.set_experiment(experiment)
        self._cards_changed(experiment)
        self.keeper.settle()
        record, trained = self.keeper.last_run()
        if record is not None:
            self.show_run(record, trained)
        else:
            self.show_nothing()
        self.runs_changed.emit()
        self.changed.emit()

    def show_nothing(self) -> None:
        """Show no run."""
        self.trained = None
        self.control.show_state("")
        self.deck.set_running(False)
        self.display.show_nothing()
        self.timeline.begin(0, None)

    def show_run(self, record: RunRecord, trained: Experiment | None = None) -> None:
        """Show a run of the project where it was; it can be scrubbed and gone on with."""
        project = self.project
        assert project is not None
        run = record.id
        self.trained = trained or record.experiment
        info = self.keeper.attempt(lambda: project.info(run))
        truth = self.keeper.attempt(lambda: project.truth(run))
        metrics = self.keeper.attempt(lambda: project.metrics(run)) or []
        steps = info.steps if info is not None else record.experiment.run.training.steps
        state = record.state if record.state in ("finished", "failed") else "stopped"
        self.timeline.begin(steps, info.plans if info is not None else None)
        self.timeline.show_step(record.step)
        self.control.show_state(state, Status(run, state, record.step, steps, device=record.device))
        self.deck.set_running(False)
        self.keeper.attempt(lambda: self.display.show_record(run, info, truth, metrics))
        self.show_record()
        self._keep_run()
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
        self.leaving.emit()
        self.control.release()
        project = self.keeper.let_go()
        self.display.record(None)
        self.show_nothing()
        return project

    # What is kept.

    def _keep_run(self) -> None:
        self.keeper.keep("run", self._run)
        self.keeper.keep("trained", self._plain_trained)

    def _run(self) -> str:
        return self.display.run

    def _plain_cards(self) -> Any:
        return experiment_to_plain(self.deck.experiment)

    def _plain_trained(self) -> Any:
        return experiment_to_plain(self.trained) if self.trained is not None else None

    def _plain_drawing(self) -> Any:
        drawing = self.drawer.spec
        return to_plain(drawing) if drawing.points else None
