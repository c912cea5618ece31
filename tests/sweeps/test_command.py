"""`gmstudio sweep`, as a person runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sweeping import lengthy, sweep

from gmstudio import cli, recipes
from gmstudio.paths import resource
from gmstudio.projects.project import Project
from gmstudio.registry import to_plain
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps.plan import Plan


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "swept.gmstudio"


def written(tmp_path: Path, spec: specs.SweepSpec) -> Path:
    path = tmp_path / "sweep.json"
    path.write_text(specs.to_json(spec))
    return path


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return line


def test_a_sweep_ends_with_a_table_and_one_line_of_results(
    tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = written(tmp_path, sweep(models=[{"kind": "gaussian"}])), tmp_path / "table.md"
    common = ["sweep", str(path), "--project", str(project), "--device", "cpu", "--workers", "1"]
    assert cli.main([*common, "--out", str(out)]) == 0
    told = last_line(capsys)
    assert (told["state"], told["runs"], told["done"], told["failed"]) == ("finished", 8, 8, 0)
    assert told["project"] == str(project) and told["out"] == str(out)
    text = out.read_text()
    assert "| Two moons | -" in text and "standardised units" in text and "not done" not in text
    # Again: nothing is trained, and the table is the same.
    assert cli.main([*common, "--out", str(tmp_path / "again.md")]) == 0
    captured = capsys.readouterr()
    assert "8 runs, 8 of them done before; 0 passes" in captured.err
    assert (tmp_path / "again.md").read_text() == text
    assert cli.main([*common, "--out", str(tmp_path / "t.csv"), "--units", "data"]) == 0
    assert "data" in (tmp_path / "t.csv").read_text().splitlines()[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere/sweep.json", "--project", "P"], "/nowhere/sweep.json"),
        (["SPEC", "--project", "P", "--out", "table.xlsx"], ".csv"),
        (["SPEC", "--project", "P", "--workers", "1000"], "256"),
        (["SPEC", "--project", "P", "--cluster", "tcp://10.0.0.1:8786"], "tls://10.0.0.1:8786"),
        (["SPEC", "--project", "SPEC"], "sweep.json"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_made(
    arguments: list[str], words: str, tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"SPEC": str(written(tmp_path, sweep())), "P": str(project)}
    assert cli.main(["sweep", *(names.get(argument, argument) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
    assert not project.exists()


def test_an_interrupted_sweep_ends_cleanly_and_the_next_one_goes_on(tmp_path: Path, project: Path) -> None:
    path = written(tmp_path, lengthy(models=[{"kind": "gaussian"}]))
    command = [sys.executable, "-m", "gmstudio", "sweep", str(path), "--project", str(project), "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stderr:
            if "about" in line:
                break
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in error
    told = json.loads(out.strip().splitlines()[-1])
    assert (told["state"], told["runs"], told["done"]) == ("stopped", 1, 0)
    assert not project.with_name(project.name + ".lock").exists()
    with Project.open(project) as kept:
        assert kept.sweeps()[0].state == "stopped"


def test_an_estimate_trains_nothing(tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, lengthy())
    arguments = ["sweep", str(path), "--project", str(project), "--device", "cpu", "--workers", "1", "--estimate"]
    assert cli.main(arguments) == 0
    told = last_line(capsys)
    assert told["done"] == 0 and told["estimated_seconds"] > 0
    with Project.open(project) as kept:
        assert kept.empty


def test_the_sweep_of_table_1_is_the_papers() -> None:
    spec = specs.from_json(resource("sweeps/table1.json").read_bytes())
    assert len(spec) == 3 * 3 * 2 * 4 and spec.seeds == (1, 2, 3, 4)
    assert [getattr(data, "name", "") for data in spec.data] == ["red wine", "white wine", "Parkinsons"]
    for model, kind in zip(spec.models, recipes.MODELS, strict=True):
        assert to_plain(model).items() >= recipes.model("paper", kind).items()
    assert spec.schedules[0].off and to_plain(spec.schedules[1]).items() >= recipes.schedule("paper").items()
    assert to_plain(spec.trainings[0]).items() >= recipes.training("paper").items()
    # All seeds of a cell and of its twin are one ensemble: nine passes.
    plan = Plan(spec)
    assert [len(task.runs) for task in plan.tasks(plan.runs, 2)] == [8] * 9


def test_help_of_the_command_imports_no_torch() -> None:
    code = (
        "import sys, gmstudio.cli\n"
        "try: gmstudio.cli.main(['sweep', '--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'PySide6', 'distributed'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
