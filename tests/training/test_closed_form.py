"""A Gaussian trained on mollified data has the mean and covariance that the algebra says."""

from __future__ import annotations

import pytest
import torch
from small import experiment, schedule

from gmstudio.runs import Column
from gmstudio.training.trainer import Trainer


@pytest.mark.parametrize("kind", ["small", "gaussian"])
def test_mean_and_covariance_after_mollified_training(kind: str) -> None:
    sigma2 = (0.0, 0.4)
    columns = [Column(title=str(s), mollification=schedule("constant", sigma2=s)) for s in sigma2]
    made = experiment(*columns, size=2048, hidden=0, steps=1500, batch=512, rate=0.02)
    if kind == "gaussian":
        from gmstudio import registry

        made = made.changed(run=made.run.changed(model=registry.from_plain("model", {"kind": "gaussian"})))
    trainer = Trainer(made)
    trainer.advance(1500)
    x = trainer.dataset.to_model(trainer.dataset.train).double()
    points = torch.randn(3, 400, 2, generator=torch.Generator().manual_seed(1))[0]
    got = trainer.model.log_prob(points.expand(2, -1, -1)).detach().double()
    for column, variance in enumerate(sigma2):
        mean = (1 - variance) ** 0.5 * x.mean(dim=0)
        covariance = (1 - variance) * x.T.cov() + variance * torch.eye(2, dtype=torch.float64)
        law = torch.distributions.MultivariateNormal(mean, covariance)
        expected = law.log_prob(points.double())
        near = expected > expected.max() - 6
        assert (got[column] - expected)[near].abs().max() < 0.15
        assert (got[column] - expected)[near].mean().abs() < 0.03
