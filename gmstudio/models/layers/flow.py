"""Normalising flows: a chain of invertible maps between the data and a standard normal latent."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from gmstudio.models.layers.base import DensityModel

LOG_2PI = math.log(2.0 * math.pi)


class Transform(nn.Module):
    """One invertible map of R^D for each of E members, from the side of the data to that of the latent."""

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, B, D) to z (E, B, D) and log |det dz/dx| (E, B) or (E, 1)."""

    @abstractmethod
    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, B, D) back to x (E, B, D)."""


class Flow(DensityModel):
    """log p(x) = log N(f(x); 0, I) + log |det df/dx| (Rezende and Mohamed 2015, eq. 5).

    Args:
        dim: D.
        members: E.
        transforms: from the data to the latent.
        titles: one for each transform; the path's titles are these between ``data`` and ``latent``.
    """

    can = frozenset({"log_prob", "score", "sample", "path"})

    def __init__(self, dim: int, members: int, transforms: Sequence[Transform], titles: Sequence[str]) -> None:
        super().__init__(dim, members)
        if len(transforms) != len(titles):
            raise ValueError(f"{len(transforms)} transforms have {len(titles)} titles")
        self.transforms = nn.ModuleList(transforms)
        self.path_titles: tuple[str, ...] = ("data", *titles[:-1], "latent")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, B, D) to the latent z (E, B, D) and log |det dz/dx| (E, B)."""
        total = x.new_zeros(x.shape[0], 1)
        for transform in self.transforms:
            x, log_det = transform.forward(x)
            total = total + log_det
        return x, total

    def inverse(self, z: Tensor) -> Tensor:
        """Map latent points (E, B, D) to the data (E, B, D)."""
        for transform in reversed(self.transforms):
            z = cast(Transform, transform).inverse(z)
        return z

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats of x (E, B, D); returns (E, B)."""
        z, log_det = self.forward(x)
        return normal_log_prob(z, log_det)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn latent points (size, D) into samples (E, size, D)."""
        return self.inverse(noise.expand(self.members, *noise.shape))

    def path(self, x: Tensor) -> Tensor:
        """The way of points (E, B, D) through the transforms: (L + 1, E, B, D)."""
        way = [x]
        for transform in self.transforms:
            way.append(transform.forward(way[-1])[0])
        return torch.stack(way)


def normal_log_prob(z: Tensor, log_det: Tensor) -> Tensor:
    """log N(z; 0, I) + log_det, for z of shape (E, B, D); returns (E, B)."""
    constant = 0.5 * LOG_2PI * z.shape[-1]
    return torch.sub(log_det - constant, z.square().sum(-1), alpha=0.5)
