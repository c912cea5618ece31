"""A session that shows what a run would begin with, and trains nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gmstudio.errors import RefusedError
from gmstudio.runs import Experiment
from gmstudio.sessions.messages import ALL_PARTS, Outcome
from gmstudio.sessions.session import Session
from gmstudio.sessions.watching import PICTURE_SECONDS, REST_SECONDS

if TYPE_CHECKING:
    from torch import Tensor

#: Parameters of all columns together up to which a model is built before anybody asks to train it: eight copies of
#: them, with gradients, moments and what observing needs, are 0.3 GB.
MOST_PARAMETERS = 10_000_000

_here = threading.local()
_installing = threading.Lock()
_installed: list[object] = []


class TooBigError(RefusedError):
    """A model that is not built unasked."""


class _LeftError(Exception):
    """Nobody waits for the preview any more."""


class Preview(Session):
    """The data, the untrained models and the plans, until `Stop`: paused before the first step, recorded nowhere.

    Nobody has asked for it, so it keeps out of the way: on the CPU, with nothing compiled, with every picture computed
    little by little, given up in the middle of building when it is told to stop, and not begun where the model is big.

    Args:
        experiment: what a run would train.
        wants: which parts of a frame to compute.
    """

    def __init__(self, experiment: Experiment, *, wants: frozenset[str] = ALL_PARTS) -> None:
        training = experiment.run.training.changed(engine="eager")
        experiment = experiment.changed(run=experiment.run.changed(training=training))
        super().__init__(experiment, device="cpu", wants=wants, paused=True, hold=True)

    def run(self) -> Outcome:
        """Build, then observe until `Stop`; never raises an `Exception`."""
        outcome = super().run()
        # Garbage is not collected while the run trains for which this has made room.
        observer = self.__dict__.pop("_observer", None)
        if observer is not None:
            observer.close()
        for part in ("_trainer", "_choice"):
            self.__dict__.pop(part, None)
        return outcome

    def _build(self) -> None:
        with _counting(self._check):
            super()._build()

    def _check(self, parameters: int) -> None:
        """Called while the model is built; `parameters` is how many it has so far."""
        self._obey(block=False)
        if self._stop:
            raise _LeftError
        if parameters > MOST_PARAMETERS:
            raise TooBigError(
                f"The model has more than {MOST_PARAMETERS // 1_000_000} million parameters, too many for a preview.",
                "Press Space to train it.",
            )

    def _watch(self) -> None:
        self._check(0)
        super()._watch()

    def _settle(self, seconds: float) -> bool:
        # Little by little from the first, so that it can be given up.
        return super()._settle(min(seconds, REST_SECONDS))

    def _rested(self) -> bool:
        rested = super()._rested()
        if rested or self._clock.due("picture", PICTURE_SECONDS):
            self._picture(complete=False)
        return rested

    def _failed(self, error: Exception) -> Outcome:
        from gmstudio.training.problems import problem_of

        if isinstance(error, _LeftError):
            return Outcome(self.run_id, "stopped", 0)
        if isinstance(error, TooBigError):
            return Outcome(self.run_id, "stopped", 0, problem_of(error))
        return super()._failed(error)


@contextmanager
def _counting(check: Callable[[int], None]) -> Iterator[None]:
    """While this thread makes modules, call `check` at each parameter with the number of all so far."""
    from torch.nn.modules.module import register_module_parameter_registration_hook as register

    with _installing:
        # For good: a run that is built in another thread may be going over torch's hooks.
        if not _installed:
            _installed.append(register(_count))
    _here.check, _here.parameters = check, 0
    try:
        yield
    finally:
        _here.check = None


def _count(module: Any, name: str, parameter: Tensor) -> None:
    check = getattr(_here, "check", None)
    if check is not None:
        _here.parameters += parameter.numel()
        check(_here.parameters)
