"""Convolutions of ensembles, held against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from gmstudio.models.layers import convolution
from gmstudio.models.layers.convolution import ConvolutionalDecoder, ConvolutionalEncoder, EnsembleConvolution
from gmstudio.models.layers.linear import generators


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("sides", [(6, 4), (5, 7), (1, 3)])
@pytest.mark.parametrize("channels", [1, 3, 6])
@pytest.mark.parametrize(("side", "stride"), [(3, 1), (4, 2)])
def test_every_member_convolves_its_own_images_as_torch_does(side, stride, channels, sides):
    layer = EnsembleConvolution(channels, 5, generators([1, 2]), side=side, stride=stride).double()
    x = seeded(2, 3, *sides, channels)
    found = layer(x)
    for member in range(2):
        images = x[member].permute(0, 3, 1, 2)
        if stride == 2:
            images = functional.pad(images, (0, sides[1] % 2, 0, sides[0] % 2))
        kernel = layer.weight[member].view(5, side, side, channels).permute(0, 3, 1, 2)
        expected = functional.conv2d(images, kernel, layer.bias[member], stride=stride, padding=1)
        torch.testing.assert_close(found[member].permute(0, 3, 1, 2), expected)
    assert found.shape[2:4] == tuple(-(-n // stride) for n in sides)


def test_pixels_of_a_cell_are_its_channels_in_turn():
    x = torch.arange(8.0).view(1, 1, 1, 1, 8)
    assert convolution.to_pixels(x)[0, 0].tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    many = seeded(2, 3, 4, 5, 12)
    assert torch.equal(convolution.from_pixels(convolution.to_pixels(many)), many)


def test_columns_are_pixels_with_the_last_index_running_fastest():
    columns = torch.arange(24.0).view(1, 24, 1)
    images = convolution.to_images(columns, (2, 3, 4))
    assert torch.equal(images[0, 0].permute(2, 0, 1).reshape(-1), columns.flatten())
    assert torch.equal(convolution.to_columns(images), columns)


@pytest.mark.parametrize("activation", ["relu", "silu", "tanh"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 7, 5)])
def test_the_decoder_carries_slopes_back_as_autograd_does(shape, activation):
    kinds = {"channels": 3, "layers": 2, "hidden": 5, "activation": activation, "draws": generators([1, 2])}
    decoder, z = ConvolutionalDecoder(4, shape, **kinds).double(), seeded(2, 4, 6).requires_grad_(True)
    values, back = decoder.traced(z)
    torch.testing.assert_close(values, decoder(z))
    slope = seeded(*values.shape, seed=5)
    (expected,) = torch.autograd.grad(decoder(z), z, slope)
    torch.testing.assert_close(back(slope), expected)


def test_numbers_beside_the_image_reach_the_perceptron_only():
    kinds = {"channels": 2, "layers": 1, "hidden": 5, "activation": "tanh", "draws": generators([1])}
    encoder = ConvolutionalEncoder((1, 4, 4), 3, beside=2, **kinds).double()
    x = seeded(1, 18, 6)
    features = encoder.convolutions[0](convolution.to_images(x[:, :16], (1, 4, 4))).tanh().flatten(2).mT
    torch.testing.assert_close(encoder(x), encoder.dense(torch.cat((features, x[:, 16:]), 1)))
