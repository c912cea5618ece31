"""In which features a session and the command line measure images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from gmstudio import cli, runs
from gmstudio.errors import RefusedError
from gmstudio.observation import inception
from gmstudio.observation.inception import Inception
from gmstudio.sessions import Session
from gmstudio.training.commands import Stop

PLAIN = {
    "data": {"kind": "images", "most": 400},
    "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8},
    "training": {"steps": 4, "batch": 32, "threads": 1, "evaluate_every": 4},
}


class Pixels(Inception):
    """Stands in for a person's network: its features are pixels."""

    def features(self, light: torch.Tensor) -> torch.Tensor:
        return light.flatten(1)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is read as `Pixels`."""
    monkeypatch.setattr(inception, "read", lambda path: Pixels({}, f"Inception-v3, {path.name}"))
    return Path("own.safetensors")


def session_of(features: Path | None, plain: object = PLAIN) -> Session:
    return Session(runs.twins(runs.run_from_plain(plain)), device="cpu", features=features)  # type: ignore[arg-type]


def features_of(session: Session) -> str:
    told = session.infos.take()
    assert told is not None
    return told[0].features


def test_a_session_measures_in_the_persons_features_and_names_them(own: Path) -> None:
    session = session_of(own)
    outcome = session.run()
    assert outcome.state == "finished" and session.problems.take() is None
    assert all(value is not None and value > 0 for value in outcome.metrics["fid"])
    assert features_of(session).startswith("Inception-v3, own.safetensors; 500 samples")


def test_stop_ends_a_long_measurement_but_not_the_run_that_is_over(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_of(own)
    seen: list[int] = []

    def features(self: Pixels, light: torch.Tensor) -> torch.Tensor:
        seen.append(len(light))
        session.post(Stop())
        return light.flatten(1)

    monkeypatch.setattr(Pixels, "features", features)
    outcome = session.run()
    assert outcome.state == "finished" and "fid" not in outcome.metrics and "sliced_wasserstein" in outcome.metrics
    assert len(seen) == 1
    # How far it is was told: all steps are made, and the run is not over.
    assert "validation" in outcome.metrics


def test_a_file_that_is_refused_is_told_and_the_run_goes_on_in_a_classifiers_features(tmp_path: Path) -> None:
    session = session_of(tmp_path / "gone.safetensors")
    outcome = session.run()
    assert outcome.state == "finished" and "fid" in outcome.metrics
    assert features_of(session).startswith("classifier of ")
    problem = session.problems.take()
    assert problem is not None and "There is no file" in problem.what and "a classifier" in problem.remedy


def test_data_that_are_no_images_need_no_features(tmp_path: Path) -> None:
    session = session_of(tmp_path / "gone.safetensors", {**PLAIN, "data": {"kind": "two-moons", "size": 200}})
    assert session.run().state == "finished"
    assert session.problems.take() is None and features_of(session) == ""


def test_the_command_line_names_the_features_and_refuses_files_before_it_trains(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "run.json"
    spec.write_text(json.dumps(PLAIN))
    given = ["train", str(spec), "--device", "cpu", "--features"]
    assert cli.main([*given, str(own)]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["features"].startswith("Inception-v3, own.safetensors; 500 samples")
    assert result["columns"][0]["fid"] > 0

    def refuse(path: Path) -> Inception:
        raise RefusedError(f"{path.name} is bad.", "Take another.")

    monkeypatch.setattr(inception, "read", refuse)
    assert cli.main([*given, "x.safetensors"]) == 2
    captured = capsys.readouterr()
    assert "x.safetensors is bad. Take another." in captured.err and captured.out == ""
