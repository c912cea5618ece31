"""The script that people take away."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gmstudio import registry, runs
from gmstudio.exporting.script import script
from gmstudio.runs import Column, Experiment

PLAIN = {
    "data": {"kind": "eight-gaussians", "size": 2048},
    "model": {"kind": "real-nvp", "blocks": 3, "hidden": 24},
    "mollification": {"kind": "sigmoid"},
    "training": {"steps": 200, "batch": 128, "rate": 5e-3, "evaluate_every": 100, "seed": 4},
}


@pytest.fixture
def run_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, float]]:
    """Runs a script in this process."""

    def run(text: str, steps: int | None = None) -> dict[str, float]:
        if steps is not None:
            monkeypatch.setenv("STEPS", str(steps))
        with torch.random.fork_rng():
            exec(compile(text, "train.py", "exec"), {"__name__": "__main__"})
        found: dict[str, float] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return found

    return run


def test_the_script_runs_alone_and_reaches_the_likelihood_of_the_trainer(tmp_path: Path) -> None:
    from gmstudio.training.trainer import Trainer

    experiment = runs.twins(runs.run_from_plain(PLAIN))
    trainer = Trainer(experiment)
    trainer.advance(200)
    reached = [m.value for m in trainer.drain() if m.name == "validation" and m.column == 1 and m.step == 200]
    # A quarter of a nat apart is chance; an untrained model is more than a nat below.
    path = tmp_path / "train.py"
    path.write_text(script(experiment), encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(path)], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["validation"] == pytest.approx(reached[0], abs=0.25)


def test_the_number_of_steps_can_be_lowered_from_outside(run_it: Callable[..., dict[str, float]]) -> None:
    experiment = runs.single(runs.run_from_plain({**PLAIN, "mollification": {"kind": "off"}}))
    assert run_it(script(experiment), steps=3)["steps"] == 3


def test_every_option_of_the_training_is_written_out(run_it: Callable[..., dict[str, float]]) -> None:
    training = {**PLAIN["training"], "optimiser": "adamw", "clip": 5.0, "patience": 1, "evaluate_every": 1}
    training |= {"decay": "constant", "rate": 1.0}
    text = script(runs.single(runs.run_from_plain({**PLAIN, "training": training})))
    assert "AdamW" in text and "clip_grad_norm_" in text and "cos" not in text
    # So high a rate lowers the likelihood within a few steps.
    assert run_it(text)["steps"] < 200


def test_epochs_and_statistics_for_evaluation_are_written_out(run_it: Callable[..., dict[str, float]]) -> None:
    training = {"epochs": 3, "last_batch": "keep", "batch": 128, "evaluate_every": 0, "patience": 9, "seed": 4}
    model = {"kind": "real-nvp", "blocks": 2, "hidden": 8, "normalise": "batch"}
    run = runs.run_from_plain({**PLAIN, "model": model, "training": training})
    found = run_it(script(runs.single(run)))
    assert found["steps"] == run.training.length(len(run.data.build(4).train))
    # With statistics of no points the likelihood would be far off.
    assert found["validation"] > -6.0


def test_a_blur_is_written_out_as_the_trainer_does_it(run_it: Callable[..., dict[str, float]]) -> None:
    plain = {**PLAIN, "data": {"kind": "images"}, "mollification": {"kind": "sigmoid", "by": "blur"}}
    text = script(runs.single(runs.run_from_plain(plain)))
    assert "blur(x, widths[t]" in text and "randn_like" not in text and "sigma2" not in text
    assert run_it(text, steps=3)["steps"] == 3


def test_mollification_is_one_line_and_the_script_is_short() -> None:
    text = script(runs.twins(runs.default_run()))
    assert sum("sigma2[t]" in line and "=" in line and "print" not in line for line in text.splitlines()) == 1
    assert 50 <= len(text.splitlines()) <= 75
    assert max(map(len, text.splitlines())) <= 120


def test_the_mollified_column_is_chosen_and_another_can_be() -> None:
    experiment = runs.twins(runs.default_run())
    assert '"sigmoid"' in script(experiment) and '"sigmoid"' not in script(experiment, 0)


@pytest.mark.parametrize("model", [component.name for component in registry.components("model")])
@pytest.mark.parametrize("schedule", [component.name for component in registry.components("schedule")])
def test_every_model_and_schedule_gives_a_script_that_parses(model: str, schedule: str) -> None:
    plain = {**PLAIN, "model": {"kind": model}, "mollification": {"kind": schedule}}
    ast.parse(script(runs.single(runs.run_from_plain(plain))))


def test_a_title_cannot_put_code_into_the_script() -> None:
    title = 'x"""\nimport os; os.abort()\n"""\\'
    run = runs.run_from_plain(PLAIN)
    tree = ast.parse(script(Experiment(run=run, columns=(Column(title=title),))))
    imported = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    assert imported == ["json", "math", "os", "torch"]
    assert isinstance(tree.body[0], ast.Expr)


def test_a_drawing_travels_in_the_script(run_it: Callable[..., dict[str, float]]) -> None:
    points = [[(i % 40) / 10 - 2, (i // 40) / 10 - 2] for i in range(1000)]
    plain = {**PLAIN, "data": {"kind": "drawing", "size": 500, "points": points}}
    text = script(runs.single(runs.run_from_plain(plain)))
    assert len(text.splitlines()) <= 75
    assert run_it(text, steps=2)["steps"] == 2


def test_a_column_with_a_seed_of_its_own_keeps_the_data_of_the_others() -> None:
    run = runs.run_from_plain(PLAIN)
    text = script(Experiment(run=run, columns=(Column(title="a"), Column(title="b", seed=99))), 1)
    assert "run.data.build(seed=4)" in text and "run.model.build(data.dim, [99], train, data.shape)" in text
