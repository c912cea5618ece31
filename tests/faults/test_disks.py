"""Disks that are full, read-only or without locks."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gmstudio import runs
from gmstudio.observation.frame import Metric
from gmstudio.projects import lock as lock_module
from gmstudio.projects.lock import Lock
from gmstudio.projects.project import DiskFull, LockedProject, Project, ProjectError, ReadOnlyProject
from gmstudio.training.checkpoint import Checkpoint

EXPERIMENT = runs.single(runs.default_run())


def large(step: int) -> Checkpoint:
    numbers = np.random.default_rng(step).standard_normal(100_000).astype(np.float32)
    return Checkpoint(step=step, arrays={"model.w": numbers}, meta={})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "mine.gmstudio")
    made.add_run(EXPERIMENT, "cpu", "r")
    made.save_checkpoint("r", large(1))
    yield made
    made.close()


def limit_pages(project: Project, more: int) -> None:
    connection = project._open_connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + more}")


def test_a_full_disk_is_named_and_leaves_what_was_saved(project: Project) -> None:
    limit_pages(project, 8)
    with pytest.raises(DiskFull, match="Free some space"):
        project.save_checkpoint("r", large(2), "first")
    kept = project.checkpoint("r")
    assert kept is not None and kept.step == 1
    with pytest.raises(DiskFull), project.batch():
        project.set_value("small", 1)
        project.save_checkpoint("r", large(2), "first")
    assert project.value("small") is None


def test_the_project_goes_on_once_there_is_room_again(project: Project) -> None:
    limit_pages(project, 8)
    with pytest.raises(DiskFull):
        project.save_checkpoint("r", large(2), "first")
    limit_pages(project, 10_000)
    project.save_checkpoint("r", large(2))
    kept = project.checkpoint("r")
    assert kept is not None and kept.step == 2


def test_a_project_on_a_full_disk_can_be_saved_on_another(project: Project, tmp_path: Path) -> None:
    limit_pages(project, 8)
    with pytest.raises(DiskFull):
        project.save_checkpoint("r", large(2), "first")
    project.save_as(tmp_path / "elsewhere.gmstudio")
    project.save_checkpoint("r", large(2), "first")
    kept = project.checkpoint("r")
    assert kept is not None and kept.step == 1


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the system are needed")
def test_a_file_that_the_system_will_not_let_grow_is_a_message_and_loses_nothing(project: Project) -> None:
    target = project.path.with_name("target.gmstudio")
    project.close()
    code = """if True:
        import pathlib, resource, sys
        import numpy as np
        from gmstudio.projects.project import Project, ProjectError
        from gmstudio.training.checkpoint import Checkpoint
        project = Project.open(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        numbers = np.random.default_rng(0).standard_normal(200_000)
        for work in (
            lambda: project.save_checkpoint("r", Checkpoint(step=5, arrays={"model.w": numbers}, meta={})),
            lambda: project.save_as(sys.argv[2]),
        ):
            try:
                work()
            except ProjectError as error:
                print(type(error).__name__, bool(error.remedy))
        project.set_value("small", 1)
        print(project.checkpoint("r").step, project.value("small"), project.path == pathlib.Path(sys.argv[1]))
        project.close()
    """
    done = subprocess.run(
        [sys.executable, "-c", code, str(project.path), str(target)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert all(line.split()[0] in ("DiskFull", "ProjectError") and line.endswith("True") for line in lines[:2])
    assert lines[2] == "1 1 True"
    assert [path.name for path in target.parent.iterdir()] == ["mine.gmstudio"]
    with Project.open(project.path) as again:
        kept = again.checkpoint("r")
        assert kept is not None and kept.step == 1 and again.value("small") == 1


def test_a_medium_that_became_read_only_is_named(project: Project) -> None:
    project._open_connection().execute("PRAGMA query_only = ON")
    with pytest.raises(ReadOnlyProject, match="read-only") as refused:
        project.add_metrics("r", [Metric(1, 0, "train", 1.0)])
    assert refused.value.remedy
    assert project.metrics("r") == []


def test_a_folder_that_must_not_be_written_is_named_and_can_be_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.close()
    whole = os.open

    def refuse(path: object, flags: int, mode: int = 0o777, **more: object) -> int:
        if str(path).endswith(".lock"):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, flags, mode, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(lock_module.os, "open", refuse)
    with pytest.raises(ReadOnlyProject, match="Permission denied"):
        Project.open(project.path)
    with Project.open(project.path, read_only=True) as reader:
        assert [record.id for record in reader.runs()] == ["r"]


def test_a_project_whose_log_cannot_be_shared_is_read_from_a_copy(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log file without its index, in a folder that must not be written."""
    project.set_value("in the log", True)
    from gmstudio.projects import storage

    connect = storage.connect

    def refuse(path: Path, mode: str) -> sqlite3.Connection:
        if mode == "ro":
            # A file in no folder cannot be opened: the error that a read-only folder gives.
            return connect(path / "nowhere", "ro")
        return connect(path, mode)

    monkeypatch.setattr(storage, "connect", refuse)
    reader = Project.open(project.path, read_only=True)
    assert reader.value("in the log") is True
    folder = reader._folder
    assert folder is not None and folder.exists()
    reader.close()
    assert not folder.exists()


def test_without_locks_the_process_in_the_lock_file_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "_take", lambda file: None)
    path = tmp_path / "shared.gmstudio"
    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        dead.wait(30)
    for pid, host, held in (
        (os.getpid(), socket.gethostname(), True),
        (os.getppid(), socket.gethostname(), True),
        (dead.pid, socket.gethostname(), False),
        (2**70, socket.gethostname(), False),
        (dead.pid, "another-computer", True),
    ):
        path.with_name(path.name + ".lock").write_text(json.dumps({"pid": pid, "host": host}))
        if held:
            with pytest.raises(LockedProject, match=f"process {pid}"):
                Lock(path)
        else:
            Lock(path).release()


@pytest.mark.parametrize("text", ["", "garbage", "[]", '{"pid": "x", "host": 3}', "[" * 5000, "\x00" * 100])
def test_garbage_in_a_lock_file_keeps_nobody_out(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.gmstudio"
    path.with_name(path.name + ".lock").write_text(text)
    held = Lock(path)
    with pytest.raises(LockedProject):
        Lock(path)
    held.release()
    Lock(path).release()


def test_a_file_system_without_shared_memory_is_used_the_older_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gmstudio.projects import storage

    connect = storage.connect

    def without_wal(path: Path, mode: str) -> sqlite3.Connection:
        connection = connect(path, mode)
        denied = (sqlite3.SQLITE_PRAGMA, "journal_mode", "WAL")
        connection.set_authorizer(lambda *given: sqlite3.SQLITE_DENY if given[:3] == denied else sqlite3.SQLITE_OK)
        return connection

    monkeypatch.setattr(storage, "connect", without_wal)
    with Project.create(tmp_path / "net.gmstudio") as project:
        assert project._rows("PRAGMA journal_mode") == [("delete",)]
        assert project._rows("PRAGMA synchronous") == [(2,)]
        project.set_value("a", 1)
    with Project.open(tmp_path / "net.gmstudio") as again:
        assert again.value("a") == 1


# Saving in odd places.


def test_saving_onto_itself_changes_nothing(project: Project, tmp_path: Path) -> None:
    link = tmp_path / "link.gmstudio"
    link.symlink_to(project.path)
    for path in (project.path, link, tmp_path / ".." / tmp_path.name / "mine.gmstudio"):
        project.save_as(path)
    project.set_value("after", 1)
    assert project.path.name == "mine.gmstudio" and project.value("after") == 1


def test_places_that_cannot_hold_a_project_are_named_and_the_project_stays(project: Project, tmp_path: Path) -> None:
    (tmp_path / "folder.gmstudio").mkdir()
    (tmp_path / "file").write_text("mine")
    with Project.create(tmp_path / "other.gmstudio") as other:
        for place, words in (
            (tmp_path / "folder.gmstudio", "is a folder"),
            (tmp_path / "missing" / "x.gmstudio", "no folder"),
            (tmp_path / "file" / "x.gmstudio", "no folder"),
            (tmp_path / ("x" * 300 + ".gmstudio"), "too long"),
            (other.path, "open in another"),
        ):
            with pytest.raises(ProjectError, match=words) as refused:
                project.save_as(place)
            assert refused.value.remedy
    project.set_value("after", 1)
    assert project.path == tmp_path / "mine.gmstudio"
    names = {path.name for path in tmp_path.iterdir() if not path.name.startswith("mine.gmstudio")}
    assert names == {"folder.gmstudio", "file", "other.gmstudio"}


def test_a_failure_while_saving_leaves_both_files_as_they_were(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target.gmstudio"
    with Project.create(target) as other:
        other.set_value("old", True)

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(DiskFull):
            project.save_as(target)
    with Project.open(target) as other:
        assert other.value("old") is True
    project.set_value("after", 1)
    assert project.path == tmp_path / "mine.gmstudio" and project.value("after") == 1
    assert not list(tmp_path.glob(".*.part*"))
