"""The benchmarks of the method run, say what they measured, and measure what they say."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from gmstudio.bench import learn, method


def test_the_strip_between_the_modes_is_where_both_densities_are_low() -> None:
    means = torch.tensor([[5.0, 5.0], [-5.0, -5.0]], dtype=torch.float64)
    points = method.between(means, spread=1.0)
    distances = torch.cdist(points, means)
    assert (torch.exp(-0.5 * distances.square()) < 0.01).all()
    assert (points[:, 0] - points[:, 1]).abs().max() <= math.sqrt(2) + 1e-9, "one standard deviation across"
    assert points.mean(dim=0).abs().max() < 1e-9
    assert float(distances.min()) == pytest.approx(math.sqrt(2 * math.log(100)), abs=0.05), "and no more is cut off"


def test_the_climb_is_counted_from_a_quarter_of_the_training() -> None:
    assert method._climb([(0, -9.0), (100, 1.0), (200, 1.5), (400, 3.0)]) == 2.0


def test_the_method_benchmark_writes_one_row_for_each_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "method.json"
    assert method.main(["--quick", "--seeds", "1", "--steps", "4", "--json", str(out)]) == 0
    figures = json.loads(out.read_text())
    (low,), (circle,) = figures["low_density"]["rows"], figures["circle"]["rows"]
    for row in (low, circle):
        assert row["seed"] == 1
        assert all(math.isfinite(value) for name in method.COLUMNS for value in row[name].values())
    printed = capsys.readouterr().out
    assert "Song & Ermon" in printed and "Von Mises" in printed


def test_the_learning_benchmark_writes_its_curve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "learn.json"
    assert learn.main(["--quick", "--steps", "10", "--batch", "64", "--json", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert [step for step, _, _ in figures["curve"]] == list(range(11))
    assert figures["kl_nats"] < figures["curve"][0][1], "even ten steps learn something"
    assert "bar: 0.05" in capsys.readouterr().out
