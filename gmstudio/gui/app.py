"""The program: arguments, the application, its window, its end."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from PySide6.QtCore import QObject, QSocketNotifier, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from gmstudio.gui.main_window import MainWindow

APP_ID = "io.github.gmstudio.GMStudio"


def make_app() -> QApplication:
    """The application, with its names and style; the one that exists where there is one."""
    found = QApplication.instance()
    if isinstance(found, QApplication):
        return found
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    app = QApplication(["gmstudio"])
    app.setOrganizationName("gmstudio")
    app.setApplicationName("gmstudio")
    app.setApplicationDisplayName("GM Studio")
    app.setDesktopFileName(APP_ID)
    app.setStyle("Fusion")
    return app


def make_window(path: Path | None = None, play: bool = False) -> MainWindow:
    """The window, not shown yet; when it is, it opens a project.

    Args:
        path: a project or a specification; None for an untitled project.
        play: whether to train at once.
    """
    from gmstudio.gui.main_window import MainWindow
    from gmstudio.gui.theme import themes

    chosen = _theme_in_settings()
    if chosen and "GMSTUDIO_THEME" not in os.environ:
        themes().choose(chosen)
    window = MainWindow()

    def begin() -> None:
        window.handlers.documents.begin(path, window.workbench.start if play else None)

    window.first_shown.connect(begin)
    return window


def _theme_in_settings() -> str:
    from gmstudio.gui.settings import Settings

    return Settings().text("theme")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gmstudio", description="Open the window.")
    parser.add_argument("file", nargs="?", type=Path, help="a project, or the JSON specification of a run")
    parser.add_argument("--play", action="store_true", help="train at once")
    parser.add_argument("--theme", choices=("light", "dark"), help="use this theme")
    parser.add_argument("--size", metavar="WxH", help="size of the window, such as 1280x800")
    parser.add_argument("--close-after", type=float, metavar="SECONDS", help="close the window by itself")
    parser.add_argument("--screenshot", type=Path, help="write a picture of the window and quit")
    parser.add_argument("--after", type=float, default=5.0, help="seconds until the picture (default: 5)")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Open the window and stay until it is closed; returns the exit status."""
    options = _parse(arguments)
    if options.theme:
        os.environ["GMSTUDIO_THEME"] = options.theme
    if not _has_screen():
        print(
            "gmstudio: There is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set. Start it on a desktop, or train "
            "without a window: gmstudio train --help",
            file=sys.stderr,
        )
        return 2
    app = make_app()
    window = make_window(options.file.absolute() if options.file else None, options.play)
    if options.size:
        width, _, height = options.size.partition("x")
        window.setWindowState(Qt.WindowState.WindowNoState)
        window.resize(int(width), int(height))
    if options.screenshot:
        QTimer.singleShot(round(options.after * 1000), window, partial(_picture, window, options.screenshot))
    if options.close_after is not None:
        window.first_shown.connect(partial(QTimer.singleShot, round(options.close_after * 1000), window.close))
    signals = Signals(window)
    window.show()
    status = app.exec()
    signals.close()
    if window.lingering:
        # A thread is still importing or computing and cannot be interrupted; everything is written. Leaving the
        # usual way would wait for it, or abort.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _has_screen() -> bool:
    if not sys.platform.startswith("linux"):
        return True
    # Qt ends the process where it finds no screen.
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


class Signals(QObject):
    """Closes the window when the system asks the program to end: Ctrl-C in a terminal, logging out."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        # Qt's loop runs no Python while it waits: a byte in a pipe wakes it.
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._woken)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._asked)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self._window.close()

    def _woken(self) -> None:
        self._read.recv(64)

    def close(self) -> None:
        """Listen no longer."""
        signal.set_wakeup_fd(-1)
        self._notifier.setEnabled(False)
        self._read.close()
        self._write.close()


def _picture(window: MainWindow, path: Path) -> None:
    window.grab().save(str(path))
    window.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
