"""Jobs that are under way when the program ends."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import threading
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from gmstudio.gui.loop import Jobs

app = QApplication([])
jobs, begun = Jobs(), threading.Event()

def endless(progress):
    begun.set()
    while True:
        progress.check()

def look():
    if begun.is_set():
        jobs.close()
        app.quit()

jobs.start("endless", endless, print, print)
timer = QTimer()
timer.timeout.connect(look)
timer.start(5)
app.exec()
"""


def test_a_job_that_is_under_way_at_the_end_ends_without_a_complaint() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
