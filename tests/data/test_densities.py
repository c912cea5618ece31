"""Densities against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from gmstudio.data.densities import curves, gaussians
from gmstudio.data.densities.curves import Arc, BlurredCurve
from gmstudio.data.densities.gaussians import GaussianMixture
from gmstudio.data.densities.squares import SoftSquares
from gmstudio.data.densities.twisted import Twisted
from gmstudio.data.sets.rings import Rings
from gmstudio.data.sets.song_ermon import SongErmon
from gmstudio.data.sets.spirals import Spirals
from gmstudio.data.sets.swiss_roll import SwissRoll
from gmstudio.data.sets.two_moons import TwoMoons


def _random(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _mixture(kind: str, count: int = 5, dim: int = 3) -> tuple[GaussianMixture, list[np.ndarray]]:
    weights, means = _random(count).exp(), _random(count, dim, seed=2)
    if kind == "round":
        covariances = _random(count, seed=3).exp()
        full = [float(v) * np.eye(dim) for v in covariances]
    elif kind == "diagonal":
        covariances = _random(count, dim, seed=3).exp()
        full = [np.diag(v) for v in covariances.numpy()]
    else:
        root = _random(count, dim, dim, seed=3)
        covariances = root @ root.mT + 0.1 * torch.eye(dim, dtype=torch.float64)
        full = list(covariances.numpy())
    return GaussianMixture(weights, means, covariances), full


@pytest.mark.parametrize("kind", ["round", "diagonal", "full"])
def test_a_mixture_has_scipys_density(kind: str) -> None:
    mixture, full = _mixture(kind)
    x = 2 * _random(50, 3, seed=4)
    parts = [
        float(w) * stats.multivariate_normal(m, c).pdf(x)
        for w, m, c in zip(mixture.weights, mixture.means.numpy(), full, strict=True)
    ]
    assert np.allclose(mixture.log_prob(x).numpy(), np.log(np.sum(parts, axis=0)), atol=1e-9)


@pytest.mark.parametrize("kind", ["round", "diagonal", "full"])
def test_a_mixtures_score_is_its_gradient(kind: str) -> None:
    mixture, _ = _mixture(kind)
    x = (2 * _random(50, 3, seed=4)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    assert torch.allclose(mixture.score(x.detach()), gradient, atol=1e-9)


@pytest.mark.parametrize("kind", ["round", "diagonal", "full"])
def test_a_mollified_mixture_has_scaled_means_and_widened_covariances(kind: str) -> None:
    mixture, full = _mixture(kind)
    mollified = mixture.mollified(0.6, 0.8)
    assert torch.allclose(mollified.means, 0.6 * mixture.means)
    x = _random(50, 3, seed=4)
    expected = np.sum(
        [
            float(w) * stats.multivariate_normal(0.6 * m, 0.36 * c + 0.64 * np.eye(3)).pdf(x)
            for w, m, c in zip(mixture.weights, mixture.means.numpy(), full, strict=True)
        ],
        axis=0,
    )
    assert np.allclose(mollified.log_prob(x).numpy(), np.log(expected), atol=1e-9)


@pytest.mark.parametrize("kind", ["round", "diagonal", "full"])
def test_a_mixtures_samples_have_its_mean_and_covariance(kind: str) -> None:
    mixture, full = _mixture(kind)
    x = mixture.sample(200_000, torch.Generator().manual_seed(5)).numpy()
    weights, means = mixture.weights.numpy(), mixture.means.numpy()
    mean = weights @ means
    covariance = np.einsum("k,kij->ij", weights, np.array(full)) + (means - mean).T * weights @ (means - mean)
    # Five standard errors of a mean; the fourth moments of these mixtures are below 12 times the squared variance.
    error = 5 * np.sqrt(np.diag(covariance).max() / len(x))
    assert np.abs(x.mean(0) - mean).max() < error
    assert np.abs(np.cov(x.T) - covariance).max() < 5 * np.sqrt(12 / len(x)) * np.diag(covariance).max()


@pytest.mark.parametrize("kind", ["round", "diagonal"])
def test_leaving_out_far_components_changes_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tiles are much smaller than the spreads, so that components just beyond the limit are left out.
    means = 3 * torch.rand(300, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    spreads = 0.01 * _random(300, seed=3).exp()
    covariances = spreads if kind == "round" else torch.stack([spreads, 2 * spreads], dim=1)
    mixture = GaussianMixture(_random(300, seed=6).exp(), means, covariances)
    x = 3 * torch.rand(8000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    if kind == "diagonal":
        x = torch.cat([x, torch.tensor([[50.0, -80.0]])])
    monkeypatch.setattr(gaussians, "LARGE", 10**12)
    everything = mixture.log_prob(x), mixture.score(x)
    monkeypatch.setattr(gaussians, "LARGE", 0)
    near = mixture.log_prob(x), mixture.score(x)
    assert torch.allclose(near[0], everything[0], atol=1e-11, rtol=1e-13)
    assert torch.allclose(near[1], everything[1], atol=1e-9, rtol=1e-11)


def test_a_large_mixture_is_evaluated_at_many_points_within_the_memory() -> None:
    mixture = GaussianMixture(torch.ones(2000), 3 * _random(2000, 2), torch.full((2000,), 0.01))
    x = 3 * _random(40_000, 2, seed=2).float()
    assert bool(mixture.log_prob(x).isfinite().all())


def test_no_points_have_no_densities() -> None:
    mixture = SongErmon().density()
    assert mixture.log_prob(torch.zeros(0, 2)).shape == (0,)
    assert mixture.score(torch.zeros(0, 2)).shape == (0, 2)


def test_a_point_that_is_not_a_number_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaussians, "LARGE", 0)
    x = torch.tensor([[0.0, 0.0], [math.nan, 0.0]])
    logs = SongErmon().density().log_prob(x)
    assert logs.isnan().any()


def test_song_and_ermons_mixture_is_the_papers() -> None:
    x = _random(20, 2) * 5
    expected = 0.8 * stats.multivariate_normal([5, 5]).pdf(x) + 0.2 * stats.multivariate_normal([-5, -5]).pdf(x)
    assert np.allclose(SongErmon().density().log_prob(x).exp().numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("radius, noise", [(1.0, 0.05), (1.0, 0.5), (3.0, 0.01), (0.1, 1.0)])
def test_a_blurred_circle_has_rices_density(radius: float, noise: float) -> None:
    density = Rings(rings=1, radius=radius, noise=noise).density()
    r = torch.linspace(0, radius + 10 * noise, 60, dtype=torch.float64)
    x = torch.stack([r * math.cos(1.0), r * math.sin(1.0)], dim=1)
    z = (r * radius / noise**2).numpy()
    expected = np.log(special.i0e(z)) - ((r - radius) ** 2 / (2 * noise**2)).numpy() - math.log(2 * math.pi * noise**2)
    assert np.allclose(density.log_prob(x).numpy(), expected, atol=1e-9)


def test_a_blurred_segment_has_the_closed_form() -> None:
    segment = Arc(lambda v: torch.stack([v, torch.zeros_like(v)], dim=1), -1.0, 2.0)
    density = BlurredCurve([segment], 0.1)
    # Within twelve standard deviations of the segment, beyond its ends too.
    x = torch.stack([torch.linspace(-2, 3, 101), torch.linspace(-0.6, 0.6, 101)], dim=1).double()
    along = (x[:, :1].numpy() - np.array([-1.0, 2.0])) / 0.1
    # The difference is taken in the tail on which it does not cancel.
    along = np.where(x[:, :1].numpy() > 0.5, -along[:, ::-1], along)
    expected = np.log(special.ndtr(along[:, 0]) - special.ndtr(along[:, 1])) - np.log(3)
    expected = expected + stats.norm(scale=0.1).logpdf(x[:, 1].numpy())
    assert np.allclose(density.log_prob(x).numpy(), expected, atol=1e-9)


@pytest.mark.parametrize(
    "spec",
    [
        TwoMoons(noise=0.01),
        TwoMoons(noise=1.0),
        Spirals(noise=0.02, turns=5.0, radius=1.0),
        Spirals(noise=0.3, turns=5.0, radius=0.1),
        SwissRoll(noise=0.05, core=0.0, turns=4.0),
        Rings(noise=0.02, rings=10, radius=0.5),
    ],
)
def test_the_quadrature_along_a_curve_has_converged(
    spec: TwoMoons | Spirals | SwissRoll | Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    density = spec.density()
    ends = torch.cat([arc.place(torch.tensor([arc.start, arc.end]).double()) for arc in density.arcs]).repeat(9, 1)
    on = torch.cat([ends, density.sample(200, torch.Generator().manual_seed(1))])
    x = on + 12 * spec.noise * torch.nn.functional.normalize(_random(len(on), 2), dim=1)
    x = torch.cat([on, x])
    logs = density.log_prob(x)
    monkeypatch.setattr(curves, "PANEL", curves.PANEL / 3)
    monkeypatch.setattr(curves, "STEP", curves.STEP / 3)
    monkeypatch.setattr(curves, "TURN", curves.TURN / 3)
    assert torch.allclose(spec.density().log_prob(x), logs, atol=1e-9, rtol=0)


def test_a_curve_shrunk_to_a_point_is_a_gaussian() -> None:
    x = _random(20, 2)
    expected = stats.multivariate_normal([0, 0], 0.49).logpdf(x.numpy())
    for spec in (TwoMoons(), Rings(), Spirals()):
        assert np.allclose(spec.density().mollified(0.0, 0.7).log_prob(x).numpy(), expected, atol=1e-9)


def test_soft_squares_have_the_closed_form() -> None:
    density = SoftSquares(torch.tensor([[0.5, 1.0], [-2.0, -1.0]]), 1.5, 0.2)
    x = 1.5 * _random(200, 2)
    normal = stats.norm(scale=0.2)

    def side(offset: np.ndarray) -> np.ndarray:
        return np.asarray((normal.cdf(offset + 0.75) - normal.cdf(offset - 0.75)) / 1.5)

    expected = 0.5 * sum(side(x[:, 0].numpy() - a) * side(x[:, 1].numpy() - b) for a, b in ((0.5, 1.0), (-2.0, -1.0)))
    assert np.allclose(density.log_prob(x).exp().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 1e-9, 1e-5, 1e-3])
def test_squares_shrunk_to_points_are_a_gaussian(alpha: float) -> None:
    density = SoftSquares(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), 2.0, 0.1).mollified(alpha, 1.0)
    x = _random(50, 2)
    expected = stats.multivariate_normal([0, 0], 1 + 2 * alpha**2).logpdf(x.numpy())
    assert np.allclose(density.log_prob(x).numpy(), expected, atol=1e-5)
    assert bool(density.score(x).isfinite().all())


def test_a_twist_keeps_areas() -> None:
    twisted = Twisted(GaussianMixture(torch.ones(1), torch.zeros(1, 2), torch.ones(1)), 0.0)
    wound = Twisted(twisted.straight, 2.5)
    # A round Gaussian around the centre does not notice being twisted.
    x = _random(50, 2)
    assert torch.allclose(wound.log_prob(x), twisted.log_prob(x), atol=1e-12)
    assert torch.allclose(wound.score(x), -x, atol=1e-9)
    assert bool(wound.score(torch.zeros(1, 2)).isfinite().all())


def test_a_twisted_density_has_no_closed_form_once_mollified() -> None:
    density = Twisted(SongErmon().density(), 1.0)
    assert density.mollified(1.0, 0.0) is density
    assert density.mollified(0.6, 0.8) is None
