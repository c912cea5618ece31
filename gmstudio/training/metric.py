"""One measured number of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number.

    `name` is one of `gmstudio.observation.frame.METRICS`.
    """

    step: int
    column: int
    name: str
    value: float
