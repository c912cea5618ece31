"""Sweeps of a second, and a model that can be told to fail; also run as a worker that knows that model."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from gmstudio import registry
from gmstudio.models.base import ModelSpec, Shape
from gmstudio.registry import Component
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps.events import ENDS, Event, State
from gmstudio.sweeps.processes import Processes
from gmstudio.sweeps.spec import SweepSpec
from gmstudio.sweeps.sweep import Sweep

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel

#: The seed with which `Poison` does harm.
BAD = 13


class Poison(ModelSpec, frozen=True, kw_only=True, tag="poison"):
    """A Gaussian; but with the seed `BAD` it fails in one way or another."""

    how: Literal["raise", "exit", "hang", "diverge"] = "raise"

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        if BAD in seeds and self.how == "raise":
            raise ArithmeticError("this run is poisoned")
        if BAD in seeds and self.how == "exit":
            print("I take the poison", flush=True)
            os._exit(3)
        if BAD in seeds and self.how == "hang":
            time.sleep(3600)
        model = registry.from_plain("model", {"kind": "gaussian"}).build(dim, seeds, data)  # type: ignore[attr-defined]
        if self.how == "diverge":
            import torch

            with torch.no_grad():
                for parameter in model.parameters():
                    for i, seed in enumerate(seeds):
                        if seed == BAD:
                            parameter[i] = float("nan")
        return model


COMPONENT = Component("model", "poison", "Poison", "Fails.", "", 999, Poison)


def sweep(**changes: Any) -> SweepSpec:
    """Two data sets, two models, vanilla and mollified, two seeds: 16 runs in 4 groups."""
    plain: dict[str, Any] = {
        "title": "Small",
        "data": [{"kind": "two-moons", "size": 200}, {"kind": "rings", "size": 200}],
        "models": [{"kind": "real-nvp", "blocks": 1, "hidden": 4}, {"kind": "gaussian"}],
        "seeds": [1, 2],
        "trainings": [{"steps": 12, "batch": 32, "evaluate_every": 4, "engine": "eager"}],
    }
    return specs.from_plain({**plain, **changes})


def lengthy(**changes: Any) -> SweepSpec:
    """One run that goes on until it is stopped."""
    training = {"steps": 300_000, "batch": 32, "evaluate_every": 1000, "engine": "eager"}
    return sweep(
        **{
            "data": [{"kind": "two-moons", "size": 200}],
            "models": [{"kind": "gaussian"}],
            "schedules": [{"kind": "off"}],
            "seeds": [1],
            "trainings": [training],
            **changes,
        }
    )


def processes(number: int = 2) -> Callable[[int, str, str], Processes]:
    """Makes workers that know `Poison`, and few mixtures."""
    return lambda *_: Processes(number, command=(sys.executable, __file__))


def events_of(sweep: Sweep, timeout: float = 60) -> list[Event]:
    """What a sweep tells until it ends."""
    found: list[Event] = []
    while not (found and isinstance(found[-1], State) and found[-1].state in ENDS):
        try:
            found.append(sweep.events.get(timeout=timeout))
        except queue.Empty:
            raise AssertionError(f"nothing was told for {timeout} s after {found[-3:]}") from None
    assert sweep.join(timeout)
    return found


def until(sweep: Sweep, kind: type[Event], timeout: float = 60) -> list[Event]:
    """What a sweep tells until something of a kind happens."""
    found: list[Event] = []
    while not (found and isinstance(found[-1], kind)):
        found.append(sweep.events.get(timeout=timeout))
    return found


if __name__ == "__main__":
    registry._registered["model"]["poison"] = COMPONENT

    from gmstudio.sweeps import classical, worker

    # What it takes to choose among many mixtures is the business of other tests.
    classical.COMPONENTS = (1,)
    worker.main()
