"""The step loop: what it plans, makes and tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small import Small, SmallData, experiment, schedule

from gmstudio.data.base import Dataset, Picture
from gmstudio.registry import SpecError
from gmstudio.runs import Column
from gmstudio.training import feed
from gmstudio.training.commands import SetData, SetRate, SetSchedule
from gmstudio.training.errors import NonFiniteLoss
from gmstudio.training.layout import Layout
from gmstudio.training.metric import Metric
from gmstudio.training.trainer import Trainer


def told(trainer: Trainer, name: str, column: int = 0) -> list[Metric]:
    return [m for m in trainer.drain() if m.name == name and m.column == column]


def test_a_run_makes_its_steps_and_learns() -> None:
    trainer = Trainer(experiment())
    assert trainer.advance(7) == 7
    assert trainer.advance(1000) == 393
    assert trainer.finished
    assert trainer.advance(5) == 0
    looks = told(trainer, "validation")
    assert [m.step for m in looks] == list(range(0, 401, 50))
    assert looks[-1].value > looks[0].value + 0.1
    assert trainer.drain() == []


def test_the_plans_are_those_of_the_schedules_and_of_the_rates() -> None:
    columns = (
        Column(title="a", mollification=schedule("off"), rate=0.02),
        Column(title="b", mollification=schedule("linear", per="epoch")),
    )
    trainer = Trainer(experiment(*columns, size=96, steps=9, batch=32))
    assert trainer.plans[0].tolist() == [0.0] * 9
    np.testing.assert_allclose(trainer.plans[1], np.repeat([1.0, 2 / 3, 1 / 3], 3))
    np.testing.assert_allclose(trainer.rates[0], 0.01 * (1 + np.cos(np.pi * np.arange(9) / 9)))
    np.testing.assert_allclose(trainer.rates[1], trainer.rates[0] / 2)


def test_sigma2_is_that_of_the_next_step_and_at_the_end_that_of_the_last() -> None:
    trainer = Trainer(experiment(steps=20))
    for _ in range(20):
        assert trainer.sigma2.tolist() == trainer.plans[:, trainer.step].tolist()
        trainer.advance()
    assert trainer.sigma2.tolist() == trainer.plans[:, 19].tolist()


def test_likelihoods_are_told_in_the_units_of_the_data() -> None:
    trainer = Trainer(experiment(hidden=0, steps=50))
    trainer.advance(50)
    mean, root = trainer.model.mean.detach()[0], trainer.model.root.detach()[0]
    lower = root.tril(-1) + root.diagonal().abs().diag()
    dataset = trainer.dataset
    covariance = torch.linalg.inv(lower.T @ lower)
    law = torch.distributions.MultivariateNormal(
        dataset.to_data(mean), dataset.scale.diag() @ covariance @ dataset.scale.diag()
    )
    expected = law.log_prob(dataset.validation).mean().item()
    assert told(trainer, "validation")[-1].value == pytest.approx(expected, abs=1e-4)


def test_a_long_run_tells_the_mean_of_a_few_steps_at_a_time() -> None:
    one = Trainer(experiment(steps=10_000))
    each = Trainer(experiment(steps=10_000))
    each._width = 1
    for trainer in (one, each):
        trainer.advance(13)
    coarse, fine = told(one, "train", 1), told(each, "train", 1)
    assert [m.step for m in coarse] == [5, 10]
    assert [m.step for m in fine] == list(range(1, 14))
    assert coarse[1].value == pytest.approx(np.mean([m.value for m in fine[5:10]]))
    one.advance(2)
    assert [m.step for m in told(one, "train")] == [15]


def test_rate_and_variance_are_told_beside_the_training_likelihood() -> None:
    trainer = Trainer(experiment(steps=30))
    trainer.advance(30)
    metrics = trainer.drain()
    rates = [m.value for m in metrics if m.name == "rate" and m.column == 1]
    variances = [m.value for m in metrics if m.name == "sigma2" and m.column == 1]
    assert rates == trainer.rates[1].tolist()
    assert variances == trainer.plans[1].tolist()


def test_a_batch_shows_the_first_points_with_noise_that_stays() -> None:
    trainer = Trainer(experiment(Column(title="a", mollification=schedule("off")), Column(title="b"), steps=100))
    trainer.advance(10)
    batch = trainer.batch(40)
    assert batch.shape == (2, 40, 2)
    torch.testing.assert_close(batch[0], trainer.dataset.train[:40])
    assert torch.equal(batch[:, :7], trainer.batch(7))
    assert torch.equal(batch, trainer.batch(40))
    clean, sigma2 = trainer.dataset.to_model(trainer.dataset.train[:40]), trainer.sigma2[1]
    noise = (trainer.dataset.to_model(batch[1]) - (1 - sigma2) ** 0.5 * clean) / sigma2**0.5
    trainer.advance(50)
    sigma2 = trainer.sigma2[1]
    later = (trainer.dataset.to_model(trainer.batch(40)[1]) - (1 - sigma2) ** 0.5 * clean) / sigma2**0.5
    torch.testing.assert_close(noise, later, atol=1e-4, rtol=1e-3)
    assert trainer.batch(10_000).shape == (2, 300, 2)


def test_a_column_of_an_ensemble_is_the_run_alone() -> None:
    columns = (
        Column(title="a", mollification=schedule("off")),
        Column(title="b"),
        Column(title="c", seed=7),
        Column(title="d", rate=0.003),
    )
    together = Trainer(experiment(*columns, clip=1.0, weight_decay=0.01))
    alone = [Trainer(experiment(column, clip=1.0, weight_decay=0.01)) for column in columns]
    for _ in range(4):
        together.advance(37)
        for i, trainer in enumerate(alone):
            trainer.advance(37)
            torch.testing.assert_close(together.layout.values[i], trainer.layout.values[0], atol=2e-5, rtol=1e-4)
    assert (together.layout.values[0] - together.layout.values[1]).abs().max() > 1e-3


def test_columns_with_equal_seeds_and_schedules_are_equal_to_the_bit() -> None:
    trainer = Trainer(experiment(Column(title="a"), Column(title="b"), Column(title="c", seed=2)))
    trainer.advance(100)
    first, second, third = trainer.layout.values
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_adamw_and_adam_are_those_of_torch() -> None:
    for name, cls in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        trainer = Trainer(experiment(Column(title="a"), optimiser=name, weight_decay=0.1, decay="constant", clip=0.5))
        twin = Trainer(experiment(Column(title="a")))
        parameters = list(twin.model.parameters())
        reference = cls(parameters, lr=0.01, weight_decay=0.1)
        for _ in range(20):
            block = trainer._current_block()
            loss = -twin.model.log_prob(block.x[trainer.step - block.start]).mean()
            gradients = torch.autograd.grad(loss, parameters)
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            torch.nn.utils.clip_grad_norm_(parameters, 0.5)
            reference.step()
            trainer.advance()
        torch.testing.assert_close(trainer.layout.values, twin.layout.values, atol=1e-6, rtol=1e-5)


def test_a_new_schedule_changes_what_is_left_and_leaves_the_past() -> None:
    trainer = Trainer(experiment())
    before = trainer.plans.copy()
    trainer.advance(123)
    trainer.apply(SetSchedule(1, schedule("constant", sigma2=0.25)))
    assert np.array_equal(trainer.plans[:, :123], before[:, :123])
    assert np.array_equal(trainer.plans[0], before[0])
    assert trainer.plans[1, 123:].tolist() == [0.25] * 277
    assert trainer.edits == [
        (123, {"kind": "schedule", "column": 1, "schedule": {**trainer.edits[0][1]["schedule"], "kind": "constant"}})
    ]


def test_a_new_rate_goes_on_from_there_along_the_same_course() -> None:
    trainer = Trainer(experiment())
    before = trainer.rates.copy()
    trainer.advance(100)
    trainer.apply(SetRate(0, 0.5))
    assert np.array_equal(trainer.rates[:, :100], before[:, :100])
    assert np.array_equal(trainer.rates[1], before[1])
    assert trainer.rates[0, 100] == pytest.approx(0.5)
    np.testing.assert_allclose(trainer.rates[0, 100:], before[0, 100:] * 0.5 / before[0, 100])


def test_new_data_are_trained_on_in_the_old_standardisation() -> None:
    trainer = Trainer(experiment(Column(title="a", mollification=schedule("off")), hidden=0, steps=1500, batch=256))
    trainer.advance(100)
    shift, scale = trainer.dataset.shift.clone(), trainer.dataset.scale.clone()
    trainer.apply(SetData(SmallData(size=256, shift=-2.0, standardise=False)))
    assert torch.equal(trainer.dataset.shift, shift)
    assert torch.equal(trainer.dataset.scale, scale)
    trainer.advance(1400)
    mean = trainer.dataset.to_data(trainer.model.mean.detach())[0]
    torch.testing.assert_close(mean, trainer.dataset.train.mean(dim=0), atol=0.02, rtol=0.0)


def images(*shape: int) -> Dataset:
    return replace(SmallData(size=40).build(9), picture=Picture(shape))  # type: ignore[arg-type]


def test_a_model_of_images_is_built_with_their_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes, build = [], Small.build

    def told(self: Small, dim: int, seeds: Any, data: Any = None, shape: Any = None) -> Any:
        shapes.append(shape)
        return build(self, dim, seeds, data, shape)

    monkeypatch.setattr(Small, "build", told)
    Trainer(experiment(), images(2, 1, 1))
    Trainer(experiment())
    assert shapes == [(2, 1, 1), None]


def test_new_data_are_images_of_the_shape_of_the_old_ones() -> None:
    trainer = Trainer(experiment(), images(1, 1, 2))
    with pytest.raises(SpecError, match="are no images, the model is of images of 1 × 1 × 2"):
        trainer.apply(SetData(SmallData(size=50)))
    with pytest.raises(SpecError, match="are images of 2 × 1 × 1, the model is of images of 1 × 1 × 2"):
        feed.exchanged(images(1, 1, 2), images(2, 1, 1))
    assert trainer.edits == []


def test_of_replaced_data_only_the_number_of_points_is_kept() -> None:
    trainer = Trainer(experiment())
    for size in (50, 60, 70):
        trainer.advance(3)
        trainer.apply(SetData(SmallData(size=size)))
    assert [edit["data"] for _, edit in trainer.edits[:2]] == [None, None]
    assert [edit["points"] for _, edit in trainer.edits[:2]] == [50, 60]
    assert trainer.edits[2][1]["data"]["size"] == 70


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (SetRate(5, 0.1), "no column 6"),
        (SetRate(0, 0.0), "more than 0"),
        (SetRate(0, 2.0), "at most 1"),
        (SetRate(0, float("nan")), "rate"),
        (SetSchedule(-1, schedule("off")), "no column 0"),
    ],
)
def test_an_edit_that_cannot_be_made_changes_nothing(edit: SetRate | SetSchedule, message: str) -> None:
    trainer = Trainer(experiment())
    trainer.advance(10)
    plans, rates = trainer.plans.copy(), trainer.rates.copy()
    with pytest.raises(SpecError, match=message):
        trainer.apply(edit)
    assert trainer.edits == []
    assert np.array_equal(trainer.plans, plans)
    assert np.array_equal(trainer.rates, rates)


def test_a_finished_training_takes_no_edits() -> None:
    trainer = Trainer(experiment(steps=3))
    trainer.advance(3)
    with pytest.raises(SpecError, match="has ended"):
        trainer.apply(SetRate(0, 0.1))


def test_a_column_without_rise_stops_early_and_keeps_its_weights_to_the_bit() -> None:
    columns = (Column(title="fast", rate=0.9, mollification=schedule("off")), Column(title="slow", rate=1e-4))
    trainer = Trainer(
        experiment(*columns, patience=3, evaluate_every=10, steps=600, decay="constant", weight_decay=0.01)
    )
    while not any(trainer.stopped):
        trainer.advance(10)
    assert trainer.stopped == (True, False)
    at = trainer.step
    kept = trainer.layout.values[0].clone()
    assert trainer.rates[0, at:].max() == 0.0
    assert trainer.rates[0, at - 1] == 0.9
    trainer.drain()
    other = trainer.layout.values[1].clone()
    trainer.advance(35)
    assert torch.equal(trainer.layout.values[0], kept)
    assert not torch.equal(trainer.layout.values[1], other)
    assert {m.column for m in trainer.drain()} == {1}
    assert not trainer.finished
    with pytest.raises(SpecError, match="stopped early"):
        trainer.apply(SetRate(0, 0.1))


def test_the_training_is_finished_when_every_column_has_stopped() -> None:
    columns = (Column(title="a", rate=0.9), Column(title="b", rate=0.8))
    trainer = Trainer(experiment(*columns, patience=1, evaluate_every=5, steps=5000, decay="constant"))
    made = trainer.advance(5000)
    assert trainer.finished
    assert made == trainer.step < 5000
    assert trainer.stopped == (True, True)


def test_the_best_weights_are_those_of_the_best_look() -> None:
    trainer = Trainer(experiment(rate=0.3, decay="constant", evaluate_every=20, steps=200))
    seen = []
    for _ in range(10):
        trainer.advance(20)
        seen.append(trainer.layout.values.clone())
    looks = {(m.step, m.column): m.value for m in trainer.drain() if m.name == "validation"}
    best = trainer.best_state()
    for column in (0, 1):
        step = max((s for s in range(0, 201, 20)), key=lambda s: looks[s, column])
        assert trainer.best_step[column] == step
        assert step > 0
        expected = trainer.layout.unpack(seen[step // 20 - 1])
        assert all(torch.equal(best[name][column], expected[name][column]) for name in expected)


def test_a_loss_that_is_not_finite_is_named_with_step_and_column_and_the_weights_are_not_kept() -> None:
    trainer = Trainer(experiment())
    trainer.advance(10)
    trainer.drain()
    with torch.no_grad():
        trainer.model.mean[1] = float("nan")
    with pytest.raises(NonFiniteLoss):
        trainer.checkpoint()
    trainer.advance(2)
    for call in (trainer.drain, trainer.checkpoint, lambda: trainer.advance(200)):
        with pytest.raises(NonFiniteLoss) as caught:
            call()
        assert (caught.value.step, caught.value.column) == (11, 1)


def test_a_diverged_training_can_be_put_back_to_its_last_good_checkpoint() -> None:
    trainer = Trainer(experiment())
    trainer.advance(10)
    good = trainer.checkpoint()
    with torch.no_grad():
        trainer.model.mean[1] = float("inf")
    with pytest.raises(NonFiniteLoss):
        trainer.advance(100)
    trainer.restore(good)
    trainer.advance(100)
    assert torch.isfinite(trainer.layout.values).all()


def test_a_batch_larger_than_the_data_is_drawn_with_replacement() -> None:
    trainer = Trainer(experiment(size=5, batch=64, steps=20))
    trainer.advance(20)
    assert trainer.finished


def test_clipping_limits_the_gradient_of_each_column_alone() -> None:
    trainer = Trainer(experiment(clip=0.01))
    trainer.advance(3)
    norms = trainer.layout.gradients.norm(dim=1)
    assert norms.max() <= 0.01 * (1 + 1e-5)
    assert norms.min() > 0.009


def test_an_objective_that_the_model_cannot_serve_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = experiment()
    monkeypatch.setattr(type(made.run.objective), "needs", frozenset({"log_prob", "energy"}))
    with pytest.raises(SpecError, match="needs energy"):
        Trainer(made)


def test_without_a_fused_kernel_the_steps_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fused = Trainer(experiment())
    monkeypatch.setattr("gmstudio.training.optimiser._can_fuse", lambda device: False)
    plain = Trainer(experiment())
    for trainer in (fused, plain):
        trainer.advance(50)
    assert fused.optimiser.counts.tolist() == plain.optimiser.counts.tolist() == [50.0, 50.0]
    torch.testing.assert_close(fused.layout.values, plain.layout.values, atol=1e-5, rtol=1e-4)


def test_the_parameters_are_views_of_one_buffer() -> None:
    trainer = Trainer(experiment())
    trainer.layout.values.fill_(0.5)
    assert all((parameter == 0.5).all() for parameter in trainer.model.parameters())
    assert sum(p.numel() for p in trainer.model.parameters()) <= trainer.layout.values.numel()


def test_a_model_whose_parameters_do_not_lead_with_the_members_is_refused() -> None:
    model = Trainer(experiment()).model
    model.register_parameter("shared", torch.nn.Parameter(torch.zeros(3)))
    with pytest.raises(ValueError, match="shared"):
        Layout(model)


def test_columns_share_a_dataset_that_was_given() -> None:
    dataset = SmallData(size=40).build(9)
    trainer = Trainer(experiment(batch=40), dataset)
    assert torch.equal(trainer.dataset.train, dataset.train)
    block = trainer._current_block()
    expected = dataset.to_model(dataset.train)
    assert torch.equal(block.x[0, 0].sort(dim=0).values, expected.sort(dim=0).values)


def test_a_model_that_has_nothing_to_learn_is_only_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    made = experiment(steps=10)
    build = type(made.run.model).build
    monkeypatch.setattr(type(made.run.model), "build", lambda *args: build(*args).requires_grad_(False))
    trainer = Trainer(made)
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    trainer.advance(10)
    assert len(told(trainer, "train")) == 10
    assert all(torch.equal(before[name], tensor) for name, tensor in trainer.model.state_dict().items())
    again = Trainer(made)
    again.restore(trainer.checkpoint())
    assert again.finished
