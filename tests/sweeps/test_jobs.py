"""What a worker measures of a training before it is made."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gmstudio import runs
from gmstudio.sweeps import jobs
from gmstudio.training import trainer as training
from gmstudio.training import validation
from gmstudio.training.engines.eager import EagerEngine


@pytest.mark.parametrize("evaluate_every", [0, 1, 7, 1000])
def test_a_training_takes_as_long_as_was_measured_with_its_looks_and_its_test(
    monkeypatch: pytest.MonkeyPatch, evaluate_every: int
) -> None:
    plain = {
        "data": {"kind": "uci", "name": "iris"},
        "model": {"kind": "real-nvp", "blocks": 1, "hidden": 8, "layers": 1},
        "training": {"epochs": 30, "batch": 32, "threads": 1, "evaluate_every": evaluate_every},
    }
    experiment = runs.twins(runs.run_from_plain(plain))
    clock = [0.0]
    step, likelihood = EagerEngine.step, validation.likelihood

    def stepped(self: Any, block: Any, offset: int, count: int) -> None:
        clock[0] += 1.0 * count
        step(self, block, offset, count)

    def looked(*arguments: Any) -> Any:
        clock[0] += 10.0
        return likelihood(*arguments)

    monkeypatch.setattr(EagerEngine, "step", stepped)
    for module in (training, validation):
        monkeypatch.setattr(module, "likelihood", looked)
    monkeypatch.setattr(jobs, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(jobs, "MEASURE_SECONDS", 60.0)
    found = jobs.measure({"experiment": runs.experiment_to_plain(experiment)}, jobs.Control(), lambda plain: None)

    clock[0] = 0.0
    made = training.Trainer(experiment)
    made.advance(10**6)
    made.test()
    assert found["steps"] == made.step
    foretold = found["building"] + found["steps"] * found["seconds_per_step"] + found["ending"]
    assert foretold == pytest.approx(clock[0])
