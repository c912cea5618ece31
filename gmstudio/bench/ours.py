"""This project's side of the benchmarks: a trainer as the program uses it, with nothing observed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from gmstudio.bench.architecture import Architecture

if TYPE_CHECKING:
    from gmstudio.data.base import Dataset
    from gmstudio.runs import Experiment
    from gmstudio.training.trainer import Trainer

#: Steps of a run that is measured: more than are ever made.
STEPS = 200_000
#: Steps that are made before anything is measured.
WARM_UP = 20


def engines(device: str) -> tuple[str, ...]:
    """The engines that can be measured on a device, the plainest first."""
    from gmstudio.training.engines.builds import obstacle

    if device.startswith("cuda"):
        return ("eager", "graph")
    return ("eager", "compiled") if device == "cpu" and not obstacle() else ("eager",)


def settle(trainer: Trainer, engine: str) -> None:
    """Wait until the engine is in place, since what builds it must not be measured, and make the first steps.

    Raises:
        SpecError: when it cannot be had.
    """
    if engine != "eager":
        from gmstudio.training.engines.choice import Choice

        Choice(trainer, engine).insist(lambda: False)
    trainer.advance(WARM_UP)


def experiment(
    architecture: Architecture, *, batch: int, columns: int | Literal["twins"] = 1, engine: str = "eager"
) -> Experiment:
    """What is trained: two moons through a sigmoid schedule, unless a trainer is given other points.

    Args:
        architecture: the model.
        batch: points in one step.
        columns: how many, each with a seed of its own; or vanilla beside mollified.
        engine: one of `engines`.

    Raises:
        LookupError: when this project has no such model yet.
    """
    from gmstudio import runs

    model = architecture.plain()
    if model is None:
        raise LookupError(f"This project has no model like {architecture} yet.")
    run = runs.run_from_plain(
        {
            "data": {"kind": "two-moons"},
            "model": model,
            "mollification": {"kind": "sigmoid"},
            "training": {"steps": STEPS, "batch": batch, "engine": engine},
        }
    )
    if columns == "twins":
        return runs.twins(run)
    seeds = range(1, columns + 1)
    return runs.Experiment(run=run, columns=tuple(runs.Column(title=f"Seed {seed}", seed=seed) for seed in seeds))


def dataset(dim: int, rows: int = 8192) -> Dataset:
    """Points that every entrant trains on: two moons, or a curved mixture where D is not 2.

    Args:
        dim: D.
        rows: N, training points.
    """
    import torch

    from gmstudio.data.base import Dataset
    from gmstudio.data.drawn import standardisation
    from gmstudio.data.sets.two_moons import TwoMoons

    if dim == 2:
        return TwoMoons(size=rows).build(1)
    draws = torch.Generator().manual_seed(1)
    matrix = torch.randn(dim, dim, generator=draws)
    points = torch.randn(rows + max(1000, rows // 4), dim, generator=draws) @ matrix
    points = points + torch.sin(points.roll(1, dims=1))
    shift, scale = standardisation(points)
    return Dataset(
        name=f"curved, D {dim}",
        train=points[:rows].contiguous(),
        validation=points[rows:].contiguous(),
        shift=shift,
        scale=scale,
        bounds=(-4.0, 4.0, -4.0, 4.0),
    )


class Training:
    """The trainer, driven in blocks as a session drives it, but for observing and recording.

    Args:
        trained: what is trained.
        data: the points.
        engine: one of `engines`.
        device: where.

    Raises:
        SpecError: when the engine cannot be had.
    """

    def __init__(self, trained: Experiment, data: Dataset, *, engine: str, device: str) -> None:
        from gmstudio.sessions.pace import BLOCK_SECONDS
        from gmstudio.training.trainer import Trainer

        self.trainer = Trainer(trained, data, device=device)
        self._block_seconds = BLOCK_SECONDS
        self._step_seconds = BLOCK_SECONDS
        settle(self.trainer, engine)

    def run(self, steps: int) -> None:
        """Make that many steps.

        Raises:
            RuntimeError: when the run is at its end.
        """
        left = steps
        while left > 0:
            block = max(1, min(left, int(self._block_seconds / self._step_seconds)))
            began = time.perf_counter()
            made = self.trainer.advance(block)
            if made == 0:
                raise RuntimeError(f"All {STEPS:,} steps were made: ask for fewer --rounds or --seconds.")
            spent = (time.perf_counter() - began) / made
            self._step_seconds = max(1e-6, self._step_seconds + 0.2 * (spent - self._step_seconds))
            left -= made
        self.trainer.drain()
