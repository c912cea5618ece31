"""Killing a process that writes: what it was told is kept, is kept."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gmstudio import runs
from gmstudio.observation.frame import ColumnFrame
from gmstudio.projects.project import LockedProject, Project

if sys.platform == "win32":
    pytest.skip("signals are needed", allow_module_level=True)

#: Writes numbered metrics, frames and checkpoints for ever, and says a number once all of it is committed.
WRITER = """
import sys
import numpy as np
from gmstudio.observation.frame import ColumnFrame, Frame, Metric, View
from gmstudio.projects.project import Project
from gmstudio.training.checkpoint import Checkpoint

project = Project.open(sys.argv[1])
view = View(bounds=(-4.0, 4.0, -4.0, 4.0), grid=64)
at = max((metric.step for metric in project.metrics("r")), default=0)
while True:
    at += 1
    project.add_metrics("r", [Metric(at, column, "train", float(at)) for column in (0, 1)])
    project.save_frame(Frame("r", at, view, (ColumnFrame(np.full((64, 64), at, dtype=np.float32)),)))
    arrays = {"model.w": np.full((2, 100, 100), at, dtype=np.float32)}
    project.save_checkpoint("r", Checkpoint(step=at, arrays=arrays, meta={}))
    project.set_state("r", "running", at)
    print(at, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "killed.gmstudio"
    with Project.create(path) as project:
        project.add_run(runs.twins(runs.default_run()), "cpu", "r")
    return path


def acknowledged_by_a_killed_writer(path: Path, seconds: float) -> int:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, "the writer died by itself"
        time.sleep(seconds)
        process.kill()
        rest = process.stdout.read()
        process.wait(30)
    # The last line may be cut.
    whole = [line for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]
    return int(whole[-1])


def test_nothing_acknowledged_is_lost_when_a_writer_is_killed_again_and_again(path: Path) -> None:
    chance = random.Random(7)
    reached = 0
    for _ in range(5):
        told = acknowledged_by_a_killed_writer(path, chance.uniform(0.05, 0.4))
        assert told > reached
        reached = told
        with Project.open(path) as project:
            steps = {column: [m.step for m in project.metrics("r") if m.column == column] for column in (0, 1)}
            assert steps[0] == steps[1] == list(range(1, len(steps[0]) + 1))
            assert len(steps[0]) >= told
            # Thinning may have dropped the frame of `told` for one that was written after it.
            last = project.frame_steps("r")[-1]
            assert last >= told
            frame = project.frame("r", last)
            assert frame is not None and frame.step == last
            shown = frame.columns[0]
            assert isinstance(shown, ColumnFrame) and shown.log_density is not None
            np.testing.assert_allclose(shown.log_density, last, rtol=1e-3)
            checkpoint = project.checkpoint("r")
            assert checkpoint is not None and checkpoint.step >= told
            assert (checkpoint.arrays["model.w"] == checkpoint.step).all()
            assert project.run("r").step >= told


def test_a_killed_writer_can_be_read_without_writing_and_saved_elsewhere(path: Path, tmp_path: Path) -> None:
    told = acknowledged_by_a_killed_writer(path, 0.1)
    with Project.open(path, read_only=True) as project:
        assert project.metrics("r")[-1].step >= told
        project.save_as(tmp_path / "copy.gmstudio")
        assert project.metrics("r")[-1].step >= told
    with Project.open(tmp_path / "copy.gmstudio") as copy:
        assert copy.metrics("r")[-1].step >= told


def test_a_living_writer_holds_the_project_and_a_killed_one_does_not(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(LockedProject, match=f"process {process.pid} on this computer") as refused:
            Project.open(path)
        assert "read-only" in refused.value.remedy and "copy" in refused.value.remedy
        with Project.open(path, read_only=True) as reader:
            assert reader.metrics("r")
        process.kill()
        process.wait(30)
    Project.open(path).close()
    assert not path.with_name(path.name + ".lock").exists()
