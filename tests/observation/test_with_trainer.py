"""The observer on real trainers: every model can be seen, and no model notices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gmstudio import registry, runs
from gmstudio.models.layers.latent import LatentModel
from gmstudio.observation.frame import View
from gmstudio.observation.observer import ALL_PARTS, Observer
from gmstudio.observation.shadow import PICTURE_DRAWS
from gmstudio.training.trainer import Trainer

VIEW = View(bounds=(-4.0, 4.0, -4.0, 4.0), grid=18, arrows=6, samples=50, batch=20, probe=(0.3, 0.4))
MODELS = [one.name for one in registry.components("model")]


def trainer_of(model: str, data: str = "eight-gaussians") -> Trainer:
    plain = {
        "data": {"kind": data, "size": 300},
        "model": {"kind": model},
        "mollification": {"kind": "sigmoid"},
        "training": {"steps": 12, "batch": 32, "evaluate_every": 4},
    }
    return Trainer(runs.twins(runs.run_from_plain(plain)))


@pytest.mark.parametrize("model", MODELS)
def test_every_model_can_be_seen_and_does_not_notice(model: str) -> None:
    alone, seen = trainer_of(model), trainer_of(model)
    observer = Observer("r", seen, VIEW, ALL_PARTS | {"codes", "rebuilt", "warp"})
    alone.advance(3)
    for _ in range(3):
        observer.work(0.002)
        seen.advance(1)
        observer.complete()
    alone.advance(3)
    seen.advance(3)
    frame = observer.complete()
    for (name, a), (_, b) in zip(alone.model.state_dict().items(), seen.model.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
    assert alone.drain() == seen.drain()
    points = seen.dataset.to_model(torch.from_numpy(VIEW.points(18))).expand(2, -1, -1)
    mode = seen.model.training
    if isinstance(seen.model, LatentModel):
        # Pictures take fewer draws than likelihoods do.
        seen.model.importance = PICTURE_DRAWS
    with torch.no_grad():
        direct = seen.model.eval().log_prob(points) - seen.dataset.log_volume
    seen.model.train(mode)
    for index, column in enumerate(frame.columns):
        assert column.log_density is not None and column.samples is not None and column.score is not None
        assert np.allclose(column.log_density.ravel(), direct[index].numpy(), rtol=1e-4, atol=1e-4)
        assert np.isfinite(column.samples).all() and np.isfinite(column.score).all()
        assert column.batch is not None and column.batch.shape == (20, 2)
        assert (column.path is not None) == ("path" in seen.model.can)
        for part in ("codes", "prior", "rebuilt", "warp", "warp_axes"):
            shown = getattr(column, part)
            assert (shown is not None) == ("encode" in seen.model.can), part
            assert shown is None or np.isfinite(shown).all(), part
        if column.path is not None:
            assert len(column.path) == len(observer.info().path_titles)
    told = observer.info()
    assert (told.pictured or told.estimator) == seen.model.estimator
    assert frame.columns[0].sigma2 == 0 and frame.columns[1].sigma2 == pytest.approx(float(seen.sigma2[1]))


def test_scores_are_gradients_of_the_shown_density() -> None:
    trainer = trainer_of("spline")
    trainer.advance(4)
    frame = Observer("r", trainer, VIEW).complete()
    h = 1e-2
    points = torch.from_numpy(VIEW.points(6)).double()
    model = trainer.model.double().eval()

    def log_density(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return model.log_prob(trainer.dataset.to_model(x).expand(2, -1, -1))

    for axis in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[axis] = h * 1e-3
        numeric = (log_density(points + step) - log_density(points - step)) / (2 * h * 1e-3)
        for column in range(2):
            score = frame.columns[column].score
            assert score is not None
            assert np.allclose(score.reshape(-1, 2)[:, axis], numeric[column].numpy(), rtol=1e-2, atol=1e-2)


def test_data_on_a_manifold_have_metrics_of_samples_alone() -> None:
    trainer = trainer_of("gaussian", "von-mises")
    observer = Observer("r", trainer, VIEW)
    assert observer.info().manifold == "circle"
    assert {m.name for m in observer.measure()} == {"mmd", "sliced_wasserstein"}
    assert observer.truth().log_density is None
