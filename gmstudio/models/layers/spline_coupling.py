"""Couplings whose moved columns go through rational-quadratic splines (Durkan et al. 2019, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gmstudio.models.layers import rational_quadratic
from gmstudio.models.layers.coupling import Coupling
from gmstudio.models.layers.linear import Activation


class SplineCoupling(Coupling):
    """The kept columns choose a spline for each of the moved ones.

    Args:
        dim, flip, hidden, layers, activation, draws: as of `Coupling`.
        bins: K, bins of a spline.
        bound: half of the side of the box outside which nothing is moved.
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
        numbers = rational_quadratic.parameters(bins)
        super().__init__(
            dim, flip=flip, numbers=numbers, hidden=hidden, layers=layers, activation=activation, draws=draws
        )
        self.bound = bound
        self.numbers = numbers

    def splines(self, kept: Tensor) -> Tensor:
        """The numbers of the splines that the kept columns (E, B, kept) choose: (E, B, moved, 3 K - 1)."""
        raw = self.net.forward(kept)
        return raw.view(*raw.shape[:-1], -1, self.numbers)

    def move(self, kept: Tensor, moved: Tensor) -> tuple[Tensor, Tensor]:
        """Send each moved column through its spline."""
        return rational_quadratic.forward(moved, self.splines(kept), self.bound)

    def move_back(self, kept: Tensor, moved: Tensor) -> Tensor:
        """Undo `move`."""
        return rational_quadratic.inverse(moved, self.splines(kept), self.bound)
