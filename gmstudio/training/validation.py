"""The validation likelihood, the best weights by it, and when to stop early."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.models.layers.base import DensityModel
from gmstudio.training.layout import Layout

Floats = NDArray[np.float64]
#: Points in one pass, of all members together: more does not fit the caches.
CHUNK = 2048
#: Points of a look where each likelihood is estimated by many draws: with more the looks take longer than the training.
ESTIMATED = 512


def looked_at(model: DensityModel, points: Tensor) -> Tensor:
    """The points that a look in training takes: all, or evenly spread ones where likelihoods are estimated.

    Args:
        model: what they are for.
        points: (M, D).
    """
    return points[:: -(-len(points) // ESTIMATED)] if model.estimator and len(points) else points


def likelihood(model: DensityModel, points: Tensor) -> Floats:
    """Mean log-likelihood of each member in the model's units.

    Args:
        model: E members; its training mode is left as it was.
        points: (M, D) clean standardised points.

    Returns:
        (E,) nats per point.
    """
    training = model.training
    model.eval()
    chunks = torch.split(points, max(1, CHUNK // model.members))
    with torch.no_grad():
        sums = [model.log_prob(chunk.expand(model.members, -1, -1)).sum(dim=1) for chunk in chunks]
        total = torch.stack(sums).cpu().double().sum(dim=0)
    model.train(training)
    return total.numpy() / len(points)


class Best:
    """The weights with the highest validation likelihood so far, kept beside the last; and each column's patience.

    Args:
        model: E members.
        layout: the model's parameters.
        patience: looks without a rise after which a column stops; 0 for never.

    Attributes:
        values: (E, P) parameters.
        buffers: the model's other tensors, by name.
        likelihood: (E,) nats in the model's units; -inf before the first look.
        step: (E,) steps at which it was reached.
        waited: (E,) looks since then.
    """

    def __init__(self, model: DensityModel, layout: Layout, patience: int) -> None:
        self._model, self._layout, self._patience = model, layout, patience
        self.values = layout.values.clone()
        self.buffers = {name: tensor.clone() for name, tensor in self._live_buffers().items()}
        self.likelihood: Floats = np.full(layout.members, -math.inf)
        self.step: NDArray[np.int64] = np.zeros(layout.members, dtype=np.int64)
        self.waited: NDArray[np.int64] = np.zeros(layout.members, dtype=np.int64)

    def _live_buffers(self) -> dict[str, Tensor]:
        state = self._model.state_dict()
        return {name: tensor for name, tensor in state.items() if name not in self._layout.slices}

    def look(self, step: int, values: Floats, stopped: tuple[bool, ...]) -> list[int]:
        """Take note of the likelihoods (E,) at `step`; returns the columns whose patience has ended."""
        ended: list[int] = []
        live = self._live_buffers()
        for column, value in enumerate(values):
            if stopped[column]:
                continue
            if value > self.likelihood[column]:
                self.likelihood[column], self.step[column], self.waited[column] = value, step, 0
                self.values[column].copy_(self._layout.values[column])
                for name, buffer in self.buffers.items():
                    buffer[column].copy_(live[name][column])
                continue
            self.waited[column] += 1
            if 0 < self._patience <= self.waited[column]:
                ended.append(column)
        return ended

    def measure(self, points: Tensor) -> Floats:
        """The likelihoods (E,) of points (M, D) with the best weights; NaN where there are none yet."""
        live, best = self._model.state_dict(), self.state()
        kept = {name: tensor.clone() for name, tensor in live.items()}
        with torch.no_grad():
            for name, tensor in live.items():
                tensor.copy_(best[name])
            values = likelihood(self._model, points)
            for name, tensor in live.items():
                tensor.copy_(kept[name])
        return np.where(np.isfinite(self.likelihood), values, np.nan)

    def forget(self) -> None:
        """The validation points have changed: the next look begins anew."""
        self.likelihood[:] = -math.inf
        self.waited[:] = 0

    def state(self) -> dict[str, Tensor]:
        """The best weights by the names of the model's state; parameters are views."""
        return {**self._layout.unpack(self.values), **self.buffers}
