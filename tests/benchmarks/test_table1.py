"""The benchmark of the paper's table: its parts of the data, its judgement, and that it goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmstudio import recipes
from gmstudio.bench import recipe, table1
from gmstudio.cli import main
from gmstudio.registry import SpecError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw = np.random.default_rng(1)
    np.save(tmp_path / "paper_redwine.npy", draw.normal(size=(150, 3)) * [1.0, 2.0, 0.1] + [5.0, 0.0, 1.0])
    return tmp_path


def test_the_parts_of_the_data_are_the_papers() -> None:
    draw = np.random.default_rng(0)
    rows = draw.normal(3.0, 2.0, size=(1599, 2))
    data = table1.cut("red", rows)
    assert data.test is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (1296, 144, 159)
    np.testing.assert_allclose(data.test.numpy(), rows[-159:], rtol=1e-6)
    np.testing.assert_allclose(data.train.numpy(), rows[:1296], rtol=1e-6)
    np.testing.assert_allclose(data.shift.numpy(), rows[:1440].mean(0), rtol=1e-6)
    np.testing.assert_allclose(data.scale.numpy(), rows[:1440].std(0), rtol=1e-6)
    assert [len(part) for part in (table1.cut("w", draw.normal(size=(4898, 2))).train,)] == [3969]


def test_vanilla_and_mollified_of_all_seeds_train_side_by_side(folder: Path) -> None:
    made = table1.experiment("paper", "maf", table1.prepared(folder, "red"), 3, 0)
    assert [run.training.seed for run in made.runs()] == [1, 2, 3, 1, 2, 3]
    assert [run.mollification.off for run in made.runs()] == [True] * 3 + [False] * 3
    training = made.run.training
    assert (training.epochs, training.batch, training.last_batch, training.rate) == (150, 100, "keep", 1e-4)


def test_it_trains_prints_and_trains_nothing_twice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "table.json"
    given = ["bench", "table1", "--data", str(folder), "--sets", "red", "--models", "maf", "--protocol", "best"]
    given += ["--seeds", "2", "--epochs", "1", "--json", str(out)]
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert "red" in printed and "-11.51 ± 0.44" in printed and "Mixture" in printed
    figures = json.loads(out.read_text())
    (cell,) = figures["cells"]
    assert (cell["set"], cell["model"], cell["epochs"], cell["steps"]) == ("red", "maf", 1, 2)
    for name in table1.COLUMNS:
        assert len(cell[name]["last"]) == len(cell[name]["best"]) == 2
        assert np.isfinite(cell[name]["last"]).all()
    assert main(given) == 0
    assert capsys.readouterr().out == printed
    assert json.loads(out.read_text())["cells"] == figures["cells"]


def test_a_mean_agrees_within_two_of_the_papers_deviations() -> None:
    cell: dict[str, Any] = {"set": "red", "model": "maf", "protocol": "paper"}
    cell |= {"vanilla": {"last": [-13.0, -12.6]}, "mollified": {"last": [-11.51]}}
    assert table1.agrees(cell)
    cell["mollified"] = {"last": [-10.5]}
    assert not table1.agrees(cell)


def test_without_data_it_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GMSTUDIO_DATA", raising=False)
    assert table1.main([]) == 2
    assert "--data" in capsys.readouterr().err
    assert table1.main(["--data", str(tmp_path)]) == 2
    assert "paper_redwine.npy" in capsys.readouterr().err


def test_of_both_columns_the_weights_that_validate_best_are_kept() -> None:
    cell = {
        "seeds": 2,
        "vanilla": {"best": [-1.0, -2.0], "best_validation": [-5.0, -9.0]},
        "mollified": {"best": [-3.0, -4.0], "best_validation": [-6.0, -8.0]},
    }
    assert table1.kept(cell) == [-1.0, -4.0]


def test_recipes_are_known_by_name(folder: Path) -> None:
    data = table1.prepared(folder, "red")
    for name in recipes.NAMES:
        for kind in recipes.MODELS:
            run = recipes.run(name, kind, data, seed=7)
            assert (run.training.seed, run.mollification.off, run.data) == (7, False, data)
    with pytest.raises(SpecError, match="no recipe 'worst'"):
        recipes.run("worst", "maf", data)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="no recipe for 'spline'"):
        recipes.run("best", "spline", data)


def test_the_recipe_is_chosen_without_a_look_at_the_test_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = np.random.default_rng(2)
    for file in table1.SETS.values():
        rows = draw.normal(size=(120, 3))
        rows[-12:] = 1e38  # no model gives such rows a finite likelihood
        np.save(tmp_path / file, rows)
    out = tmp_path / "recipe.json"
    assert main(["bench", "recipe", "--data", str(tmp_path), "--epochs", "1", "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert len(found["rows"]) == len(table1.SETS) * len(recipes.MODELS)
    names = [str(recipe.Candidate(tails, *each)) for tails in ("normal", "heavy") for each in recipe.SCHEDULES]
    assert list(found["average"]) == names
    for name in names:
        told = [row["candidates"][name] for row in found["rows"]]
        assert all(np.isfinite(list(each.values())).all() for each in told)
        assert all(each["trimmed"] >= each["mean"] for each in told)
        assert found["average"][name] == pytest.approx(np.mean([each["trimmed"] for each in told]))
    assert "averaged" in capsys.readouterr().out
