"""The points of a hand-drawn schedule, and what dragging does to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gmstudio.mollification.base import ScheduleSpec
from gmstudio.mollification.schedules.curve import CurveSchedule, from_schedule

#: Neighbouring points stay this far apart in the fraction of the training.
APART = 0.005
#: The noise ends at this share of the training at the earliest.
EARLIEST = 0.02

Knots = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Handles:
    """A schedule as points that can be dragged; immutable, every change makes new ones.

    Attributes:
        points: (u, gamma), u from 0 to 1 before `until`, gamma never rising unless it did before.
        until: the share of the training at which the noise ends.
        floor, per, by: kept from the schedule.
    """

    points: Knots
    until: float
    floor: float
    per: Literal["step", "epoch"]
    by: Literal["noise", "blur"] = "noise"

    @classmethod
    def of(cls, spec: ScheduleSpec) -> Handles:
        """The handles of any schedule: a curve's own points, or a few on another family."""
        curve = spec if isinstance(spec, CurveSchedule) else from_schedule(spec, 6)
        return cls(curve.points, curve.until, curve.floor, curve.per, curve.by)

    def spec(self) -> CurveSchedule:
        """The schedule through the points."""
        return CurveSchedule(points=self.points, until=self.until, floor=self.floor, per=self.per, by=self.by)

    def places(self) -> Knots:
        """Where the handles stand: share of the training and noise variance."""
        return tuple((u * self.until, max(gamma, self.floor)) for u, gamma in self.points)

    def moved(self, index: int, share: float, gamma: float, free: bool = False) -> Handles:
        """Move a handle; the first and last stay at their ends, the others between their neighbours.

        Args:
            index: of the handle.
            share: of the training, where it is dragged to.
            gamma: the noise variance there.
            free: whether the noise may grow again; otherwise it falls from point to point.
        """
        points = list(self.points)
        last = len(points) - 1
        u = points[index][0]
        if 0 < index < last:
            u = float(np.clip(share / self.until, points[index - 1][0] + APART, points[index + 1][0] - APART))
        high = 1.0 if free or index == 0 else max(points[index - 1][1], points[index][1])
        low = 0.0 if free or index == last else min(points[index + 1][1], points[index][1])
        points[index] = (round(u, 6), round(float(np.clip(gamma, low, high)), 6))
        return replace(self, points=tuple(points))

    def added(self, share: float, gamma: float) -> tuple[Handles, int]:
        """Add a handle; returns the handles and the index of the new one, or of the one that is too near."""
        u = share / self.until
        near = min(range(len(self.points)), key=lambda k: abs(self.points[k][0] - u))
        if len(self.points) >= CurveSchedule.MOST or not 0 < u < 1 or abs(self.points[near][0] - u) < 2 * APART:
            return self, near
        index = next(k for k, (at, _) in enumerate(self.points) if at > u)
        high, low = self.points[index - 1][1], self.points[index][1]
        level = float(np.clip(gamma, min(low, high), max(low, high)))
        points = (*self.points[:index], (round(u, 6), round(level, 6)), *self.points[index:])
        return replace(self, points=points), index

    def removed(self, index: int) -> Handles:
        """Remove a handle; the first and last stay."""
        if not 0 < index < len(self.points) - 1:
            return self
        return replace(self, points=self.points[:index] + self.points[index + 1 :])

    def ending(self, share: float) -> Handles:
        """Let the noise end at another share of the training; close to the end snaps to it."""
        share = 1.0 if share > 0.985 else share
        return replace(self, until=round(float(np.clip(share, EARLIEST, 1.0)), 4))
