"""What a sweep tells while it goes on; every value is immutable, so that any thread may keep it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gmstudio.sweeps.store import Result


@dataclass(frozen=True, slots=True)
class Counted:
    """How much there is to do.

    Attributes:
        runs: of the sweep.
        done: of them were done before.
        tasks: passes in which the missing ones will train.
    """

    runs: int
    done: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Estimated:
    """How long the missing runs will take.

    Attributes:
        seconds: with the workers that there are.
        workers: how many there are.
    """

    seconds: float
    workers: int


@dataclass(frozen=True, slots=True)
class Began:
    """Some runs are being trained in one pass.

    Attributes:
        task: number of the pass.
        keys: of the runs, in the order of the columns.
        again: whether it is their second try.
    """

    task: int
    keys: tuple[str, ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass is.

    Attributes:
        task: its number.
        keys: of its runs.
        state: ``building``, ``running`` or ``paused``.
        step: steps made.
        steps: steps planned; 0 where unknown.
        rate: steps a second of late.
        validation: log-likelihood of the validation points at the last look, for each run that has one.
    """

    task: int
    keys: tuple[str, ...]
    state: str
    step: int
    steps: int
    rate: float
    validation: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """Runs that have a result now, kept in the project: done, or failed for good."""

    results: dict[str, Result]


@dataclass(frozen=True, slots=True)
class Retried:
    """Runs that will be tried once more, alone.

    Attributes:
        keys: of the runs.
        reason: why.
    """

    keys: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Learned:
    """The classical baselines of a data set are known.

    Attributes:
        key: of the data set.
    """

    key: str


@dataclass(frozen=True, slots=True)
class State:
    """The sweep is in another state.

    Attributes:
        state: ``measuring``, ``running``, ``paused``, ``finished``, ``stopped`` or ``failed``; the last three are ends.
        reason: why it failed.
    """

    state: str
    reason: str = ""


Event = Counted | Estimated | Began | Progress | Finished | Retried | Learned | State
ENDS = frozenset({"finished", "stopped", "failed"})
