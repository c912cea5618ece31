"""The benchmark of images: its columns, its judgement, and that it goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gmstudio.bench import table2
from gmstudio.cli import main
from gmstudio.observation import features, inception
from gmstudio.observation.frechet import fid


def options(*given: str):  # type: ignore[no-untyped-def]
    return table2._parser().parse_args(list(given))


def test_every_schedule_of_every_seed_trains_side_by_side() -> None:
    data, size = table2.prepared(table2.DIGITS)
    for kind in table2.ROWS:
        made, known = table2.experiment(kind, data, size, options("--seeds", "2", "--steps", "7"))
        each = made.runs()
        assert [run.training.seed for run in each] == [1, 2] * 3
        assert [(run.mollification.off, run.mollification.by) for run in each[::2]] == [
            (True, "noise"),
            (False, "noise"),
            (False, "blur"),
        ]
        assert known["steps"] == 7 and all(run.training.steps == 7 for run in each)


def test_it_trains_prints_and_trains_nothing_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.json"
    given = [
        "bench",
        "table2",
        "--models",
        "real-nvp,hvae",
        "--network",
        "mlp",
        "--seeds",
        "2",
        "--steps",
        "2",
        "--threads",
        "1",
    ]
    given += ["--json", str(out)]
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert "| Real-NVP | mlp | 2 |" in printed and "| HVAE, with the decoder's noise |" in printed
    figures = json.loads(out.read_text())
    assert [cell["model"] for cell in figures["cells"]] == ["real-nvp", "hvae"]
    for cell in figures["cells"]:
        assert list(cell["fid"]) == list(table2.SCHEDULES)
        assert all(len(values) == 2 and np.isfinite(values).all() for values in cell["fid"].values())
    level = figures["baselines"]["digits"]
    assert level["training images"] < level["gaussian"] < figures["cells"][1]["fid"]["vanilla"][0]
    assert "classifier of Digits" in level["features"]
    assert main(given) == 0
    again = capsys.readouterr().out
    assert again == printed[printed.index("FID on digits") :]
    assert json.loads(out.read_text())["cells"] == figures["cells"]


def test_in_a_persons_features_it_makes_a_table_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pixels(inception.Inception):
        def features(self, light: torch.Tensor) -> torch.Tensor:
            return light.flatten(1)

    out = tmp_path / "table.json"
    given = ["bench", "table2", "--models", "real-nvp", "--network", "mlp", "--seeds", "1", "--steps", "1"]
    given += ["--threads", "1", "--json", str(out)]
    assert main(given) == 0
    monkeypatch.setattr(inception, "read", lambda path: Pixels({}, f"Inception-v3, {path.name}"))
    assert main([*given, "--features", "own.safetensors"]) == 0
    figures = json.loads(out.read_text())
    assert [cell["set"] for cell in figures["cells"]] == ["digits", "digits in Inception-v3, own.safetensors"]
    own, other = figures["baselines"].values()
    assert own["features"].startswith("classifier of Digits") and other["features"] == "Inception-v3, own.safetensors"
    assert "features of the Inception-v3, own.safetensors" in capsys.readouterr().out


def test_a_longer_training_takes_the_place_of_a_shorter_one_and_the_others_stay(tmp_path: Path) -> None:
    out = tmp_path / "table.json"
    for model, steps in (("real-nvp", "1"), ("vae", "1"), ("vae", "2")):
        assert main(["bench", "table2", "--models", model, "--seeds", "1", "--steps", steps, "--json", str(out)]) == 0
    cells = json.loads(out.read_text())["cells"]
    assert [(cell["model"], cell["steps"]) for cell in cells] == [("real-nvp", 1), ("vae", 2)]


def test_the_baselines_are_distances_of_training_images_and_of_their_gaussian() -> None:
    data, _ = table2.prepared(table2.DIGITS)
    dataset = data.build(1)
    judge = features.judge(dataset)
    found = table2.baseline(dataset, judge)
    real = judge.features(features.held_out(dataset))
    assert found["training images"] == pytest.approx(fid(judge.features(dataset.train), real))
    assert found["held_out"] == 583 and found["samples"] == found["train"] == 1214
    draw = np.random.default_rng(1)
    mean, spread = dataset.train.double().mean(0).numpy(), torch.cov(dataset.train.double().T).numpy()
    drawn = torch.from_numpy(draw.multivariate_normal(mean, spread, found["samples"])).float()
    assert found["gaussian"] == pytest.approx(fid(judge.features(drawn), real), rel=0.1)


def test_mollification_helps_where_noise_or_blur_is_nearer_than_neither() -> None:
    assert table2.helps({"fid": {"vanilla": [3.0, 5.0], "noise": [9.0, 9.0], "blur": [3.9, 3.9]}})
    assert not table2.helps({"fid": {"vanilla": [3.0], "noise": [9.0], "blur": [3.1]}})
    assert not table2.helps({"failed": "The loss is not finite."})


def test_without_data_it_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert table2.main(["--data", str(tmp_path / "none.npz")]) == 2
    assert "Give digits or a file of images" in capsys.readouterr().err
