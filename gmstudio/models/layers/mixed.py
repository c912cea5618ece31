"""Flows in which a learned linear map stands before every coupling: Glow and neural spline flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from gmstudio.models.layers.flow import Flow, Transform
from gmstudio.models.layers.mixing import Mixing, mix, unmix


class MixedFlow(Flow):
    """Blocks of a linear map and a coupling.

    Args:
        dim: D.
        members: E.
        mixing: the linear maps of all blocks.
        couplings: one for each block.
    """

    def __init__(self, dim: int, members: int, mixing: Mixing, couplings: Sequence[Transform]) -> None:
        super().__init__(dim, members, couplings, [f"coupling {i + 1}" for i in range(len(couplings))])
        self.mixing = mixing
        titles = [title for i in range(len(couplings)) for title in (f"mixing {i + 1}", f"coupling {i + 1}")]
        self.path_titles = ("data", *titles[:-1], "latent")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, B, D) to the latent z (E, B, D) and log |det dz/dx| (E, B)."""
        matrices, shifts, log_det = self.mixing.maps()
        total = log_det.unsqueeze(-1)
        for coupling, matrix, shift in zip(self.transforms, matrices, shifts, strict=True):
            x, log_det = cast(Transform, coupling).forward(mix(x, matrix, shift))
            total = total + log_det
        return x, total

    def inverse(self, z: Tensor) -> Tensor:
        """Map latent points (E, B, D) to the data (E, B, D)."""
        matrices, shifts, _ = self.mixing.maps()
        for coupling, matrix, shift in zip(reversed(self.transforms), matrices[::-1], shifts[::-1], strict=True):
            z = unmix(cast(Transform, coupling).inverse(z), matrix, shift)
        return z

    def path(self, x: Tensor) -> Tensor:
        """The way of points (E, B, D) through the maps and the couplings: (2 blocks + 1, E, B, D)."""
        matrices, shifts, _ = self.mixing.maps()
        way = [x]
        for coupling, matrix, shift in zip(self.transforms, matrices, shifts, strict=True):
            way.append(mix(way[-1], matrix, shift))
            way.append(cast(Transform, coupling).forward(way[-1])[0])
        return torch.stack(way)

    @torch.no_grad()
    def start_from(self, data: Tensor) -> None:
        """Set every block's scale and shift from data (N, D), one block after the other (Glow, section 3.1)."""
        x = data.to(self.mixing.lower).expand(self.members, *data.shape)
        for block, coupling in enumerate(self.transforms):
            self.mixing.set_actnorm(block, x)
            matrices, shifts, _ = self.mixing.maps()
            x, _ = cast(Transform, coupling).forward(mix(x, matrices[block], shifts[block]))
