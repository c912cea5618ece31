"""Couplings whose moved columns go through rational-quadratic splines (Durkan et al. 2019, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gmstudio.models.layers import rational_quadratic
from gmstudio.models.layers.flow import Transform
from gmstudio.models.layers.linear import MLP, Activation


class SplineCoupling(Transform):
    """The kept columns choose a spline for each of the moved ones.

    Args:
        dim: D, at least 2.
        flip: False keeps the first ceil(D / 2) columns and moves the others; True the other way round.
        bins: K, bins of a spline.
        bound: half of the side of the box outside which nothing is moved.
        hidden, layers, activation: of the network.
        draws: one generator for each member.
    """

    def __init__(
        self,
        dim: int,
        *,
        flip: bool,
        bins: int,
        bound: float,
        hidden: int,
        layers: int,
        activation: Activation,
        draws: Sequence[torch.Generator],
    ) -> None:
        super().__init__()
        first = (dim + 1) // 2
        self.sizes = [first, dim - first]
        self.flip = flip
        self.bound = bound
        self.numbers = rational_quadratic.parameters(bins)
        kept, moved = reversed(self.sizes) if flip else self.sizes
        self.net = MLP(
            kept, moved * self.numbers, hidden=hidden, layers=layers, activation=activation, draws=draws, last=0.1
        )

    def splines(self, kept: Tensor) -> Tensor:
        """The numbers of the splines that the kept columns (E, B, kept) choose: (E, B, moved, 3 K - 1)."""
        raw = self.net.forward(kept)
        return raw.view(*raw.shape[:-1], -1, self.numbers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, B, D) to z (E, B, D) and log |det dz/dx| (E, B)."""
        a, b = x.split_with_sizes(self.sizes, dim=-1)
        if self.flip:
            a, log_slope = rational_quadratic.forward(a, self.splines(b), self.bound)
        else:
            b, log_slope = rational_quadratic.forward(b, self.splines(a), self.bound)
        return torch.cat((a, b), dim=-1), log_slope.sum(-1)

    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, B, D) back to x (E, B, D)."""
        a, b = z.split_with_sizes(self.sizes, dim=-1)
        if self.flip:
            a = rational_quadratic.inverse(a, self.splines(b), self.bound)
        else:
            b = rational_quadratic.inverse(b, self.splines(a), self.bound)
        return torch.cat((a, b), dim=-1)
