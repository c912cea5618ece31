"""The classical baselines against scipy, scikit-learn and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity as SklearnKernelDensity

from gmstudio import registry
from gmstudio.registry import SpecError


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_gaussian_agrees_with_scipy(rough):
    model = rough("gaussian", dim=3, members=2, amount=0.5)
    x = seeded(2, 10, 3)
    for e in range(2):
        normal = stats.multivariate_normal(model.mean[e].detach().numpy(), model.covariance[e].detach().numpy())
        np.testing.assert_allclose(model.log_prob(x)[e].detach().numpy(), normal.logpdf(x[e].numpy()), atol=1e-9)


def test_the_gaussian_fits_weighted_points_in_closed_form(rough):
    x, weights = seeded(500, 3), torch.rand(500, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    model = rough("gaussian", dim=3, members=1).fit(x, weights)
    expected = np.cov(x.numpy().T, aweights=weights.numpy(), ddof=0)
    np.testing.assert_allclose(model.covariance[0].detach().numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(
        model.mean[0].detach().numpy(), np.average(x.numpy(), axis=0, weights=weights.numpy()), atol=1e-12
    )


def test_each_member_is_fitted_to_its_own_points(rough):
    x = torch.stack((seeded(400, 2, seed=1), 3.0 * seeded(400, 2, seed=2) + 1.0))
    model = rough("gaussian", members=2).fit(x)
    torch.testing.assert_close(model.mean.data, x.mean(1))


def test_points_on_a_line_have_no_best_gaussian(rough):
    x = seeded(50, 1).expand(50, 2)
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        rough("gaussian", members=1).fit(x)


@pytest.mark.parametrize("sigma2", [0.0, 0.188, 0.9])
def test_a_gaussian_fitted_to_mollified_data_has_the_closed_form(sigma2, rough):
    root = torch.tensor([[1.5, 0.0], [0.9, 0.4]], dtype=torch.float64)
    mean = torch.tensor([0.7, -1.2], dtype=torch.float64)
    x = mean + seeded(200_000, 2, seed=1) @ root.T
    noisy = math.sqrt(1 - sigma2) * x + math.sqrt(sigma2) * seeded(200_000, 2, seed=2)
    model = rough("gaussian", members=1).fit(noisy)
    torch.testing.assert_close(model.mean.data[0], math.sqrt(1 - sigma2) * mean, atol=0.02, rtol=0)
    expected = (1 - sigma2) * root @ root.T + sigma2 * torch.eye(2, dtype=torch.float64)
    torch.testing.assert_close(model.covariance[0].detach(), expected, atol=0.03, rtol=0)


def test_training_by_gradient_reaches_the_closed_form(rough):
    x = (seeded(300, 2) @ torch.tensor([[1.2, 0.5], [0.0, 0.6]], dtype=torch.float64) + 0.4).unsqueeze(0)
    model, exact = rough("gaussian", members=1, amount=0.0), rough("gaussian", members=1).fit(x)
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=100, tolerance_grad=1e-10)

    def loss():
        optimiser.zero_grad()
        value = -model.log_prob(x).mean()
        value.backward()
        return value

    optimiser.step(loss)
    torch.testing.assert_close(model.mean.data, exact.mean.data, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.covariance, exact.covariance, atol=1e-5, rtol=0)


def test_the_mixture_agrees_with_scikit_learn(rough):
    model = rough("mixture", members=1, amount=0.3, components=4)
    lower = model.cholesky()[0].detach()
    theirs = GaussianMixture(4)
    theirs.weights_ = model.log_weights()[0].exp().detach().numpy()
    theirs.means_ = model.mean[0].detach().numpy()
    theirs.precisions_cholesky_ = torch.linalg.inv(lower).mT.numpy()
    x = 2.0 * seeded(1, 30, 2)
    np.testing.assert_allclose(model.log_prob(x)[0].detach().numpy(), theirs.score_samples(x[0].numpy()), atol=1e-9)


def test_the_mixture_starts_at_different_points_of_the_data():
    angle = torch.arange(8) * (math.pi / 4)
    centres = 1.4 * torch.stack((angle.cos(), angle.sin()), -1)
    data = centres.repeat(100, 1) + 0.01 * torch.randn(800, 2, generator=torch.Generator().manual_seed(0))
    model = registry.find("model", "mixture").spec(components=8).build(2, [1, 2, 3], data)
    nearest = torch.cdist(centres.expand(3, -1, -1), model.mean).min(-1).values
    assert bool((nearest < 0.1).all())


@pytest.mark.parametrize("data", [torch.zeros(1, 2), torch.ones(5, 2)])
def test_the_mixture_starts_from_equal_points(data):
    model = registry.find("model", "mixture").spec(components=3).build(2, [1], data)
    assert bool(model.log_prob(torch.zeros(1, 4, 2)).isfinite().all())


def test_the_mixture_cannot_collapse_onto_a_point():
    spec = registry.find("model", "mixture").spec(components=1, floor=0.1)
    model = spec.build(2, [1], torch.zeros(20, 2))
    with torch.no_grad():
        model.log_diagonal.fill_(-50.0)
    peak = model.log_prob(torch.zeros(1, 1, 2)).item()
    assert peak == pytest.approx(-math.log(2 * math.pi) - 2 * math.log(0.1), abs=1e-5)


def test_the_kernel_density_agrees_with_scikit_learn(rough):
    model = rough("kde", members=1)
    theirs = SklearnKernelDensity(bandwidth=model.bandwidth().item(), rtol=1e-12).fit(model.centres[0].numpy())
    x = 1.5 * seeded(1, 40, 2)
    np.testing.assert_allclose(model.log_prob(x)[0].detach().numpy(), theirs.score_samples(x[0].numpy()), atol=1e-9)


def test_training_leaves_the_point_itself_out(rough):
    model = rough("kde", members=1, centres=40).train()
    x = model.centres.clone()
    width = model.bandwidth().item()
    for i in range(40):
        others = torch.cat((x[0, :i], x[0, i + 1 :])).numpy()
        expected = SklearnKernelDensity(bandwidth=width, rtol=1e-12).fit(others).score_samples(x[0, i : i + 1].numpy())
        assert model.log_prob(x)[0, i].item() == pytest.approx(expected[0], abs=1e-9)


@pytest.mark.parametrize("sigma", [0.0, 1e-4, 0.01])
def test_the_bandwidth_does_not_collapse_on_nearly_clean_data(sigma):
    data = seeded(400, 2).float()
    model = registry.find("model", "kde").spec().build(2, [1], data).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for step in range(150):
        x = (data + sigma * seeded(400, 2, seed=step).float()).unsqueeze(0)
        optimiser.zero_grad()
        (-model.log_prob(x).mean()).backward()
        optimiser.step()
    # The optimum for a normal density is near Silverman's 400^(-1/6) = 0.37.
    assert 0.2 < model.bandwidth().item() < 0.5


def test_at_most_so_many_centres_are_kept():
    model = registry.find("model", "kde").spec(centres=100).build(2, [1, 2], seeded(500, 2).float())
    assert model.centres.shape == (2, 100, 2)


def test_a_kernel_density_needs_two_points():
    with pytest.raises(SpecError, match="1 point"):
        registry.find("model", "kde").spec().build(2, [1], torch.zeros(1, 2))
