"""What is known exactly of the data, computed in float64, in chunks, once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.base import Bounds, Dataset
from gmstudio.observation.frame import F32, Truth, View
from gmstudio.observation.pace import Pace
from gmstudio.observation.shadow import LOWEST, finite, sealed

_Key = tuple[Bounds, int, int]
#: Seed of the draws of the truth that metrics are computed on.
DRAW_SEED = 4_051
#: How many of them.
DRAWS = 20_000


class ExactGrids:
    """The exact log-density and score on the grids of a view; the last few views are kept.

    Args:
        dataset: the data.
        keep: how many views.
    """

    def __init__(self, dataset: Dataset, keep: int = 8) -> None:
        self._density = dataset.density if dataset.dim == 2 else None
        self._keep = keep
        self._found: OrderedDict[_Key, tuple[F32 | None, F32 | None]] = OrderedDict()
        self._pace = Pace(rows=64, least=16)

    def known(self, view: View) -> bool:
        """Whether there is nothing left to compute for this view."""
        return self._density is None or _key(view) in self._found

    def other(self, before: View, after: View) -> bool:
        """Whether the grids of two views differ."""
        return _key(before) != _key(after)

    def compute(self, view: View) -> Iterator[Pace]:
        """Compute both grids, in chunks."""
        density = self._density
        if density is None or self.known(view):
            return
        log_density: F32 | None = None
        score: F32 | None = None
        if view.grid:
            log_density = np.empty(view.grid**2, dtype=np.float32)
            points = torch.from_numpy(view.points(view.grid)).double()
            for rows in self._pace.portions(len(points)):
                log_density[rows] = finite(density.log_prob(points[rows]), LOWEST)
                yield self._pace
            log_density = sealed(log_density.reshape(view.grid, view.grid))
        if view.arrows:
            score = np.empty((view.arrows**2, 2), dtype=np.float32)
            points = torch.from_numpy(view.points(view.arrows)).double()
            for rows in self._pace.portions(len(points)):
                score[rows] = finite(density.score(points[rows]))
                yield self._pace
            score = sealed(score.reshape(view.arrows, view.arrows, 2))
        self._found[_key(view)] = (log_density, score)
        while len(self._found) > self._keep:
            self._found.popitem(last=False)

    def finished(self, view: View) -> Truth:
        """The truth of a view, computed now where it is not known."""
        for _ in self.compute(view):
            pass
        log_density, score = self._found.get(_key(view), (None, None))
        return Truth(view, log_density, score)


class Reference:
    """Fixed points that models are held against: draws of the exact density, or else the validation points.

    Args:
        dataset: the data.
        device: where the model is.
    """

    def __init__(self, dataset: Dataset, device: torch.device) -> None:
        self.exact = dataset.density is not None
        self._density = dataset.density
        self._device = device
        self._validation = dataset.validation
        self._points: Tensor | None = None
        self._log_prob = torch.empty(0, dtype=torch.float64)
        self._score = torch.empty(0, dataset.dim, dtype=torch.float64)
        self._pace = Pace(rows=64, least=16)

    @property
    def points(self) -> Tensor:
        """(N, D) float32 on the model's device."""
        if self._points is None:
            if self._density is None:
                drawn = self._validation
            else:
                drawn = self._density.sample(DRAWS, torch.Generator().manual_seed(DRAW_SEED))
            self._points = drawn.float().to(self._device)
        return self._points

    def prepare(self, points: int, scores: int) -> Iterator[Pace]:
        """Make sure that the exact log-density is known at the first `points`, the score at the first `scores`."""
        if self._density is None:
            return
        x = self.points.cpu().double()
        todo = x[len(self._log_prob) : points]
        for rows in self._pace.portions(len(todo)):
            self._log_prob = torch.cat([self._log_prob, self._density.log_prob(todo[rows])])
            yield self._pace
        todo = x[len(self._score) : scores]
        for rows in self._pace.portions(len(todo)):
            self._score = torch.cat([self._score, self._density.score(todo[rows]).detach()])
            yield self._pace

    def log_prob(self, size: int) -> Tensor:
        """Exact log-density at the first points: (size,) float64, on the CPU."""
        return self._log_prob[:size]

    def score(self, size: int) -> Tensor:
        """Exact score at the first points: (size, D) float64, on the CPU."""
        return self._score[:size]


def _key(view: View) -> _Key:
    return (view.bounds, view.grid, view.arrows)
