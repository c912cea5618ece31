"""Models with latent variables train by every bound, on every engine, with the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gmstudio import registry, runs
from gmstudio.training.engines import builds, compiled
from gmstudio.training.engines.choice import Choice
from gmstudio.training.engines.compiled import CompiledEngine
from gmstudio.training.engines.graph import GraphEngine
from gmstudio.training.engines.program import Program, trace
from gmstudio.training.trainer import Trainer
from gmstudio.training.validation import likelihood

MODELS = {
    c.name: {"kind": c.name, "hidden": 8, "layers": 1}
    for c in registry.components("model")
    if "elbo" in c.spec.offers  # type: ignore[attr-defined]
}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "elbo": {"kind": "elbo"},
    "beta": {"kind": "elbo", "beta": 4.0},
    "iwae": {"kind": "iwae", "k": 3},
    "dreg": {"kind": "iwae", "k": 3, "gradient": "DReG"},
}
#: The VAE by every bound; the others, which share nearly everything with it, by one.
PAIRS = [("vae", objective) for objective in OBJECTIVES] + [(model, "elbo") for model in MODELS if model != "vae"]


def made(model: str, objective: str, **training: Any) -> runs.Experiment:
    plain = {
        "data": {"kind": "two-moons", "size": 500},
        "model": MODELS[model],
        "objective": OBJECTIVES[objective],
        "mollification": {"kind": "sigmoid"},
        "training": {"steps": 200, "batch": 32, "rate": 3e-3, "evaluate_every": 50, **training},
    }
    return runs.twins(runs.run_from_plain(plain))


def program_of(trainer: Trainer) -> Program:
    run = trainer.experiment.run
    return Program(run.model.build(2, [9, 8]).train(), run.objective, run.training)


def use_program(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> CompiledEngine:
    program = program_of(trainer)

    def step(inputs: list[Tensor]) -> Tensor:
        assert all(tensor.is_contiguous() for tensor in inputs[6:]), "a compiled step does not look at strides"
        made: Tensor = program(*inputs)
        return made

    monkeypatch.setattr(compiled, "Library", lambda package: step)
    return CompiledEngine(compiled.Path("none"), trainer.model, trainer.layout, trainer.optimiser)


def use_graph(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> GraphEngine:
    def capture(work: Callable[[], None]) -> Callable[[], None]:
        work()
        return work

    run, entry = trainer.experiment.run, trainer.some_entry()
    return GraphEngine(trainer.model, run.objective, trainer.layout, trainer.optimiser, run.training, entry, capture)


def told(trainer: Trainer, name: str) -> list[float]:
    return [metric.value for metric in trainer.drain() if metric.name == name]


@pytest.mark.parametrize("use", [use_program, use_graph])
@pytest.mark.parametrize(("model", "objective"), PAIRS)
def test_every_engine_makes_the_steps_of_the_eager_one(
    model: str, objective: str, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager, other = (Trainer(made(model, objective)) for _ in range(2))
    assert other.agrees(use(other, monkeypatch))
    other.engine = use(other, monkeypatch)
    eager.advance(20), other.advance(20)
    np.testing.assert_allclose(told(other, "train"), told(eager, "train"), atol=2e-4)
    np.testing.assert_allclose(other.layout.values, eager.layout.values, atol=1e-4)


@pytest.mark.parametrize(("model", "objective"), PAIRS)
def test_the_traced_step_holds_no_numbers_of_a_model_or_of_its_draws(model: str, objective: str) -> None:
    program = program_of(Trainer(made(model, objective)))
    graph = trace(program, program.example(32, 2))
    assert not [value for value in vars(graph).values() if isinstance(value, Tensor) and value.numel() > 4]


@pytest.mark.parametrize(("model", "objective"), PAIRS)
def test_the_bound_and_the_estimated_likelihood_rise(model: str, objective: str) -> None:
    trainer = Trainer(made(model, objective))
    trainer.advance(200)
    metrics = trainer.drain()
    for column in range(2):
        looks = [m.value for m in metrics if m.name == "validation" and m.column == column]
        assert len(looks) == 5 and np.isfinite(looks).all() and looks[-1] > looks[0] + 0.3
    assert trainer.finished


def test_a_resumed_run_draws_what_it_would_have_drawn() -> None:
    whole, broken, again = (Trainer(made("vae", "iwae", steps=60)) for _ in range(3))
    whole.advance(100)
    broken.advance(23)
    again.restore(broken.checkpoint())
    again.advance(100)
    assert whole.finished and torch.equal(whole.layout.values, again.layout.values)


@pytest.mark.skipif(bool(builds.obstacle()), reason=f"no compiler: {builds.obstacle()}")
def test_a_compiled_step_makes_the_eager_trajectory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GMSTUDIO_ENGINE")
    eager, other = (Trainer(made("vae", "dreg")) for _ in range(2))
    Choice(other, "compiled").insist(lambda: False)
    assert other.engine.name == "compiled"
    eager.advance(200), other.advance(200)
    np.testing.assert_allclose(told(other, "train"), told(eager, "train"), atol=1e-3)


def test_a_look_estimates_evenly_spread_points_and_the_test_all_of_them() -> None:
    trainer = Trainer(made("vae", "elbo", steps=50))
    trainer.advance(50)
    told = [m.value for m in trainer.drain() if m.name == "validation" and m.column == 0]
    points = trainer.dataset.to_model(trainer.dataset.validation)
    assert len(points) == 1000
    every = likelihood(trainer.model, points)[0] - trainer.dataset.log_volume
    half = likelihood(trainer.model, points[::2])[0] - trainer.dataset.log_volume
    assert told[-1] == pytest.approx(half, abs=1e-5)
    assert abs(every - half) > 1e-4
