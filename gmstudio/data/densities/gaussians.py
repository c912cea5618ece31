"""Mixtures of Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

#: Means (D, 1, K); whitening (1 or D, 1, K) or (D, D, K); log of weight and normaliser (K,).
Parameters = tuple[Tensor, Tensor, Tensor]

#: Points times components evaluated at once; small enough for a processor's cache.
CHUNK = 2**18
#: From so many pairs on, it pays to look only at the components near to each point.
LARGE = 2**21
#: Log of the share of the density that components left out may have, all together.
NEGLIGIBLE = -32.0


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
        return self._over(x, _log_prob)

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density at `x` of shape (N, D); returns (N, D)."""
        return self._over(x, _score)

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Independent draws, float64, of shape (size, D), on the CPU."""
        index = torch.multinomial(self.weights, size, replacement=True, generator=generator)
        noise = torch.randn(size, self.means.shape[1], dtype=torch.float64, generator=generator)
        root = self._root[index]
        scaled: Tensor = (root @ noise.unsqueeze(2)).squeeze(2) if root.dim() == 3 else root * noise
        return self.means[index] + scaled

    def mollified(self, alpha: float, sigma: float) -> GaussianMixture:
        """The density of alpha x + sigma eps: means alpha m, covariances alpha^2 C + sigma^2 I."""
        noise = torch.tensor(sigma**2, dtype=torch.float64)
        if self.covariances.dim() == 3:
            noise = noise * torch.eye(self.means.shape[1], dtype=torch.float64)
        return GaussianMixture(self.weights, alpha * self.means, alpha**2 * self.covariances + noise)

    def _over(self, x: Tensor, what: Callable[[Tensor, Parameters], Tensor]) -> Tensor:
        """Evaluate `what` for portions of points, each with the components that matter to it."""
        everything = (self.means.T.unsqueeze(1).to(x), self._whitening.to(x), self._log_front.to(x))
        if not len(x):
            return what(x, everything)
        if self.covariances.dim() == 3 or len(x) * len(self.weights) < LARGE:
            return torch.cat([what(part, everything) for part in _portions(x, len(self.weights))])
        tiles = _tiles(x.detach())
        parts: list[Tensor] = []
        for tile in tiles:
            points = x[tile]
            kept = _felt(points.detach(), everything)
            parameters = (everything[0][..., kept], everything[1][..., kept], everything[2][kept])
            parts += [what(part, parameters) for part in _portions(points, len(kept))]
        return torch.cat(parts)[torch.cat(tiles).argsort()]


def _log_prob(x: Tensor, parameters: Parameters) -> Tensor:
    return _logs(x, parameters)[0].logsumexp(1)


def _score(x: Tensor, parameters: Parameters) -> Tensor:
    logs, white = _logs(x, parameters)
    whitening = parameters[1]
    if whitening.shape[1] == 1:
        pulls = white * whitening
    else:
        pulls = torch.stack([(row.unsqueeze(1) * white).sum(0) for row in whitening.transpose(0, 1)])
    return -(logs.softmax(1) * pulls).sum(2).T


def _logs(x: Tensor, parameters: Parameters) -> tuple[Tensor, Tensor]:
    """Log of every weighted component (n, K), and the whitened differences (D, n, K)."""
    means, whitening, front = parameters
    differences = x.T.unsqueeze(2) - means
    if whitening.shape[1] == 1:
        white = differences * whitening
    else:
        white = torch.stack([(row.unsqueeze(1) * differences).sum(0) for row in whitening])
    return front - 0.5 * white.square().sum(0), white


def _portions(x: Tensor, components: int) -> list[Tensor]:
    rows = max(16, CHUNK // max(components, 1))
    return [x[start : start + rows] for start in range(0, len(x), rows)]


def _tiles(x: Tensor) -> list[Tensor]:
    """Indices of the points in each non-empty tile of a grid over the first two axes."""
    side = min(max(int((len(x) / 64) ** 0.5), 1), 32)
    plane = x[:, :2].nan_to_num()
    low, high = plane.amin(0), plane.amax(0)
    share = (plane - low) / (high - low).clamp_min(torch.finfo(x.dtype).tiny)
    cell = (share * side).long().clamp(0, side - 1)
    key = (cell * torch.tensor([1, side], device=x.device)[: cell.shape[1]]).sum(1)
    counts = torch.bincount(key, minlength=1)
    order, ends = key.argsort(stable=True), counts.cumsum(0).tolist()
    return [order[end - count : end] for end, count in zip(ends, counts.tolist(), strict=True) if count]


def _felt(x: Tensor, parameters: Parameters) -> Tensor:
    """Indices of the components that may weigh more than `NEGLIGIBLE` in the density of any of the points.

    Each component is bounded over the points' bounding box: from above where the box is nearest, from below where it
    is furthest.
    """
    means, whitening, front = (parameter.squeeze(1) if parameter.dim() > 1 else parameter for parameter in parameters)
    low, high = x.amin(0).unsqueeze(1), x.amax(0).unsqueeze(1)
    gap = torch.maximum(low - means, means - high).clamp_min(0)
    reach = torch.maximum(high - means, means - low)
    most = front - 0.5 * (gap * whitening).square().sum(0)
    least = front - 0.5 * (reach * whitening).square().sum(0)
    # Written with "not", so that a point that is not a number keeps every component and stays visible.
    return (~(most < least.amax() + NEGLIGIBLE - math.log(len(front)))).nonzero().squeeze(1)
