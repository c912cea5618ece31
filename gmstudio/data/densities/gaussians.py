"""Mixtures of Gaussians."""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: Points times components evaluated at once; small enough for a processor's cache.
CHUNK = 2**18


class GaussianMixture:
    """A mixture of K Gaussians on R^D.

    Everything is kept in float64 on the CPU and evaluated in the dtype and on the device of the points.

    Args:
        weights: (K,), positive; normalised here.
        means: (K, D).
        covariances: (K,) variances of round components, (K, D) variances along the axes, or (K, D, D) matrices.

    Example:
        >>> import torch
        >>> pair = GaussianMixture(torch.ones(2), torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), torch.ones(2))
        >>> pair.score(torch.zeros(1, 2)).tolist()
        [[0.0, 0.0]]
    """

    def __init__(self, weights: Tensor, means: Tensor, covariances: Tensor) -> None:
        self.weights = (weights.double() / weights.double().sum()).cpu()
        self.means = means.double().cpu()
        self.covariances = covariances.double().cpu()
        dim = self.means.shape[1]
        if self.covariances.dim() == 3:
            self._root = torch.linalg.cholesky(self.covariances)
            eye = torch.eye(dim, dtype=torch.float64).expand_as(self._root)
            whitening = torch.linalg.solve_triangular(self._root, eye, upper=False)
            half_log_det = whitening.diagonal(dim1=1, dim2=2).log().sum(1)
            self._whitening = whitening.permute(1, 2, 0)
        else:
            self._root = self.covariances.sqrt().reshape(len(self.means), -1)
            self._whitening = (1 / self._root).T.unsqueeze(1)
            half_log_det = (1 / self._root).expand(-1, dim).log().sum(1)
        # log of weight and normaliser of every component, (K,)
        self._log_front = self.weights.log() + half_log_det - 0.5 * dim * math.log(2 * math.pi)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats at `x` of shape (N, D); returns (N,)."""
        parameters = self._at(x)
        parts = [self._parts(chunk, *parameters)[0].logsumexp(1) for chunk in self._chunks(x)]
        return torch.cat(parts) if parts else x.new_zeros(0)

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density at `x` of shape (N, D); returns (N, D)."""
        parameters = self._at(x)
        whitening = parameters[1]
        scores = []
        for chunk in self._chunks(x):
            logs, white = self._parts(chunk, *parameters)
            pulls = self._unwhitened(white, whitening)
            scores.append(-(logs.softmax(1) * pulls).sum(2).T)
        return torch.cat(scores) if scores else torch.zeros_like(x)

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Independent draws, float64, of shape (size, D), on the CPU."""
        index = torch.multinomial(self.weights, size, replacement=True, generator=generator)
        noise = torch.randn(size, self.means.shape[1], dtype=torch.float64, generator=generator)
        root = self._root[index]
        noise = (root @ noise.unsqueeze(2)).squeeze(2) if root.dim() == 3 else root * noise
        return self.means[index] + noise

    def mollified(self, alpha: float, sigma: float) -> GaussianMixture:
        """The density of alpha x + sigma eps: means alpha m, covariances alpha^2 C + sigma^2 I."""
        noise = torch.tensor(sigma**2, dtype=torch.float64)
        if self.covariances.dim() == 3:
            noise = noise * torch.eye(self.means.shape[1], dtype=torch.float64)
        return GaussianMixture(self.weights, alpha * self.means, alpha**2 * self.covariances + noise)

    def _at(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.means.T.unsqueeze(1).to(x), self._whitening.to(x), self._log_front.to(x)

    def _chunks(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.split(max(16, CHUNK // len(self.weights))) if len(x) else ()

    @staticmethod
    def _parts(x: Tensor, means: Tensor, whitening: Tensor, front: Tensor) -> tuple[Tensor, Tensor]:
        """Log of every component (n, K), and the whitened differences (D, n, K)."""
        differences = x.T.unsqueeze(2) - means
        if whitening.shape[1] == 1:
            white = differences * whitening
        else:
            white = torch.stack([(row.unsqueeze(1) * differences).sum(0) for row in whitening])
        return front - 0.5 * white.square().sum(0), white

    @staticmethod
    def _unwhitened(white: Tensor, whitening: Tensor) -> Tensor:
        """The transposed whitening applied to whitened differences: precision times difference, (D, n, K)."""
        if whitening.shape[1] == 1:
            return white * whitening
        return torch.stack([(row.unsqueeze(1) * white).sum(0) for row in whitening.transpose(0, 1)])
