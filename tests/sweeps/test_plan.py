"""Which runs train together, and by which keys they are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sweeping import sweep

from gmstudio.sweeps.plan import Plan


def test_keys_are_the_same_in_another_sweep_and_differ_between_runs() -> None:
    plan = Plan(sweep())
    keys = {run.key for run in plan.runs}
    assert len(keys) == len(plan.runs) == 16
    other = Plan(sweep(title="Another", together=1, data=[{"kind": "rings", "size": 200}], seeds=[2, 7]))
    shared = keys & {run.key for run in other.runs}
    assert len(shared) == 1 * 2 * 2 * 1


@pytest.mark.parametrize(
    "change",
    [
        {"trainings": [{"steps": 13, "batch": 32, "evaluate_every": 4, "engine": "eager"}]},
        # The training's own seed draws the data.
        {"trainings": [{"steps": 12, "batch": 32, "evaluate_every": 4, "engine": "eager", "seed": 5}]},
        {"data": [{"kind": "two-moons", "size": 201}, {"kind": "rings", "size": 201}]},
        {"seeds": [3, 4]},
    ],
)
def test_what_changes_a_result_changes_every_key(change: dict[str, Any]) -> None:
    keys = {run.key for run in Plan(sweep()).runs}
    assert keys.isdisjoint(run.key for run in Plan(sweep(**change)).runs)


def test_a_task_holds_all_seeds_and_schedules_of_one_data_set_and_model() -> None:
    plan = Plan(sweep())
    tasks = plan.tasks(plan.runs)
    assert len(tasks) == 4 and [len(task.runs) for task in tasks] == [4] * 4
    for task in tasks:
        assert len({run.place[:3] for run in task.runs}) == 1
        # The columns' own specifications are those of the runs.
        assert list(task.experiment.runs()) == [plan.spec.run(run.place) for run in task.runs]
    assert [column.title for column in tasks[0].experiment.columns] == [
        "vanilla · seed 1",
        "mollified · seed 1",
        "vanilla · seed 2",
        "mollified · seed 2",
    ]


@pytest.mark.parametrize(("together", "workers"), [(1, 1), (2, 1), (3, 3), (5, 8), (8, 2), (32, 100)])
def test_every_run_is_in_one_task_that_is_not_too_large(together: int, workers: int) -> None:
    plan = Plan(sweep(seeds=[1, 2, 3, 4, 5], together=together))
    tasks = plan.tasks(plan.runs, workers)
    keys = [key for task in tasks for key in task.keys]
    assert sorted(keys) == sorted(run.key for run in plan.runs)
    assert all(len(task.runs) <= together for task in tasks)
    assert len(tasks) >= min(workers, 4 * 5)
    assert [task.id for task in tasks] == list(range(len(tasks)))


def test_vanilla_and_mollified_of_a_seed_stay_together() -> None:
    plan = Plan(sweep(seeds=[1, 2, 3, 4, 5], together=5))
    for task in plan.tasks(plan.runs, 3):
        seeds = [run.place.seed for run in task.runs]
        assert all(seeds.count(seed) == 2 for seed in seeds)


def test_only_what_is_missing_is_planned() -> None:
    plan = Plan(sweep())
    done = {run.key for run in plan.runs if run.place.seed == 0 or run.place.data == 0}
    missing = plan.missing(done)
    assert {run.key for run in missing} == {run.key for run in plan.runs} - done
    assert [len(task.runs) for task in plan.tasks(missing)] == [2, 2]
    assert plan.tasks([]) == []


def test_another_file_of_the_same_name_is_another_run(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    spec = sweep(data=[{"kind": "table", "path": str(path)}])
    missing = {run.key for run in Plan(spec).runs}
    path.write_text("a,b\n1,2\n3,4\n")
    first, again = ({run.key for run in Plan(spec).runs} for _ in range(2))
    path.write_text("a,b\n1,2\n3,5\n")
    second = {run.key for run in Plan(spec).runs}
    assert first == again and not missing & first and not first & second
    assert set(Plan(spec).data_keys) != set(Plan(sweep()).data_keys)
