"""Flows of images at several scales, with convolutional networks in their couplings.

At every level the sides of the images are halved, each pixel taking the channels of 2 x 2; couplings follow; and half
of the channels leave for the latent, all of them at the last level (Dinh, Sohl-Dickstein, Bengio, "Density estimation
using Real NVP", ICLR 2017, sections 3.4-3.6; Kingma, Dhariwal, "Glow", NeurIPS 2018, section 3).  Real-NVP's
checkerboard is a choice of channels once the sides are halved: so its networks are the smaller ones, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from gmstudio.models.base import Shape
from gmstudio.models.layers import tails
from gmstudio.models.layers.affine import bounded
from gmstudio.models.layers.base import DensityModel
from gmstudio.models.layers.convolution import EnsembleConvolution, from_pixels, to_images, to_pixels
from gmstudio.models.layers.flow import normal_log_prob
from gmstudio.models.layers.linear import Activation, Init, activated
from gmstudio.models.layers.mixing import Mixing, unmix

#: Images in one pass, of all members together, where nobody asks for gradients.
CHUNK = 512
#: Images from which normalisations start.
FIRST = 256
#: The order that puts pixels of one colour of a checkerboard first, and the one that undoes it.
_BOARD, _BACK = (0, 3, 1, 2), (0, 2, 3, 1)


class Kind(NamedTuple):
    """What the networks of all couplings have in common; see `gmstudio.models.flows._affine`."""

    hidden: int
    layers: int
    activation: Activation
    limit: float
    init: Init


class Scaling(nn.Module):
    """Channels of an image, scaled and shifted by what a convolutional network makes of others: b exp(s) + t.

    Args:
        kept: channels that the network is given.
        moved: channels that are scaled and shifted.
        kind: of the network; with 0 layers, one convolution.
        draws: one generator for each member.
    """

    def __init__(self, kept: int, moved: int, kind: Kind, draws: Sequence[torch.Generator]) -> None:
        super().__init__()
        widths = [kept, *[kind.hidden] * kind.layers]
        # Between the first layer and the last, pixels are looked at one by one (Glow, section B).
        hiddens = [
            EnsembleConvolution(a, b, draws, side=1 if i else 3, init=kind.init)
            for i, (a, b) in enumerate(itertools.pairwise(widths))
        ]
        self.hiddens = nn.ModuleList(hiddens)
        self.last = EnsembleConvolution(widths[-1], 2 * moved, draws, scale=0.1, init=kind.init)
        self.kind = kind

    def numbers(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Log-scales and shifts, both (E, B, h, w, moved), of images (E, B, h, w, kept)."""
        for layer in self.hiddens:
            kept = activated(layer(kept), self.kind.activation)
        raw, shift = self.last(kept).chunk(2, dim=-1)
        return bounded(raw, self.kind.limit)[1], shift

    def forward(self, kept: Tensor, moved: Tensor) -> tuple[Tensor, Tensor]:
        """The moved channels on their way to the latent, and the logs of their slopes."""
        log_scale, shift = self.numbers(kept)
        return torch.addcmul(shift, moved, log_scale.exp()), log_scale

    def back(self, kept: Tensor, moved: Tensor) -> Tensor:
        """Undo `forward`."""
        log_scale, shift = self.numbers(kept)
        return (moved - shift) * torch.exp(-log_scale)


class Level(nn.Module):
    """Steps at one scale, each a coupling, with a learned map of channels before it or a fixed order of them.

    Args:
        channels: that come in, at sides that are not halved yet.
        steps: how many couplings.
        kind: of their networks.
        draws: one generator for each member.
        mixes: whether a scale, a shift and a linear map of the channels come before every coupling, as in Glow;
            otherwise the first half of the couplings are checkerboards, and the others halves of the channels.
        leaves: whether half of the channels leave, scaled and shifted by what stays where `mixes`.
    """

    def __init__(
        self,
        channels: int,
        steps: int,
        kind: Kind,
        draws: Sequence[torch.Generator],
        *,
        mixes: bool,
        leaves: bool,
    ) -> None:
        super().__init__()
        half = 2 * channels
        self.couplings = nn.ModuleList([Scaling(half, half, kind, draws) for _ in range(steps)])
        self.mixing = Mixing(2 * half, steps, draws, start="rotation", actnorm=True) if mixes else None
        self.leaves = leaves
        # Of what is known of a channel beforehand, one convolution is enough (Glow, section B).
        self.prior = Scaling(half, half, kind._replace(layers=0), draws) if mixes and leaves else None
        # Of the four pixels of a cell: first those of one colour, and in the middle of the steps as they were.
        self._orders = {} if mixes else {0: _BOARD, (steps + 1) // 2: _BACK}

    def steps(self, images: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The images after each step, (E, B, h, w, C), and the log of its coupling's volume, (E, B)."""
        maps = self._maps()
        for i in range(len(self.couplings)):
            images, log_det = self._step(images, i, maps)
            yield images, log_det

    def _maps(self) -> list[tuple[Tensor, Tensor]] | None:
        """Matrix and shift of each step, where they are learned."""
        if self.mixing is None:
            return None
        matrices, shifts, _ = self.mixing.maps()
        assert shifts is not None
        return list(zip(matrices.unbind(1), shifts.unbind(1), strict=True))

    def _step(self, images: Tensor, i: int, maps: list[tuple[Tensor, Tensor]] | None) -> tuple[Tensor, Tensor]:
        if maps is not None:
            images = _mixed(images, *maps[i])
        elif i in self._orders:
            images = _ordered(images, self._orders[i])
        kept, moved = _turned(images.chunk(2, dim=-1), i)
        moved, log_scale = self.couplings[i](kept, moved)
        return torch.cat(_turned((kept, moved), i), dim=-1), log_scale.flatten(2).sum(2)

    def volume(self, pixels: int) -> Tensor | float:
        """log |det| of the learned maps of all steps on images of so many pixels, (E, 1)."""
        return 0.0 if self.mixing is None else pixels * self.mixing.maps()[2].unsqueeze(1)

    def back(self, images: Tensor) -> Tensor:
        """Undo all steps."""
        maps = self._maps()
        for i in reversed(range(len(self.couplings))):
            kept, moved = _turned(images.chunk(2, dim=-1), i)
            moved = cast(Scaling, self.couplings[i]).back(kept, moved)
            images = torch.cat(_turned((kept, moved), i), dim=-1)
            if maps is not None:
                images = unmix(images.flatten(1, 3).mT, *maps[i]).mT.reshape(images.shape)
            elif i in self._orders:
                images = _ordered(images, _BACK if self._orders[i] is _BOARD else _BOARD)
        return images

    def start_from(self, images: Tensor) -> Tensor:
        """Set scale and shift of every map from images, one after the other; returns the images after the last."""
        assert self.mixing is not None
        for i in range(len(self.couplings)):
            self.mixing.set_actnorm(i, images.flatten(1, 3).mT)
            images, _ = self._step(images, i, self._maps())
        return images


class MultiscaleFlow(DensityModel):
    """log p(x) = log N(f(x); 0, I) + log |det df/dx|, f a flow of images at several scales.

    The latent columns are those of the channels that leave, level by level.

    Args:
        shape: of the images; the sides can be halved as often as there are levels.
        members: E.
        levels: at least one, the first for the images as they are.
        heavy: whether `gmstudio.models.layers.tails` come last.
    """

    can = frozenset({"log_prob", "score", "sample", "path"})

    def __init__(self, shape: Shape, members: int, levels: Sequence[Level], *, heavy: bool = False) -> None:
        super().__init__(shape[0] * shape[1] * shape[2], members)
        self.shape: Shape = shape
        self.levels = nn.ModuleList(levels)
        self._levels = list(levels)
        self.heavy = heavy
        titles = [
            f"level {i + 1}, coupling {k + 1}" for i, level in enumerate(levels) for k in range(len(level.couplings))
        ]
        self.path_titles: tuple[str, ...] = ("data", *titles[:-1], "latent")

    def _walk(self, x: Tensor, visit: Callable[[list[Tensor], Tensor], None] | None = None) -> tuple[Tensor, Tensor]:
        """Points (E, B, D) before tails, and log |det|; `visit` sees what has left, and the images, on the way."""
        images, left = to_images(x.mT, self.shape), list[Tensor]()
        log_det = x.new_zeros(x.shape[:2])
        for level in self._levels:
            images = from_pixels(images)
            log_det = log_det + level.volume(images.shape[2] * images.shape[3])
            steps = len(level.couplings)
            for k, (after, log_slope) in enumerate(level.steps(images)):
                images, log_det = after, log_det + log_slope
                if visit is not None and k < steps - 1:
                    visit(left, images)
            if level.leaves:
                images, going = images.chunk(2, dim=-1)
                if level.prior is not None:
                    going, log_slope = level.prior(images, going)
                    log_det = log_det + log_slope.flatten(2).sum(2)
                left = [*left, going]
            if visit is not None:
                visit(left, images)
        return torch.cat([part.flatten(2) for part in (*left, images)], dim=2), log_det

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, B, D) to the latent z (E, B, D) and log |det dz/dx| (E, B)."""
        z, log_det = self._walk(x)
        if not self.heavy:
            return z, log_det
        bent, log_slope = tails.bend(z.mT)
        return bent.mT, log_det + log_slope

    def inverse(self, z: Tensor) -> Tensor:
        """Map latent points (E, B, D) to the data (E, B, D)."""
        if self.heavy:
            z = tails.unbend(z)
        channels, height, width = self.shape
        sizes = []
        for level in self._levels:
            channels, height, width = 4 * channels, height // 2, width // 2
            if level.leaves:
                channels //= 2
                sizes.append((height, width, channels))
        parts = z.split_with_sizes([h * w * c for h, w, c in (*sizes, (height, width, channels))], dim=2)
        images = parts[-1].reshape(*z.shape[:2], height, width, channels)
        for level, part in zip(reversed(self._levels), reversed((*parts[:-1], None)), strict=True):
            if part is not None:
                going = part.reshape(images.shape)
                images = torch.cat((images, going if level.prior is None else level.prior.back(images, going)), dim=-1)
            images = to_pixels(level.back(images))
        return images.permute(0, 1, 4, 2, 3).flatten(2)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats of x (E, B, D); returns (E, B)."""
        return torch.cat([self._log_prob(part) for part in self._portions(x)], dim=1)

    def _log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self.forward(x)
        return normal_log_prob(z.mT, log_det)

    def _portions(self, x: Tensor) -> Sequence[Tensor]:
        """Points (E, B, D) in parts, where nobody asks for gradients."""
        return [x] if torch.is_grad_enabled() else torch.split(x, max(1, CHUNK // self.members), dim=1)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn latent points (size, D) into samples (E, size, D)."""
        z = noise.expand(self.members, *noise.shape)
        return torch.cat([self.inverse(part) for part in self._portions(z)], dim=1)

    def path(self, x: Tensor) -> Tensor:
        """The way of points (E, B, D) through the couplings: (L + 1, E, B, D)."""
        way = [x]
        self._walk(x, lambda left, images: way.append(torch.cat([p.flatten(2) for p in (*left, images)], dim=2)))
        if self.heavy:
            way[-1] = tails.bend(way[-1].mT)[0].mT
        return torch.stack(way)

    @torch.no_grad()
    def start_from(self, data: Tensor) -> None:
        """Set every map's scale and shift from data (N, D), one level after the other (Glow, section 3.1)."""
        images = to_images(data[:FIRST].T.expand(self.members, *data[:FIRST].T.shape), self.shape)
        for level in self._levels:
            images = level.start_from(from_pixels(images))
            if level.leaves:
                images = images.chunk(2, dim=-1)[0]


def _ordered(images: Tensor, order: Sequence[int]) -> Tensor:
    """The four pixels of a cell, which are quarters of the channels, in another order."""
    quarters = images.chunk(4, dim=-1)
    return torch.cat([quarters[i] for i in order], dim=-1)


def _turned(halves: Sequence[Tensor], step: int) -> tuple[Tensor, Tensor]:
    """First and second channels as kept and moved ones, taking turns; and the other way round."""
    first, second = halves
    return (second, first) if step % 2 else (first, second)


def _mixed(images: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    """Map the channels of images (E, B, h, w, C) by M (E, C, C) and c (E, C)."""
    return torch.baddbmm(shift.unsqueeze(1), images.flatten(1, 3), matrix.mT).view(images.shape)
