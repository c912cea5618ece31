"""In which features FID and KID of images are measured: a classifier's that is trained here, or those of a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from gmstudio.gui.loop import Job, Progress

if TYPE_CHECKING:
    from gmstudio.gui.main_window import MainWindow

#: Where the file is remembered, in the settings.
NAME = "features of FID"
FILTER = "Weights (*.safetensors);;All files (*)"


class Features(QObject):
    """Asks for the file, tries it, and gives it to the runs that begin from then on."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self._job: Job | None = None

    def show(self) -> None:
        """Take what is remembered, and tick it."""
        name = self.window.settings.text(NAME)
        self.window.workbench.features = Path(name) if name else None
        for id, chosen in (("features.own", not name), ("features.file", bool(name))):
            self.window.actions_.action(id).setChecked(chosen)

    def use_own(self) -> None:
        """Measure in the features of a classifier."""
        self._leave()
        self._use("")

    def ask(self) -> None:
        """Ask for a file, and use it if it can be read; what was chosen before stays else."""
        # The press has changed the tick.
        self.show()
        before = self.window.workbench.features
        folder = str(before or self.window.settings.text("folder", str(Path.home())))
        name, _ = QFileDialog.getOpenFileName(self.window, "Weights of Inception-v3", folder, FILTER)
        if name:
            self.choose(Path(name))

    def choose(self, path: Path) -> None:
        """Use a file if it can be read."""
        self._leave()
        self._job = self.window.jobs.start(
            f"Reading {path.name}", partial(_tried, path), partial(self._taken, path), partial(self._refused, path)
        )

    def _leave(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _taken(self, path: Path, name: str) -> None:
        self._job = None
        self._use(str(path))
        self.window.show_banner("FID and KID of the next run on images", f"are measured in the features of {name}.")

    def _refused(self, path: Path, error: BaseException) -> None:
        self._job = None
        self.window.handlers.documents.tell(error, f"{path.name} is not used")

    def _use(self, name: str) -> None:
        self.window.settings.set(NAME, name)
        self.show()


def _tried(path: Path, progress: Progress) -> str:
    """What the network in a file is called; its weights are read again when a run begins."""
    from gmstudio.observation import inception

    name = inception.read(path).name
    progress.check()
    return name
