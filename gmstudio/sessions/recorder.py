"""What a session writes into its project, and what happens when it cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gmstudio.observation.frame import Frame, Metric, RunInfo, Truth
from gmstudio.projects.errors import ProjectError

if TYPE_CHECKING:
    from gmstudio.projects.project import Project
    from gmstudio.runs import Experiment
    from gmstudio.training.checkpoint import Checkpoint
    from gmstudio.training.trainer import Trainer


class Recorder:
    """Writes one run into a project; without a project it does nothing.

    Args:
        project: where to write; None for nowhere.
        run: id of the run.
        refused: called with the error when the disk refuses; may raise it again.
        begun: whether the project has the run already.
    """

    def __init__(
        self, project: Project | None, run: str, refused: Callable[[ProjectError], None], *, begun: bool
    ) -> None:
        self._project = project
        self._run = run
        self._refused = refused
        self._begun = begun
        self._metrics: list[Metric] = []
        self._frame: Frame | None = None

    @property
    def on(self) -> bool:
        """Whether anything is written at all: a new run is in the project once it is built."""
        return self._project is not None and self._begun

    def begin(self, experiment: Experiment, trainer: Trainer) -> None:
        """Enter a new run, with its first weights.

        Raises:
            ProjectError: when the disk refuses.
        """
        if self._project is None:
            return
        self._project.add_run(experiment, str(trainer.device), self._run)
        self._begun = True
        first = trainer.checkpoint()
        self._project.save_checkpoint(self._run, first, "first")
        self._project.save_checkpoint(self._run, first)

    def resume(self, trainer: Trainer) -> None:
        """Put the trainer where the run's last checkpoint is, and forget what came after it.

        Raises:
            ProjectError: when the disk refuses.
        """
        checkpoint = self._project.checkpoint(self._run) if self._project is not None else None
        if self._project is not None and checkpoint is not None:
            trainer.restore(checkpoint)
            self._project.truncate(self._run, checkpoint.step)

    def _save(self, save: Callable[[Project], Any]) -> bool:
        if self._project is None or not self._begun:
            return False
        try:
            save(self._project)
        except ProjectError as error:
            self._refused(error)
            return False
        return True

    def state(self, state: str, step: int) -> None:
        """How the run is doing."""
        self._save(lambda project: project.set_state(self._run, state, step))

    def info(self, info: RunInfo) -> None:
        """Data and plans."""
        self._save(lambda project: project.save_info(self._run, info))

    def truth(self, truth: Truth) -> None:
        """What is known exactly."""
        self._save(lambda project: project.save_truth(self._run, truth))

    def edit(self, step: int, plain: dict[str, Any]) -> None:
        """A change made while it ran."""
        self._save(lambda project: project.add_edit(self._run, step, plain))

    def frame(self, frame: Frame | None) -> None:
        """A picture for the timeline; one that is there already costs nothing."""
        if frame is not None and frame is not self._frame and self._save(lambda project: project.save_frame(frame)):
            self._frame = frame

    def remember(self, metrics: list[Metric]) -> None:
        """Numbers for the next `metrics`."""
        if self.on:
            self._metrics.extend(metrics)

    def metrics(self) -> None:
        """Write the numbers of `remember`; those that cannot be written stay for the next time."""
        if self._metrics and self._save(lambda project: project.add_metrics(self._run, self._metrics)):
            self._metrics = []

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """The weights, to go on from."""
        self._save(lambda project: project.save_checkpoint(self._run, checkpoint))
        self._save(lambda project: project.set_state(self._run, "running", checkpoint.step))
