"""Curves blurred by a round Gaussian: exact up to quadrature along the curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.densities.gaussians import GaussianMixture

#: Nodes of Gauss and Legendre's rule in one panel, and the longest panel in standard deviations of the blur.
NODES = 16
PANEL = 5.0
#: Distance of the nodes of the trapezoidal rule on closed curves, in standard deviations of the blur.
STEP = 0.3
#: The most that the tangent may turn in one panel.
TURN = math.pi / 4


@dataclass(frozen=True)
class Arc:
    """A piece of curve and the law of a point on it.

    Attributes:
        place: from the parameter (n,) float64 to points (n, 2); smooth.
        start, end: range of the parameter v.
        weight: share of the mass, relative to the other arcs.
        power: the density of v is proportional to (v - start)^power; 0 is uniform, 1 spreads evenly along a spiral.
        closed: whether the curve is periodic in v; its law is then uniform.
    """

    place: Callable[[Tensor], Tensor]
    start: float
    end: float
    weight: float = 1.0
    power: int = 0
    closed: bool = False

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Points on the curve itself, (size, 2), drawn from the continuous law of the parameter."""
        share = torch.rand(size, dtype=torch.float64, generator=generator)
        return self.place(self.start + (self.end - self.start) * share ** (1 / (self.power + 1)))

    def nodes(self, spread: float) -> tuple[Tensor, Tensor]:
        """Points (K, 2) on the curve and weights (K,) that sum to 1, dense enough for a blur of `spread`."""
        fine, length, turning = self._measure()
        if self.closed:
            count = math.ceil(max(length[-1] / (STEP * spread), turning[-1] * 16, 64))
            v = torch.arange(count, dtype=torch.float64) / count
            weights = torch.full((count,), 1 / count, dtype=torch.float64)
            return self.place(self.start + (self.end - self.start) * v), weights
        # Panels are equally long in a measure that counts both arc length in spreads and turning of the tangent.
        measure = length / (PANEL * spread) + turning / TURN + np.linspace(0, 4, len(fine))
        cuts = np.linspace(0, measure[-1], math.ceil(measure[-1]) + 1)
        # Seen from beyond an open end, only a small part next to the end counts: finer panels there.
        cuts = np.sort(np.append(cuts, [0.3 * cuts[1], cuts[-1] - 0.3 * cuts[1]]))
        edges = np.interp(cuts, measure, fine)
        edges[0], edges[-1] = self.start, self.end
        abscissae, shares = np.polynomial.legendre.leggauss(NODES)
        half = np.diff(edges)[:, None] / 2
        v = (edges[:-1, None] + half + half * abscissae).ravel()
        law = ((v - self.start) / (self.end - self.start)) ** self.power
        mass = torch.from_numpy((half * shares).ravel() * law)
        return self.place(torch.from_numpy(v)), mass / mass.sum()

    def _measure(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A fine grid of the parameter, with arc length and turning of the tangent up to every point of it."""
        fine = np.linspace(self.start, self.end, 4097)
        points = self.place(torch.from_numpy(fine)).numpy()
        steps = np.diff(points, axis=0)
        length = np.concatenate([[0.0], np.hypot(steps[:, 0], steps[:, 1]).cumsum()])
        angle = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
        turning = np.concatenate([[0.0, 0.0], np.abs(np.diff(angle)).cumsum()])
        return fine, length, turning


class BlurredCurve:
    """A point drawn on one of several arcs, plus round Gaussian noise.

    The integral along the curve is done by Gauss and Legendre's rule on panels of at most five standard deviations of
    the noise (the trapezoidal rule, which converges as fast, on closed curves): a mixture of Gaussians at the nodes.
    Its relative error is below 1e-9 within twelve standard deviations of the curve; further away the log-density stays
    finite and falls as it should.

    Args:
        arcs: pieces of curve.
        spread: standard deviation of the noise, in the units of the data; positive.
    """

    def __init__(self, arcs: Sequence[Arc], spread: float) -> None:
        self.arcs = tuple(arcs)
        self.spread = spread
        parts = [arc.nodes(spread) for arc in self.arcs]
        weights = torch.cat([arc.weight * weight for arc, (_, weight) in zip(self.arcs, parts, strict=True)])
        nodes = torch.cat([node for node, _ in parts])
        self._mixture = GaussianMixture(weights, nodes, torch.full_like(weights, spread**2))

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats at `x` of shape (N, 2); returns (N,)."""
        return self._mixture.log_prob(x)

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density at `x` of shape (N, 2); returns (N, 2)."""
        return self._mixture.score(x)

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Independent draws, float64, of shape (size, 2): the parameter is drawn continuously, not from the nodes."""
        weights = torch.tensor([arc.weight for arc in self.arcs], dtype=torch.float64)
        which = torch.multinomial(weights, size, replacement=True, generator=generator)
        x = torch.empty(size, 2, dtype=torch.float64)
        for index, arc in enumerate(self.arcs):
            chosen = which == index
            x[chosen] = arc.sample(int(chosen.sum()), generator)
        return x + self.spread * torch.randn(size, 2, dtype=torch.float64, generator=generator)

    def mollified(self, alpha: float, sigma: float) -> BlurredCurve:
        """The density of alpha x + sigma eps: the curve shrunk by alpha, with more noise around it."""
        arcs = [_shrunk(arc, alpha) for arc in self.arcs]
        return BlurredCurve(arcs, math.hypot(alpha * self.spread, sigma))


def _shrunk(arc: Arc, alpha: float) -> Arc:
    place = arc.place
    return Arc(lambda v: alpha * place(v), arc.start, arc.end, arc.weight, arc.power, arc.closed)
