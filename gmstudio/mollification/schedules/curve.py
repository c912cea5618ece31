"""A schedule drawn by hand: a smooth curve through a few points."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, ClassVar

import numpy as np

from gmstudio.mollification.base import Floats, ScheduleSpec
from gmstudio.mollification.pchip import pchip
from gmstudio.registry import SpecError, component, describe

Points = tuple[tuple[float, float], ...]


@component(
    "schedule",
    title="Curve",
    summary="Drawn by hand: drag the points; between them the curve bends without overshooting.",
    reference="Fritsch and Carlson 1980, Monotone piecewise cubic interpolation",
    order=50,
)
class CurveSchedule(ScheduleSpec, frozen=True, kw_only=True, tag="curve"):
    """The monotone cubic through (u, gamma) points."""

    FEWEST: ClassVar[int] = 2
    MOST: ClassVar[int] = 32

    points: Annotated[
        Points,
        describe(
            "Training fraction and noise variance of each point, from fraction 0 to 1. The variance usually falls, "
            "but it may also rise again.",
            widget="curve",
        ),
    ] = ((0.0, 1.0), (0.25, 0.5), (0.5, 0.19), (0.75, 0.05), (1.0, 0.0))

    def validate(self) -> None:
        """Two to 32 points, fractions strictly increasing from 0 to 1, variances in [0, 1]."""
        points = self.points
        if not isinstance(points, tuple) or not all(isinstance(p, tuple) and len(p) == 2 for p in points):
            raise _wrong("is not a list of pairs", "Write it as [[0, 1], [0.5, 0.2], [1, 0]].")
        if not self.FEWEST <= len(points) <= self.MOST:
            raise _wrong(f"has {len(points)} points", f"Use {self.FEWEST} to {self.MOST}.")
        for u, gamma in points:
            if not (math.isfinite(u) and math.isfinite(gamma) and 0.0 <= gamma <= 1.0):
                raise _wrong(f"has the point ({u:g}, {gamma:g})", "Both numbers must be between 0 and 1.")
        if points[0][0] != 0.0 or points[-1][0] != 1.0:
            raise _wrong(
                f"goes from fraction {points[0][0]:g} to {points[-1][0]:g}",
                "Its first point must be at 0, its last at 1.",
            )
        for (before, _), (after, _) in pairwise(points):
            if not before < after:
                raise _wrong(f"has points at {before:g} and then {after:g}", "Order them from left to right.")

    @property
    def decreasing(self) -> bool:
        """Whether the noise never grows."""
        return all(after <= before for (_, before), (_, after) in pairwise(self.points))

    def gamma(self, u: Floats) -> Floats:
        """The curve through the points."""
        knots: Floats = np.array(self.points, dtype=np.float64)
        return pchip(knots[:, 0], knots[:, 1], np.asarray(u, dtype=np.float64))


def _wrong(what: str, remedy: str) -> SpecError:
    return SpecError(f"The curve {what}.", remedy, "points")


def from_schedule(spec: ScheduleSpec, n: int = 6) -> CurveSchedule:
    """Turn any schedule into a curve with few handles that follows it, for dragging.

    The handles are put one after another where the curve through those before is most wrong.

    Args:
        spec: the schedule; its `until`, `floor` and `per` are kept.
        n: number of handles, 2 to 32.

    Raises:
        SpecError: when `n` is outside its limits.
    """
    if isinstance(spec, CurveSchedule) and len(spec.points) <= n:
        return spec
    if not CurveSchedule.FEWEST <= n <= CurveSchedule.MOST:
        raise _wrong(f"was asked for {n} points", f"Use {CurveSchedule.FEWEST} to {CurveSchedule.MOST}.")
    u: Floats = np.linspace(0.0, 1.0, 201, dtype=np.float64)
    gamma: Floats = np.clip(spec.gamma(u), 0.0, 1.0).round(6)
    chosen = [0, len(u) - 1]
    while len(chosen) < n:
        error = np.abs(pchip(u[chosen], gamma[chosen], u) - gamma)
        # Handles closer than 2 % of the width cannot be grabbed one by one.
        for taken in chosen:
            error[max(0, taken - 3) : taken + 4] = 0.0
        worst = int(error.argmax())
        if error[worst] <= 1e-6:
            break
        chosen = sorted([*chosen, worst])
    points = tuple((round(float(u[i]), 6), float(gamma[i])) for i in chosen)
    return CurveSchedule(points=points, until=spec.until, floor=spec.floor, per=spec.per, by=spec.by)
