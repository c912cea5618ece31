"""Sweeps and results in a project."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gmstudio import runs
from gmstudio.projects import schema, storage
from gmstudio.projects.project import Project, ProjectError
from gmstudio.projects.results import ResultRecord

EXPERIMENT = runs.twins(runs.default_run())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "mine.gmstudio")
    yield made
    made.close()


def test_results_come_back_under_their_keys_after_reopening(project: Project) -> None:
    run = project.add_run(EXPERIMENT, "cpu")
    kept = [ResultRecord(f"key {i}", {"value": i, "text": "ü"}, run, i % 2) for i in range(1201)]
    project.save_results(kept)
    project.close()
    with Project.open(project.path) as again:
        found = again.results([f"key {i}" for i in range(-5, 1201)])
        assert found == {record.key: record for record in kept}


def test_a_later_result_takes_the_place_of_an_earlier_one(project: Project) -> None:
    project.save_results([ResultRecord("a", {"value": 1}), ResultRecord("b", {"value": 2})])
    project.save_results([ResultRecord("a", {"value": 3})])
    assert {key: found.data["value"] for key, found in project.results(["a", "b"]).items()} == {"a": 3, "b": 2}


def test_results_of_one_batch_are_kept_together_or_not_at_all(project: Project) -> None:
    def some() -> list[ResultRecord]:
        return [ResultRecord("a", {"value": 1}), ResultRecord("b", {"value": float("nan")})]

    with pytest.raises(ValueError, match="not JSON compliant"):
        project.save_results(some())
    assert project.results(["a", "b"]) == {}


def test_a_result_outlives_the_run_that_holds_its_curves(project: Project) -> None:
    run = project.add_run(EXPERIMENT, "cpu")
    project.save_results([ResultRecord("a", {"value": 1}, run, 1)])
    project.remove_run(run)
    assert project.results(["a"]) == {"a": ResultRecord("a", {"value": 1}, "", 1)}


def test_a_result_that_cannot_be_read_counts_as_unknown(project: Project) -> None:
    project.save_results([ResultRecord("a", {"value": 1}), ResultRecord("b", {}), ResultRecord("c", {})])
    project._write("UPDATE result SET data = '{' WHERE key = 'b'")
    project._write("UPDATE result SET data = '[1]' WHERE key = 'c'")
    assert list(project.results(["a", "b", "c"])) == ["a"]


def test_the_same_sweep_is_noted_once_and_a_second_one_beside_it(project: Project) -> None:
    project.add_sweep("one", "First", "{}")
    project.set_sweep_state("one", "stopped")
    project.add_sweep("two", "Second", "[]")
    project.add_sweep("one", "First", "{}")
    assert [(sweep.id, sweep.title, sweep.state, sweep.spec) for sweep in project.sweeps()] == [
        ("one", "First", "running", "{}"),
        ("two", "Second", "running", "[]"),
    ]
    project.remove_sweep("one")
    assert [sweep.id for sweep in project.sweeps()] == ["two"]
    with pytest.raises(ProjectError, match="'one'"):
        project.set_sweep_state("one", "finished")


def test_a_project_with_a_sweep_is_not_empty(project: Project) -> None:
    assert project.empty
    project.add_sweep("one", "First", "{}")
    assert not project.empty


def test_a_project_of_the_first_version_is_brought_up_to_date(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "old.gmstudio"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        storage.create(path)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO value VALUES ('mine', '7')")
    connection.commit()
    connection.close()
    with Project.open(path, read_only=True) as copy:
        assert copy.sweeps() == [] and copy.value("mine") == 7
    with Project.open(path) as project:
        project.add_sweep("one", "First", "{}")
        assert project.value("mine") == 7 and len(project.sweeps()) == 1
