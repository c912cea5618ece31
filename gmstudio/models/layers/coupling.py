"""Coupling layers (Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", ICLR 2017, section 3.2)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from gmstudio.models.layers.flow import Transform
from gmstudio.models.layers.linear import MLP, Activation


def bounded(raw: Tensor, limit: float) -> Tensor:
    """A log-scale within +-limit, with slope 1 at 0: limit tanh(raw / limit)."""
    return torch.tanh(raw / limit) * limit


class Coupling(Transform):
    """Some columns are kept, and choose how the others are moved.

    Only the kept columns enter the network and only numbers for the moved ones leave it, so that no masked work is
    done.

    Args:
        dim: D, at least 2.
        flip: False keeps the first ceil(D / 2) columns and moves the others; True the other way round.
        numbers: how many the network gives for each moved column.
        hidden, layers, activation: of the network.
        draws: one generator for each member.
    """

    def __init__(
        self,
        dim: int,
        *,
        flip: bool,
        numbers: int,
        hidden: int,
        layers: int,
        activation: Activation,
        draws: Sequence[torch.Generator],
    ) -> None:
        super().__init__()
        first = (dim + 1) // 2
        self.sizes = [first, dim - first]
        self.flip = flip
        kept, moved = reversed(self.sizes) if flip else self.sizes
        self.net = MLP(
            kept, moved * numbers, hidden=hidden, layers=layers, activation=activation, draws=draws, last=0.1
        )

    @abstractmethod
    def move(self, kept: Tensor, moved: Tensor) -> tuple[Tensor, Tensor]:
        """Move columns towards the latent; returns them and the logs of their slopes, both (E, B, moved)."""

    @abstractmethod
    def move_back(self, kept: Tensor, moved: Tensor) -> Tensor:
        """Undo `move`."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, B, D) to z (E, B, D) and log |det dz/dx| (E, B)."""
        a, b = x.split_with_sizes(self.sizes, dim=-1)
        if self.flip:
            a, log_slope = self.move(b, a)
        else:
            b, log_slope = self.move(a, b)
        return torch.cat((a, b), dim=-1), log_slope.sum(-1)

    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, B, D) back to x (E, B, D)."""
        a, b = z.split_with_sizes(self.sizes, dim=-1)
        if self.flip:
            a = self.move_back(b, a)
        else:
            b = self.move_back(a, b)
        return torch.cat((a, b), dim=-1)


class AffineCoupling(Coupling):
    """The kept columns choose a scale and a shift of the moved ones: b' = b exp(s(a)) + t(a) (eq. 7-9).

    Args:
        dim, flip, hidden, layers, activation, draws: as of `Coupling`.
        limit: bound on |s|.
    """

    def __init__(
        self,
        dim: int,
        *,
        flip: bool,
        hidden: int,
        layers: int,
        activation: Activation,
        limit: float,
        draws: Sequence[torch.Generator],
    ) -> None:
        super().__init__(dim, flip=flip, numbers=2, hidden=hidden, layers=layers, activation=activation, draws=draws)
        self.limit = limit

    def parameters_of(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Log-scale and shift, each (E, B, moved), that the kept columns (E, B, kept) choose."""
        raw, shift = self.net.forward(kept).chunk(2, dim=-1)
        return bounded(raw, self.limit), shift

    def move(self, kept: Tensor, moved: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and shift the moved columns."""
        log_scale, shift = self.parameters_of(kept)
        return torch.addcmul(shift, moved, log_scale.exp()), log_scale

    def move_back(self, kept: Tensor, moved: Tensor) -> Tensor:
        """Undo `move`."""
        log_scale, shift = self.parameters_of(kept)
        return (moved - shift) * torch.exp(-log_scale)
