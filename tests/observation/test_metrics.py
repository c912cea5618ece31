"""Metrics against closed forms and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from gmstudio.observation import metrics

P = MultivariateNormal(torch.tensor([0.3, -0.2]).double(), torch.tensor([[1.0, 0.3], [0.3, 0.5]]).double())
Q = MultivariateNormal(torch.tensor([-0.4, 0.6]).double(), torch.tensor([[1.5, -0.2], [-0.2, 0.9]]).double())


def draws(of: MultivariateNormal, size: int, seed: int = 0) -> Tensor:
    noise = torch.randn(size, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return of.mean + noise @ of.scale_tril.T


def gaussian_score(of: MultivariateNormal, x: Tensor) -> Tensor:
    return -(x - of.mean) @ of.precision_matrix


def test_kl_of_two_gaussians_is_the_closed_form_within_its_standard_error() -> None:
    x = draws(P, 40_000)
    estimate = metrics.kl(P.log_prob(x), torch.stack([Q.log_prob(x), P.log_prob(x)]))
    assert estimate.value[0] == pytest.approx(float(kl_divergence(P, Q)), abs=3 * float(estimate.error[0]))
    assert float(estimate.error[0]) < 0.01
    assert estimate.value[1] == 0 and estimate.error[1] == 0


def test_fisher_of_two_gaussians_is_the_closed_form_within_its_standard_error() -> None:
    x = draws(P, 40_000)
    estimate = metrics.fisher(gaussian_score(P, x), gaussian_score(Q, x)[None])
    # s_q - s_p is affine in x: A x + b with A = P^-1 - Q^-1, so that E|.|^2 = |A m + b|^2 + tr(A C A').
    a = P.precision_matrix - Q.precision_matrix
    b = Q.precision_matrix @ Q.mean - P.precision_matrix @ P.mean
    exact = (a @ P.mean + b).square().sum() + (a @ P.covariance_matrix @ a.T).trace()
    assert float(estimate.value) == pytest.approx(float(exact), abs=3 * float(estimate.error))
    assert float(estimate.error) < 0.05


def test_fisher_of_a_region_counts_the_points_inside_alone() -> None:
    truth = torch.zeros(3, 2)
    model = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [9.0, 9.0]]])
    inside = torch.tensor([True, True, False])
    assert float(metrics.fisher(truth, model, inside).value) == pytest.approx((1 + 4) / 2)


def test_mmd_of_equal_distributions_is_zero_in_expectation_with_an_honest_standard_error() -> None:
    found = [
        metrics.mmd(draws(P, 60, seed)[None], draws(P, 60, 1000 + seed), scales=(2.0, 1.0, 0.5)) for seed in range(300)
    ]
    values = torch.cat([one.value for one in found])
    errors = torch.cat([one.error for one in found])
    assert abs(float(values.mean())) < 4 * float(values.std()) / math.sqrt(300)
    assert float(values.min()) < 0, "an unbiased estimate of 0 is negative at times"
    assert float(errors.square().mean().sqrt()) == pytest.approx(float(values.std()), rel=0.2)


def test_mmd_of_shifted_gaussians_is_the_closed_form() -> None:
    shift, sigma, n = 1.5, 1.0, 1500
    noise = torch.randn(2, n, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    y = noise[1] + torch.tensor([shift, 0.0])
    estimate = metrics.mmd(noise[:1], y, scales=(sigma,))
    # E k(x, x') for x - x' ~ N(d, 2 I) in the plane: (s^2 / (s^2 + 2)) exp(-|d|^2 / (2 (s^2 + 2))).
    factor = sigma**2 / (sigma**2 + 2)
    exact = 2 * factor * (1 - math.exp(-(shift**2) / (2 * (sigma**2 + 2))))
    assert float(estimate.value) == pytest.approx(exact, abs=4 * float(estimate.error))
    assert float(estimate.error) < 0.1 * exact


def test_mmd_standard_error_matches_the_spread_over_repetitions_off_the_null() -> None:
    found = [metrics.mmd(draws(P, 60, s)[None], draws(Q, 60, 900 + s), scales=(1.0,)) for s in range(300)]
    values = torch.cat([one.value for one in found])
    errors = torch.cat([one.error for one in found])
    assert float(errors.square().mean().sqrt()) == pytest.approx(float(values.std()), rel=0.2)


def test_mmd_does_not_depend_on_its_chunks_and_equals_the_double_sum() -> None:
    x, y = draws(P, 50)[None], draws(Q, 50, 1)
    k = lambda a, b: torch.exp(-torch.cdist(a, b).square() / 2)  # noqa: E731
    off = ~torch.eye(50, dtype=torch.bool)
    xx, yy, xy = k(x[0], x[0])[off].mean(), k(y, y)[off].mean(), k(x[0], y)[off].mean()
    for chunk in (7, 50, 64):
        assert float(metrics.mmd(x, y, (1.0,), chunk).value) == pytest.approx(float(xx + yy - 2 * xy), abs=1e-12)


def test_halving_scales_take_one_exponential_and_give_the_same_kernel() -> None:
    x, y = draws(P, 20), draws(Q, 30)
    scales = metrics.bandwidths(x)
    plain = torch.stack([torch.exp(-torch.cdist(x, y).square() / (2 * s * s)) for s in scales]).mean(dim=0)
    assert torch.allclose(metrics.kernel(x, y, scales), plain, atol=1e-12)
    assert torch.allclose(metrics.kernel(x, y, (1.0, 0.3)), metrics.kernel(x, y, (0.3, 1.0)), atol=1e-15)


def test_mmd_refuses_sets_of_different_sizes() -> None:
    with pytest.raises(ValueError, match="equally many"):
        metrics.mmd(draws(P, 20)[None], draws(P, 30))


def test_sliced_wasserstein_of_a_shifted_set_is_its_shift_over_the_root_of_two() -> None:
    x = draws(P, 500)
    shift = torch.tensor([0.7, -1.1]).double()
    found = metrics.sliced_wasserstein(torch.stack([x + shift, x]), x, metrics.directions(2))
    assert float(found[0]) == pytest.approx(float(shift.norm()) / math.sqrt(2), rel=1e-9)
    assert float(found[1]) == 0


def test_sliced_wasserstein_agrees_with_sorted_quantiles_of_every_direction() -> None:
    x, y, along = draws(P, 300), draws(Q, 300, 1), metrics.directions(2, 16)
    squares = []
    for direction in along:
        a, b = (x @ direction).numpy(), (y @ direction).numpy()
        squares.append(np.mean((np.quantile(a, np.linspace(0, 1, 300)) - np.quantile(b, np.linspace(0, 1, 300))) ** 2))
        assert math.sqrt(squares[-1]) >= wasserstein_distance(a, b) - 1e-9, "W2 is at least W1"
    assert float(metrics.sliced_wasserstein(x[None], y, along)) == pytest.approx(math.sqrt(np.mean(squares)), rel=1e-6)


def test_directions_are_unit_vectors_in_any_dimension() -> None:
    for dim in (2, 5):
        along = metrics.directions(dim, 32)
        assert torch.allclose(along.norm(dim=1), torch.ones(32).double())
        assert torch.equal(along, metrics.directions(dim, 32))


def test_a_mode_is_covered_when_it_has_half_its_fair_share() -> None:
    centres = torch.tensor([[-5.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    fair = torch.tensor([0.5, 0.3, 0.2])

    def cloud(counts: tuple[int, int, int]) -> Tensor:
        return centres.repeat_interleave(torch.tensor(counts), dim=0)

    x = torch.stack([cloud((50, 30, 20)), cloud((75, 16, 9)), cloud((100, 0, 0))])
    assert metrics.modes_covered(x, centres, 1.0, fair).tolist() == pytest.approx([1.0, 2 / 3, 1 / 3])
    assert metrics.modes_covered(x + 2.0, centres, 1.0, fair).tolist() == [0.0, 0.0, 0.0], "too far from every centre"


def test_points_count_for_their_nearest_mode_alone() -> None:
    centres = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    assert metrics.near(torch.tensor([[0.4, 0.0], [0.6, 0.0]]), centres, 10.0).tolist() == [0.5, 0.5]
