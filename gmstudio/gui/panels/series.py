"""Numbers that arrive one after another, and what is drawn of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


QUANTILES = (0.02, 0.25, 0.5, 0.75, 0.995)


class Series:
    """Values over steps, appended at a constant cost on average."""

    def __init__(self) -> None:
        self._steps = np.empty(64)
        self._values = np.empty(64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, step: int, value: float) -> None:
        """Add a value; a step that is not after the last one takes the place of what it repeats."""
        while self._count and self._steps[self._count - 1] >= step:
            self._count -= 1
        if self._count == len(self._steps):
            self._steps = np.concatenate([self._steps, np.empty_like(self._steps)])
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
        self._steps[self._count] = step
        self._values[self._count] = value
        self._count += 1

    @property
    def steps(self) -> Floats:
        """(N,) steps, rising."""
        return self._steps[: self._count]

    @property
    def values(self) -> Floats:
        """(N,) values."""
        return self._values[: self._count]

    def at(self, step: float) -> float | None:
        """The newest value at or before a step."""
        index = int(np.searchsorted(self.steps, step, side="right")) - 1
        return float(self._values[index]) if index >= 0 else None


class Smoothed(Series):
    """A smoothed copy of values: an exponential average that a single spike hardly moves."""

    def __init__(self, memory: float = 40.0) -> None:
        super().__init__()
        self._memory = memory
        self._mean = 0.0
        self._spread = 0.0
        self._seen = 0

    def append(self, step: int, value: float) -> None:
        """Add a raw value; one that is not finite is passed over."""
        if not np.isfinite(value):
            return
        self._seen += 1
        share = 1.0 / min(self._seen, self._memory)
        away = value - self._mean if self._seen > 1 else 0.0
        if self._seen == 1:
            self._mean = value
        if self._seen > 8:
            away = min(max(away, -6 * self._spread), 6 * self._spread)
        self._spread += max(share, 0.1) * (abs(away) - self._spread)
        self._mean += share * away
        super().append(step, self._mean)


def robust_limits(parts: Iterable[Floats]) -> tuple[float, float] | None:
    """Limits that hold the bulk of the values: a few spikes, or the first steps of a run, flatten nothing.

    Args:
        parts: values of several curves, in any order; what is not finite is passed over.

    Returns:
        Low and high with a margin, or None where there is nothing.
    """
    lows, highs = [], []
    for part in parts:
        finite = part[np.isfinite(part)]
        if not len(finite):
            continue
        ranked = np.sort(finite[:: max(1, len(finite) // 600)])
        low, q1, middle, q3, high = (float(ranked[round(q * (len(ranked) - 1))]) for q in QUANTILES)
        reach = 3.0 * max(q3 - q1, 1e-3 * abs(middle), 1e-6)
        lows.append(max(low, q1 - reach))
        highs.append(min(high, q3 + reach) if len(finite) > 20 else float(finite.max()))
    if not lows:
        return None
    low, high = float(min(lows)), float(max(highs))
    margin = 0.06 * max(high - low, 1e-3 * max(abs(low), abs(high)), 1e-6)
    return low - margin, high + margin
