"""Keeping a project: what has changed is written soon, and what was kept comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.projects.errors import ProjectError
from gmstudio.registry import SpecError, from_plain
from gmstudio.runs import Experiment, experiment_from_plain

if TYPE_CHECKING:
    from gmstudio.data.base import DataSpec
    from gmstudio.projects.project import Project, RunRecord

#: Milliseconds after a change until it is in the project.
SAVE_AFTER = 1000

T = TypeVar("T")


class Keeper(QObject):
    """The project that is worked in, what waits to be written into it, and what it has kept.

    What is kept is named by a key, and given as a function that is called when it is written: however often
    something changes within a second, it is turned into plain values once.

    Signals:
        failed(Problem): the project, or a specification in it, refuses.
    """

    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        #: The project that is worked in; None between two projects.
        self.project: Project | None = None
        self._unsaved: dict[str, Callable[[], Any]] = {}
        self._saver = QTimer(self)
        self._saver.setSingleShot(True)
        self._saver.setInterval(SAVE_AFTER)
        self._saver.timeout.connect(self._save_when_free)

    # What is written.

    def keep(self, key: str, value: Callable[[], Any]) -> None:
        """Write a value soon.

        Args:
            key: of the project's values.
            value: gives it in plain types when it is written.
        """
        self._unsaved[key] = value
        if not self._saver.isActive():
            self._saver.start()

    def settle(self) -> None:
        """Take what is shown for what the project holds; all that is written is that work in it has not ended."""
        self._unsaved = {"ended": bool}

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

        self.attempt(write)

    def close(self) -> None:
        """Save for the last time, and note that the program has ended as it should."""
        if self.project is not None and not self.project.empty:
            self.keep("ended", lambda: True)
        self.save_now()

    def let_go(self) -> Project | None:
        """Give the project away, with everything saved."""
        self.save_now()
        project, self.project = self.project, None
        return project

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

    # What was kept.

    def value(self, key: str) -> Any:
        """What was kept under a key; None for nothing, and when it cannot be read."""
        project = self.project
        return self.attempt(lambda: project.value(key)) if project is not None else None

    def experiment(self, key: str) -> Experiment | None:
        """The experiment that was kept under a key; None for none, and when it cannot be used."""
        plain = self.value(key)
        return self.attempt(lambda: experiment_from_plain(plain)) if plain is not None else None

    def drawing(self) -> DataSpec | None:
        """The drawing that was kept; None for none, and when it cannot be used."""
        plain = self.value("drawing")
        return self.attempt(lambda: drawing_from_plain(plain)) if isinstance(plain, dict) else None

    def last_run(self) -> tuple[RunRecord | None, Experiment | None]:
        """The run that was shown last, and what it trains; without such a note the newest run and None."""
        project = self.project
        runs = (self.attempt(project.runs) if project is not None else None) or []
        wanted = self.value("run")
        for record in runs:
            if record.id == wanted:
                return record, self.experiment("trained")
        return (runs[-1] if runs else None), None

    def attempt(self, do: Callable[[], T]) -> T | None:
        """What `do` returns; None, and a message, when the project or a specification in it refuses."""
        from gmstudio.training.problems import problem_of

        try:
            return do()
        except (ProjectError, SpecError) as error:
            self.failed.emit(problem_of(error))
            return None


def drawing_from_plain(plain: dict[str, Any]) -> DataSpec:
    """The drawing that plain values describe; raises `SpecError`."""
    return from_plain("data", plain)  # type: ignore[return-value]
