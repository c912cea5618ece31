"""Convolutions of E members on images, and the networks between images and the few numbers of a latent space.

Images stand as (E, B, H, W, C), channels last: so they are columns of pixels but for the order of their dimensions,
and a convolution of one pixel is a linear map of rows.  Members are convolved one after the other.  In one grouped
convolution they are no faster (28 x 28 pixels, 3 members, a batch of 128, one thread: 94 ms against 91 ms for both
networks there and back), and a member's bits would depend on how many it stands beside.

Up by sub-pixels: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network", CVPR 2016.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.models.base import Shape
from gmstudio.models.layers.linear import MLP, Activation, EnsembleLinear, Init, activated, bent


class EnsembleConvolution(EnsembleLinear):
    """E convolutions; the weight is that of a linear map of patches, (E, outputs, side * side * inputs).

    The sides of images stay as they are, or with a stride of 2 are halved, rounded up.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        draws: one generator for each member.
        side: of the patches, in pixels: 1 or 3, or 4 for a stride of 2.
        stride: 1 or 2.
        scale, init: as of `EnsembleLinear`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        draws: Sequence[torch.Generator],
        *,
        side: int = 3,
        stride: int = 1,
        scale: float = 1.0,
        init: Init = "he",
    ) -> None:
        super().__init__(inputs * side * side, outputs, draws, scale, init)
        self.inputs, self.side, self.stride = inputs, side, stride

    def forward(self, x: Tensor) -> Tensor:
        """Map images (E, B, H, W, inputs) to images (E, B, h, w, outputs)."""
        if self.stride == 2 and (x.shape[2] % 2 or x.shape[3] % 2):
            x = functional.pad(x, (0, 0, 0, x.shape[3] % 2, 0, x.shape[2] % 2))
        if self.side == 1:
            rows = torch.baddbmm(self.bias.unsqueeze(1), x.flatten(1, 3), self.weight.mT)
            return rows.view(*x.shape[:4], -1)
        parts = [
            functional.conv2d(image.permute(0, 3, 1, 2), kernel, bias, stride=self.stride, padding=1)
            for image, kernel, bias in zip(x.unbind(0), self.kernels(), self.bias.unbind(0), strict=True)
        ]
        return torch.stack(parts).permute(0, 1, 3, 4, 2)

    def kernels(self) -> list[Tensor]:
        """Each member's weight as (outputs, inputs, side, side)."""
        members, outputs = self.weight.shape[:2]
        weight = self.weight.view(members, outputs, self.side, self.side, self.inputs)
        return list(weight.permute(0, 1, 4, 2, 3).unbind(0))

    def back(self, slope: Tensor) -> Tensor:
        """Carry slopes (E, B, h, w, outputs) back to what came in, with a stride of 1; autograd can follow."""
        parts = [
            functional.conv_transpose2d(image.permute(0, 3, 1, 2), kernel, padding=1)
            for image, kernel in zip(slope.unbind(0), self.kernels(), strict=True)
        ]
        return torch.stack(parts).permute(0, 1, 3, 4, 2)


def to_pixels(x: Tensor) -> Tensor:
    """Four channels of a pixel as one channel of 2 x 2 pixels: (E, B, h, w, 4 C) to (E, B, 2 h, 2 w, C)."""
    members, images, height, width, channels = x.shape
    cells = x.reshape(members, images, height, width, 2, 2, channels // 4).permute(0, 1, 2, 4, 3, 5, 6)
    return cells.reshape(members, images, 2 * height, 2 * width, channels // 4)


def from_pixels(x: Tensor) -> Tensor:
    """Undo `to_pixels`: (E, B, 2 h, 2 w, C) to (E, B, h, w, 4 C)."""
    members, images, height, width, channels = x.shape
    cells = x.reshape(members, images, height // 2, 2, width // 2, 2, channels).permute(0, 1, 2, 4, 3, 5, 6)
    return cells.reshape(members, images, height // 2, width // 2, 4 * channels)


def to_images(x: Tensor, shape: Shape) -> Tensor:
    """Columns (E, D, B) as images (E, B, H, W, C)."""
    return x.mT.reshape(x.shape[0], x.shape[2], *shape).permute(0, 1, 3, 4, 2)


def to_columns(x: Tensor) -> Tensor:
    """Images (E, B, H, W, C) as columns (E, D, B)."""
    return x.permute(0, 1, 4, 2, 3).flatten(2).mT


def halved(shape: Shape, times: int) -> list[tuple[int, int]]:
    """Height and width at first, and after each of so many times that they are halved and rounded up."""
    sides = [shape[1:]]
    for _ in range(times):
        height, width = sides[-1]
        sides.append((-(-height // 2), -(-width // 2)))
    return sides


class ConvolutionalEncoder(nn.Module):
    """From images to numbers: convolutions that halve the sides and double the channels, and a perceptron.

    Args:
        shape: of the images.
        outputs: numbers that go out.
        channels: of the first convolution.
        layers: how many convolutions.
        hidden: width of the perceptron, which has one hidden layer.
        activation: between all layers.
        draws: one generator for each member.
        beside: further numbers that come in after those of the image, and go to the perceptron.
    """

    def __init__(
        self,
        shape: Shape,
        outputs: int,
        *,
        channels: int,
        layers: int,
        hidden: int,
        activation: Activation,
        draws: Sequence[torch.Generator],
        beside: int = 0,
    ) -> None:
        super().__init__()
        self.shape: Shape = shape
        widths = [shape[0], *(channels * 2**i for i in range(layers))]
        self.convolutions = nn.ModuleList(
            [EnsembleConvolution(a, b, draws, side=4, stride=2) for a, b in itertools.pairwise(widths)]
        )
        height, width = halved(shape, layers)[-1]
        features = height * width * widths[-1]
        self.dense = MLP(
            features + beside, outputs, hidden=hidden, layers=1, activation=activation, draws=draws, init="he"
        )
        self.activation: Activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map (E, D + beside, B) to (E, outputs, B)."""
        dim = self.shape[0] * self.shape[1] * self.shape[2]
        images = to_images(x[:, :dim], self.shape)
        for layer in self.convolutions:
            images = activated(layer(images), self.activation)
        features = images.flatten(2).mT
        found: Tensor = self.dense(features if x.shape[1] == dim else torch.cat((features, x[:, dim:]), dim=1))
        return found


class ConvolutionalDecoder(nn.Module):
    """From numbers to images: a perceptron, and convolutions after each of which the sides are doubled.

    Its widths are those of a `ConvolutionalEncoder`, in the opposite order.

    Args:
        inputs: numbers that come in.
        shape: of the images.
        channels, layers, hidden, activation, draws: as of `ConvolutionalEncoder`.
    """

    def __init__(
        self,
        inputs: int,
        shape: Shape,
        *,
        channels: int,
        layers: int,
        hidden: int,
        activation: Activation,
        draws: Sequence[torch.Generator],
    ) -> None:
        super().__init__()
        self._sides = halved(shape, layers)[::-1]
        widths = [*(channels * 2**i for i in reversed(range(layers))), shape[0]]
        self._first = (*self._sides[0], widths[0])
        height, width, depth = self._first
        self.dense = MLP(
            inputs, height * width * depth, hidden=hidden, layers=1, activation=activation, draws=draws, init="he"
        )
        self.convolutions = nn.ModuleList(
            [
                EnsembleConvolution(a, 4 * b, draws, init="he" if i < layers - 1 else "uniform")
                for i, (a, b) in enumerate(itertools.pairwise(widths))
            ]
        )
        self.activation: Activation = activation

    def forward(self, z: Tensor) -> Tensor:
        """Map (E, inputs, B) to (E, D, B)."""
        images = self._opened(self.dense(z))
        for layer, sides in zip(self.convolutions, self._sides[1:], strict=True):
            images = _cropped(to_pixels(layer(activated(images, self.activation))), sides)
        return to_columns(images)

    def _opened(self, columns: Tensor) -> Tensor:
        """What the perceptron gives as the smallest images."""
        return columns.mT.reshape(columns.shape[0], columns.shape[2], *self._first)

    def traced(self, z: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Values (E, D, B), and what carries their slopes back to (E, inputs, B); see `MLP.traced`."""
        values, first = self.dense.traced(z)
        images = self._opened(values)
        derivatives = []
        for layer, sides in zip(self.convolutions, self._sides[1:], strict=True):
            value, derivative = bent(images, self.activation)
            derivatives.append(derivative)
            images = _cropped(to_pixels(layer(value)), sides)
        shape: Shape = (images.shape[-1], *self._sides[-1])

        def back(slope: Tensor) -> Tensor:
            slope = to_images(slope, shape)
            for layer, derivative in zip(reversed(self.convolutions), reversed(derivatives), strict=True):
                slope = layer.back(from_pixels(_evened(slope))) * derivative  # type: ignore[operator]
            return first(slope.flatten(2).mT)

        return to_columns(images), back


def _cropped(images: Tensor, sides: tuple[int, int]) -> Tensor:
    return images[:, :, : sides[0], : sides[1]]


def _evened(images: Tensor) -> Tensor:
    """Undo `_cropped` for slopes: those of what was cut off are 0."""
    height, width = images.shape[2:4]
    return functional.pad(images, (0, 0, 0, width % 2, 0, height % 2)) if height % 2 or width % 2 else images
