"""The command line, run as a person runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gmstudio import cli

SPEC = {
    "data": {"kind": "two-moons", "size": 500},
    "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8},
    "mollification": {"kind": "sigmoid"},
    "training": {"steps": 30, "batch": 32, "evaluate_every": 10},
}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC))
    return path


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    line: dict[str, object] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return line


def test_train_ends_with_one_line_of_results(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", str(spec), "--device", "cpu"]) == 0
    result = last_line(capsys)
    assert result["state"] == "finished" and result["step"] == 30
    (column,) = result["columns"]  # type: ignore[misc]
    assert column["validation"] < 0 and column["kl"] > 0


def test_steps_and_twin_override_the_file(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", str(spec), "--twin", "--steps", "12"]) == 0
    result = last_line(capsys)
    assert result["step"] == 12
    assert [c["title"] for c in result["columns"]] == ["Vanilla", "Mollified"]  # type: ignore[attr-defined]


def test_a_project_is_recorded_listed_and_exported(
    spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "out.gmstudio"
    assert cli.main(["train", str(spec), "--twin", "--project", str(project)]) == 0
    trained = last_line(capsys)
    assert cli.main(["info", "--runs", str(project)]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["run"] == trained["run"] and listed["state"] == "finished" and listed["step"] == 30
    assert cli.main(["export", str(project), "--out", str(tmp_path / "model")]) == 0
    assert (tmp_path / "model" / "model.safetensors").exists()
    for kind, name in (("script", "run.py"), ("csv", "run.csv"), ("spec", "run.json")):
        assert cli.main(["export", str(project), "--format", kind, "--out", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 100
    assert cli.main(["train", str(tmp_path / "run.json"), "--steps", "2"]) == 0


def test_an_exported_model_loads_and_evaluates(spec: Path, tmp_path: Path) -> None:
    import torch

    import gmstudio

    project = tmp_path / "out.gmstudio"
    assert cli.main(["train", str(spec), "--project", str(project)]) == 0
    assert cli.main(["export", str(project), "--out", str(tmp_path / "model")]) == 0
    model = gmstudio.load(tmp_path / "model")
    x = torch.randn(7, 2)
    assert model.log_prob(x).shape == (7,) and model.score(x).shape == (7, 2)
    assert torch.equal(model.sample(9, seed=1), model.sample(9, seed=1))


def test_a_finished_run_can_be_gone_on_with_without_harm(
    spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "out.gmstudio"
    cli.main(["train", str(spec), "--project", str(project)])
    assert cli.main(["train", str(spec), "--project", str(project), "--resume", "last"]) == 0
    assert last_line(capsys)["step"] == 30


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[]", "object"),
        ('{"data": {"kind": "two-moons"}}', "no model"),
        ('{"data": {"kind": "three-moons"}, "model": {"kind": "maf"}}', "three-moons"),
        ('{"data": {"kind": "two-moons", "size": 0}, "model": {"kind": "maf"}}', "Size"),
        ('{"data": {"kind": "two-moons"}, "model": {"kind": "maf", "bloks": 3}}', "bloks"),
        ('{"data": {"kind": "drawing"}, "model": {"kind": "maf"}}', "raw"),
        ('{"data": {"kind": "two-moons"}, "model": {"kind": "maf"}, "training": {"rate": NaN}}', "NaN"),
    ],
)
def test_a_bad_specification_names_the_thing(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    assert cli.main(["train", str(path)]) in (1, 2)
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


def test_a_missing_specification_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "/nowhere/spec.json"]) == 2
    assert "/nowhere/spec.json" in capsys.readouterr().err


def test_a_text_file_is_not_opened_as_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "letter.gmstudio"
    path.write_text("Dear reader")
    assert cli.main(["export", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "letter.gmstudio" in capsys.readouterr().err
    assert path.read_text() == "Dear reader"


def test_unknown_run_and_column_are_named(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "out.gmstudio"
    cli.main(["train", str(spec), "--project", str(project)])
    assert cli.main(["export", str(project), "--run", "zzz", "--out", str(tmp_path / "o")]) == 2
    assert "zzz" in capsys.readouterr().err
    assert cli.main(["export", str(project), "--column", "7", "--out", str(tmp_path / "o")]) == 2
    assert "no column 7" in capsys.readouterr().err


def test_info_gives_versions_and_components(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["info"]) == 0
    assert "cpu" in last_line(capsys)["devices"]  # type: ignore[operator]
    assert cli.main(["info", "--components"]) == 0
    listed = last_line(capsys)
    assert set(listed) == {"data", "model", "objective", "schedule", "sampler"}
    assert all(listed.values())


def test_help_imports_neither_torch_nor_qt() -> None:
    code = (
        "import sys, gmstudio.cli\n"
        "try: gmstudio.cli.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'PySide6', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
