"""What may be asked of a running training; applied between two steps, and kept on the record."""

from __future__ import annotations

from dataclasses import dataclass

from gmstudio.data.base import DataSpec
from gmstudio.mollification.base import ScheduleSpec


@dataclass(frozen=True, slots=True)
class Play:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold after the current step."""


@dataclass(frozen=True, slots=True)
class Advance:
    """Make `steps` steps, then hold."""

    steps: int = 1


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run; everything is kept."""


@dataclass(frozen=True, slots=True)
class SetSchedule:
    """Plan what is left of a column anew; what happened stays."""

    column: int
    schedule: ScheduleSpec


@dataclass(frozen=True, slots=True)
class SetRate:
    """Multiply what is left of a column's learning-rate plan so that it goes on from `rate`."""

    column: int
    rate: float


@dataclass(frozen=True, slots=True)
class SetData:
    """Train on other points from now on (drawing while training); the standardisation stays as it was."""

    data: DataSpec


@dataclass(frozen=True, slots=True)
class SetSpeed:
    """At most so many steps a second; None for as fast as possible."""

    steps_per_second: float | None


Edit = SetSchedule | SetRate | SetData
Command = Play | Pause | Advance | Stop | SetSpeed | Edit
