"""The von Mises law against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from gmstudio.data import circle
from gmstudio.data.drawn import generator
from gmstudio.data.sets.von_mises import VonMises


@pytest.mark.parametrize("kappa", [0.0, 1e-3, 1.0, 30.0, 1000.0])
def test_the_log_density_is_scipys(kappa: float) -> None:
    angle = np.linspace(-4, 4, 101)
    expected = stats.vonmises(max(kappa, 1e-300), loc=0.5).logpdf(angle)
    assert np.allclose(circle.log_prob(torch.from_numpy(angle), kappa, 0.5).numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("kappa", [0.0, 1e-7, 1e-3, 0.5, 1.0, 20.0, 1000.0])
def test_samples_follow_the_law(kappa: float) -> None:
    angle = circle.sample(20_000, kappa, 0.0, generator(1, "test")).numpy()
    assert angle.min() >= -math.pi and angle.max() <= math.pi
    law = stats.vonmises(kappa) if kappa > 1e-6 else stats.uniform(-math.pi, 2 * math.pi)
    assert stats.kstest(angle, law.cdf).pvalue > 1e-3


def test_no_samples_are_an_empty_tensor() -> None:
    assert circle.sample(0, 1.0, 0.0, generator(1, "test")).shape == (0,)


def test_the_data_lie_on_the_circle_around_their_direction() -> None:
    data = VonMises(kappa=4.0, direction=90.0, size=20_000).build(1)
    assert data.manifold == "circle" and data.density is None
    assert torch.allclose(data.train.norm(dim=1), torch.ones(20_000), atol=1e-6)
    turned = circle.angles(data.train).double() - math.pi / 2
    assert stats.kstest(circle.wrapped(turned).numpy(), stats.vonmises(4.0).cdf).pvalue > 1e-3


def test_points_and_angles_are_inverse() -> None:
    angle = torch.linspace(-3.1, 3.1, 50, dtype=torch.float64)
    assert torch.allclose(circle.angles(circle.points(angle)), angle, atol=1e-12)


def test_the_estimate_is_a_density_near_the_truth() -> None:
    angle = circle.sample(20_000, 1.0, 3.0, generator(1, "test"))
    grid = torch.arange(400, dtype=torch.float64) * (2 * math.pi / 400) - math.pi
    logs = circle.estimate(angle, grid)
    assert float(logs.exp().mean()) * 2 * math.pi == pytest.approx(1, abs=1e-9)
    assert float((logs - circle.log_prob(grid, 1.0, 3.0)).abs().max()) < 0.15


def test_perfect_samples_have_almost_no_divergence_and_wrong_ones_their_own() -> None:
    right = circle.points(circle.sample(20_000, 1.0, 0.3, generator(1, "test")))
    even = circle.points(circle.sample(20_000, 0.0, 0.0, generator(2, "test")))
    assert 0 <= circle.divergence(right, 1.0, 0.3) < 4e-3
    assert circle.divergence(2 * right, 1.0, 0.3) == pytest.approx(circle.divergence(right, 1.0, 0.3), abs=1e-9)
    # KL(von Mises || uniform) = kappa I1/I0 - log I0; the kernel takes away a little.
    ratio = float(torch.special.i1(torch.tensor(1.0)) / torch.special.i0(torch.tensor(1.0)))
    exact = ratio - math.log(float(torch.special.i0(torch.tensor(1.0))))
    assert circle.divergence(even, 1.0, 0.3) == pytest.approx(exact, rel=0.1)


def test_samples_that_are_not_finite_do_not_count() -> None:
    points = circle.points(circle.sample(2000, 1.0, 0.0, generator(1, "test")))
    spoilt = torch.cat([points, torch.full((5, 2), math.nan)])
    assert circle.divergence(spoilt, 1.0) == circle.divergence(points, 1.0)
    assert circle.divergence(torch.full((5, 2), math.nan), 1.0) == math.inf
