"""FID and KID against closed forms and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import linalg

from gmstudio.observation.frechet import fid, gaussian_frechet, kid


def seeded(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("rank", [6, 3])
def test_the_frechet_distance_is_that_of_scipys_matrix_root(rank: int) -> None:
    m, n = seeded(6), seeded(6, seed=2)
    c, k = (part @ part.T for part in (seeded(6, rank, seed=3), seeded(6, 6, seed=4)))
    root = linalg.sqrtm((c @ k).numpy()).real
    expected = float((m - n).square().sum() + c.trace() + k.trace()) - 2.0 * float(np.trace(root))
    assert gaussian_frechet(m, c, n, k) == pytest.approx(expected, rel=1e-5)


def test_of_gaussians_whose_covariances_commute_it_has_a_closed_form() -> None:
    basis, _ = torch.linalg.qr(seeded(5, 5))
    a, b = torch.tensor([4.0, 1.0, 0.25, 9.0, 0.0]), torch.tensor([1.0, 1.0, 4.0, 0.0, 0.0])
    c, k = (basis @ torch.diag(values.double()) @ basis.T for values in (a, b))
    expected = float((a.sqrt() - b.sqrt()).square().sum()) + 5.0
    found = gaussian_frechet(torch.zeros(5), c, torch.ones(5), k)
    assert found == pytest.approx(expected, abs=1e-6)


def test_of_two_sets_it_uses_their_means_and_covariances() -> None:
    a, b = seeded(400, 3), 2.0 * seeded(300, 3, seed=5) + 1.0
    expected = gaussian_frechet(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T))
    assert fid(a, b) == pytest.approx(expected) and fid(b, a) == pytest.approx(expected)
    assert fid(a, a) == pytest.approx(0.0, abs=1e-9)
    # One column: |m - n|^2 + (s - t)^2.
    x, y = a[:, :1], b[:, :1]
    expected = float((x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2)
    assert fid(x, y) == pytest.approx(expected)


@pytest.mark.parametrize("sizes", [(9, 12), (20, 20), (5, 20)])
def test_of_fewer_points_than_features_it_is_the_same_distance(sizes: tuple[int, int]) -> None:
    a, b = seeded(sizes[0], 20), 1.5 * seeded(sizes[1], 20, seed=2) + 0.3
    expected = gaussian_frechet(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T))
    assert fid(a, b) == pytest.approx(expected, rel=1e-6) and fid(b, a) == pytest.approx(expected, rel=1e-6)
    assert fid(a, a) == pytest.approx(0.0, abs=1e-9)


def test_the_kernel_distance_is_unbiased_and_knows_its_error() -> None:
    """E (x y + 1)^3 = E x^3 E y^3 + 3 E x^2 E y^2 + 3 E x E y + 1 for independent numbers x and y."""
    mean, spread = 0.5, 1.5
    moments = np.array([1.0, mean, mean**2 + spread**2, mean**3 + 3 * mean * spread**2])
    own, weights = np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 3.0, 3.0, 1.0])
    truth = float((weights * (own - moments) ** 2).sum())
    found = [kid(seeded(200, 1, seed=2 * s), mean + spread * seeded(240, 1, seed=2 * s + 1)) for s in range(1, 301)]
    values, errors = (torch.stack([each[i] for each in found]) for i in (0, 1))
    assert abs(float(values.mean()) - truth) < 4 * float(values.std()) / math.sqrt(300)
    assert float(errors.square().mean().sqrt()) == pytest.approx(float(values.std()), rel=0.15)


def test_of_one_distribution_it_is_nothing_on_average() -> None:
    values = torch.stack([kid(seeded(160, 4, seed=2 * s), seeded(160, 4, seed=2 * s + 1)).value for s in range(1, 201)])
    assert abs(float(values.mean())) < 4 * float(values.std()) / math.sqrt(200)
    assert float(values.min()) < 0


@pytest.mark.parametrize("distance", [fid, kid])
def test_what_cannot_be_compared_is_refused(distance) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"shapes \(5, 2\) and \(5, 3\)"):
        distance(seeded(5, 2), seeded(5, 3))
    with pytest.raises(ValueError, match="too few"):
        distance(seeded(1, 2), seeded(5, 2))
