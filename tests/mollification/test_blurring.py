"""Blurring by the discrete cosine transform."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import fft, ndimage

from gmstudio.mollification.blurring import Blur
from gmstudio.mollification.widths import FINEST, gamma_of, smear, width


def images(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 9), (1, 1, 6), (2, 28, 28)])
def test_it_is_the_transform_of_scipy(shape: tuple[int, int, int]) -> None:
    x, s = images(4, int(np.prod(shape))), 1.7
    picture = x.double().numpy().reshape(4, *shape)
    coefficients = fft.dctn(picture, axes=(2, 3), norm="ortho")
    i, j = np.meshgrid(np.arange(shape[1]) / shape[1], np.arange(shape[2]) / shape[2], indexing="ij")
    expected = fft.idctn(np.exp(-(np.pi**2) * (i**2 + j**2) * s**2 / 2) * coefficients, axes=(2, 3), norm="ortho")
    found = Blur(shape)(x, torch.full((4,), s))
    np.testing.assert_allclose(found.numpy().reshape(4, *shape), expected, atol=1e-5)


def test_far_from_the_borders_it_is_a_gaussian_filter() -> None:
    picture = np.zeros((41, 41))
    picture[20, 20] = 1.0
    found = Blur((1, 41, 41))(torch.from_numpy(picture).float().view(1, -1), torch.tensor([2.5]))
    expected = ndimage.gaussian_filter(picture, 2.5, truncate=8.0)
    np.testing.assert_allclose(found.numpy().reshape(41, 41), expected, atol=2e-5)


def test_the_mean_of_every_channel_stays_and_a_wide_blur_leaves_nothing_else() -> None:
    x = images(2, 5, 3 * 64)
    found = Blur((3, 8, 8))(x, torch.full((2, 1), 40.0)).unflatten(-1, (3, 64))
    expected = x.unflatten(-1, (3, 64)).mean(-1, keepdim=True).expand(-1, -1, -1, 64)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_no_blur_is_exactly_the_image() -> None:
    x = images(2, 5, 64)
    found = Blur((1, 8, 8))(x, torch.tensor([[0.0], [1.0]]))
    assert torch.equal(found[0], x[0]) and not torch.allclose(found[1], x[1], atol=0.1)


def test_along_each_side_alone_it_is_the_same_without_torch() -> None:
    x = images(2, 5 * 9)
    expected = smear(5, 1.3) @ x.double().numpy().reshape(2, 5, 9) @ smear(9, 1.3).T
    np.testing.assert_allclose(Blur((1, 5, 9))(x, torch.full((2,), 1.3)).numpy().reshape(2, 5, 9), expected, atol=1e-6)
    np.testing.assert_allclose(smear(6, 0.0), np.eye(6), atol=1e-12)


def test_two_blurs_are_one_of_the_sum_of_their_variances() -> None:
    x, blur = images(3, 64), Blur((1, 8, 8))
    twice = blur(blur(x, torch.full((3,), 0.6)), torch.full((3,), 0.8))
    torch.testing.assert_close(twice, blur(x, torch.full((3,), 1.0)), atol=1e-5, rtol=1e-5)


def test_the_width_falls_log_linearly_from_the_side_of_the_image() -> None:
    gamma = np.linspace(0.0, 1.0, 11)
    widths = width(gamma, 28)
    assert widths[0] == 0.0 and widths[-1] == pytest.approx(28.0)
    np.testing.assert_allclose(np.diff(np.log(widths[1:])), np.log(28 / FINEST) / 10)
    assert widths[1] > FINEST
    assert [gamma_of(float(one), 28) for one in widths] == pytest.approx(gamma.tolist())
