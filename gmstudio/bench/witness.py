"""A process that only sleeps: how late the machine itself is, whatever the window does."""

from __future__ import annotations

import subprocess
import sys
import time

#: What the process runs: wake every 10 ms and tell when it was over 5 ms late, by a clock that all processes share.
_CODE = """
import time
last = time.monotonic()
while True:
    time.sleep(0.01)
    now = time.monotonic()
    if now - last > 0.015:
        print(now, (now - last - 0.01) * 1e3, flush=True)
    last = now
"""


class Witness:
    """Watches the machine between `begin` and `end`, as often as wanted.

    Attributes:
        late: milliseconds by which the process was late, over 5 ms each, in the time that counts; there at the exit.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", _CODE], stdout=subprocess.PIPE, text=True)
        self._spans: list[tuple[float, float]] = []
        self._began = 0.0
        self.late: list[float] = []

    def begin(self) -> None:
        """What happens from now on counts."""
        self._began = time.monotonic()

    def end(self) -> None:
        """What happens from now on does not count."""
        self._spans.append((self._began, time.monotonic()))

    def __enter__(self) -> Witness:
        return self

    def __exit__(self, *error: object) -> None:
        """End the process and read what it has told."""
        self._process.terminate()
        told, _ = self._process.communicate()
        lines = [line.split() for line in told.splitlines() if line.count(" ") == 1]
        found = [(float(at), float(late)) for at, late in lines]
        self.late = [late for at, late in found if any(begin <= at <= end for begin, end in self._spans)]
