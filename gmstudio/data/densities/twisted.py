"""A density twisted around the origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from gmstudio.data.base import Density


class Twisted:
    """The density of points of another density, each rotated by an angle proportional to its radius.

    A rotation by an angle that depends on the radius only keeps areas, so that the log-density is that of the
    untwisted point, with no Jacobian.

    Args:
        straight: the density before the twist.
        twist: radians per unit of radius.
    """

    def __init__(self, straight: Density, twist: float) -> None:
        self.straight = straight
        self.twist = twist

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats at `x` of shape (N, 2); returns (N,)."""
        return self.straight.log_prob(_rotated(x, -self.twist * _radius(x)))

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density at `x` of shape (N, 2); returns (N, 2)."""
        radius = _radius(x)
        y = _rotated(x, -self.twist * radius)
        straight = self.straight.score(y)
        # Chain rule: the rotation itself, and the change of its angle along the radius.
        sideways = -y[:, 1] * straight[:, 0] + y[:, 0] * straight[:, 1]
        outward = x / radius.clamp_min(torch.finfo(x.dtype).tiny).unsqueeze(1)
        return _rotated(straight, self.twist * radius) - self.twist * sideways.unsqueeze(1) * outward

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Independent draws, float64, of shape (size, 2), on the CPU."""
        y = self.straight.sample(size, generator)
        return _rotated(y, self.twist * _radius(y))

    def mollified(self, alpha: float, sigma: float) -> Density | None:
        """Itself where nothing changes, otherwise None: a twisted Gaussian plus noise has no closed form."""
        return self if alpha == 1 and sigma == 0 else None


def _radius(x: Tensor) -> Tensor:
    return torch.hypot(x[:, 0], x[:, 1])


def _rotated(x: Tensor, angle: Tensor) -> Tensor:
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([cosine * x[:, 0] - sine * x[:, 1], sine * x[:, 0] + cosine * x[:, 1]], dim=1)
