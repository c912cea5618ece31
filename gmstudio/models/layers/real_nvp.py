"""Real-NVP with its halves kept apart from the first coupling to the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from gmstudio.models.layers.coupling import AffineCoupling
from gmstudio.models.layers.flow import Flow
from gmstudio.models.layers.linear import Activation


class RealNVPFlow(Flow):
    """Affine couplings that take turns; D at least 2.

    Args:
        dim: D.
        blocks: number of couplings.
        hidden, layers, activation: of each coupling's network.
        limit: bound on the log-scale of one coupling.
        draws: one generator for each member.
    """

    def __init__(
        self,
        dim: int,
        *,
        blocks: int,
        hidden: int,
        layers: int,
        activation: Activation,
        limit: float,
        draws: Sequence[torch.Generator],
    ) -> None:
        couplings = [
            AffineCoupling(
                dim,
                flip=block % 2 == 1,
                hidden=hidden,
                layers=layers,
                activation=activation,
                limit=limit,
                draws=draws,
            )
            for block in range(blocks)
        ]
        super().__init__(dim, len(draws), couplings, [f"coupling {block + 1}" for block in range(blocks)])
        self.sizes = couplings[0].sizes

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, B, D) to the latent z (E, B, D) and log |det dz/dx| (E, B)."""
        a, b = x.split_with_sizes(self.sizes, dim=-1)
        log_scales = []
        for module in self.transforms:
            coupling = cast(AffineCoupling, module)
            if coupling.flip:
                a, log_scale = coupling.move(b, a)
            else:
                b, log_scale = coupling.move(a, b)
            log_scales.append(log_scale)
        return torch.cat((a, b), dim=-1), torch.cat(log_scales, dim=-1).sum(-1)

    def inverse(self, z: Tensor) -> Tensor:
        """Map latent points (E, B, D) to the data (E, B, D)."""
        a, b = z.split_with_sizes(self.sizes, dim=-1)
        for module in reversed(self.transforms):
            coupling = cast(AffineCoupling, module)
            if coupling.flip:
                a = coupling.move_back(b, a)
            else:
                b = coupling.move_back(a, b)
        return torch.cat((a, b), dim=-1)
