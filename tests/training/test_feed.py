"""Objectives that draw: their numbers follow from the seed, and every engine is given the same ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from gmstudio import registry, runs
from gmstudio.models.layers.base import DensityModel
from gmstudio.mollification.widths import width
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.registry import SpecError
from gmstudio.training.commands import SetSchedule
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
    assert len(program.example(32, 2)) == 9 + len(program.buffer_names)
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


# Blurring.


def images(by: str, **training: Any) -> runs.Experiment:
    plain = {
        "data": {"kind": "images", "most": 200},
        "model": {"kind": "gaussian"},
        "mollification": {"kind": "sigmoid", "by": by},
        "training": {"steps": 40, "batch": 16, **training},
    }
    return runs.twins(runs.run_from_plain(plain))


def test_one_column_is_blurred_beside_others() -> None:
    made = images("blur")
    noisy = runs.Column(title="Noise", mollification=made.run.mollification.changed(by="noise"))
    trainer = Trainer(made.changed(columns=(*made.columns, noisy)))
    plain = Trainer(images("noise"))
    block, other = (each._feed.block(0, each._plans) for each in (trainer, plain))
    assert torch.equal(block.x[:, 0], other.x[:, 0]), "vanilla"
    assert torch.equal(block.x[:, 2], other.x[:, 1]), "noise"
    for k in (0, 20, 39):
        blurred, clean = block.x[k, 1].view(16, 8, 8), block.x[k, 0].view(16, 8, 8)
        s = width(trainer.plans[1, k], 8)
        expected = torch.from_numpy(
            ndimage.gaussian_filter(clean.double().numpy(), (0, float(s), float(s)), mode="reflect", truncate=20)
        )
        # The filter of pixels is the transform's but for the pixels' own size, which the widest blurs do not feel.
        if s > 1.5:
            torch.testing.assert_close(blurred.double(), expected, atol=0.02, rtol=0.02)
    assert float((block.x[39, 1] - block.x[39, 0]).abs().mean()) < float((block.x[0, 1] - block.x[0, 0]).abs().mean())


def test_a_look_at_the_batch_is_blurred_as_the_batch_is() -> None:
    trainer = Trainer(images("blur"))
    trainer.advance(5)
    vanilla, blurred = trainer.batch(30)
    points = trainer.dataset.train[:30]
    torch.testing.assert_close(vanilla, points, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(blurred.mean(1), points.mean(1), atol=1e-4, rtol=1e-4)
    assert float(blurred.std(1).mean()) < 0.5 * float(points.std(1).mean())


def test_what_is_no_image_is_not_blurred() -> None:
    run = runs.default_run()
    blur = run.mollification.changed(by="blur")
    with pytest.raises(SpecError, match="Two moons cannot be blurred") as caught:
        Trainer(runs.twins(run.changed(mollification=blur)))
    assert caught.value.where == "mollification.by"
    trainer = Trainer(runs.twins(run))
    with pytest.raises(SpecError, match="cannot be blurred"):
        trainer.apply(SetSchedule(1, blur))
    assert not trainer.edits


def test_noise_can_be_exchanged_for_a_blur_while_it_trains_and_a_resumed_run_follows() -> None:
    whole, broken, again = (Trainer(images("noise")) for _ in range(3))
    for trainer in (whole, broken):
        trainer.advance(10)
        trainer.apply(SetSchedule(1, trainer.experiment.run.mollification.changed(by="blur")))
    whole.advance(40)
    broken.advance(13)
    again.restore(broken.checkpoint())
    again.advance(40)
    assert torch.equal(whole.batch(9), again.batch(9)) and torch.equal(whole.layout.values, again.layout.values)


def test_noise_is_drawn_only_where_something_is_made_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = shaken()
    off = experiment.run.changed(mollification=registry.from_plain("schedule", {"kind": "off"}))
    both = runs.twins(off).changed(columns=(runs.Column(title="1", seed=5), runs.Column(title="2", seed=6)))
    trainer = Trainer(both)
    feed, plans = trainer._feed, trainer._plans
    whole = feed.block(0, plans).x
    assert whole.shape[1] == 2 and whole.is_contiguous() and not torch.equal(whole[:, 0], whole[:, 1])
    # With the least of noise both are drawn and mixed; the points are the same ones.
    plans.sigma2[:] = 1e-14
    torch.testing.assert_close(feed.block(0, plans).x, whole, rtol=0, atol=1e-5)
    monkeypatch.setattr(Batches, "draw_noise", lambda *given: pytest.fail("noise was drawn"))
    plans.sigma2[:] = 0.0
    assert torch.equal(feed.block(0, plans).x, whole)
