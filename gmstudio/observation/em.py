"""Gaussian mixtures fitted by expectation-maximisation, a chunk of the points at a time.

A mixture is evaluated by the natural parameters of its components: with the features f(x) = (1, x, all products
x_i x_j), the weighted log-density of component k is f(x) . theta_k, so that both steps of the method are products of
two matrices.  Points are standardised first, lest the products lose digits.  All of it is torch, which keeps to the
threads that a session has: numpy's own threads would make the window wait.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from gmstudio.observation.pace import Pace

#: Seed of the choice of the first centres.
SEED = 20_263
#: Least variance of a component along any direction, in units of the data's.
LEAST = 1e-6
#: Rounds of k-means before the first step, and most steps.
ROUNDS, STEPS = 10, 100
#: Gain of a step, in nats for each point, below which the mixture is good enough.
GAIN = 1e-3


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of K Gaussians in D dimensions; float64.

    Attributes:
        weights: (K,), of sum 1.
        means: (K, D).
        covariances: (K, D, D).
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor

    @property
    def natural(self) -> Tensor:
        """The natural parameters theta: (features, K)."""
        dim = self.means.shape[1]
        precision = torch.linalg.inv(self.covariances)
        linear = (precision @ self.means.unsqueeze(-1)).squeeze(-1)
        log_det = torch.logdet(self.covariances)
        constant = self.weights.clamp_min(1e-300).log() - 0.5 * (
            (linear * self.means).sum(-1) + log_det + dim * math.log(2 * math.pi)
        )
        i, j = torch.triu_indices(dim, dim)
        products = torch.where(i == j, -0.5, -1.0) * precision[:, i, j]
        return torch.cat([constant.unsqueeze(-1), linear, products], dim=-1).T


def features(x: Tensor) -> Tensor:
    """f(x) of points (N, D): 1, the coordinates, and their products in the order of the upper triangle."""
    i, j = torch.triu_indices(x.shape[1], x.shape[1])
    return torch.cat([x.new_ones(len(x), 1), x, x[:, i] * x[:, j]], dim=1)


def expect(f: Tensor, natural: Tensor) -> tuple[Tensor, Tensor]:
    """The expectation step at points with features `f` (N, features).

    Returns:
        (N, K) the share that each component has in each point, and (N,) the log-density of the mixture.
    """
    joint = f @ natural
    log_density = joint.logsumexp(-1)
    return (joint - log_density.unsqueeze(-1)).exp(), log_density


def maximise(sums: Tensor, dim: int, least: float = LEAST) -> Mixture:
    """The maximisation step.

    Args:
        sums: (features, K), f(x) summed over the points with each component's shares.
        dim: D.
        least: added to the variances.
    """
    counts = sums[0] + 10 * torch.finfo(torch.float64).eps
    means = (sums[1 : 1 + dim] / counts).T
    i, j = torch.triu_indices(dim, dim)
    covariances = sums.new_empty(len(counts), dim, dim)
    covariances[:, i, j] = (sums[1 + dim :] / counts).T - means[:, i] * means[:, j]
    covariances[:, j, i] = covariances[:, i, j]
    return Mixture(counts / counts.sum(), means, covariances + least * torch.eye(dim, dtype=torch.float64))


def fit(x: Tensor, k: int, pace: Pace, least: float = LEAST, seed: int = SEED) -> Generator[Pace, None, Mixture]:
    """Fit `k` Gaussians to standardised points (N, D): k-means++, some rounds of k-means, then EM; yields often.

    Args:
        x: the points, float64.
        k: how many Gaussians.
        pace: how many points at a time.
        least: least variance of a component along any direction.
        seed: of the choice of the first centres.
    """
    f, dim = features(x), x.shape[1]
    centres = yield from _spread(x, k, pace, seed)
    sums = f.new_zeros(f.shape[1], k)
    for _ in range(ROUNDS):
        sums = torch.zeros_like(sums)
        for rows in pace.portions(len(x), k):
            sums.index_add_(1, _distances(x[rows], centres).argmin(1), f[rows].T)
            yield pace
        moved = torch.where(sums[0] > 0, sums[1 : 1 + dim] / sums[0].clamp_min(1), centres.T).T
        if torch.equal(moved, centres):
            break
        centres = moved
    mixture, before = maximise(sums, dim, least), -math.inf
    for _ in range(STEPS):
        natural, sums, reached = mixture.natural, torch.zeros_like(sums), 0.0
        for rows in pace.portions(len(x), k):
            shares, log_density = expect(f[rows], natural)
            sums += f[rows].T @ shares
            reached += float(log_density.sum())
            yield pace
        mixture = maximise(sums, dim, least)
        if abs(reached / len(x) - before) < GAIN:
            break
        before = reached / len(x)
    return mixture


def score(x: Tensor, mixture: Mixture, pace: Pace) -> Generator[Pace, None, float]:
    """Mean log-density of points (N, D) under a mixture, in nats."""
    natural, total = mixture.natural, 0.0
    for rows in pace.portions(len(x), len(mixture.weights)):
        total += float(expect(features(x[rows]), natural)[1].sum())
        yield pace
    return total / len(x)


def _distances(x: Tensor, centres: Tensor) -> Tensor:
    """Squared distances, but for a term that is the same for all centres: (N, K)."""
    return centres.square().sum(1) - 2 * x @ centres.T


def _spread(x: Tensor, k: int, pace: Pace, seed: int) -> Generator[Pace, None, Tensor]:
    """Centres far from each other: greedy k-means++ (Arthur and Vassilvitskii, 2007), the best of a few tries each."""
    generator = torch.Generator().manual_seed(seed)
    tries = 2 + int(math.log(k))
    centres = x[torch.randint(len(x), (1,), generator=generator)]
    nearest = (x - centres).square().sum(1)
    while len(centres) < k:
        odds = nearest if bool(nearest.sum() > 0) else torch.ones_like(nearest)
        offered = x[torch.multinomial(odds, tries, replacement=True, generator=generator)]
        reached = torch.minimum(nearest, (x - offered.unsqueeze(1)).square().sum(2))
        best = int(reached.sum(1).argmin())
        centres, nearest = torch.cat([centres, offered[best : best + 1]]), reached[best]
        yield pace
    return centres
