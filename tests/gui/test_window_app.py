"""The program from its command line: a picture, a closing, no screen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from PySide6.QtGui import QImage

from gmstudio.projects.project import Project


def start(home: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gmstudio", *arguments],
        env={**os.environ, "GMSTUDIO_HOME": str(home), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_picture_of_the_window_can_be_taken_and_the_program_ends(own_home: Path, tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    process = start(own_home, "--screenshot", str(picture), "--after", "0.2", "--size", "1280x800", "--theme", "dark")
    assert process.wait(60) == 0
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1280, 800)
    assert image.pixelColor(image.width() - 3, 60).lightness() < 60


def test_the_program_ends_well_when_it_is_asked_to_while_it_trains(own_home: Path, tmp_path: Path) -> None:
    process = start(own_home, "--play", "--close-after", "1.0")
    assert process.wait(60) == 0, process.communicate()[1]
    trace = tmp_path / "trace"
    other = start(own_home, "--play", GMSTUDIO_TRACE=str(trace))
    deadline = time.monotonic() + 60
    while not (trace.exists() and "first_step" in trace.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    other.send_signal(signal.SIGTERM)
    assert other.wait(60) == 0, other.communicate()[1]
    for path in (own_home / "untitled").glob("*.gmstudio"):
        with Project.open(path) as project:
            project.runs()


def test_without_a_screen_there_is_one_clear_line(own_home: Path) -> None:
    process = start(own_home, DISPLAY="", WAYLAND_DISPLAY="", QT_QPA_PLATFORM="")
    _, errors = process.communicate(timeout=60)
    if sys.platform.startswith("linux"):
        assert process.returncode == 2
        assert errors.startswith("gmstudio: There is no screen")
        assert "Traceback" not in errors
