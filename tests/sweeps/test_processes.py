"""Real worker processes: killed, poisoned, stopped, and left behind by a program that is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sweeping
from sweeping import BAD, COMPONENT, events_of, lengthy, processes, sweep, until

from gmstudio import registry
from gmstudio.projects.project import Project
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps.events import Began, Progress, Retried, State
from gmstudio.sweeps.plan import Plan
from gmstudio.sweeps.processes import Processes
from gmstudio.sweeps.store import Store
from gmstudio.sweeps.sweep import Sweep
from gmstudio.sweeps.workers import Job, environment

if sys.platform == "win32":
    pytest.skip("signals are needed", allow_module_level=True)


@pytest.fixture(autouse=True)
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Poison` is known in the tests of this file only."""
    registry.components("model")
    monkeypatch.setitem(registry._registered["model"], "poison", COMPONENT)


def test_what_is_refused_is_reported_at_once_with_its_remedy(project: Project) -> None:
    one = Sweep(sweep(data=[{"kind": "drawing"}], models=[{"kind": "gaussian"}]), project, make=processes(1))
    one.start()
    events = events_of(one)
    assert not [event for event in events if isinstance(event, Retried)]
    (reason,) = {result.reason for result in one.results.values()}
    assert len(one.results) == 4 and one.done() == 0 and "raw" in reason
    (row,) = one.table().rows
    assert row.points == "" and row.baselines == {}


def alive(pid: int) -> bool:
    """Whether a process lives and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], timeout: float = 20) -> bool:
    end = time.monotonic() + timeout
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(alive, pids))


def children(pid: int) -> list[int]:
    """The worker processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            command = path.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == pid and (b"gmstudio.sweeps.worker" in command or b"sweeping.py" in command):
            found.append(int(path.parent.name))
    return found


def test_poisoned_runs_cost_only_themselves_whatever_they_do(project: Project) -> None:
    """One raises, one ends the process, one diverges; with them train others that are well."""
    spec = sweep(
        data=[{"kind": "two-moons", "size": 200}],
        models=[{"kind": "poison", "how": how} for how in ("raise", "exit", "diverge")],
        schedules=[{"kind": "off"}],
        seeds=[1, BAD],
    )
    one = Sweep(spec, project, make=processes())
    one.start()
    events = events_of(one)
    assert one.state == "finished" and one.done() == 3
    reasons = {}
    for run in one.plan.runs:
        result = one.results[run.key]
        assert (result.state == "failed") == (spec.seeds[run.place.seed] == BAD)
        if result.state == "failed":
            reasons[spec.models[run.place.model].how] = result.reason  # type: ignore[attr-defined]
        else:
            assert result.last is not None and -4 < result.last < -1
    assert "this run is poisoned" in reasons["raise"]
    assert "ended with status 3" in reasons["exit"] and "I take the poison" in reasons["exit"]
    assert "diverged" in reasons["diverge"]
    # Those that may have had bad luck were tried again, those of which that is known not to be so were not.
    retried = [event for event in events if isinstance(event, Retried)]
    assert sorted(len(event.keys) for event in retried) == [1, 2, 2]
    assert children(os.getpid()) == []


class Watched(Processes):
    """Knows how many runs each of its workers trains."""

    def __init__(self) -> None:
        super().__init__(2, command=(sys.executable, sweeping.__file__))
        self.columns: dict[int, int] = {}

    def submit(self, job: Job) -> None:
        if job.kind == "train":
            self.columns[job.id] = len(job.payload["experiment"]["columns"])
        super().submit(job)


def test_workers_that_are_killed_at_random_cost_no_run(project: Project) -> None:
    chance = random.Random(11)
    spec = sweep(trainings=[{"steps": 60, "batch": 32, "evaluate_every": 20, "engine": "eager"}])
    group = Watched()
    one = Sweep(spec, project, make=lambda *_: group)
    one.start()
    kills = 0
    while kills < 2:
        until(one, Began)
        time.sleep(chance.uniform(0, 0.2))
        # A run whose worker is killed twice has failed, so only workers with runs that train together at first.
        busy = [process for process in group.processes if group.columns.get(process.job or 0, 0) > 1]
        pids = [process.pid for process in busy if process.pid]
        if pids:
            os.kill(chance.choice(pids), signal.SIGKILL)
            kills += 1
    events_of(one)
    assert one.done() == 16 and one.state == "finished"
    # Nothing is doubled: each run's curves are in the project once.
    columns = [column for record in project.runs() for column in record.experiment.runs()]
    assert len(columns) == 16
    assert Store(project, one.plan).results() == one.results


def test_a_stop_ends_runs_and_processes_and_those_that_hang_too(project: Project) -> None:
    one = Sweep(
        lengthy(models=[{"kind": "gaussian"}, {"kind": "poison", "how": "hang"}], seeds=[BAD]),
        project,
        make=processes(),
    )
    # Measuring hangs as training would.
    one.start()
    while not (pids := children(os.getpid())):
        time.sleep(0.02)
    one.stop()
    assert events_of(one)[-1] == State("stopped")
    assert gone(pids) and one.done() == 0


def test_a_pause_holds_the_steps_and_they_go_on(project: Project) -> None:
    one = Sweep(lengthy(), project, make=processes(1))
    one.start()
    while (told := until(one, Progress)[-1]).state != "running":  # type: ignore[union-attr]
        pass
    one.pause()
    while (told := until(one, Progress)[-1]).state != "paused":  # type: ignore[union-attr]
        pass
    assert isinstance(told, Progress)
    one.resume()
    while until(one, Progress)[-1].step <= told.step:  # type: ignore[union-attr]
        pass
    one.stop()
    assert events_of(one)[-1] == State("stopped")


#: Sweeps until it is killed, and says each result that it has kept.
PROGRAM = """
import sys
from gmstudio.projects.project import Project
from gmstudio.sweeps import spec
from gmstudio.sweeps.events import ENDS, Finished, State
from gmstudio.sweeps.processes import Processes
from gmstudio.sweeps.sweep import Sweep

with Project.open(sys.argv[1]) as project:
    workers = Processes(2, command=(sys.executable, sys.argv[3]))
    sweep = Sweep(spec.from_json(open(sys.argv[2]).read()), project, make=lambda *_: workers)
    sweep.start()
    while True:
        event = sweep.events.get()
        if isinstance(event, Finished):
            for key, result in event.results.items():
                print(key, result.last, flush=True)
        if isinstance(event, State) and event.state in ENDS:
            break
"""


@contextmanager
def program(path: Path, spec: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), str(spec), sweeping.__file__], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_program_that_is_killed_loses_no_result_and_leaves_no_worker(project: Project, tmp_path: Path) -> None:
    spec = sweep(
        data=[{"kind": "two-moons", "size": 200}],
        seeds=[1, 2, 3, 4],
        together=2,
        trainings=[{"steps": 150, "batch": 32, "evaluate_every": 50, "engine": "eager"}],
    )
    path, file = project.path, tmp_path / "spec.json"
    file.write_text(specs.to_json(spec))
    project.close()
    told: dict[str, str] = {}
    with program(path, file) as process:
        assert process.stdout is not None
        for _ in range(6):
            key, last = process.stdout.readline().split()
            told[key] = last
        workers = children(process.pid)
        process.kill()
        told.update(line.split() for line in process.stdout.read().splitlines())
    assert 1 <= len(workers) <= 2 and gone(workers)
    with Project.open(path) as again:
        plan = Plan(spec)
        kept = Store(again, plan).results()
        # What was told is kept; what was kept a moment before the end may not have been told.
        assert 6 <= len(told) <= len(kept) < 16
        assert {key: str(kept[key].last) for key in told} == told
        one = Sweep(spec, again, make=processes())
        one.start()
        began = [key for event in events_of(one) if isinstance(event, Began) for key in event.keys]
        assert sorted(began) == sorted({run.key for run in plan.runs} - set(kept))
        assert one.done() == 16
        assert {key: one.results[key] for key in kept} == kept
        columns = [column for record in again.runs() for column in record.experiment.runs()]
        assert len(columns) == 16
        assert again.sweeps()[0].state == "finished"


def test_a_worker_ends_with_its_standard_input_though_it_is_in_the_middle_of_a_job() -> None:
    job = {
        "job": 1,
        "kind": "train",
        "payload": {"experiment": {"data": {"kind": "two-moons"}, "model": {"kind": "maf"}}},
    }
    with subprocess.Popen(
        [sys.executable, "-m", "gmstudio.sweeps.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"said": "ready"}
        process.stdin.close()
        assert process.wait(20) in (0, -signal.SIGKILL)


def test_workers_share_the_processor_and_have_a_gpu_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmstudio.sweeps.workers.cores", lambda: 8)
    found = [environment(place, 3, ("4", "GPU-5")) for place in range(3)]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in found] == ["4", "GPU-5", "4"]
    assert {one["OMP_NUM_THREADS"] for one in found} == {"2"}
    assert environment(0, 1, ())["CUDA_VISIBLE_DEVICES"] == ""
    assert environment(0, 99, ())["OMP_NUM_THREADS"] == "1"
