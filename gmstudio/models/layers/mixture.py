"""Mixtures of Gaussians with full covariances, trained by gradient."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gmstudio.models.layers.base import DensityModel
from gmstudio.models.layers.flow import LOG_2PI


class MixtureModel(DensityModel):
    """sum_k w_k N(mean_k, L_k L_k^T), w = softmax(logits), diagonal of L = floor + exp(log_diagonal).

    The diagonal of L holds conditional standard deviations, so that the floor bounds the density: no component can
    collapse onto a point.

    Args:
        dim: D.
        starts: (E, K, D), the means at the start.
        spread: (E,), the standard deviation of every component at the start.
        floor: least conditional standard deviation.
    """

    def __init__(self, dim: int, starts: Tensor, spread: Tensor, floor: float) -> None:
        members, components, _ = starts.shape
        super().__init__(dim, members)
        self.floor = floor
        self.logits = nn.Parameter(torch.zeros(members, components))
        self.mean = nn.Parameter(starts.clone())
        above = (spread - floor).clamp_min(0.1 * floor)
        self.log_diagonal = nn.Parameter(above.log().view(-1, 1, 1).repeat(1, components, dim))
        self.lower = nn.Parameter(torch.zeros(members, components, dim, dim))

    def cholesky(self) -> Tensor:
        """L, (E, K, D, D)."""
        return self.lower.tril(-1) + torch.diag_embed(self.floor + self.log_diagonal.exp())

    def log_weights(self) -> Tensor:
        """log w, (E, K)."""
        return self.logits.log_softmax(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats of x (E, B, D); returns (E, B)."""
        lower = self.cholesky()
        centred = (x.unsqueeze(1) - self.mean.unsqueeze(2)).mT
        z = torch.linalg.solve_triangular(lower, centred, upper=False)
        log_det = lower.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        constants = self.log_weights() - log_det - 0.5 * LOG_2PI * self.dim
        return torch.sub(constants.unsqueeze(-1), z.square().sum(-2), alpha=0.5).logsumexp(1)

    def noise(self, size: int, generator: torch.Generator) -> Tensor:
        """D normal numbers and a uniform one, which chooses the component: (size, D + 1) float32 on the CPU."""
        normal = torch.randn(size, self.dim, generator=generator)
        return torch.cat((normal, torch.rand(size, 1, generator=generator)), dim=1)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn noise (size, D + 1) into samples (E, size, D)."""
        normal, uniform = noise[:, :-1], noise[:, -1]
        ends = self.log_weights().exp().cumsum(-1)[:, :-1].contiguous()
        chosen = torch.searchsorted(ends, uniform.to(ends).expand(self.members, -1).contiguous(), right=True)
        rows = torch.arange(self.members, device=chosen.device).unsqueeze(-1)
        lower, mean = self.cholesky()[rows, chosen], self.mean[rows, chosen]
        return mean + (lower @ normal.unsqueeze(-1)).squeeze(-1)


def starts(data: Tensor | None, components: int, dim: int, draws: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
    """Means and spread to start from: points of the data far from each other (k-means++, Arthur, Vassilvitskii 2007).

    Args:
        data: (N, D) or None for standard normal draws.
        components: K.
        dim: D.
        draws: one generator for each member.

    Returns:
        (E, K, D) and (E,), the root mean square distance per column from a point to its nearest mean.
    """
    chosen = [_start(data, components, dim, draw) for draw in draws]
    return torch.stack([mean for mean, _ in chosen]), torch.stack([spread for _, spread in chosen])


def _start(data: Tensor | None, components: int, dim: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    if data is None:
        return torch.randn(components, dim, generator=draw), torch.tensor(1.0)
    points = data.detach().cpu().float()
    points = points[torch.randperm(points.shape[0], generator=draw)[:4096]]
    means = points[:1]
    nearest = (points - means).square().sum(-1)
    for _ in range(components - 1):
        # Equal points leave nothing to choose between: any will do.
        odds = nearest if bool(nearest.sum() > 0) else torch.ones_like(nearest)
        new = points[torch.multinomial(odds, 1, generator=draw)]
        means = torch.cat((means, new))
        nearest = torch.minimum(nearest, (points - new).square().sum(-1))
    return means, (nearest.mean() / dim).sqrt()
