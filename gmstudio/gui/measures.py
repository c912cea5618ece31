"""What pictures cost: they are paced by it, and benchmarks read it."""

from __future__ import annotations

import time
from collections import deque

#: Milliseconds between two looks at how late the event loop is.
PULSE = 10
KEPT = 20_000


class Measures:
    """How long the window has worked on each of the last turns of the event loop and on each of the last pictures."""

    def __init__(self) -> None:
        self._work: deque[float] = deque(maxlen=KEPT)
        self._pictures: deque[float] = deque(maxlen=KEPT)
        self._late: deque[float] = deque(maxlen=KEPT)
        self._turn = self._picture = 0.0
        self._last = time.perf_counter()

    @property
    def work_ms(self) -> list[float]:
        """Milliseconds of work in each of the last turns of the event loop in which the window was painted.

        One turn takes in one panel's new picture and all painting: it is what the person's next key press waits for.
        """
        return list(self._work)

    @property
    def picture_ms(self) -> list[float]:
        """Milliseconds that all panels together, painting included, have spent on each of the last pictures."""
        return list(self._pictures)

    @property
    def lateness_ms(self) -> list[float]:
        """Milliseconds by which the event loop was late, at each of the last pulses."""
        return list(self._late)

    def forget(self) -> None:
        """Begin anew."""
        self._work.clear()
        self._pictures.clear()
        self._late.clear()
        self._turn = self._picture = 0.0
        self.wait()

    def drawn(self, seconds: float) -> None:
        """A panel has spent so long on its new picture."""
        self._turn += seconds

    def painted(self, seconds: float) -> None:
        """The window has spent so long painting, which ends a turn."""
        self._work.append((self._turn + seconds) * 1e3)
        self._picture += self._turn + seconds
        self._turn = 0.0

    def next_picture(self) -> float:
        """A picture ends and the next begins; returns the seconds that were spent on the one."""
        spent, self._picture = self._picture, 0.0
        self._pictures.append(spent * 1e3)
        return spent

    def wait(self) -> None:
        """The next pulse is expected `PULSE` from now."""
        self._last = time.perf_counter()

    def pulse(self) -> None:
        """A pulse has come."""
        now = time.perf_counter()
        self._late.append(max(0.0, (now - self._last) * 1e3 - PULSE))
        self._last = now
