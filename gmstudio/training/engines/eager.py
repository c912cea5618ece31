"""One operation after another, as PyTorch is written."""

from __future__ import annotations

import torch

from gmstudio.models.layers.base import DensityModel
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.training.engines.base import Block
from gmstudio.training.layout import Layout
from gmstudio.training.optimiser import Optimiser


class EagerEngine:
    """One operation after another, as PyTorch is written.

    Args:
        model: E members, in training mode.
        objective: gives (E,) losses.
        layout: the model's parameters.
        optimiser: turns gradients into steps.
    """

    name = "eager"

    def __init__(self, model: DensityModel, objective: ObjectiveSpec, layout: Layout, optimiser: Optimiser) -> None:
        self._model, self._objective = model, objective
        self._layout, self._optimiser = layout, optimiser

    def step(self, block: Block, first: int, n: int) -> None:
        """Make `n` steps with the block's entries from `first` on, and note their losses in the block."""
        losses = block.losses
        learns = self._layout.size > 0
        for k in range(first, first + n):
            if learns:
                losses[k] = self._layout.differentiate(self._objective, self._model, *block.entry(k))
                self._optimiser.step(block.rates[k])
            else:
                with torch.no_grad():
                    losses[k] = self._objective.loss(self._model, *block.entry(k))
