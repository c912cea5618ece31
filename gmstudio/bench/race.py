"""Times entrants in turns, in one process: a machine's speed drifts, so only what ran side by side compares.

Many short turns are better than a few long ones: what else the machine does then disturbs all entrants alike.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping

#: Makes so many units of work, such as steps.
Work = Callable[[int], None]


class Clock:
    """Seconds that work takes: of the process's processors on the CPU, of the wall on another device.

    Processor time, because others may load the machine; it counts all threads of this process.

    Args:
        device: where the work is done, such as ``cpu`` or ``cuda:0``.

    Attributes:
        now: seconds, rising.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._cuda = device.startswith("cuda")
        self.now = time.perf_counter if self._cuda else time.process_time

    def time(self, work: Work, n: int) -> float:
        """Seconds that `n` units take, from an idle device to an idle device."""
        self._wait()
        began = self.now()
        work(n)
        self._wait()
        return self.now() - began

    def _wait(self) -> None:
        if self._cuda:
            import torch

            torch.cuda.synchronize(self._device)


def race(entrants: Mapping[str, Work], clock: Clock, *, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Units a second of every entrant in every round; each round lets all of them run, each time another one first.

    Args:
        entrants: work by name.
        clock: how time is taken.
        rounds: how many times each runs for about `seconds`.
        seconds: of one turn; as long again is spent before the first round to warm up and to count.
    """
    portions = {name: _portion(work, clock, seconds) for name, work in entrants.items()}
    names = list(entrants)
    rates: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            spent = clock.time(entrants[name], portions[name])
            rates[name].append(portions[name] / max(spent, 1e-9))
    return rates


def _portion(work: Work, clock: Clock, seconds: float) -> int:
    """How many units take about `seconds`, found by doing more and more of them."""
    work(1)
    n, spent = 1, clock.time(work, 1)
    while spent < seconds / 2:
        n = max(2 * n, min(16 * n, int(n * seconds / max(spent, 1e-9))))
        spent = clock.time(work, n)
    return max(1, math.ceil(n * seconds / spent))


def ratios(ours: list[float], theirs: list[float]) -> tuple[float, float, float]:
    """Ratio of the medians, and the lower and the upper quartile of the ratios of single rounds."""
    each = [a / b for a, b in zip(ours, theirs, strict=True)]
    low, _, high = statistics.quantiles(each, n=4, method="inclusive") if len(each) > 1 else each * 3
    return statistics.median(ours) / statistics.median(theirs), low, high
