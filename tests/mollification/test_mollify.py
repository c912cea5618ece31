"""The one line against the moments that it promises."""

from __future__ import annotations

import torch

from gmstudio.mollification.gaussian import mollify


def test_no_noise_leaves_the_points_to_the_bit_and_full_noise_is_the_noise() -> None:
    generator = torch.Generator().manual_seed(1)
    x, noise = torch.randn(2, 3, 50, 2, generator=generator)
    assert torch.equal(mollify(x, noise, 0.0), x)
    assert torch.equal(mollify(x, noise, 1.0), noise)


def test_every_member_gets_its_own_variance() -> None:
    generator = torch.Generator().manual_seed(2)
    x, noise = torch.randn(2, 50, 2, generator=generator)
    both = mollify(x, noise, torch.tensor([0.0, 0.36])[:, None, None])
    assert both.shape == (2, 50, 2)
    assert torch.equal(both[0], x)
    torch.testing.assert_close(both[1], 0.8 * x + 0.6 * noise)


def test_mean_and_covariance_of_mollified_points_have_their_closed_form() -> None:
    generator = torch.Generator().manual_seed(3)
    root = torch.tensor([[1.0, 0.0], [0.7, 0.4]], dtype=torch.float64)
    mean = torch.tensor([0.5, -1.0], dtype=torch.float64)
    x = mean + torch.randn(400_000, 2, generator=generator, dtype=torch.float64) @ root.T
    noise = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    y = mollify(x, noise, 0.3)
    expected = 0.7 * root @ root.T + 0.3 * torch.eye(2, dtype=torch.float64)
    torch.testing.assert_close(y.mean(dim=0), 0.7**0.5 * mean, atol=6e-3, rtol=0)
    torch.testing.assert_close(y.T.cov(), expected, atol=8e-3, rtol=0)
