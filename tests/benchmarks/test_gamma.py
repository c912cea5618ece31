"""The benchmark of a learned decoder variance measures what it says."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from gmstudio import cli
from gmstudio.bench import gamma
from gmstudio.objectives.elbo import ELBO
from gmstudio.training.trainer import Trainer


def test_the_slope_is_that_of_the_late_looks_alone() -> None:
    late = [math.log(gamma.LATE) - 1.0 - i for i in range(5)]
    rows = [
        {"log_gamma": [0.0, 0.0], "cost": [900.0, 900.0]},
        *({"log_gamma": [one, -0.1], "cost": [15.0 * one + 4.0, 1.0]} for one in late),
    ]
    found = gamma.slopes(rows)
    assert found[0] == pytest.approx(15.0)
    assert math.isnan(found[1]), "a variance that has not fallen has no late phase"


def test_the_cost_is_twice_what_a_vae_alone_would_minimise() -> None:
    trainer = Trainer(gamma.experiment("curve", 4, 2))
    trainer.advance(3)
    seen = gamma.look(trainer)
    model = trainer.model
    x = trainer.dataset.to_model(trainer.dataset.validation)
    z = torch.randn(1, len(x), 1, generator=torch.Generator().manual_seed(gamma.NUMBERS_SEED))
    with torch.no_grad():
        mean, log_variance = model.encode(x.expand(2, -1, -1))
        rebuilt = model.decode(mean + torch.exp(0.5 * log_variance) * z)
        variance = model.log_gamma()[:, :1].exp()
        cost = (rebuilt - x).square().sum(2) / variance + 2 * torch.log(2 * math.pi * variance)
        cost = cost + (log_variance.exp() + mean.square() - 1 - log_variance).sum(2)
    assert seen["cost"] == pytest.approx(cost.mean(1).tolist(), rel=1e-5)
    assert seen["log_gamma"] == pytest.approx(variance.log()[:, 0].tolist(), abs=1e-6)
    assert isinstance(trainer.experiment.run.objective, ELBO)


@pytest.mark.parametrize("name", gamma.PROBLEMS)
def test_a_problems_points_lie_on_a_manifold_of_its_own_dimension(name: str) -> None:
    problem = gamma.PROBLEMS[name]
    points = problem.draw(20_000, torch.Generator().manual_seed(3))
    assert points.shape == (20_000, problem.dim)
    assert torch.equal(points, problem.draw(20_000, torch.Generator().manual_seed(3)))
    # Near one of them, the points spread in r directions, and by far less in any other.
    near = points[torch.cdist(points[:1], points)[0].topk(60, largest=False).indices]
    spread = torch.linalg.svdvals(near - near.mean(0))
    assert spread[problem.own] < 0.2 * spread[problem.own - 1]


def test_the_gamma_benchmark_prints_its_table_and_does_not_train_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "gamma.json"
    arguments = ["bench", "gamma", "--problem", "curve", "--steps", "3", "--seeds", "2", "--samples", "50"]
    assert cli.main([*arguments, "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "2 x (-ELBO)" in printed and "two stages better than one in" in printed
    figures = json.loads(out.read_text())
    assert [row["step"] for row in figures["curve"]["looks"]] == [0, 1, 2, 3]
    assert all(len(value) == len(error) == 2 for value, error in figures["curve"]["mmd"].values())
    monkeypatch.setattr(gamma, "measure", lambda *given, **named: pytest.fail("it was trained again"))
    assert cli.main([*arguments, "--json", str(out)]) == 0


def test_a_bar_that_is_missed_is_named() -> None:
    last = {"step": 9, "log_gamma": [-9.0, -1.0], "cost": [0.0, 0.0], "error": [1e-6, 1e-6]}
    mmd = {"one stage": [[1.0, 1.0], [0.1, 0.1]], "one stage, noise": [[1.0, 0.2], [0.1, 0.1]]}
    mmd["two stages"] = [[0.5, 0.5], [0.1, 0.1]]
    figures = {"looks": [last], "slopes": [1.1, 1.2], "mmd": mmd, "processor_seconds": 1.0}
    met = {name: good for name, (_, good) in gamma.verdicts("manifold", figures).items()}
    assert met == {"gamma": False, "slope": False, "error": True, "MMD": False}
    assert gamma.table("manifold", figures).count("MISSED") == 3
