"""Which engine makes the steps: found by measuring, while the training goes on."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gmstudio.registry import SpecError
from gmstudio.training.engines.base import Engine
from gmstudio.training.engines.builds import BUILDS, Builds, Request, obstacle
from gmstudio.training.engines.compiled import CompiledEngine

if TYPE_CHECKING:
    from gmstudio.training.trainer import Trainer

#: Seconds of training before a step is compiled, and seconds that must be left for it to be worth while.
AFTER_SECONDS, WORTH_SECONDS = 1.0, 10.0
#: Seconds between two looks at what the compiler does.
POLL_SECONDS = 0.5
#: Blocks that each engine makes before one is kept.
ROUNDS = 9
#: What the compiled engine must win: of two that are as fast, the one that needs no compiler.
MARGIN = 0.97


class Choice:
    """Exchanges a trainer's engine for a faster one between two of its blocks.

    Eager trains at once.  After a second the step is compiled in the background, or taken from the disk, where it was
    compiled before; it is checked against eager on the training's own state, raced against it over blocks that count,
    and kept when it wins.  It is never needed: where anything fails, eager goes on.

    Args:
        trainer: whose engine is chosen.
        wish: ``auto``, ``eager`` or ``compiled``.
        builds: where compiled steps come from.

    Attributes:
        note: how the choice stands, in words for a person.
    """

    def __init__(self, trainer: Trainer, wish: str, builds: Builds = BUILDS) -> None:
        self._trainer, self._builds = trainer, builds
        self._eager = trainer.engine
        self._request = Request.of(trainer.experiment.run, trainer.dataset.dim)
        self._times: dict[str, list[float]] = {}
        self._rival: Engine | None = None
        self._seconds, self._polled = 0.0, 0.0
        self._open = False
        self.note = ""
        wish = os.environ.get("GMSTUDIO_ENGINE", wish)
        hindrance = self._hindrance()
        if wish == "eager" or hindrance:
            self.note = hindrance
        else:
            self._open = True

    def _hindrance(self) -> str:
        trainer = self._trainer
        if trainer.device.type != "cpu":
            return "steps are compiled for the processor only"
        if trainer.layout.size == 0:
            return "the model has nothing to learn"
        return obstacle()

    def insist(self, cancelled: Callable[[], bool]) -> None:
        """Wait until the compiled engine is there, and use it without a race.

        Args:
            cancelled: asked every now and then whether to give up waiting.

        Raises:
            SpecError: when it cannot be had, with the reason and the remedy.
        """
        while self._open and not cancelled():
            state = self._builds.state(self._request)
            if state == "ready":
                self._adopt()
                if self._rival is not None:
                    self._settle(self._rival, "chosen in the Training card")
            elif state == "failed":
                self._close(self._builds.reason(self._request))
            else:
                self._builds.start(self._request, urgent=True)
                time.sleep(0.05)
        if self._trainer.engine is self._eager and not cancelled():
            raise SpecError(
                f"The step cannot be compiled: {self.note}.", 'Set the engine to "auto" or "eager".', "training.engine"
            )

    def consider(self, steps: int, seconds: float) -> None:
        """Go on choosing; called between two blocks.

        Args:
            steps: made in the last block.
            seconds: that it took.
        """
        if not self._open or not steps:
            return
        self._seconds += seconds
        if self._rival is not None:
            self._race(seconds / steps)
        elif self._seconds - self._polled >= POLL_SECONDS:
            self._polled = self._seconds
            self._look((self._trainer.steps - self._trainer.step) * seconds / steps)

    def _look(self, left: float) -> None:
        state = self._builds.state(self._request)
        if state == "ready":
            self._adopt()
        elif state == "failed":
            self._close(f"it cannot be compiled: {self._builds.reason(self._request)}")
        elif state == "building":
            self.note = "a compiled step is being built"
        elif self._seconds >= AFTER_SECONDS and left >= WORTH_SECONDS:
            self._builds.start(self._request)

    def _adopt(self) -> None:
        """Take the compiled step into the race if it does what eager does."""
        trainer = self._trainer
        try:
            rival = CompiledEngine(self._request.package, trainer.model, trainer.layout, trainer.optimiser)
            same = trainer.agrees(rival)
        except RuntimeError as error:
            self._close(str(error).splitlines()[0])
            return
        if not same:
            self._close("the compiled step does not agree with the eager one")
            return
        self._rival = rival
        self._times = {self._eager.name: [], rival.name: []}

    def _race(self, seconds: float) -> None:
        """The engines take turns, block by block."""
        assert self._rival is not None
        self._times[self._trainer.engine.name].append(seconds)
        if min(len(times) for times in self._times.values()) < ROUNDS:
            self._trainer.engine = self._eager if self._trainer.engine is self._rival else self._rival
            return
        # The first block of each is still warming up.
        eager, compiled = (statistics.median(times[1:]) for times in self._times.values())
        won = compiled < MARGIN * eager
        words = f"{eager * 1e3:.3g} ms a step eager, {compiled * 1e3:.3g} ms compiled"
        self._settle(self._rival if won else self._eager, words)

    def _settle(self, engine: Engine, words: str) -> None:
        self._trainer.engine = engine
        self._close(words)

    def _close(self, words: str) -> None:
        self._open, self._rival, self.note = False, None, words
