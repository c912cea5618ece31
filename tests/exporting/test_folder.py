"""Model folders: what is written, and what is read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

import gmstudio
from gmstudio import registry, runs
from gmstudio.exporting.folder import FolderError, LoadedModel, export, load
from gmstudio.runs import Column, Experiment
from gmstudio.training.commands import SetRate
from gmstudio.training.trainer import Trainer

PLAIN: dict[str, Any] = {
    "data": {"kind": "eight-gaussians", "size": 600},
    "model": {"kind": "real-nvp", "blocks": 3, "hidden": 16},
    "mollification": {"kind": "sigmoid"},
    "training": {"steps": 40, "batch": 64, "evaluate_every": 10, "seed": 3},
}


def trained(model: dict[str, Any] | None = None, steps: int = 30) -> tuple[Experiment, Trainer]:
    experiment = runs.twins(runs.run_from_plain({**PLAIN, "model": model or PLAIN["model"]}))
    trainer = Trainer(experiment)
    trainer.advance(steps)
    return experiment, trainer


@pytest.fixture(scope="module")
def twins() -> tuple[Experiment, Trainer]:
    return trained()


@pytest.fixture
def folder(twins: tuple[Experiment, Trainer], tmp_path: Path) -> Path:
    experiment, trainer = twins
    return export(trainer.checkpoint(), experiment, 1, tmp_path / "model")


def in_units_of_the_data(trainer: Trainer, column: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-density and score of a trainer's column."""
    data, model = trainer.dataset, trainer.model.eval()
    every = data.to_model(x).expand(model.members, -1, -1)
    with torch.no_grad():
        log_prob = model.log_prob(every)[column] - data.log_volume
    return log_prob, model.score(every)[column] / data.scale


@pytest.mark.parametrize("kind", [component.name for component in registry.components("model")])
def test_every_model_comes_back_as_the_trainer_had_it(kind: str, tmp_path: Path) -> None:
    experiment, trainer = trained({"kind": kind}, steps=3)
    x = 2 * torch.randn(50, 2, generator=torch.Generator().manual_seed(1))
    for column in (0, 1):
        model = load(export(trainer.checkpoint(), experiment, column, tmp_path / f"{column}"))
        log_prob, score = in_units_of_the_data(trainer, column, x)
        torch.testing.assert_close(model.log_prob(x), log_prob, rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(model.score(x), score, rtol=1e-4, atol=1e-3)


def test_the_card_says_how_a_likelihood_was_estimated(folder: Path, tmp_path: Path) -> None:
    experiment, trainer = trained({"kind": "vae"}, steps=3)
    made = export(trainer.checkpoint(), experiment, 0, tmp_path / "vae")
    assert "nats a point by importance sampling, 32 draws a point, on" in (made / "README.md").read_text("utf-8")
    assert "importance" not in (folder / "README.md").read_text("utf-8")


def test_samples_come_from_the_seed_and_in_the_units_of_the_data(
    twins: tuple[Experiment, Trainer], folder: Path
) -> None:
    _, trainer = twins
    model = load(folder)
    samples = model.sample(9000, seed=5)
    assert torch.equal(samples, model.sample(9000, seed=5)) and not torch.equal(samples, model.sample(9000, seed=6))
    noise = trainer.model.noise(9000, torch.Generator().manual_seed(5))
    with torch.no_grad():
        expected = trainer.dataset.to_data(trainer.model.eval().sample(noise)[1])
    torch.testing.assert_close(samples, expected, rtol=1e-5, atol=1e-5)
    assert model.sample(0).shape == (0, 2)


def test_the_score_is_the_gradient_of_the_log_density(folder: Path) -> None:
    model = load(folder, dtype=torch.float64)
    assert model.dtype == torch.float64
    x = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(model.log_prob(x).sum(), x)
    torch.testing.assert_close(model.score(x), gradient, rtol=1e-9, atol=1e-9)


def test_double_precision_agrees_with_single(folder: Path) -> None:
    model = load(folder)
    double = model.to(torch.float64)
    x = torch.randn(100, 2, generator=torch.Generator().manual_seed(2))
    assert double.log_prob(x).dtype == torch.float64 and model.log_prob(x).dtype == torch.float32
    torch.testing.assert_close(model.log_prob(x).double(), double.log_prob(x), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="float16"):
        model.to(torch.float16)


def test_the_density_integrates_to_one_in_the_units_of_the_data(folder: Path) -> None:
    side = torch.linspace(-12, 12, 400)
    x = torch.cartesian_prod(side, side)
    total = load(folder).log_prob(x).double().exp().sum() * float(side[1] - side[0]) ** 2
    assert float(total) == pytest.approx(1.0, abs=0.01)


def test_the_path_begins_at_the_standardised_point(twins: tuple[Experiment, Trainer], folder: Path) -> None:
    x = torch.tensor([[0.5, -1.0], [2.0, 0.0]])
    path = load(folder).path(x)
    torch.testing.assert_close(path[0], twins[1].dataset.to_model(x))
    assert path.shape[1:] == (2, 2) and len(path) > 2


def test_a_model_without_layers_has_no_path(tmp_path: Path) -> None:
    experiment, trainer = trained({"kind": "gaussian"}, steps=1)
    model = load(export(trainer.checkpoint(), experiment, 0, tmp_path / "m"))
    with pytest.raises(NotImplementedError, match="no path"):
        model.path(torch.zeros(1, 2))


def test_fewer_than_no_samples_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="-1 samples"):
        load(folder).sample(-1)


def test_the_card_says_that_a_run_was_edited_and_keeps_a_strange_title_on_its_line(tmp_path: Path) -> None:
    experiment, trainer = trained(steps=5)
    trainer.apply(SetRate(1, 1e-4))
    column = Column(title="# a | b\n\n<script>", seed=None)
    renamed = experiment.changed(columns=(experiment.columns[0], column))
    card = (export(trainer.checkpoint(), renamed, 1, tmp_path / "m") / "README.md").read_text(encoding="utf-8")
    assert "edited once while it trained" in card
    assert card.splitlines()[0].endswith("Real-NVP trained on Eight Gaussians")
    assert card.startswith("# a / b &lt;script>: ")


def test_points_of_another_shape_are_refused_by_name(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"\(3,\); give \(N, 2\)"):
        load(folder).log_prob(torch.zeros(3))


def test_the_best_weights_can_be_exported(twins: tuple[Experiment, Trainer], tmp_path: Path) -> None:
    experiment, trainer = twins
    folder = export(trainer.checkpoint(), experiment, 0, tmp_path / "best", which="best")
    model = load(folder)
    best = trainer.best_state()
    for name, tensor in model.model.state_dict().items():
        assert torch.equal(tensor[0], best[name][0])
    assert model.config["training"]["weights"] == "best"
    assert model.config["training"]["step"] == int(trainer.best_step[0])


def test_the_folder_says_what_was_trained_and_holds_no_code(folder: Path, twins: tuple[Experiment, Trainer]) -> None:
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert runs.run_from_plain(config["run"]) == twins[0].runs()[1]
    assert (config["training"]["step"], config["training"]["seed"], config["dim"]) == (30, 3, 2)
    assert len(config["data"]["sha256"]) == 64 and config["versions"]["gmstudio"] == gmstudio.__version__
    card = (folder / "README.md").read_text(encoding="utf-8")
    for fact in ("Real-NVP", "Sigmoid", "gmstudio.load", f"{config['metrics']['validation']:.4f}", "licence"):
        assert fact in card


def test_the_validation_likelihood_in_the_card_is_the_trainers(tmp_path: Path) -> None:
    experiment, trainer = trained(steps=40)
    measured = [m.value for m in trainer.drain() if m.name == "validation" and m.column == 1]
    config = load(export(trainer.checkpoint(), experiment, 1, tmp_path / "m")).config
    assert config["metrics"]["validation"] == pytest.approx(measured[-1], abs=1e-5)


def test_loading_needs_no_window(folder: Path) -> None:
    code = (
        "import sys, torch, gmstudio; m = gmstudio.load(sys.argv[1]); print(m.log_prob(torch.zeros(2, 2)).shape[0]); "
        "assert not [name for name in sys.modules if name.startswith(('PySide6', 'pyqtgraph', 'qasync'))]"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stderr


def test_an_earlier_export_and_an_empty_folder_are_replaced_but_nothing_else(
    twins: tuple[Experiment, Trainer], folder: Path, tmp_path: Path
) -> None:
    experiment, trainer = twins
    before = load(folder).config["title"]
    export(trainer.checkpoint(), experiment, 0, folder)
    assert load(folder).config["title"] != before
    empty = tmp_path / "empty"
    empty.mkdir()
    export(trainer.checkpoint(), experiment, 0, empty)
    (empty / "notes.txt").write_text("mine")
    with pytest.raises(FolderError, match="holds other things"):
        export(trainer.checkpoint(), experiment, 0, empty)
    assert (empty / "notes.txt").read_text() == "mine"


def test_places_that_cannot_hold_a_folder_are_named(twins: tuple[Experiment, Trainer], tmp_path: Path) -> None:
    experiment, trainer = twins
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FolderError, match="is a file"):
        export(trainer.checkpoint(), experiment, 0, tmp_path / "file")
    with pytest.raises(FolderError, match="no folder"):
        export(trainer.checkpoint(), experiment, 0, tmp_path / "missing" / "model")
    with pytest.raises(FolderError, match="no column 3"):
        export(trainer.checkpoint(), experiment, 2, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failing_disk_leaves_the_earlier_export(
    twins: tuple[Experiment, Trainer], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, trainer = twins
    checkpoint = trainer.checkpoint()

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(FolderError, match="No space left"):
        export(checkpoint, experiment, 0, folder)
    assert load(folder).config["title"] == experiment.columns[1].title
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_weights_that_are_not_finite_are_warned_of(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = safetensors.numpy.load_file(path)
    name = sorted(tensors)[0]
    tensors[name] = np.full_like(tensors[name], np.nan)
    safetensors.numpy.save_file(tensors, path)
    with pytest.warns(UserWarning, match="not finite"):
        assert isinstance(load(folder), LoadedModel)
