"""Gaussian mixtures fitted by expectation-maximisation, a chunk of the points at a time.

A mixture is evaluated by the natural parameters of its components: with the features f(x) = (1, x, all products
x_i x_j), the weighted log-density of component k is f(x) . theta_k, so that both steps of the method are products of
two matrices.  Points are standardised first, lest the products lose digits.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.observation.pace import Pace

Floats = NDArray[np.float64]

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
    """A mixture of K Gaussians in D dimensions.

    Attributes:
        weights: (K,), of sum 1.
        means: (K, D).
        covariances: (K, D, D).
    """

    weights: Floats
    means: Floats
    covariances: Floats

    @property
    def natural(self) -> Floats:
        """The natural parameters theta: (features, K)."""
        dim = self.means.shape[1]
        precision = np.linalg.inv(self.covariances)
        linear = np.einsum("kij,kj->ki", precision, self.means)
        _, log_det = np.linalg.slogdet(self.covariances)
        constant = np.log(np.maximum(self.weights, 1e-300)) - 0.5 * (
            np.einsum("ki,ki->k", linear, self.means) + log_det + dim * math.log(2 * math.pi)
        )
        i, j = np.triu_indices(dim)
        products = np.where(i == j, -0.5, -1.0) * precision[:, i, j]
        return np.concatenate([constant[:, None], linear, products], axis=1).T


def features(x: Floats) -> Floats:
    """f(x) of points (N, D): 1, the coordinates, and their products in the order of the upper triangle."""
    i, j = np.triu_indices(x.shape[1])
    return np.concatenate([np.ones((len(x), 1)), x, x[:, i] * x[:, j]], axis=1)


def expect(f: Floats, natural: Floats) -> tuple[Floats, Floats]:
    """The expectation step at points with features `f` (N, features).

    Returns:
        (N, K) the share that each component has in each point, and (N,) the log-density of the mixture.
    """
    joint = f @ natural
    top = joint.max(axis=1, keepdims=True)
    shares = np.exp(joint - top)
    total = shares.sum(axis=1, keepdims=True)
    return shares / total, (top + np.log(total))[:, 0]


def maximise(sums: Floats, dim: int) -> Mixture:
    """The maximisation step.

    Args:
        sums: (features, K), f(x) summed over the points with each component's shares.
        dim: D.
    """
    counts = sums[0] + 10 * np.finfo(np.float64).eps
    means = (sums[1 : 1 + dim] / counts).T
    i, j = np.triu_indices(dim)
    covariances = np.empty((len(counts), dim, dim))
    covariances[:, i, j] = (sums[1 + dim :] / counts).T - means[:, i] * means[:, j]
    covariances[:, j, i] = covariances[:, i, j]
    return Mixture(counts / counts.sum(), means, covariances + LEAST * np.eye(dim))


def fit(x: Floats, k: int, pace: Pace) -> Generator[Pace, None, Mixture]:
    """Fit `k` Gaussians to standardised points (N, D): k-means++, some rounds of k-means, then EM; yields often."""
    f, dim = features(x), x.shape[1]
    centres = yield from _spread(x, k, pace)
    sums = np.zeros((f.shape[1], k))
    for _ in range(ROUNDS):
        sums = np.zeros_like(sums)
        for rows in pace.portions(len(x), k):
            nearest = _distances(x[rows], centres).argmin(axis=1)
            sums += f[rows].T @ np.eye(k)[nearest]
            yield pace
        moved = np.where(sums[0] > 0, sums[1 : 1 + dim] / np.maximum(sums[0], 1), centres.T).T
        if np.array_equal(moved, centres):
            break
        centres = moved
    mixture, before = maximise(sums, dim), -math.inf
    for _ in range(STEPS):
        natural, sums, reached = mixture.natural, np.zeros_like(sums), 0.0
        for rows in pace.portions(len(x), k):
            shares, log_density = expect(f[rows], natural)
            sums += f[rows].T @ shares
            reached += float(log_density.sum())
            yield pace
        mixture = maximise(sums, dim)
        if abs(reached / len(x) - before) < GAIN:
            break
        before = reached / len(x)
    return mixture


def score(x: Floats, mixture: Mixture, pace: Pace) -> Generator[Pace, None, float]:
    """Mean log-density of points (N, D) under a mixture, in nats."""
    natural, total = mixture.natural, 0.0
    for rows in pace.portions(len(x), len(mixture.weights)):
        total += float(expect(features(x[rows]), natural)[1].sum())
        yield pace
    return total / len(x)


def _distances(x: Floats, centres: Floats) -> Floats:
    """Squared distances, but for a term that is the same for all centres: (N, K)."""
    distances: Floats = np.square(centres).sum(axis=1) - 2 * x @ centres.T
    return distances


def _spread(x: Floats, k: int, pace: Pace) -> Generator[Pace, None, Floats]:
    """Centres far from each other: greedy k-means++ (Arthur and Vassilvitskii, 2007), the best of a few tries each."""
    random = np.random.default_rng(SEED)
    tries = 2 + int(math.log(k))
    centres = x[random.integers(len(x), size=1)]
    nearest = np.square(x - centres).sum(axis=1)
    while len(centres) < k:
        odds = nearest / nearest.sum() if nearest.sum() > 0 else None
        offered = x[random.choice(len(x), size=tries, p=odds)]
        reached = np.minimum(nearest, np.square(x - offered[:, None]).sum(axis=2))
        best = int(reached.sum(axis=1).argmin())
        centres, nearest = np.concatenate([centres, offered[best : best + 1]]), reached[best]
        yield pace
    return centres
