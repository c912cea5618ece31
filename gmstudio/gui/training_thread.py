"""The thread in which a session trains, and what keeps the garbage collector out of its and the window's way."""

from __future__ import annotations

import gc
import importlib
import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QThread

if TYPE_CHECKING:
    from gmstudio.sessions import Outcome, Session

#: The 512 KiB that macOS gives to a thread crash BLAS.
STACK_BYTES = 16 * 2**20

#: Whether `freeze` was called; the collector's own count of what is frozen takes it 16 ms.
_frozen = False


class TrainingThread(QThread):
    """Runs a session from start to end; torch is imported here, after the window is on the screen.

    It speaks through the session's mailboxes, and through `QThread.finished`, after which `outcome` is set.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.outcome: Outcome | None = None
        self.setStackSize(STACK_BYTES)
        self.setObjectName(f"training {session.run_id}")

    def run(self) -> None:
        """Train; never raises."""
        try:
            self.outcome = self.session.run()
        except BaseException as error:
            from gmstudio.sessions import Outcome
            from gmstudio.training.problems import problem_of

            self.outcome = Outcome(self.session.run_id, "failed", 0, problem_of(error))

    def end(self, milliseconds: int) -> bool:
        """Ask the session to stop and wait; returns whether it has."""
        from gmstudio.training.commands import Stop

        self.session.post(Stop())
        return self.wait(milliseconds)


def freeze() -> None:
    """Take what the imports have left out of the collector's sight, once: it lives as long as the program.

    A full collection would stop all threads for 0.2 s because of it; what windows and runs make costs it 1 ms.
    """
    global _frozen
    if not _frozen:
        _frozen = True
        gc.freeze()


class WarmUp:
    """Imports torch in the background while nothing moves, so that the first run starts at once."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, once."""
        if self._thread is None:
            # A daemon: a person who closes the window while torch is loading does not wait for it.
            self._thread = threading.Thread(target=_import, name="warm up", daemon=True)
            self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it is still importing."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def done(self) -> bool:
        """Whether it has begun and ended."""
        return self._thread is not None and not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; returns whether it has come."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.alive


def _import() -> None:
    for name in ("gmstudio.training.trainer", "gmstudio.observation.observer"):
        importlib.import_module(name)
    freeze()
