"""What is due in a session, and how fast its steps go."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

#: How many times as long as something took until it is due again: of the time that is left for pictures, a fifth.
SPARING = 30.0


class Clock:
    """What is due, and how fast the steps go."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._costs: dict[str, float] = {}
        self._marks: deque[tuple[float, int]] = deque(maxlen=512)
        self._steps = 0

    def due(self, name: str, interval: float) -> bool:
        """Whether `interval` seconds, or `SPARING` times what it costs, are over since the last time it was due."""
        now = time.monotonic()
        if name not in self._next:
            self._next[name] = now + interval
        if now < self._next[name]:
            return False
        self._next[name] = now + max(interval, SPARING * self._costs.get(name, 0.0))
        self._costs[name] = 0.0
        return True

    def cost(self, name: str, work: Callable[[], Any]) -> None:
        """Do the work and remember what it cost."""
        began = time.monotonic()
        work()
        spent = time.monotonic() - began
        self._costs[name] = self._costs.get(name, 0.0) + spent
        self._next[name] = max(self._next.get(name, 0.0), time.monotonic() + SPARING * self._costs[name])

    def count(self, steps: int) -> None:
        """Steps were made."""
        self._steps += steps
        self._marks.append((time.monotonic(), self._steps))

    def restart(self) -> None:
        """The steps begin anew after a rest."""
        self._marks.clear()

    def rate(self) -> float:
        """Steps a second over the last seconds."""
        if len(self._marks) < 2:
            return 0.0
        (first, before), (last, after) = self._marks[0], self._marks[-1]
        return (after - before) / (last - first) if last > first else 0.0
