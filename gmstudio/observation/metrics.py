"""How far a model is from the truth: pure functions on tensors, each with its standard error where it has one.

Models of an ensemble are compared at once: E leads every tensor that belongs to models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

#: A mode is covered when at least this fraction of its fair share of samples lies within its radius.
COVERED = 0.5


class Estimate(NamedTuple):
    """A mean over draws and its standard error, each of shape (E,)."""

    value: Tensor
    error: Tensor


def _mean(values: Tensor) -> Estimate:
    """Mean over the last dimension of (E, N) and its standard error."""
    spread = values.std(dim=-1) if values.shape[-1] > 1 else torch.full_like(values[..., 0], math.nan)
    return Estimate(values.mean(dim=-1), spread / math.sqrt(values.shape[-1]))


def kl(log_p: Tensor, log_q: Tensor) -> Estimate:
    """KL(p || q) = E_p[log p - log q] in nats, from values at draws of p.

    Args:
        log_p: (N,) exact log-density.
        log_q: (E, N) log-density of the models.
    """
    return _mean(log_p.to(log_q) - log_q if log_q.dtype == torch.float64 else log_p.double() - log_q.double())


def fisher(score_p: Tensor, score_q: Tensor, inside: Tensor | None = None) -> Estimate:
    """Fisher divergence E_p |score_q - score_p|^2, from values at draws of p (or of any other distribution).

    Hyvärinen, "Estimation of Non-Normalized Statistical Models by Score Matching", JMLR 2005, without the factor 1/2.

    Args:
        score_p: (N, D) exact score.
        score_q: (E, N, D) score of the models.
        inside: (N,) bool; only these points count, for a region.

    Returns:
        in 1 / unit of the data squared.
    """
    squares = (score_q.double() - score_p.double()).square().sum(dim=-1)
    return _mean(squares if inside is None else squares[:, inside])


def median_distance(y: Tensor, most: int = 1000) -> float:
    """Median distance between two different points of y (N, D), from the first `most` points.

    Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, section 8: a scale for a Gaussian kernel.
    """
    distances = torch.pdist(y[:most].double())
    return float(distances.median()) if len(distances) else 1.0


def bandwidths(y: Tensor) -> tuple[float, ...]:
    """Five scales sigma of Gaussian kernels, halving from twice the median distance within y (N, D)."""
    median = median_distance(y) or 1.0
    return tuple(2.0 * median / 2**i for i in range(5))


def kernel(x: Tensor, y: Tensor, scales: tuple[float, ...]) -> Tensor:
    """Mean of Gaussian kernels exp(-|x - y|^2 / 2 sigma^2) over the scales; x (…, N, D), y (…, M, D) -> (…, N, M)."""
    squares = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()
    halving = all(math.isclose(a, 2 * b) for a, b in pairwise(scales))
    if not halving:
        return torch.stack([torch.exp(squares / (-2 * s * s)) for s in scales]).mean(dim=0)
    # Half the scale is the fourth power of the kernel: one exponential for all.
    power = torch.exp(squares / (-2 * scales[0] ** 2))
    total = power.clone()
    for _ in scales[1:]:
        power = power.square().square()
        total += power
    return total / len(scales)


class MmdSums:
    """The sums of which an unbiased MMD^2 is made, a few rows at a time.

    Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, eq. 4; its variance is that of a U-statistic of degree 2
    (Hoeffding 1948; Serfling 1980, section 5.2).

    Args:
        x: (E, N, D) samples of the models.
        y: (N, D) draws of the truth.
        scales: of the kernel.
    """

    def __init__(self, x: Tensor, y: Tensor, scales: tuple[float, ...]) -> None:
        if x.shape[-2] != y.shape[-2] or y.shape[-2] < 3:
            raise ValueError(f"{x.shape[-2]} samples and {y.shape[-2]} points: take equally many, at least 3")
        self._x, self._y, self._scales = x, y.expand_as(x), scales
        self._rows = torch.zeros(x.shape[:2], dtype=torch.float64, device=x.device)
        self._squares = torch.zeros(x.shape[0], dtype=torch.float64, device=x.device)

    def add(self, rows: slice) -> None:
        """Take the pairs of these rows with all others."""
        x, y, scales = self._x, self._y, self._scales
        h = kernel(x[:, rows], x, scales) + kernel(y[:, rows], y, scales)
        h -= kernel(x[:, rows], y, scales) + kernel(y[:, rows], x, scales)
        index = torch.arange(rows.start, rows.stop, device=h.device)
        h[:, index - rows.start, index] = 0.0
        self._rows[:, rows] = h.sum(dim=-1, dtype=torch.float64)
        self._squares += h.double().square().sum(dim=(-2, -1))

    def estimate(self) -> Estimate:
        """MMD^2 and its standard error, once all rows were added."""
        n = self._rows.shape[-1]
        means = self._rows / (n - 1)
        value = means.mean(dim=-1)
        whole = (self._squares / (n * (n - 1)) - value.square()).clamp(min=0)
        first = (means.var(dim=-1) - whole / (n - 1)).clamp(min=0)
        variance = 4 * (n - 2) / (n * (n - 1)) * first + 2 / (n * (n - 1)) * whole
        return Estimate(value, variance.sqrt())


def mmd(x: Tensor, y: Tensor, scales: tuple[float, ...] | None = None, chunk: int = 256) -> Estimate:
    """Unbiased squared maximum mean discrepancy of samples x (E, N, D) and y (N, D); see `MmdSums`.

    Args:
        x: samples of the models.
        y: draws of the truth.
        scales: of the Gaussian kernels; `bandwidths` of y where None.
        chunk: rows at a time.
    """
    sums = MmdSums(x, y, scales or bandwidths(y))
    for rows in _chunks(x.shape[-2], chunk):
        sums.add(rows)
    return sums.estimate()


def directions(dim: int, count: int = 64, seed: int = 7) -> Tensor:
    """Fixed unit vectors (count, dim), float64: evenly spread over the half circle in 2-D, random ones elsewhere."""
    if dim == 2:
        angles = torch.arange(count, dtype=torch.float64) * (math.pi / count)
        return torch.stack([angles.cos(), angles.sin()], dim=-1)
    drawn = torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    length: Tensor = drawn.norm(dim=-1, keepdim=True)
    return drawn / length


def sliced_squares(x: Tensor, y: Tensor, along: Tensor) -> Tensor:
    """Squared Wasserstein-2 distance of equally many samples x (E, N, D) and y (N, D) along each direction.

    Args:
        x: samples of the models.
        y: draws of the truth.
        along: (P, D) unit vectors.

    Returns:
        (E, P), in the units of the data squared.
    """
    if x.shape[-2] != y.shape[-2]:
        raise ValueError(f"{x.shape[-2]} samples and {y.shape[-2]} points: take equally many")
    to = along.to(x)
    sorted_x: Tensor = (to @ x.transpose(-1, -2)).sort(dim=-1).values
    sorted_y: Tensor = (to @ y.to(x).T).sort(dim=-1).values
    return (sorted_x - sorted_y).square().mean(dim=-1)


def sliced_wasserstein(x: Tensor, y: Tensor, along: Tensor) -> Tensor:
    """Sliced Wasserstein-2 distance: the root of the mean of `sliced_squares` over directions; (E,).

    Bonneel, Rabin, Peyré, Pfister, "Sliced and Radon Wasserstein Barycenters of Measures", JMIV 2015.
    """
    return sliced_squares(x, y, along).mean(dim=-1).sqrt()


def near(x: Tensor, centres: Tensor, radius: float) -> Tensor:
    """Share of the points x (…, N, D) within `radius` of each of the centres (K, D): (…, K).

    Each point counts for its nearest centre alone.
    """
    distances = torch.cdist(x, centres.to(x).expand(*x.shape[:-2], *centres.shape))
    nearest = distances.min(dim=-1)
    hit = torch.nn.functional.one_hot(nearest.indices, len(centres)) * (nearest.values <= radius)[..., None]
    return hit.double().mean(dim=-2)


def modes_covered(x: Tensor, centres: Tensor, radius: float, fair: Tensor, fraction: float = COVERED) -> Tensor:
    """Share of modes to which the samples x (E, N, D) give at least `fraction` of their fair share; (E,).

    Args:
        x: samples of the models.
        centres: (K, D).
        radius: a point within it belongs to its nearest mode.
        fair: (K,) share of the truth's points in each mode, as `near` gives it.
        fraction: what is enough.
    """
    return (near(x, centres, radius) >= fraction * fair.to(x.device)).double().mean(dim=-1)


def _chunks(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(total, start + size))
