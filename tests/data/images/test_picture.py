"""How columns are pixels, and what a log-likelihood of columns says of pixels."""

from __future__ import annotations

import math

import pytest
import torch

from gmstudio.data.base import Picture

PICTURES = [Picture((1, 2, 3)), Picture((3, 2, 2), 17), Picture((1, 2, 3), 256, 0.05), Picture((3, 2, 2), 17, 1e-6)]


def light(picture: Picture, count: int = 20) -> torch.Tensor:
    made = torch.rand(count, *picture.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return 0.01 + 0.98 * made


@pytest.mark.parametrize("picture", PICTURES, ids=str)
def test_pixels_come_back_from_columns_in_the_order_of_channels_rows_and_columns(picture: Picture) -> None:
    pixels = light(picture)
    x = picture.from_pixels(pixels)
    assert x.shape == (20, picture.dim)
    assert torch.allclose(picture.to_pixels(x), pixels, atol=1e-12)
    _, height, width = picture.shape
    assert torch.allclose(picture.to_pixels(x)[:, 0, 1, 1], picture.to_pixels(x).flatten(1)[:, width + 1])
    assert height * width * picture.shape[0] == picture.dim


@pytest.mark.parametrize("picture", PICTURES, ids=str)
def test_the_volume_of_pixels_is_the_determinant_of_the_derivative(picture: Picture) -> None:
    x = picture.from_pixels(light(picture, 5))

    def grey(row: torch.Tensor) -> torch.Tensor:
        return picture.levels * picture.to_pixels(row).flatten()

    jacobians = torch.stack([torch.autograd.functional.jacobian(grey, row) for row in x])
    assert torch.allclose(picture.log_volume_of_pixels(x), torch.linalg.slogdet(jacobians)[1], atol=1e-9)


def test_the_logit_is_the_one_of_the_paper() -> None:
    picture = Picture((1, 1, 2), alpha=0.05)
    x = picture.from_pixels(torch.tensor([[[0.0, 0.75]]], dtype=torch.float64))
    inner = 0.05 + 0.9 * 0.75
    assert x[0].item() == pytest.approx(math.log(0.05 / 0.95)) and x[1].item() == pytest.approx(
        math.log(inner / (1 - inner))
    )
    assert picture.limits == pytest.approx((math.log(0.05 / 0.95), math.log(0.95 / 0.05)))


def test_what_is_beyond_black_and_white_is_shown_as_black_and_white() -> None:
    for picture in (Picture((1, 1, 2)), Picture((1, 1, 2), alpha=0.05)):
        low, high = picture.limits
        x = torch.tensor([low - 3, high + 3])
        assert picture.to_pixels(x).flatten().tolist() == [0, 1]
        assert picture.to_grey(x).flatten().tolist() == [0, 255]


def test_a_uniform_density_over_all_grey_values_takes_as_many_bits_as_they_have() -> None:
    picture = Picture((1, 2, 3), 256)
    x = picture.from_pixels(light(picture))
    # The density of columns between 0 and 1 is 1.
    assert torch.allclose(picture.bits_per_dimension(torch.zeros(20).double(), x), torch.full((20,), 8.0).double())
    logits = Picture((1, 2, 3), 256, 0.05)
    x = logits.from_pixels(light(picture))
    # The logits of a uniform number have the logistic density, cut off at black and white.
    log_prob = (x.sigmoid().log() + (-x).sigmoid().log() - math.log(0.9)).sum(-1)
    assert torch.allclose(logits.bits_per_dimension(log_prob, x), torch.full((20,), 8.0).double())
