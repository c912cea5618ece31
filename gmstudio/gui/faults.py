"""Exceptions that nobody caught: logged, and told to the person, while the window lives on."""

from __future__ import annotations

import datetime
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Signal

from gmstudio.paths import user_data

MAX_LOG = 2 * 2**20


def log_file() -> Path:
    """Where faults are written; begun anew when it has grown large."""
    folder = user_data() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "faults.log"
    if path.exists() and path.stat().st_size > MAX_LOG:
        path.replace(folder / "faults.old.log")
    return path


class Faults(QObject):
    """Hooks `sys.excepthook` and `threading.excepthook` until `close`.

    Signals:
        found(str, str): one line, and the whole trace.
    """

    found = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook = self.take
        threading.excepthook = self._take_thread

    def take(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """An exception has reached the top; may be called from any thread."""
        if issubclass(kind, KeyboardInterrupt):
            self._before[0](kind, error, trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        print(text, end="", file=sys.stderr)
        try:
            with log_file().open("a", encoding="utf-8") as file:
                file.write(f"{datetime.datetime.now().isoformat(timespec='seconds')}\n{text}\n")
        except OSError:
            # The disk may be what is at fault; the banner still says what happened.
            pass
        self.found.emit(f"{kind.__name__}: {error}", text)

    def _take_thread(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self.take(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def close(self) -> None:
        """Put the hooks of before back."""
        sys.excepthook, threading.excepthook = self._before
