"""The Gaussian, trained by gradient as every model is, or fitted in closed form."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gmstudio.models.layers.base import DensityModel
from gmstudio.models.layers.flow import normal_log_prob


class GaussianModel(DensityModel):
    """N(mean, L L^T), L lower triangular with a positive diagonal exp(log_diagonal).

    Args:
        dim: D.
        members: E.
    """

    def __init__(self, dim: int, members: int) -> None:
        super().__init__(dim, members)
        self.mean = nn.Parameter(torch.zeros(members, dim))
        self.log_diagonal = nn.Parameter(torch.zeros(members, dim))
        self.lower = nn.Parameter(torch.zeros(members, dim, dim))

    def cholesky(self) -> Tensor:
        """L, (E, D, D)."""
        return self.lower.tril(-1) + torch.diag_embed(self.log_diagonal.exp())

    @property
    def covariance(self) -> Tensor:
        """L L^T, (E, D, D)."""
        lower = self.cholesky()
        return lower @ lower.mT

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats of x (E, B, D); returns (E, B)."""
        centred = x - self.mean.unsqueeze(1)
        z = torch.linalg.solve_triangular(self.cholesky().mT, centred, upper=True, left=False)
        return normal_log_prob(z.mT, -self.log_diagonal.sum(-1, keepdim=True))

    def sample(self, noise: Tensor) -> Tensor:
        """Turn standard normal noise (size, D) into samples (E, size, D)."""
        return torch.baddbmm(self.mean.unsqueeze(1), noise.expand(self.members, *noise.shape), self.cholesky().mT)

    @torch.no_grad()
    def fit(self, x: Tensor, weights: Tensor | None = None) -> GaussianModel:
        """Set the maximum-likelihood mean and covariance in closed form.

        Args:
            x: (E, N, D), or (N, D) for all members.
            weights: (N,) or (E, N), not negative; None for equal weights.

        Returns:
            This model.

        Raises:
            ValueError: when the points span fewer than D dimensions, so that no density has the largest likelihood.
        """
        x = x.double().expand(self.members, *x.shape[-2:])
        share = torch.ones_like(x[..., 0]) if weights is None else weights.double().expand(x.shape[:2])
        share = (share / share.sum(-1, keepdim=True)).unsqueeze(-1)
        mean = (share * x).sum(1)
        centred = x - mean.unsqueeze(1)
        lower, info = torch.linalg.cholesky_ex((share * centred).mT @ centred)
        if bool(info.any()):
            raise ValueError(f"the points span fewer than {self.dim} dimensions; add points or noise")
        self.mean.copy_(mean)
        self.log_diagonal.copy_(lower.diagonal(dim1=-2, dim2=-1).log())
        self.lower.copy_(lower.tril(-1))
        return self
