"""Objectives that draw: their numbers follow from the seed, and every engine is given the same ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gmstudio import runs
from gmstudio.models.layers.base import DensityModel
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.training.engines import compiled
from gmstudio.training.engines.compiled import CompiledEngine
from gmstudio.training.engines.graph import GraphEngine
from gmstudio.training.engines.program import Program
from gmstudio.training.streams import Batches
from gmstudio.training.trainer import Trainer


class Shaken(ObjectiveSpec, frozen=True, kw_only=True, tag="shaken"):
    """The likelihood of points that are shaken by numbers of the objective's own, three for each point."""

    def draws(self, model: DensityModel) -> int:
        return 3

    def loss(self, model: DensityModel, x: Tensor, noise: Tensor | None = None) -> Tensor:
        assert noise is not None and noise.shape == (*x.shape[:2], 3)
        return -model.log_prob(x + 0.5 * noise[..., :2] * noise[..., 2:]).mean(1)


def shaken(**training: Any) -> runs.Experiment:
    plain = {
        "data": {"kind": "two-moons", "size": 130},
        "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8, "layers": 1},
        "mollification": {"kind": "sigmoid"},
        "training": {"steps": 60, "batch": 32, "rate": 3e-3, **training},
    }
    return runs.twins(runs.run_from_plain(plain).changed(objective=Shaken()))


def use_program(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> CompiledEngine:
    run = trainer.experiment.run
    program = Program(run.model.build(2, [9, 8]).train(), run.objective, run.training)
    assert len(program.example(32, 2)) == 8 + len(program.buffer_names)
    monkeypatch.setattr(compiled, "Library", lambda package: lambda inputs: program(*inputs))
    return CompiledEngine(Path("none"), trainer.model, trainer.layout, trainer.optimiser)


def use_graph(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> GraphEngine:
    def capture(work: Callable[[], None]) -> Callable[[], None]:
        work()
        return work

    run, entry = trainer.experiment.run, trainer.some_entry()
    return GraphEngine(trainer.model, run.objective, trainer.layout, trainer.optimiser, run.training, entry, capture)


@pytest.mark.parametrize("use", [use_program, use_graph])
def test_every_engine_gives_the_objective_the_same_numbers(use: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    eager, other = Trainer(shaken()), Trainer(shaken())
    assert other.agrees(use(other, monkeypatch))
    other.engine = use(other, monkeypatch)
    for _ in range(3):
        eager.advance(20), other.advance(20)
        told, expected = ([metric.value for metric in trainer.drain()] for trainer in (other, eager))
        np.testing.assert_allclose(told, expected, atol=2e-4)


@pytest.mark.parametrize("training", [{}, {"epochs": 6, "last_batch": "keep"}], ids=["steps", "epochs"])
def test_a_resumed_run_draws_what_it_would_have_drawn(training: dict[str, Any]) -> None:
    whole, broken, again = (Trainer(shaken(**training)) for _ in range(3))
    whole.advance(100)
    broken.advance(23)
    again.restore(broken.checkpoint())
    again.advance(100)
    assert whole.finished and torch.equal(whole.layout.values, again.layout.values)


def test_columns_of_one_seed_are_given_the_same_numbers_and_others_are_not() -> None:
    alike = Trainer(shaken())._feed.block(0, Trainer(shaken())._plans).noise
    assert alike is not None and torch.equal(alike[:, 0], alike[:, 1])
    made = shaken()
    first, second = made.columns
    apart = Trainer(made.changed(columns=(first, runs.Column(title=second.title, seed=5))))
    noise = apart._feed.block(0, apart._plans).noise
    assert noise is not None and torch.equal(noise[:, 0], alike[:, 0]) and not torch.equal(noise[:, 0], noise[:, 1])


def test_the_numbers_are_standard_normal_and_no_other_streams() -> None:
    batches = Batches([3], 1000, 250, 2, draws=5)
    own, (_, noise) = batches.draw_own(0), batches.draw(0)
    assert own is not None and own.shape == (64, 1, 250, 5)
    # 80,000 numbers: six standard errors of mean and variance.
    assert abs(float(own.mean())) < 6 / 80_000**0.5
    assert abs(float(own.var()) - 1.0) < 6 * (2 / 80_000) ** 0.5
    assert not np.isin(own[0].numpy(), noise[0].numpy()).any()
    assert Batches([3], 1000, 250, 2).draw_own(0) is None


def test_many_numbers_for_each_point_come_in_smaller_blocks() -> None:
    assert Batches([1], 1000, 256, 2, draws=1024).steps == 4
