"""Which engine makes the steps: found by measuring, while the training goes on."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch

from gmstudio.registry import SpecError
from gmstudio.training.engines.base import Engine
from gmstudio.training.engines.builds import BUILDS, Builds, Request, State, obstacle
from gmstudio.training.engines.compiled import CompiledEngine
from gmstudio.training.engines.graph import GraphEngine

if TYPE_CHECKING:
    from gmstudio.training.trainer import Trainer

#: Seconds of training before another engine is made, and seconds that must be left for it to be worth while.
AFTER_SECONDS, WORTH_SECONDS = 1.0, 10.0
#: Seconds between two looks at what the compiler does.
POLL_SECONDS = 0.5
#: Blocks that each engine makes before one is kept.
ROUNDS = 9
#: What the other engine must win: of two that are as fast, the simple one.
MARGIN = 0.97


class Offer(Protocol):
    """An engine that a trainer could have.

    Attributes:
        name: of the engine.
        obstacle: why it cannot be had here; empty when it can.
    """

    name: str
    obstacle: str

    def state(self) -> State:
        """Whether it is there."""

    def start(self, *, urgent: bool) -> None:
        """Begin to make it."""

    def reason(self) -> str:
        """Why it could not be made."""

    def engine(self) -> Engine:
        """The engine itself; raises RuntimeError when it fails."""


class CompiledOffer:
    """A step that is compiled for the processor, in the background or on an earlier day."""

    name = "compiled"

    def __init__(self, trainer: Trainer, builds: Builds) -> None:
        self._trainer, self._builds = trainer, builds
        data = trainer.dataset
        self._request = Request.of(trainer.experiment.run, data.dim, trainer.layout.members, data.shape)
        self.obstacle = "steps are compiled for the processor only" if trainer.device.type != "cpu" else obstacle()

    def state(self) -> State:
        """Whether the package is there."""
        return self._builds.state(self._request)

    def start(self, *, urgent: bool) -> None:
        """Begin to compile."""
        self._builds.start(self._request, urgent=urgent)

    def reason(self) -> str:
        """The compiler's last words."""
        return self._builds.reason(self._request)

    def engine(self) -> Engine:
        """Load the package."""
        trainer = self._trainer
        return CompiledEngine(self._request.package, trainer.model, trainer.layout, trainer.optimiser)


class GraphOffer:
    """Steps captured in a CUDA graph; made in well under a second."""

    name = "graph"

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self.obstacle = "" if trainer.device.type == "cuda" else "graphs are captured on a CUDA device only"

    def state(self) -> State:
        """Always there."""
        return "ready"

    def start(self, *, urgent: bool) -> None:
        """Nothing is to be made ahead."""

    def reason(self) -> str:
        """Nothing can fail ahead."""
        return ""

    def engine(self) -> Engine:
        """Capture the steps."""
        trainer, run = self._trainer, self._trainer.experiment.run
        entry = trainer.some_entry()
        return GraphEngine(trainer.model, run.objective, trainer.layout, trainer.optimiser, run.training, entry)


class Choice:
    """Exchanges a trainer's engine for a faster one between two of its blocks.

    Eager trains at once.  After a second another engine is made: on the processor the step is compiled in the
    background, or taken from the disk, where it was compiled before; on a CUDA device it is captured.  It is checked
    against eager on the training's own state, raced against it over blocks that count, and kept when it wins.  It is
    never needed: where anything fails, eager goes on.

    Args:
        trainer: whose engine is chosen.
        wish: ``auto``, ``eager``, ``compiled`` or ``graph``.
        builds: where compiled steps come from.

    Attributes:
        note: how the choice stands, in words for a person.
    """

    def __init__(self, trainer: Trainer, wish: str, builds: Builds = BUILDS) -> None:
        self._trainer = trainer
        self._eager = trainer.engine
        self._times: dict[str, list[float]] = {}
        self._rival: Engine | None = None
        self._seconds, self._polled = 0.0, 0.0
        self.note = ""
        if wish == "auto":
            wish = os.environ.get("GMSTUDIO_ENGINE", wish)
        graph = wish == "graph" or (wish == "auto" and trainer.device.type == "cuda")
        self._offer: Offer = GraphOffer(trainer) if graph else CompiledOffer(trainer, builds)
        hindrance = self._offer.obstacle if trainer.layout.size else "the model has nothing to learn"
        self._open = wish != "eager" and not hindrance
        if wish != "eager":
            self.note = hindrance

    def insist(self, cancelled: Callable[[], bool]) -> None:
        """Wait until the other engine is there, and use it without a race.

        Args:
            cancelled: asked every now and then whether to give up waiting.

        Raises:
            SpecError: when it cannot be had, with the reason and the remedy.
        """
        while self._open and not cancelled():
            state = self._offer.state()
            if state == "ready":
                self._adopt()
                if self._rival is not None:
                    self._settle(self._rival, "chosen in the Training card")
            elif state == "failed":
                self._close(self._offer.reason())
            else:
                self._offer.start(urgent=True)
                time.sleep(0.05)
        if self._trainer.engine is self._eager and not cancelled():
            raise SpecError(
                f"The engine {self._offer.name!r} cannot be had: {self.note}.",
                'Set the engine to "auto" or "eager".',
                "training.engine",
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

    def wait(self) -> None:
        """Wait for the device where the next `consider` must know how long the steps took."""
        if self._rival is not None and self._trainer.device.type == "cuda":
            torch.cuda.synchronize(self._trainer.device)

    def _look(self, left: float) -> None:
        state = self._offer.state()
        if state == "ready":
            self._adopt()
        elif state == "failed":
            self._close(f"it cannot be compiled: {self._offer.reason()}")
        elif state == "building":
            self.note = "a compiled step is being built"
        elif self._seconds >= AFTER_SECONDS and left >= WORTH_SECONDS:
            self._offer.start(urgent=False)

    def _adopt(self) -> None:
        """Take the other engine into the race if it does what eager does."""
        try:
            rival = self._offer.engine()
            same = self._trainer.agrees(rival)
        except RuntimeError as error:
            self._close(str(error).splitlines()[0])
            return
        if not same:
            self._close(f"the {rival.name} step does not agree with the eager one")
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
        eager, other = (statistics.median(times[1:]) for times in self._times.values())
        won = other < MARGIN * eager
        words = f"{eager * 1e3:.3g} ms a step eager, {other * 1e3:.3g} ms {self._rival.name}"
        self._settle(self._rival if won else self._eager, words)

    def _settle(self, engine: Engine, words: str) -> None:
        self._trainer.engine = engine
        self._close(words)

    def _close(self, words: str) -> None:
        self._open, self._rival, self.note = False, None, words
