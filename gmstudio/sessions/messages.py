"""What goes into a session and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gmstudio.observation.frame import View

if TYPE_CHECKING:
    from gmstudio.training.problems import Problem

#: Every part of a frame.
ALL_PARTS = frozenset({"log_density", "score", "samples", "batch", "path"})
#: What the last picture of a run holds besides what is wanted, so that one can still tick it when the run is over.
LAST_PARTS = frozenset({"samples", "batch", "codes", "rebuilt", "warp", "neighbours"})


@dataclass(frozen=True, slots=True)
class Look:
    """Observe this part of the plane, and only these parts of a frame, from now on."""

    view: View
    wants: frozenset[str] = ALL_PARTS


@dataclass(frozen=True, slots=True)
class Status:
    """How a session is doing.

    Attributes:
        run: id of the run.
        state: ``building``, ``running``, ``paused``, ``finished``, ``stopped`` or ``failed``.
        step: steps made.
        steps: steps planned.
        rate: steps a second of late, observing included.
        seconds_left: at that rate; None where unknown.
        memory: bytes in use.
        device: where it trains.
        stopped: for each column, whether early stopping has ended it.
        engine: what makes the steps; empty before the first.
        note: how it was chosen, in words for a person.
    """

    run: str
    state: str
    step: int = 0
    steps: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    memory: int = 0
    device: str = ""
    stopped: tuple[bool, ...] = ()
    engine: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended.

    Attributes:
        run: id of the run.
        state: ``finished``, ``stopped`` or ``failed``.
        step: steps made.
        problem: what went wrong, when it failed.
        metrics: the last value of each metric, one for each column (None where unknown).
    """

    run: str
    state: str
    step: int
    problem: Problem | None = None
    metrics: dict[str, list[float | None]] = field(default_factory=dict)
