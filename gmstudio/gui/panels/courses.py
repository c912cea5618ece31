"""Every measured number of a run over its steps, and what is drawn of one quantity: lines, limits, logarithms."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.gui.panels.series import Series, Smoothed, robust_limits
from gmstudio.observation.frame import METRICS, Metric

Floats = NDArray[np.float64]
Span = tuple[float, float]

LIKELIHOOD = "likelihood"
#: What can be plotted: the likelihoods together, then every other metric.
QUANTITIES: tuple[str, ...] = (
    LIKELIHOOD,
    *(name for name in METRICS if not name.startswith(("train", "validation", "test"))),
)
#: Planned and not measured: nothing in them is a spike.
_PLANNED = frozenset({"sigma2", "rate"})
#: Largest over smallest value from which on a logarithmic axis shows more.
DECADE = 10.0
#: How far below the baselines the likelihoods are shown, in units of how far they reach above the lowest baseline.
FALL = 4.0


def quantity_of(name: str) -> str:
    """The quantity in which a metric is plotted."""
    return LIKELIHOOD if name.startswith(("train", "validation", "test")) else name


def calm(before: Span | None, after: Span) -> Span:
    """The limits to show: those from before where they still fit, since axes that creep cost much and tell nothing."""
    if before is None:
        return after
    tall = after[1] - after[0]
    fits = before[0] - after[0] < 0.03 * tall and after[1] - before[1] < 0.03 * tall
    return before if fits and before[1] - before[0] < 1.15 * tall else after


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot.

    Attributes:
        column: whose colour it has.
        steps: (N,), rising.
        values: (N,).
        faint: behind the others.
        dashed: as validation is.
        name: of what it shows.
    """

    column: int
    steps: Floats
    values: Floats
    faint: bool = False
    dashed: bool = False
    name: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """Differs where the line differs, as long as values are only appended, or repeat steps."""
        last = (float(self.steps[-1]), float(self.values[-1])) if len(self.steps) else ()
        return (self.name, self.column, self.faint, self.dashed, len(self.steps), last)


class Courses:
    """The metrics of a run."""

    def __init__(self) -> None:
        self.titles: tuple[str, ...] = ()
        self.steps = 0
        self.baselines: dict[str, float] = {}
        #: Nats added to every likelihood that is shown: for standardised units, the volume of the data's.
        self.offset = 0.0
        self._series: dict[tuple[str, int], Series] = {}
        self._smooth: list[Smoothed] = []
        self._reach: dict[str, Span] = {}

    def start(self, titles: tuple[str, ...], steps: int) -> None:
        """Forget everything, the baselines too, since the data may be others; expect these columns."""
        self.titles, self.steps = titles, steps
        self._series, self._reach, self.baselines = {}, {}, {}
        self._smooth = [Smoothed() for _ in titles]

    def add(self, metrics: Iterable[Metric]) -> set[str]:
        """Take more numbers; returns the quantities that have changed."""
        changed: set[str] = set()
        for metric in metrics:
            name, column, value = metric.name, metric.column, metric.value
            if name not in METRICS or column >= len(self.titles):
                continue
            self.series(name, column).append(metric.step, value)
            if name == "train":
                self._smooth[column].append(metric.step, value)
            if math.isfinite(value):
                low, high = self._reach.get(name, (value, value))
                self._reach[name] = min(low, value), max(high, value)
            changed.add(quantity_of(name))
        return changed

    def series(self, name: str, column: int) -> Series:
        """The values of a metric of a column."""
        return self._series.setdefault((name, column), Series())

    def smooth(self, column: int) -> Smoothed:
        """The smoothed training likelihood of a column."""
        return self._smooth[column]

    def measured(self, quantity: str) -> bool:
        """Whether there is any value."""
        names = ("train", "validation") if quantity == LIKELIHOOD else (quantity,)
        return any(name in self._reach for name in names)

    def lines(self, quantity: str, smoothed: bool = True) -> list[Line]:
        """What is drawn of a quantity, from the back to the front."""
        columns = range(len(self.titles))
        if quantity != LIKELIHOOD:
            every = [(c, self.series(quantity, c)) for c in columns]
            return [Line(c, series.steps, series.values, name=quantity) for c, series in every]
        raw = [(c, self.series("train", c)) for c in columns]
        found = [Line(c, series.steps, self._shifted(series), faint=smoothed, name="train") for c, series in raw]
        if smoothed:
            found += [Line(c, self._smooth[c].steps, self._shifted(self._smooth[c]), name="smooth") for c in columns]
        valid = [(c, self.series("validation", c)) for c in columns]
        return found + [
            Line(c, series.steps, self._shifted(series), dashed=True, name="validation") for c, series in valid
        ]

    def _shifted(self, series: Series) -> Floats:
        return series.values + self.offset if self.offset else series.values

    def at(self, series: Series, step: float) -> float | None:
        """A likelihood at or before a step, as it is shown."""
        value = series.at(step)
        return None if value is None else value + self.offset

    def logarithmic(self, quantity: str) -> bool:
        """Whether all values are positive and span more than a decade."""
        low, high = self._reach.get(quantity, (0.0, 0.0))
        return quantity != "modes" and low > 0 and high > DECADE * low

    def levels(self, quantity: str) -> dict[str, float]:
        """The baselines that belong to a quantity."""
        shown = self.baselines if quantity == LIKELIHOOD else {}
        return {name: level + self.offset for name, level in shown.items()} if self.offset else shown

    def y_span(self, quantity: str, logarithmic: bool = False) -> Span:
        """Limits that one spike cannot flatten, with the baselines that are near; decimal logarithms if asked for."""
        if quantity == "modes":
            return -0.04, 1.04
        if logarithmic or quantity in _PLANNED:
            low, high = self._reach.get(quantity, (0.0, 1.0))
            if logarithmic:
                low, high = math.log10(low), math.log10(high)
            margin = 0.06 * (max(high - low, 1e-3 * abs(high)) or 1.0)
            return low - margin, high + margin
        levels = self.levels(quantity).values()
        limits = robust_limits([line.values for line in self.lines(quantity) if not line.faint])
        if limits is None and levels:
            limits = robust_limits([np.array(list(levels))])
        if limits is None:
            return (-1.0, 0.0) if quantity == LIKELIHOOD else (0.0, 1.0)
        low, high = limits
        if low < 0 <= self._reach.get(quantity, limits)[0]:
            low = -0.02 * high
        if quantity == LIKELIHOOD and levels:
            # A model that overfits falls without end: how far says nothing, and it would flatten all the rest.
            reached = [self._reach[name][1] + self.offset for name in ("train", "validation") if name in self._reach]
            best = max(reached, default=high)
            lowest = min(levels) - FALL * max(best - min(levels), 1.0)
            if low < lowest < best:
                low, high = lowest, best
        near = [b for b in levels if low - (high - low) <= b <= high + (high - low)]
        # Their names stand over them.
        below, above = 0.06 * (high - low), 0.12 * (high - low)
        return min([low, *(b - below for b in near)]), max([high, *(b + above for b in near)])

    def x_end(self, quantity: str, step: int | None) -> float:
        """The end of the step axis: it grows by doubling up to the planned length.

        Args:
            quantity: that is plotted.
            step: that is looked at.
        """
        last = max((float(line.steps[-1]) for line in self.lines(quantity) if len(line.steps)), default=0.0)
        end = float(max(self.steps, 1))
        while end / 2 >= max(last, step or 0, 20) * 1.02:
            end /= 2
        return end

    def best(self, column: int) -> tuple[float, float] | None:
        """Step and value of the best validation likelihood of a column."""
        series = self.series("validation", column)
        if not np.isfinite(series.values).any():
            return None
        index = int(np.nanargmax(np.where(np.isfinite(series.values), series.values, np.nan)))
        return float(series.steps[index]), float(series.values[index]) + self.offset
