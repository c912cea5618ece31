"""What a session tells others: its newest pictures and states, and every metric."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from gmstudio.observation.frame import Frame, Mailbox, Metric, RunInfo, Truth
from gmstudio.sessions.messages import Status

if TYPE_CHECKING:
    from gmstudio.training.problems import Problem
    from gmstudio.training.trainer import Trainer


class Outbox:
    """Filled by the session's thread, emptied by any other.

    Args:
        run: id of the run.
        columns: how many columns the experiment has.

    Attributes:
        frames, status, infos, problems: the newest of each.
        last: the last value of each metric, one for each column (None where unknown).
    """

    def __init__(self, run: str, columns: int) -> None:
        self.frames: Mailbox[Frame] = Mailbox()
        self.status: Mailbox[Status] = Mailbox()
        self.infos: Mailbox[tuple[RunInfo, Truth | None]] = Mailbox()
        self.problems: Mailbox[Problem] = Mailbox()
        self.last: dict[str, list[float | None]] = {}
        self._run, self._columns = run, columns
        self._metrics: deque[Metric] = deque()
        self._lock = threading.Lock()

    def metrics(self) -> list[Metric]:
        """The metrics since the last call, oldest first."""
        with self._lock:
            found = list(self._metrics)
            self._metrics.clear()
        return found

    def tell(self, found: list[Metric]) -> None:
        """Metrics have been measured."""
        for metric in found:
            self.last.setdefault(metric.name, [None] * self._columns)[metric.column] = metric.value
        with self._lock:
            self._metrics.extend(found)

    def say(self, state: str, step: int = 0, steps: int = 0) -> None:
        """How the session is doing, in few words: for when there is no more to say."""
        self.status.put(Status(self._run, state, step, steps))

    def report(self, state: str, trainer: Trainer, rate: float, note: str, left: float | None = None) -> None:
        """How the session is doing.

        Args:
            state: as in `Status`.
            trainer: what trains.
            rate: steps a second.
            note: how the engine was chosen.
            left: seconds; found from the rate where None.
        """
        from gmstudio.training import devices

        if left is None and rate > 0 and state == "running":
            left = (trainer.steps - trainer.step) / rate
        device = str(trainer.device)
        memory = devices.memory(device)
        self.status.put(
            Status(
                self._run,
                state,
                trainer.step,
                trainer.steps,
                rate,
                left,
                memory,
                device,
                tuple(trainer.stopped),
                trainer.engine.name,
                note,
            )
        )
