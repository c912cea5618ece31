"""Projects without a name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gmstudio import runs
from gmstudio.projects.project import Project

EXPERIMENT = runs.single(runs.default_run())


def test_an_empty_untitled_project_goes_when_it_is_closed(own_home: Path) -> None:
    project = Project.untitled_project()
    assert project.untitled and project.empty and project.path.parent == own_home / "untitled"
    project.set_value("window", {"size": [3, 4]})
    project.close()
    assert list((own_home / "untitled").iterdir()) == []


def test_an_untitled_project_with_a_run_stays_until_it_is_discarded() -> None:
    project = Project.untitled_project()
    project.add_run(EXPERIMENT, "cpu")
    project.close()
    assert Project.abandoned() == [project.path] and not Project.killed(project.path)
    again = Project.open(project.path)
    assert again.untitled
    again.close(discard=True)
    assert Project.abandoned() == []


def test_a_drawing_is_content() -> None:
    with Project.untitled_project() as project:
        project.set_value("drawing", {"points": [[0, 1]]})
    assert Project.abandoned() == [project.path]


@pytest.mark.parametrize(
    "part", [{"data": {"kind": "drawing", "points": [[0, 1]]}}, {"mollification": {"points": [[0, 1]]}}]
)
def test_cards_with_something_made_by_hand_are_content_and_others_are_not(part: dict[str, object]) -> None:
    with Project.untitled_project() as project:
        project.set_value("cards", {"run": {"data": {"kind": "drawing", "points": []}, "model": {"blocks": 3}}})
        assert project.empty
        project.set_value("cards", {"run": part})
        assert not project.empty


def test_untitled_projects_have_names_of_their_own() -> None:
    with Project.untitled_project() as one, Project.untitled_project() as other:
        assert one.path != other.path


def test_saving_an_untitled_project_removes_its_untitled_file(tmp_path: Path, own_home: Path) -> None:
    with Project.untitled_project() as project:
        run = project.add_run(EXPERIMENT, "cpu")
        project.save_as(tmp_path / "named.gmstudio")
        assert not project.untitled and [record.id for record in project.runs()] == [run]
        assert list((own_home / "untitled").iterdir()) == []


def test_what_a_killed_process_leaves_is_found_and_what_a_living_one_holds_is_not() -> None:
    code = """if True:
        import os, signal
        from gmstudio import runs
        from gmstudio.projects.project import Project
        project = Project.untitled_project()
        project.add_run(runs.single(runs.default_run()), "cpu", "lost")
        Project.untitled_project()
        print(project.path, flush=True)
        input()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        path = Path(process.stdout.readline().strip())
        assert Project.abandoned() == []
        process.stdin.write("\n")
        process.stdin.flush()
        process.wait(30)
    assert Project.abandoned() == [path] == Project.abandoned()
    assert Project.killed(path)
    with Project.open(path) as project:
        assert [record.id for record in project.runs()] == ["lost"]
    assert [found.name for found in path.parent.iterdir()] == [path.name]
