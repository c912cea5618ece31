"""How many steps a session makes at a time, and how long it waits after them."""

from __future__ import annotations

#: Seconds of training between two looks at the queue of commands; a pause takes effect within about twice this.
BLOCK_SECONDS = 0.012
#: Most steps between two looks.
MOST = 4096
#: Steps a second below which every step is shown with all that there is to see.
SLOW = 20.0


class Pace:
    """The blocks of steps.

    Attributes:
        speed: steps a second at most; None for as fast as it goes.
        until: the step at which the run holds; None for the end.
    """

    def __init__(self) -> None:
        self.speed: float | None = None
        self.until: int | None = None
        self._step_seconds = 0.005

    @property
    def slow(self) -> bool:
        """Whether there is time to look at every step."""
        return self.speed is not None and self.speed < SLOW

    def block(self, step: int) -> int:
        """How many steps to make from `step` on before the next look at the queue; at least one."""
        steps = max(1, int(BLOCK_SECONDS / max(self._step_seconds, 1e-6)))
        if self.until is not None:
            steps = min(steps, self.until - step)
        if self.speed is not None:
            steps = min(steps, max(1, int(self.speed * 0.05)))
        return max(1, min(steps, MOST))

    def learn(self, made: int, seconds: float) -> None:
        """So many steps, at least one, have taken so long."""
        self._step_seconds += 0.2 * (seconds / made - self._step_seconds)

    def reached(self, step: int) -> bool:
        """Whether the run holds at this step."""
        return self.until is not None and step >= self.until

    def rest(self, made: int, seconds: float) -> float:
        """Seconds to wait after so many steps that have taken so long; never more than 0 at full speed."""
        return 0.0 if self.speed is None else made / self.speed - seconds
