"""How a main window comes to sweeps; what does the work is imported when the first one is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gmstudio.projects.errors import ProjectError

if TYPE_CHECKING:
    from gmstudio.gui.main_window import MainWindow
    from gmstudio.gui.sweeps.desk import SweepDesk
    from gmstudio.projects.project import Project

#: Milliseconds that another project waits for a sweep to end.
LEAVE_WAIT = 20_000


class Sweeps(QObject):
    """The sweeps of a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self._desk: SweepDesk | None = None
        self._seen: Project | None = None
        window.workbench.changed.connect(self._look)
        window.workbench.leaving.connect(self._leave)

    @property
    def desk(self) -> SweepDesk:
        """What does the work; made when it is first asked for."""
        if self._desk is None:
            from gmstudio.gui.sweeps.desk import SweepDesk

            self._desk = SweepDesk(self.window)
        return self._desk

    def new(self) -> None:
        """Plan a sweep, or show the one that trains."""
        self.desk.new()

    def ask_open(self) -> None:
        """Ask for the JSON file of a sweep."""
        self.desk.files.ask_open()

    def _look(self) -> None:
        """When there is another project with sweeps in it, offer to go on with the newest."""
        project = self.window.workbench.project
        if project is self._seen:
            return
        self._seen = project
        try:
            held = project is not None and bool(project.sweeps())
        except ProjectError:
            # The workbench tells what is wrong with the project.
            return
        if held and project is not None:
            self.desk.look(project)

    def _leave(self) -> None:
        """The project is about to be closed: stop, and keep what is done."""
        self._seen = None
        self.close(LEAVE_WAIT)

    def close(self, milliseconds: int) -> bool:
        """Stop for good; returns False when a thread could not be ended in that time."""
        return self._desk.close(milliseconds) if self._desk is not None else True
