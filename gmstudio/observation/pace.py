"""How much to compute at once, so that neither training nor the window waits.

Two forces: a chunk must end soon, because a pause waits for it; and it must have rows enough, because launching the
operations of a flow costs about a millisecond, whatever they compute. As long as a block of training serves both.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterator


class Pace:
    """Finds how many rows make a chunk of about `target` seconds.

    A task cuts its rows with `portions` and, after each chunk, yields its pace to whoever holds the watch, who calls
    `note`; so that the time between two chunks, in which the model trains, is not counted.

    Args:
        rows: rows of the first chunk.
        least: rows of the smallest chunk.
        most: rows of the largest chunk.
        target: s.
    """

    def __init__(self, rows: int = 1024, least: int = 128, most: int = 2048, target: float = 12e-3) -> None:
        self.rows = rows
        self.least = least
        self.most = most
        self.target = target
        self._last = 0
        self._rates: deque[float] = deque(maxlen=5)

    def portions(self, total: int, weight: int = 1) -> Iterator[slice]:
        """Cut `total` rows into chunks of the present size.

        Args:
            total: rows.
            weight: how many rows one row stands for, such as the members of an ensemble.
        """
        start = 0
        while start < total:
            stop = min(total, start + max(1, self.rows // weight))
            self._last = (stop - start) * weight
            yield slice(start, stop)
            start = stop

    def note(self, seconds: float) -> None:
        """The chunk took so long: from now on take as many rows as fit the target, by the median of the last few.

        The median, because a busy machine makes single chunks slow, and smaller ones would only cost more in all.
        """
        if self._last:
            self._rates.append(seconds / self._last)
            fit = self.target / max(statistics.median(self._rates), 1e-12)
            self.rows = max(self.least, min(self.most, self._power_of_two(fit), 2 * self.rows))

    @staticmethod
    def _power_of_two(rows: float) -> int:
        return int(1 << max(0, int(min(rows, 1 << 30)).bit_length() - 1))
