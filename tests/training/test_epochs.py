"""Trainings counted in epochs, with a smaller batch at the end of each; models whose evaluation needs statistics."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small import SmallData, experiment, schedule

from gmstudio import registry
from gmstudio.data.base import Dataset
from gmstudio.models.layers import gradients
from gmstudio.registry import SpecError
from gmstudio.runs import Column, Experiment, TrainingSpec
from gmstudio.sessions import Session
from gmstudio.training.commands import Advance, SetData, Stop
from gmstudio.training.trainer import Trainer
from gmstudio.training.validation import likelihood

PAPER = {"normalise": "batch", "init": "orthogonal", "limit": 0.0, "blocks": 2, "hidden": 16, "networks": "two"}


def normalised(*columns: Column, size: int = 130, model: Any = None, **training: Any) -> Experiment:
    values = {"epochs": 6, "last_batch": "keep", "evaluate_every": 0, "rate": 1e-3, "decay": "constant", **training}
    made = experiment(*columns, size=size, **values)
    model = registry.from_plain("model", model or {"kind": "real-nvp", **PAPER})
    return made.changed(run=made.run.changed(model=model, mollification=schedule("sigmoid", per="epoch")))


def with_test(trained: Experiment) -> Trainer:
    dataset = replace(SmallData(size=130).build(1), test=SmallData(size=40).build(77).train)
    return Trainer(trained, dataset)


def test_the_length_follows_from_the_number_of_points() -> None:
    trainer = Trainer(normalised())
    assert (trainer.steps, trainer.training.epoch(130)) == (6 * 5, 5)
    np.testing.assert_array_equal(trainer.plans[1], np.repeat(trainer.plans[1, ::5], 5))
    assert len(np.unique(trainer.plans[1])) == 6
    sizes = []
    for _ in range(10):
        sizes.append(trainer._current_block().x.shape[2])
        trainer.advance()
    assert sizes == [32, 32, 32, 32, 2] * 2


def test_too_many_epochs_are_refused() -> None:
    with pytest.raises(SpecError, match="1,000,000 epochs of 100 batches") as caught:
        TrainingSpec(epochs=1_000_000, batch=10).length(1000)
    assert caught.value.where == "training.epochs"


def test_a_look_after_every_epoch_is_told_at_its_last_step() -> None:
    trainer = Trainer(normalised())
    trainer.advance(30)
    assert [m.step for m in trainer.drain() if m.name == "validation" and m.column == 0] == [0, 5, 10, 15, 20, 25, 30]


def test_one_epoch_with_its_smaller_batch_is_plain_adam_on_a_permutation() -> None:
    off = Column(title="a", mollification=schedule("off"))
    # Not the model with normalisation: Adam turns gradients of 0, whose signs are rounding, into whole steps.
    made = experiment(off, size=130, epochs=2, last_batch="keep", decay="constant", weight_decay=0.1)
    trainer, twin = Trainer(made), Trainer(made)
    parameters = list(twin.model.parameters())
    reference = torch.optim.Adam(parameters, lr=0.01, weight_decay=0.1)
    seen = []
    for _ in range(5):
        block = trainer._current_block()
        x = block.x[trainer.step - block.start]
        seen.append(x[0])
        loss = -twin.model.log_prob(x).mean()
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        reference.step()
        trainer.advance()
    torch.testing.assert_close(trainer.layout.values, twin.layout.values, atol=1e-6, rtol=1e-5)
    every = trainer.dataset.to_model(trainer.dataset.train)
    assert torch.equal(torch.cat(seen).sort(dim=0).values, every.sort(dim=0).values)


@pytest.mark.parametrize("at", [3, 5, 12, 29])
def test_resumed_anywhere_it_is_the_uninterrupted_run_to_the_bit(at: int) -> None:
    whole, broken = Trainer(normalised()), Trainer(normalised())
    whole.advance(30)
    broken.advance(at)
    again = Trainer(normalised())
    again.restore(broken.checkpoint())
    while not again.finished:
        again.advance(4)
    first, second = whole.checkpoint(), again.checkpoint()
    assert first.meta == second.meta
    for name, array in first.arrays.items():
        assert np.array_equal(array, second.arrays[name]), name


def test_looking_and_saving_change_no_weights() -> None:
    quiet, watched = Trainer(normalised()), Trainer(normalised(evaluate_every=1))
    quiet.advance(30)
    while not watched.finished:
        watched.advance()
        watched.checkpoint()
        watched.test()
    assert torch.equal(quiet.layout.values, watched.layout.values)


def test_a_look_uses_statistics_of_the_present_weights_on_the_clean_training_points() -> None:
    trainer = Trainer(normalised())
    trainer.advance(10)
    told = [m.value for m in trainer.drain() if m.name == "validation" and m.step == 10]
    trainer.advance(3)
    stale = likelihood(trainer.model, trainer.dataset.to_model(trainer.dataset.validation))
    trainer.refresh()
    fresh = likelihood(trainer.model, trainer.dataset.to_model(trainer.dataset.validation))
    assert not np.allclose(stale, fresh, atol=1e-6)
    again = Trainer(normalised())
    again.advance(10)
    again.model.refresh(again.dataset.to_model(again.dataset.train))
    values = likelihood(again.model, again.dataset.to_model(again.dataset.validation)) - again.dataset.log_volume
    np.testing.assert_allclose(told, values, atol=1e-6)


def test_new_data_of_another_size_go_on_in_epochs_of_their_own() -> None:
    trainer = Trainer(normalised())
    trainer.advance(7)
    trainer.apply(SetData(SmallData(size=70)))
    sizes = []
    for _ in range(6):
        sizes.append(trainer._current_block().x.shape[2])
        trainer.advance()
    assert sizes == [32, 32, 6] * 2


def test_an_engine_gets_full_batches_only() -> None:
    trainer = Trainer(normalised())
    eager, seen = trainer.engine, []

    class Spy:
        name = "spy"

        def step(self, block: Any, first: int, n: int) -> None:
            seen.append(block.x.shape[2])
            eager.step(block, first, n)

    trainer.advance(4)
    assert trainer.some_entry()[0].shape[1] == 32, "even at the end of an epoch"
    assert trainer.agrees(Spy())
    trainer.engine = Spy()
    trainer.advance(26)
    assert set(seen) == {32}
    plain = Trainer(normalised())
    plain.advance(30)
    assert torch.equal(plain.layout.values, trainer.layout.values)


def test_shifts_that_a_normalisation_takes_away_again_are_not_compared_between_engines() -> None:
    class ByAutograd:
        name = "autograd"

        def __init__(self, trainer: Trainer, factor: float = 1.0) -> None:
            self.trainer, self.factor = trainer, factor

        def step(self, block: Any, first: int, n: int) -> None:
            trainer = self.trainer
            for k in range(first, first + n):
                with gradients.plain():
                    block.losses[k] = trainer.layout.differentiate(
                        trainer.experiment.run.objective, trainer.model, block.x[k]
                    )
                trainer.optimiser.step([self.factor * rate for rate in block.rates[k]])

    few = {"kind": "maf", "normalise": "batch", "limit": 0.0, "blocks": 6, "hidden": 1, "layers": 1}
    trainer = Trainer(normalised(model=few))
    assert trainer.agrees(ByAutograd(trainer))
    assert not trainer.agrees(ByAutograd(trainer, factor=1.1))


def test_where_all_points_fit_into_one_batch_no_other_engine_is_used() -> None:
    trainer = Trainer(normalised(batch=500))
    assert trainer.steps == 6
    assert not trainer.agrees(trainer.engine)
    trainer.advance(6)
    assert trainer.finished


def test_the_test_points_are_judged_with_the_last_and_with_the_best_weights() -> None:
    trainer = with_test(normalised(rate=0.02))
    assert all(m.name.startswith("test") and "best" not in m.name for m in trainer.test()), "nobody has looked yet"
    trainer.advance(30)
    before = trainer.layout.values.clone()
    metrics = {(m.name, m.column): m.value for m in trainer.test()}
    assert torch.equal(trainer.layout.values, before)
    assert len(metrics) == 8 and {m.step for m in trainer.test()} == {30}
    assert trainer.dataset.test is not None
    points = trainer.dataset.to_model(trainer.dataset.test)
    for column in (0, 1):
        last = likelihood(trainer.model, points)[column]
        assert metrics["test_standardised", column] == pytest.approx(last)
        assert metrics["test", column] == pytest.approx(last - trainer.dataset.log_volume)
    best = with_test(normalised(rate=0.02))
    best.model.load_state_dict(trainer.best_state())
    values = likelihood(best.model, points)
    for column in (0, 1):
        assert metrics["test_best_standardised", column] == pytest.approx(values[column])
        assert metrics["test_best", column] == pytest.approx(values[column] - trainer.dataset.log_volume)


def test_without_test_points_nothing_is_said_of_them() -> None:
    trainer = Trainer(normalised())
    trainer.advance(30)
    assert trainer.test() == []


class WithTest(SmallData, frozen=True, kw_only=True, tag="with-test"):
    def build(self, seed: int) -> Dataset:
        return replace(super().build(seed), test=SmallData(size=40).build(77).train)


def session_of(made: Experiment, **options: Any) -> Session:
    run = made.run.changed(data=WithTest(size=130), training=made.run.training.changed(engine="eager", threads=1))
    return Session(made.changed(run=run), device="cpu", wants=frozenset(), budget=0.0, **options)


def test_a_finished_session_tells_the_test_likelihoods_at_its_last_step() -> None:
    session = session_of(normalised())
    outcome = session.run()
    assert outcome.state == "finished"
    metrics = session.metrics()
    for name in ("test", "test_best", "test_standardised", "test_best_standardised"):
        assert [metric.step for metric in metrics if metric.name == name] == [30, 30]
        assert all(value is not None and np.isfinite(value) for value in outcome.metrics[name])
        assert len(outcome.metrics[name]) == 2


def test_a_stopped_session_tells_them_too_but_not_before_the_first_step() -> None:
    session = session_of(normalised(), paused=True)
    session.post(Advance(7))
    thread = threading.Thread(target=lambda: outcomes.append(session.run()))
    outcomes: list[Any] = []
    thread.start()
    while (status := session.status.take()) is None or (status.state, status.step) != ("paused", 7):
        assert thread.is_alive()
        time.sleep(0.01)
    session.post(Stop())
    thread.join()
    assert (outcomes[0].state, outcomes[0].step) == ("stopped", 7)
    assert "test_best" in outcomes[0].metrics
    untouched = session_of(normalised(), paused=True)
    untouched.post(Stop())
    assert "test" not in untouched.run().metrics
