"""What is measured of latent spaces, against affine models."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from linear_latent import LatentStandIn, affine, dataset_of, linear_model

from gmstudio.observation.frame import METRICS, Metric, View
from gmstudio.observation.latent_parts import MOST_LATENT
from gmstudio.observation.meters import FULL, Meters
from gmstudio.observation.observer import Observer

VIEW = View((-3.0, 3.0, -3.0, 3.0))
DIM, LATENT = 2, 3


def value_of(found: list[Metric], name: str, column: int) -> float:
    (value,) = [metric.value for metric in found if metric.name == name and metric.column == column]
    return value


@pytest.fixture
def still() -> LatentStandIn:
    return LatentStandIn(dataset_of(DIM), linear_model(DIM, LATENT))


def numbers_of(still: LatentStandIn, member: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and log-variances of the posterior at the validation points."""
    points = still.dataset.to_model(still.dataset.validation).double().numpy()
    numbers = affine(still.model.encoder, member, points)
    return numbers[:, :LATENT], 30 * np.tanh(numbers[:, LATENT:] / 30)


def test_the_divergence_of_posteriors_is_its_closed_form(still: LatentStandIn) -> None:
    found = Meters(still).measure()  # type: ignore[arg-type]
    for member in range(2):
        mean, log_variance = numbers_of(still, member)
        expected = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(1).mean()
        assert value_of(found, "divergence", member) == pytest.approx(expected, rel=1e-5)


def test_active_dimensions_are_those_whose_mean_varies(still: LatentStandIn) -> None:
    with torch.no_grad():
        # By 0.07 and by 0.13 standard deviations, of which the square of 0.1 lies between.
        weight = still.model.encoder.weight  # type: ignore[union-attr]
        weight[0, 0] = weight[0, 1] = 0.0  # type: ignore[index]
        spread = still.dataset.to_model(still.dataset.validation).std(0, correction=0)
        weight[0, 0, 0], weight[0, 1, 0] = 0.07 / spread[0], 0.13 / spread[0]  # type: ignore[index]
    found = Meters(still).measure()  # type: ignore[arg-type]
    assert [value_of(found, "active", member) for member in range(2)] == [2.0, 3.0]


def test_gamma_is_the_mean_variance_of_the_decoder(still: LatentStandIn) -> None:
    found = Meters(still).measure()  # type: ignore[arg-type]
    assert value_of(found, "gamma", 0) == pytest.approx(0.25)
    per_column = linear_model(DIM, LATENT)
    per_column.raw_gamma = torch.nn.Parameter(torch.tensor([[0.1, -0.2], [0.0, 0.3]]))
    found = Meters(LatentStandIn(dataset_of(DIM), per_column)).measure()  # type: ignore[arg-type]
    assert value_of(found, "gamma", 0) == pytest.approx((np.exp(1.0) + np.exp(-2.0)) / 2, rel=1e-5)
    assert value_of(found, "gamma", 1) == pytest.approx((1.0 + np.exp(3.0)) / 2, rel=1e-5)


def test_they_are_measured_live_too_and_are_known_by_name(still: LatentStandIn) -> None:
    observer = Observer("r", still, VIEW, frozenset())  # type: ignore[arg-type]
    while not observer.idle:
        observer.work(1e-2)
    names = {metric.name for metric in observer.drain()}
    assert {"gamma", "divergence", "active"} <= names <= set(METRICS)
    assert len(still.dataset.validation) < FULL.codes and LATENT < MOST_LATENT


def test_a_model_without_a_latent_space_has_none_of_them(make: type) -> None:
    names = {metric.name for metric in Meters(make()).measure()}
    assert "kl" in names and not names & {"gamma", "divergence", "active"}


def test_the_sampled_likelihood_is_the_exact_one_within_its_standard_error() -> None:
    gamma, still = 0.25, LatentStandIn(dataset_of(3), linear_model(3, 2, gamma=0.25))
    turned = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(8))).Q
    root, shift = turned[:, :2] * torch.tensor([1.0, 0.5]), torch.tensor([0.1, -0.2, 0.3])
    variance = 1.0 / (1.0 + root.square().sum(0) / gamma)
    encoder, decoder = still.model.encoder, still.model.decoder
    with torch.no_grad():
        # The true posterior, of which the proposal is a little wider.
        decoder.weight[:], decoder.bias[:] = root, shift  # type: ignore[index, operator]
        encoder.weight[:, :2] = variance[:, None] * root.T / gamma  # type: ignore[index, operator]
        encoder.bias[:, :2] = -variance * (root.T @ shift) / gamma  # type: ignore[index, operator]
        encoder.bias[:, 2:] = 30 * torch.atanh(variance.log() / 30)  # type: ignore[index, operator]
    points = still.dataset.to_model(still.dataset.validation).double()
    law = torch.distributions.MultivariateNormal(shift.double(), (root @ root.T + gamma * torch.eye(3)).double())
    exact = float(law.log_prob(points).mean()) - still.dataset.log_volume
    found = Meters(still).measure()  # type: ignore[arg-type]
    for member in range(2):
        error = value_of(found, "validation_sampled_error", member)
        assert 1e-4 < error < 1e-2
        assert abs(value_of(found, "validation_sampled", member) - exact) < 3 * error


def test_the_likelihood_is_sampled_at_the_end_alone(still: LatentStandIn) -> None:
    observer = Observer("r", still, VIEW, frozenset())  # type: ignore[arg-type]
    while not observer.idle:
        observer.work(1e-2)
    assert "validation_sampled" not in {metric.name for metric in observer.drain()}
    assert "validation_sampled" in {metric.name for metric in observer.measure()}
