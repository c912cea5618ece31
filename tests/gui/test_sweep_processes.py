"""The sweep window with real worker processes: two tiny runs to the end, and an end in the middle of one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.sweeps.desk import SweepDesk
from gmstudio.projects.project import Project
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps import writing
from gmstudio.sweeps.plan import Plan
from gmstudio.sweeps.spec import SweepSpec
from gmstudio.sweeps.store import Baselines, Store

PLAIN: dict[str, Any] = {
    "title": "A tiny table",
    "data": [{"kind": "two-moons", "size": 256}],
    "models": [{"kind": "real-nvp", "blocks": 1, "hidden": 8, "layers": 1}],
    "schedules": [{"kind": "off"}, {"kind": "sigmoid"}],
    "seeds": [4],
}


def tiny(steps: int) -> SweepSpec:
    training = {"steps": steps, "batch": 32, "threads": 1, "evaluate_every": 20}
    return specs.from_plain({**PLAIN, "trainings": [training]})


def shown_at(desk: SweepDesk, column: int) -> Any:
    assert desk.dialog is not None
    model = desk.dialog.results.model
    return model.index(0, column).data()


def know_baselines(window: MainWindow, spec: SweepSpec) -> None:
    """Keep what is known of the data without training, so that no test waits for it."""
    project, plan = window.workbench.project, Plan(spec)
    assert project is not None
    Store(project, plan).save_baselines(plan.data_keys[0], Baselines(gaussian=-2.5, mixture=-1.5))


def pids(desk: SweepDesk) -> list[int]:
    """The processes that train."""
    sweep = desk.control.sweep
    assert sweep is not None
    workers: Any = sweep._workers
    return [process.pid for process in workers.processes if process.pid is not None]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def sweep_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "sweep"]


def test_two_tiny_runs_are_trained_kept_and_shown(qtbot: Any, window: MainWindow) -> None:
    desk = window.handlers.sweeps.desk
    desk._calm.setInterval(600_000)
    know_baselines(window, tiny(40))
    dialog = desk.show_spec(tiny(40))
    dialog.plan.form.take("workers", 1)
    dialog.plan.start.click()
    qtbot.waitUntil(lambda: desk.control.state == "running", timeout=60_000)
    trainers = pids(desk)
    qtbot.waitUntil(lambda: desk.control.state == "finished", timeout=60_000)
    sweep = desk.control.sweep
    assert sweep is not None
    assert desk.control.counts() == (2, 2, 0)
    cells = sweep.table().rows[0].cells
    assert [shown_at(desk, column) for column in range(2)] == [writing.shown(cell, "last") for cell in cells]
    assert [shown_at(desk, column) for column in (2, 3)] == ["-2.50", "-1.50"]
    dialog.results.table.setCurrentIndex(dialog.results.model.index(0, 1))
    dialog.results.runs.curves.click()
    assert window.display.run == cells[1].runs[0]
    assert sweep_threads() == [pid for pid in trainers if is_alive(pid)] == []


def test_closing_the_program_ends_a_sweep_its_thread_and_its_processes(
    qtbot: Any, make_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    path = tmp_path / "running.gmstudio"
    Project.create(path).close()
    window = make_window(path=path)
    desk = window.handlers.sweeps.desk
    desk._calm.setInterval(600_000)
    spec = tiny(10_000_000)
    know_baselines(window, spec)
    desk.show_spec(spec).plan.form.take("workers", 1)
    desk.start()
    qtbot.waitUntil(lambda: desk.control.share() > 0, timeout=60_000)
    trainers = pids(desk)
    assert [is_alive(pid) for pid in trainers] == [True]
    window.close()
    assert not window.lingering
    assert sweep_threads() == [pid for pid in trainers if is_alive(pid)] == []
    with Project.open(path) as project:
        assert [record.state for record in project.sweeps()] == ["stopped"]
