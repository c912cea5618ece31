"""What a worker measures of a training before it is made, and what it sends home of its models."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sweeping import sweep

from gmstudio import runs
from gmstudio.projects.project import Project
from gmstudio.registry import SpecError
from gmstudio.sweeps import jobs, picture
from gmstudio.sweeps.plan import Plan, Task
from gmstudio.sweeps.store import Store
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


@pytest.fixture
def task() -> Task:
    """Vanilla and mollified with two seeds, on two moons."""
    plan = Plan(sweep(models=[{"kind": "real-nvp", "blocks": 1, "hidden": 8, "layers": 1}]))
    return plan.tasks(plan.runs)[0]


def trained(task: Task) -> dict[str, Any]:
    payload = {"experiment": runs.experiment_to_plain(task.experiment), "device": "cpu"}
    return jobs.train(payload, jobs.Control(), lambda plain: None)


def test_a_run_of_a_sweep_is_kept_with_a_picture_of_its_finished_models(
    monkeypatch: pytest.MonkeyPatch, project: Project, task: Task
) -> None:
    # However slow this machine is.
    monkeypatch.setattr(picture, "SECONDS", 1e9)
    found = trained(task)
    results = Store(project, Plan(sweep())).save(task, found)
    run = results[task.keys[0]].run
    assert project.frame_steps(run) == [found["steps"]]
    frame, checkpoint = project.frame(run, found["steps"]), project.checkpoint(run)
    assert frame is not None and checkpoint is not None and project.truth(run) is not None
    again = training.Trainer(task.experiment)
    again.restore(checkpoint)
    again.refresh()
    dataset = again.dataset
    grid = dataset.to_model(torch.from_numpy(frame.view.points(frame.view.grid)))
    with torch.no_grad():
        again.model.eval()
        expected = again.model.log_prob(grid.expand(len(task.runs), -1, -1)) - dataset.log_volume
    for column, values in zip(frame.columns, expected.numpy(), strict=True):
        assert column.log_density is not None and column.samples is not None and column.score is not None
        # It is kept in half precision.
        near = values > -30.0
        assert near.sum() > 100
        assert np.allclose(column.log_density.ravel()[near], values[near], atol=0.02)


def test_a_picture_of_other_columns_is_refused(project: Project, task: Task) -> None:
    found, fewer = trained(task), Plan(sweep()).task(9, task.runs[:1])
    other = {**found, "columns": found["columns"][:1], "curves": []}
    with pytest.raises(SpecError, match="one column for each run"):
        Store(project, Plan(sweep())).save(fewer, other)
    assert project.runs() == []


def test_a_result_is_not_lost_because_its_model_cannot_be_drawn(monkeypatch: pytest.MonkeyPatch, task: Task) -> None:
    def refuse(*arguments: Any) -> Any:
        raise RuntimeError("singular")

    monkeypatch.setattr(picture, "take", refuse)
    found = trained(task)
    assert len(found["columns"]) == len(task.runs) and "frame" not in found
