"""Images that were opened: a dialog, then all of them are read and put onto the Data card as one undoable change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gmstudio.gui.images.look import Look, look, read_all
from gmstudio.gui.loop import Job

if TYPE_CHECKING:
    from gmstudio.data.images.stack import Images, Wanted
    from gmstudio.data.sets.images import ImagesSpec
    from gmstudio.gui.images.dialog import ImagesDialog
    from gmstudio.gui.main_window import MainWindow

Then = Callable[[], object] | None


class ImageChooser(QObject):
    """Offers images that a window has opened.

    Args:
        window: whose Data card gets them.
        keep: called with the hash, the number of images and that of their columns when they are taken.
    """

    def __init__(self, window: MainWindow, keep: Callable[[str, int, int], object]) -> None:
        super().__init__(window)
        self.window = window
        self.dialog: ImagesDialog | None = None
        self._keep = keep
        self._job: Job | None = None

    def offer(self, found: Look, spec: ImagesSpec | None, then: Then) -> None:
        """Show the dialog.

        Args:
            found: a first look.
            spec: what was chosen before; None for nothing.
            then: called when the images are on the Data card.
        """
        from gmstudio.data.sets.images import ImagesSpec
        from gmstudio.gui.images.dialog import ImagesDialog

        start = (spec or ImagesSpec()).changed(path=str(found.path))
        self.dialog = ImagesDialog(found, start, self.window)
        self.dialog.look_wanted.connect(partial(self._look, found.path))
        self.dialog.chosen.connect(partial(self._read, then))
        self.dialog.finished.connect(self._closed)
        self.dialog.open()

    def close(self) -> None:
        """Close the dialog; nothing is taken from it."""
        if self.dialog is not None:
            self.dialog.reject()

    def _closed(self) -> None:
        self._cancel()
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.deleteLater()

    def _cancel(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    def _over(self, job: Job) -> None:
        if job is self._job:
            self._job = None

    def _look(self, path: Path, wanted: Wanted) -> None:
        self._cancel()
        title = f"Looking at {path.name}"
        self._job = self.window.jobs.start(title, partial(look, path, wanted), self._seen, self._unseen)
        self._job.over.connect(self._over)

    def _seen(self, found: Look) -> None:
        if self.dialog is not None and self.dialog.spec.wanted == found.wanted:
            self.dialog.show_look(found)

    def _unseen(self, error: BaseException) -> None:
        # The file has become another one, or has gone.
        self.close()
        self.window.handlers.documents.tell(error, "The images cannot be read")

    def _read(self, then: Then, spec: ImagesSpec) -> None:
        path = Path(spec.path)
        self.window.jobs.start(
            f"Reading {path.name}",
            partial(read_all, path, spec.wanted),
            partial(self._take, spec, then),
            partial(self._refused, spec, then),
        )

    def _take(self, spec: ImagesSpec, then: Then, images: Images) -> None:
        channels, height, width = images.shape
        self._keep(images.sha256, len(images.pixels), channels * height * width)
        self.window.deck.edit_data(spec.changed(sha256=images.sha256), f"Train on {Path(spec.path).name}")
        if then is not None:
            then()

    def _refused(self, spec: ImagesSpec, then: Then, error: BaseException) -> None:
        path = Path(spec.path)
        again = partial(self._again, spec, then)
        buttons = (("Choose otherwise…", again),)
        self.window.handlers.documents.tell(error, f"{path.name} was not opened", buttons)

    def _again(self, spec: ImagesSpec, then: Then) -> None:
        """Show the dialog once more, as it was left."""
        path = Path(spec.path)
        self.window.jobs.start(
            f"Looking at {path.name}",
            partial(look, path, spec.wanted),
            lambda found: self.offer(found, spec, then),
            lambda error: self.window.handlers.documents.tell(error, f"{path.name} was not opened"),
        )
