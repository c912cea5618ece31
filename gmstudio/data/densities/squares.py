"""Uniform squares with soft edges."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gmstudio.data.densities.gaussians import GaussianMixture


class SoftSquares:
    """A mixture of equally likely squares, uniform inside and blurred by a round Gaussian.

    The blurred square is a product of differences of normal distribution functions, so that log-density and score are
    exact; so they are after more blurring.

    Args:
        centres: (K, 2).
        side: length of a side, positive.
        edge: standard deviation of the blur, positive.
    """

    def __init__(self, centres: Tensor, side: float, edge: float) -> None:
        self.centres = centres.double().cpu()
        self.side = side
        self.edge = edge

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats at `x` of shape (N, 2); returns (N,)."""
        logs, _ = self._sides(x)
        return logs.sum(2).logsumexp(1) - math.log(len(self.centres) * self.side**2)

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density at `x` of shape (N, 2); returns (N, 2)."""
        logs, slopes = self._sides(x)
        return (logs.sum(2).softmax(1).unsqueeze(2) * slopes).sum(1)

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Independent draws, float64, of shape (size, 2), on the CPU."""
        which = torch.randint(len(self.centres), (size,), generator=generator)
        inside = torch.rand(size, 2, dtype=torch.float64, generator=generator) - 0.5
        noise = torch.randn(size, 2, dtype=torch.float64, generator=generator)
        return self.centres[which] + self.side * inside + self.edge * noise

    def mollified(self, alpha: float, sigma: float) -> SoftSquares | GaussianMixture:
        """The density of alpha x + sigma eps: smaller squares, softer edges."""
        edge = math.hypot(alpha * self.edge, sigma)
        if abs(alpha) * self.side < 1e-6 * edge:
            # So small that a square is a point; its variance is still counted.
            variances = torch.full((len(self.centres),), edge**2 + (alpha * self.side) ** 2 / 12, dtype=torch.float64)
            return GaussianMixture(torch.ones(len(self.centres)), alpha * self.centres, variances)
        return SoftSquares(alpha * self.centres, abs(alpha) * self.side, edge)

    def _sides(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """For every point, square and axis, (N, K, 2): log of the probability that noise lands in the side, its slope.

        Folded about the middle of the side, so that the difference of two distribution functions is taken in their
        small tails, where it keeps its precision, and far away too.
        """
        offset = x.unsqueeze(1) - self.centres.to(x)
        distance = offset.abs()
        near = (distance - self.side / 2) / self.edge
        far = (distance + self.side / 2) / self.edge
        log_near, log_far = torch.special.log_ndtr(-near), torch.special.log_ndtr(-far)
        inside = -torch.expm1(log_far - log_near)
        hazard = math.sqrt(2 / math.pi) / torch.special.erfcx(near / math.sqrt(2)) / inside
        fall = hazard * -torch.expm1(-distance * (self.side / self.edge**2))
        return log_near + inside.log(), -offset.sign() * fall / self.edge
