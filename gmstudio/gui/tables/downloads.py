"""Downloads of known data sets: one at a time, in the background, also when the dialog is closed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gmstudio.gui.loop import Job, Jobs, Progress

if TYPE_CHECKING:
    from gmstudio.data.uci.catalogue import Entry


class Downloads(QObject):
    """Fetches sets of the catalogue, or takes a file that the person has already.

    Args:
        jobs: carries the work.
        parent: owns it.

    Signals:
        changed(): a download has begun or ended, however.
        reached(float): how much of the present one is done, from 0 to 1.
        arrived(Entry): a set is there.
        failed(Entry, Exception): a set could not be had.
    """

    changed = Signal()
    reached = Signal(float)
    arrived = Signal(object)
    failed = Signal(object, object)

    def __init__(self, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        #: What is being fetched; None for nothing.
        self.entry: Entry | None = None

    def fetch(self, entry: Entry) -> None:
        """Download a set, or go on where an earlier download stopped."""
        self._start(entry, f"Downloading {entry.title}", partial(_fetch, entry))

    def adopt(self, entry: Entry, path: Path) -> None:
        """Take a file that the person has; it is checked and copied."""
        self._start(entry, f"Reading {path.name}", partial(_adopt, entry, path))

    def _start(self, entry: Entry, title: str, work: partial[Path]) -> None:
        if self._job is not None:
            return
        self.entry = entry
        self._job = self._jobs.start(title, work, partial(self._done, entry), partial(self._failed, entry))
        self._job.reached.connect(self.reached)
        self._job.over.connect(self._over)
        self.changed.emit()

    def cancel(self) -> None:
        """Stop; the next download goes on from there."""
        if self._job is not None:
            self._job.cancel()

    def _over(self) -> None:
        self._job, self.entry = None, None
        self.changed.emit()

    def _done(self, entry: Entry, path: Path) -> None:
        self.arrived.emit(entry)

    def _failed(self, entry: Entry, error: BaseException) -> None:
        self.failed.emit(entry, error)


def _fetch(entry: Entry, progress: Progress) -> Path:
    from gmstudio.data.uci import download

    try:
        return download.fetch(entry, progress=progress.report, cancelled=lambda: progress.cancelled)
    except Exception:
        progress.check()
        raise


def _adopt(entry: Entry, path: Path, progress: Progress) -> Path:
    from gmstudio.data.uci import download

    try:
        return download.adopt(entry, path, progress=progress.report, cancelled=lambda: progress.cancelled)
    except Exception:
        progress.check()
        raise
