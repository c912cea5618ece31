"""Same seed, same bits; resumed is uninterrupted; looking and saving change nothing."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from small import SmallData, experiment, schedule

from gmstudio import registry
from gmstudio.models.base import ModelSpec
from gmstudio.objectives.fit import fitting
from gmstudio.runs import Column, Experiment
from gmstudio.training.checkpoint import Checkpoint
from gmstudio.training.commands import Edit, SetData, SetRate, SetSchedule
from gmstudio.training.metric import Metric
from gmstudio.training.trainer import Trainer

STEPS = 300
EDITS: dict[int, list[Edit]] = {
    41: [SetSchedule(1, schedule("constant", sigma2=0.2, per="epoch"))],
    70: [SetRate(0, 0.02), SetData(SmallData(size=77, shift=0.1))],
    90: [SetSchedule(2, schedule("linear", per="epoch"))],
    128: [SetData(SmallData(size=20, shift=0.2)), SetSchedule(0, schedule("linear", per="epoch"))],
    201: [SetRate(1, 0.001)],
}


def made() -> Experiment:
    columns = (
        Column(title="a", mollification=schedule("off")),
        Column(title="b"),
        Column(title="c", seed=5, rate=0.3),
    )
    return experiment(*columns, steps=STEPS, evaluate_every=17, clip=2.0, patience=6, size=150, decay="constant")


def drive(trainer: Trainer, until: int, chunk: int) -> list[Metric]:
    """Train to `until` in chunks, making the edits that are due on the way."""
    metrics: list[Metric] = []
    while trainer.step < until:
        ahead = [step for step in EDITS if step > trainer.step]
        trainer.advance(min([chunk, until - trainer.step, *(step - trainer.step for step in ahead)]))
        for edit in EDITS.get(trainer.step, []):
            trainer.apply(edit)
        metrics += trainer.drain()
    return metrics


def fingerprint(trainer: Trainer) -> str:
    """Every bit that a checkpoint keeps, apart from the software's versions."""
    checkpoint = trainer.checkpoint()
    digest = hashlib.sha256()
    for name in sorted(checkpoint.arrays):
        digest.update(name.encode() + checkpoint.arrays[name].tobytes())
    digest.update(repr({k: v for k, v in checkpoint.meta.items() if k != "software"}).encode())
    return digest.hexdigest()


@pytest.fixture(autouse=True)
def known_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small data set is in the registry while a test of this file runs."""
    registry.components("data")
    known = registry.Component("data", "small-data", "Small", "For tests.", "", 100, SmallData)
    monkeypatch.setitem(registry._registered["data"], "small-data", known)


@pytest.fixture(scope="module")
def uninterrupted() -> tuple[str, list[Metric], Trainer]:
    trainer = Trainer(made())
    metrics = drive(trainer, STEPS, STEPS)
    return fingerprint(trainer), metrics, trainer


def test_the_story_of_these_tests_has_a_column_that_stops_early(
    uninterrupted: tuple[str, list[Metric], Trainer],
) -> None:
    trainer = uninterrupted[2]
    assert any(trainer.stopped)
    assert not all(trainer.stopped)


@pytest.mark.parametrize("at", [0, 1, 41, 69, 71, 127, 128, 203, 299])
def test_resumed_is_uninterrupted_to_the_bit(at: int, uninterrupted: tuple[str, list[Metric], Trainer]) -> None:
    expected, metrics, whole = uninterrupted
    first = Trainer(made())
    before = drive(first, at, 13)
    kept = first.checkpoint().to_bytes()
    second = Trainer(made())
    second.restore(Checkpoint.from_bytes(kept))
    assert second.step == at
    assert second.edits == first.edits
    assert fingerprint(second) == fingerprint(first)
    after = drive(second, STEPS, 29)
    assert fingerprint(second) == expected
    assert np.array_equal(second.plans, whole.plans)
    assert np.array_equal(second.rates, whole.rates)
    assert sorted(before + after, key=repr) == sorted(metrics, key=repr)


def test_a_trainer_goes_back_to_an_earlier_checkpoint_of_its_own(
    uninterrupted: tuple[str, list[Metric], Trainer],
) -> None:
    trainer = Trainer(made())
    start = trainer.checkpoint()
    drive(trainer, 250, 50)
    trainer.restore(start)
    assert trainer.edits == []
    drive(trainer, STEPS, STEPS)
    assert fingerprint(trainer) == uninterrupted[0]


def test_looking_and_saving_at_random_moments_change_no_bit(
    uninterrupted: tuple[str, list[Metric], Trainer],
) -> None:
    chance = random.Random(3)
    trainer = Trainer(made())
    while trainer.step < STEPS:
        ahead = [step for step in EDITS if step > trainer.step]
        trainer.advance(min([chance.randint(1, 9), STEPS - trainer.step, *(step - trainer.step for step in ahead)]))
        for edit in EDITS.get(trainer.step, []):
            trainer.apply(edit)
        look = chance.choice([trainer.drain, trainer.checkpoint, trainer.best_state, lambda: trainer.batch(33)])
        look()
        torch.manual_seed(chance.randint(0, 99))
        torch.rand(3)
    assert fingerprint(trainer) == uninterrupted[0]


def test_another_process_gets_the_same_bits(uninterrupted: tuple[str, list[Metric], Trainer]) -> None:
    code = (
        f"import torch; torch.set_num_threads({torch.get_num_threads()})\n"
        "from test_resume import *\n"
        "trainer = Trainer(made()); drive(trainer, STEPS, 31); print(fingerprint(trainer))\n"
        "assert 'torch._dynamo' not in sys.modules, 'the compiler was imported: the first step is a second late'"
    )
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent.parent)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == uninterrupted[0], done.stderr
    assert done.returncode == 0, done.stderr


def test_the_global_generator_is_not_touched() -> None:
    torch.manual_seed(4)
    before = torch.get_rng_state()
    trainer = Trainer(made())
    trainer.advance(20)
    trainer.batch(10)
    trainer.restore(trainer.checkpoint())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", [c.name for c in registry.components("model")])
def test_every_model_trains_and_resumes_to_the_bit(name: str) -> None:
    model = registry.from_plain("model", {"kind": name})
    assert isinstance(model, ModelSpec)
    base = experiment(steps=9, evaluate_every=3)
    spec = base.changed(run=base.run.changed(model=model, objective=fitting(base.run.objective, model)))
    whole, first, second = Trainer(spec), Trainer(spec), Trainer(spec)
    whole.advance(9)
    first.advance(4)
    second.restore(Checkpoint.from_bytes(first.checkpoint().to_bytes()))
    second.advance(5)
    assert fingerprint(second) == fingerprint(whole)
