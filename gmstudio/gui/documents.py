"""Projects as documents: new, open, recent, save as, recovery of what a killed program left behind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from gmstudio.gui.banner import Button
from gmstudio.gui.drops import TABLE_PATTERNS, kind_of
from gmstudio.gui.loop import Progress
from gmstudio.projects.errors import LockedProject, NotAProject, ProjectError
from gmstudio.projects.project import SUFFIX, Project
from gmstudio.registry import SpecError
from gmstudio.runs import MAX_BYTES, Experiment, from_json, plain_from_json

if TYPE_CHECKING:
    from gmstudio.gui.main_window import MainWindow
    from gmstudio.sweeps.spec import SweepSpec

FILTER = f"GM Studio projects (*{SUFFIX});;Specifications (*.json);;All files (*)"
OPEN_FILTER = f"Projects, specifications, tables (*{SUFFIX} *.json {TABLE_PATTERNS});;{FILTER}"


class Documents(QObject):
    """Opens, saves and closes the projects of a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window

    # Opening.

    def begin(self, path: Path | None, then: Callable[[], object] | None = None) -> None:
        """At the start: open a file, or else the newest project that a killed program left, or else a new one.

        Args:
            path: the file; None for none.
            then: called when a project is there.
        """
        if path is not None:
            self.open(path, then)
            return
        left = self._abandoned()
        if left and self._recover(left[-1], len(left)):
            pass
        else:
            self._adopt_untitled()
        if then is not None:
            then()

    def _abandoned(self) -> list[Path]:
        try:
            return Project.abandoned()
        except ProjectError:
            return []

    def _recover(self, path: Path, count: int) -> bool:
        try:
            project = Project.open(path)
        except ProjectError:
            return False
        ended = bool(project.value("ended"))
        self._adopt(project)
        others = f" {count - 1} older ones are kept beside it; File, Open finds them." if count > 1 else ""
        count = len(project.runs())
        work = f"with {count} run{'s' if count != 1 else ''}"
        self.window.show_banner(
            f"Here is {path.stem} again" if ended else f"Recovered {path.stem}",
            f"It has no name yet, {work}.{others}" if ended else f"GM Studio did not end properly; {work}.{others}",
            "Save gives it a name.",
            "info",
            (("Save as…", self.ask_save_as), ("Begin anew", self.new)),
        )
        return True

    def _adopt_untitled(self) -> None:
        try:
            self._adopt(Project.untitled_project())
        except ProjectError as error:
            self.tell(error, "No project could be made")

    def _adopt(self, project: Project) -> None:
        before = self.window.workbench.let_go()
        if before is not None:
            before.close()
        self.window.workbench.adopt(project)
        self.show_title()
        if not project.untitled:
            self.window.settings.add_recent(str(project.path))

    def show_title(self) -> None:
        """The project's name in the title and in the status bar."""
        project = self.window.workbench.project
        if project is None:
            return
        name = "Untitled" if project.untitled else project.path.stem
        more = " (read-only)" if project.read_only else ""
        self.window.setWindowTitle(f"{name}{more} — GM Studio")
        self.window.setWindowFilePath("" if project.untitled else str(project.path))
        kept = "Nothing is written: the file is open read-only." if more else "Everything is written as it happens."
        self.window.status_line.show_project(f"{name}{more}", f"{project.path}\n{kept}")

    def new(self) -> None:
        """Begin an untitled project; the one of before keeps everything."""
        self.window.banners.clear()
        self._adopt_untitled()

    def ask_open(self) -> None:
        """Ask for a file and open it."""
        folder = self.window.settings.text("folder", str(Path.home()))
        name, _ = QFileDialog.getOpenFileName(self.window, "Open", folder, OPEN_FILTER)
        if name:
            self.window.settings.set("folder", str(Path(name).parent))
            self.open(Path(name))

    def open(self, path: Path, then: Callable[[], object] | None = None) -> None:
        """Open a project, take the cards from a specification, plan a sweep, or read data for the Data card."""
        current = self.window.workbench.project
        if current is not None and current.path == path:
            return
        if kind_of(path) in ("table", "images"):
            if current is None:
                self._adopt_untitled()
            self.window.handlers.tables.open(path, then)
            return
        work = partial(_read_specification if path.suffix == ".json" else _open, path)
        self.window.jobs.start(
            f"Opening {path.name}", work, partial(self._opened, then), partial(self._refused, path, then)
        )

    def _opened(self, then: Callable[[], object] | None, found: Project | Experiment | SweepSpec) -> None:
        if isinstance(found, Project):
            self._adopt(found)
        else:
            if self.window.workbench.project is None:
                self._adopt_untitled()
            if isinstance(found, Experiment):
                self.window.workbench.show_cards(found)
            else:
                self.window.handlers.sweeps.desk.show_spec(found)
        if then is not None:
            then()

    def _refused(self, path: Path, then: Callable[[], object] | None, error: BaseException) -> None:
        if self.window.workbench.project is None:
            self._adopt_untitled()
        if isinstance(error, NotAProject) and path.suffix != SUFFIX:
            # A specification may have any name.
            with contextlib.suppress(SpecError, OSError):
                self._opened(then, _read_specification(path, Progress()))
                return
        buttons: tuple[Button, ...] = ()
        if isinstance(error, LockedProject):
            buttons = (("Open read-only", partial(self.open_read_only, path)),)
        self.tell(error, f"{path.name} was not opened", buttons)

    def open_read_only(self, path: Path) -> None:
        """Look at a project that another program has open."""
        work = partial(_open, path, read_only=True)
        self.window.jobs.start(
            f"Opening {path.name}", work, partial(self._opened, None), partial(self._refused, path, None)
        )

    # Saving.

    def save(self) -> None:
        """Give an untitled project a name; a named one is written already."""
        project = self.window.workbench.project
        if project is None:
            return
        if project.untitled or project.read_only:
            self.ask_save_as()
            return
        self.window.workbench.keeper.save_now()
        self.window.status_line.showMessage(f"Saved in {project.path}", 4000)

    def ask_save_as(self) -> None:
        """Ask for a name and go on there."""
        project = self.window.workbench.project
        if project is None:
            return
        folder = Path(self.window.settings.text("folder", str(Path.home())))
        name = "Untitled" if project.untitled else project.path.stem
        chosen, _ = QFileDialog.getSaveFileName(self.window, "Save as", str(folder / f"{name}{SUFFIX}"), FILTER)
        if chosen:
            path = Path(chosen)
            self.window.settings.set("folder", str(path.parent))
            self.save_as(path if path.suffix else path.with_suffix(SUFFIX))

    def save_as(self, path: Path) -> None:
        """Copy the project to a file and go on there."""
        project = self.window.workbench.project
        if project is None:
            return
        self.window.workbench.keeper.save_now()

        def write(progress: Progress) -> Path:
            project.save_as(path)
            return path

        self.window.jobs.start(f"Saving {path.name}", write, self._saved, self._not_saved)

    def _saved(self, path: Path) -> None:
        self.window.banners.clear("info")
        self.window.settings.add_recent(str(path))
        self.show_title()
        self.window.refresh()
        self.window.status_line.showMessage(f"Saved as {path}", 5000)

    def _not_saved(self, error: BaseException) -> None:
        self.tell(error, "The project was not saved")

    def tell(self, error: BaseException, title: str, buttons: tuple[Button, ...] = ()) -> None:
        """Say what went wrong with a file."""
        from gmstudio.training.problems import problem_of

        problem = problem_of(error)
        self.window.show_banner(title, problem.what, problem.remedy, "danger", buttons)


def _open(path: Path, progress: Progress, read_only: bool = False) -> Project:
    return Project.open(path, read_only=read_only)


def _read_specification(path: Path, progress: Progress) -> Experiment | SweepSpec:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    try:
        return from_json(content)
    except SpecError:
        from gmstudio.sweeps import spec as sweeps

        # A sweep has several models where a run has one.
        plain = plain_from_json(content)
        if not isinstance(plain, dict) or "models" not in plain:
            raise
        return sweeps.from_plain(plain)
