"""Sharing out tasks: what becomes of runs whose workers answer, fail or die. The workers are dummies of this test's."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

import pytest
from sweeping import events_of, sweep, until

from gmstudio.projects.project import Project
from gmstudio.runs import experiment_from_plain
from gmstudio.sweeps.events import Began, Counted, Estimated, Finished, Learned, Progress, Retried, State
from gmstudio.sweeps.spec import SweepSpec
from gmstudio.sweeps.store import Store
from gmstudio.sweeps.sweep import Sweep
from gmstudio.sweeps.workers import ClusterError, Job, Report

Answer = Callable[[Job], list[Report]]


def titles(job: Job) -> list[str]:
    return [column.title for column in experiment_from_plain(job.payload["experiment"]).columns]


def good(job: Job) -> list[Report]:
    """What a worker answers: each run's likelihood is minus its seed."""
    if job.kind == "measure":
        found = {"steps": 12, "seconds_per_step": 0.5, "building": 0.25, "ending": 0.75}
        return [Report(job.id, "done", {"found": found})]
    if job.kind == "try-baselines":
        return [Report(job.id, "done", {"found": {"seconds": 3.0}})]
    if job.kind == "baselines":
        return [Report(job.id, "done", {"found": {"gaussian": -3.0, "mixture": -2.0, "components": 2}})]
    columns = experiment_from_plain(job.payload["experiment"]).runs()
    results = [
        {"points": "validation", "last": -float(run.training.seed), "best": -0.5, "best_step": 4} for run in columns
    ]
    shared = {"log_volume": 0.25, "steps": 12, "seconds": 1.0, "device": "cpu", "engine": "eager", "versions": {}}
    plain = {"state": "running", "step": 6, "steps": 12, "rate": 2.0, "validation": {"0": -1.5}}
    curves = [[4, i, "validation", -2.0] for i in range(len(columns))]
    return [
        Report(job.id, "progress", plain),
        Report(job.id, "done", {"found": {"columns": results, "curves": curves, **shared}}),
    ]


class Dummies:
    """Workers that answer at once what they are told to; None for never."""

    def __init__(self, answer: Callable[[Job], list[Report] | None], number: int = 2) -> None:
        self.reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self.answer, self.number = answer, number
        self.jobs: list[Job] = []
        self.busy = 0
        self.calls: list[str] = []

    def __len__(self) -> int:
        return self.number

    @property
    def free(self) -> int:
        return self.number - self.busy

    def submit(self, job: Job) -> None:
        assert self.free > 0
        self.jobs.append(job)
        answer = self.answer(job)
        self.busy += answer is None
        for report in answer or ():
            self.reports.put(report)

    def pause(self, on: bool) -> None:
        self.calls.append("pause" if on else "resume")

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")

    @property
    def trained(self) -> list[list[str]]:
        return [titles(job) for job in self.jobs if job.kind == "train"]


def swept(project: Project, dummies: Dummies, spec: SweepSpec | None = None) -> Sweep:
    return Sweep(spec or sweep(), project, make=lambda *_: dummies)


def test_a_sweep_tells_what_it_does_and_keeps_what_it_finds(project: Project) -> None:
    dummies = Dummies(good)
    one = swept(project, dummies)
    assert one.state == "idle" and one.results == {}
    one.start()
    events = events_of(one)
    assert events[0] == Counted(runs=16, done=0, tasks=4)
    # 4 passes of 12 steps of half a second, built and ended in a second, and the baselines of 2 sets, on two workers.
    assert Estimated(seconds=17.0, workers=2) in events
    assert [event.state for event in events if isinstance(event, State)] == ["measuring", "running", "finished"]
    assert sum(isinstance(event, Learned) for event in events) == 2
    assert sum(isinstance(event, Began) for event in events) == 4
    progress = next(event for event in events if isinstance(event, Progress))
    assert (progress.step, progress.steps, progress.validation) == (6, 12, {progress.keys[0]: -1.5})
    told = {key for event in events if isinstance(event, Finished) for key in event.results}
    assert told == {run.key for run in one.plan.runs} == set(one.results)
    assert one.done() == 16 and dummies.calls == ["stop", "close"]
    # It is in the project, with curves to open.
    assert Store(project, one.plan).results() == one.results
    assert len(project.runs()) == 4
    for run in one.plan.runs:
        result = one.results[run.key]
        assert result.last == -float(one.spec.seeds[run.place.seed])
        column = project.run(result.run).experiment.runs()[result.place]
        assert column == one.spec.run(run.place)
        assert any(metric.column == result.place for metric in project.metrics(result.run))
    (kept,) = project.sweeps()
    assert kept.state == "finished" and kept.title == "Small"


def test_a_second_start_has_nothing_to_do(project: Project) -> None:
    first = swept(project, Dummies(good))
    first.run()
    again = swept(project, dummies := Dummies(good))
    assert again.done() == 16
    again.run()
    assert dummies.jobs == [] and len(project.runs()) == 4 and again.results == first.results
    assert again.state == "finished"


def test_two_sweeps_in_one_project_share_the_runs_that_they_have_in_common(project: Project) -> None:
    swept(project, Dummies(good)).run()
    other = swept(project, dummies := Dummies(good), sweep(title="More seeds", seeds=[2, 3]))
    assert other.done() == 8
    other.run()
    assert all(title.endswith("seed 3") for pass_ in dummies.trained for title in pass_)
    assert other.done() == 16 and len(project.sweeps()) == 2
    assert swept(project, dummies).done() == 16


def failing(bad: str, said: Any, **plain: Any) -> Answer:
    def answer(job: Job) -> list[Report]:
        if job.kind == "train" and bad in titles(job):
            return [Report(job.id, said, {"reason": "The worker died: of old age.", **plain})]
        return good(job)

    return answer


@pytest.mark.parametrize("said", ["died", "failed"])
def test_a_run_that_kills_its_worker_costs_only_itself_and_is_tried_once_more(project: Project, said: str) -> None:
    dummies = Dummies(failing("mollified · seed 2", said))
    one = swept(project, dummies)
    one.start()
    events = events_of(one)
    failed = [run.place for run in one.plan.runs if one.results[run.key].state == "failed"]
    assert [(place.schedule, place.seed) for place in failed] == [(1, 1)] * 4
    assert one.done() == 12 and one.state == "finished"
    assert {one.results[run.key].reason for run in one.plan.runs if run.place in failed} == {
        "The worker died: of old age."
    }
    # Each pass once, and then each of its runs once more, alone.
    assert sorted(map(len, dummies.trained)) == [1] * 16 + [4] * 4
    assert sum(len(event.keys) for event in events if isinstance(event, Retried)) == 16
    # What failed is on the record, and is what the next start does.
    assert project.results([run.key for run in one.plan.runs if run.place in failed])
    again = swept(project, healthy := Dummies(good))
    again.run()
    assert healthy.trained == [["mollified · seed 2"]] * 4 and again.done() == 16


def test_a_worker_that_dies_once_costs_nothing(project: Project) -> None:
    seen: list[Job] = []

    def answer(job: Job) -> list[Report]:
        if job.kind == "train" and not seen:
            seen.append(job)
            return [Report(job.id, "died", {"reason": "killed"})]
        return good(job)

    one = swept(project, Dummies(answer))
    one.run()
    assert one.done() == 16


def test_a_run_that_diverges_is_not_tried_again_and_the_others_go_on_together(project: Project) -> None:
    def answer(job: Job) -> list[Report]:
        if job.kind == "train" and "vanilla · seed 1" in titles(job):
            culprit = titles(job).index("vanilla · seed 1")
            return [Report(job.id, "failed", {"reason": "It diverged.", "columns": [culprit]})]
        return good(job)

    one = swept(project, dummies := Dummies(answer))
    one.run()
    assert one.done() == 12
    others = ["mollified · seed 1", "vanilla · seed 2", "mollified · seed 2"]
    assert sorted(map(len, dummies.trained)) == [3] * 4 + [4] * 4 and others in dummies.trained


def test_baselines_that_cannot_be_found_do_not_end_the_sweep_and_are_sought_again(project: Project) -> None:
    def answer(job: Job) -> list[Report]:
        return [Report(job.id, "died", {"reason": "killed"})] if job.kind == "baselines" else good(job)

    one = swept(project, Dummies(answer))
    one.run()
    assert one.done() == 16 and all(row.baselines == {} for row in one.table().rows)
    again = swept(project, dummies := Dummies(good))
    again.run()
    assert [job.kind for job in dummies.jobs] == ["try-baselines"] * 2 + ["baselines"] * 2
    assert [row.baselines for row in again.table("data").rows] == [{"Gaussian": -3.0, "Gaussian mixture": -2.0}] * 2


def test_while_it_is_paused_no_task_begins(project: Project) -> None:
    waiting: list[Job] = []

    def answer(job: Job) -> list[Report] | None:
        if job.kind != "train":
            return good(job)
        waiting.append(job)
        return None

    one = swept(project, dummies := Dummies(answer, number=1))
    one.start()
    until(one, Began)
    one.pause()
    while until(one, State)[-1] != State("paused"):
        pass
    assert project.sweeps()[0].state == "paused"
    # The pass under way ends, and the next one waits until somebody goes on.
    dummies.busy = 0
    for report in good(waiting[0]):
        dummies.reports.put(report)
    until(one, Finished)
    assert len(waiting) == 1
    one.resume()
    until(one, Began)
    one.stop()
    assert events_of(one)[-1] == State("stopped")
    assert dummies.calls == ["pause", "resume", "stop", "close"]
    assert one.done() == 4 and project.sweeps()[0].state == "stopped"


def test_it_can_begin_again_after_a_stop(project: Project) -> None:
    one = swept(project, Dummies(lambda job: good(job) if job.kind != "train" else None))
    one.start()
    until(one, Began)
    one.stop()
    events_of(one)
    one._make = lambda *_: Dummies(good)
    one.start()
    assert events_of(one)[-1] == State("finished") and one.done() == 16


def test_measuring_alone_trains_nothing_and_writes_nothing(project: Project) -> None:
    one = swept(project, dummies := Dummies(good))
    one.start(only_measure=True)
    events = events_of(one)
    assert any(isinstance(event, Estimated) for event in events)
    assert {job.kind for job in dummies.jobs} == {"measure", "try-baselines"}
    assert project.sweeps() == [] and project.empty


def test_an_answer_that_is_none_counts_as_a_failure(project: Project) -> None:
    def answer(job: Job) -> list[Report]:
        return [Report(job.id, "done", {"found": {"columns": [5]}})] if job.kind == "train" else good(job)

    one = swept(project, Dummies(answer))
    one.run()
    assert one.done() == 0 and one.state == "finished"
    assert all("answer" in result.reason for result in one.results.values())
    assert project.runs() == []


def test_a_lost_cluster_ends_the_sweep_with_a_reason(project: Project) -> None:
    class Lost(Dummies):
        def submit(self, job: Job) -> None:
            if job.kind == "train":
                raise ClusterError("The cluster is gone.", "Start it again.")
            super().submit(job)

    one = swept(project, Lost(good))
    one.start()
    assert events_of(one)[-1] == State("failed", "The cluster is gone. Start it again.")
    assert project.sweeps()[0].state == "failed"


def test_a_full_disk_ends_the_sweep_and_loses_nothing(project: Project) -> None:
    one = swept(project, Dummies(good))
    limit = project._rows("PRAGMA page_count")[0][0] + 2
    project._rows(f"PRAGMA max_page_count = {limit}")
    one.start()
    end = events_of(one)[-1]
    assert isinstance(end, State) and end.state == "failed" and "room" in end.reason
    project._rows("PRAGMA max_page_count = 1073741823")
    assert Store(project, one.plan).results().keys() == one.results.keys()
    again = swept(project, Dummies(good))
    again.run()
    assert again.done() == 16
