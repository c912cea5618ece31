"""Adam and AdamW on the rows of one buffer, each row with its own rate."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gmstudio.runs import TrainingSpec
from gmstudio.training.layout import Layout


class Optimiser:
    """`torch.optim.Adam` or `torch.optim.AdamW`, fused where the device can, one parameter group per column.

    Args:
        layout: the parameters and gradients.
        training: which optimiser, weight decay and clipping.

    Attributes:
        first, second: (E, P) moments of the gradients.
        counts: (E,) steps that each column has made, float32.
    """

    def __init__(self, layout: Layout, training: TrainingSpec) -> None:
        self._layout = layout
        self._clip = training.clip
        self.first = torch.zeros_like(layout.values)
        self.second = torch.zeros_like(layout.values)
        self._rows = list(layout.values.unbind(0))
        groups = [{"params": [row]} for row in self._rows]
        cls = torch.optim.AdamW if training.optimiser == "adamw" else torch.optim.Adam
        try:
            self._adam = cls(groups, lr=0.0, weight_decay=training.weight_decay, fused=True)
            counts_on = layout.values.device
        except RuntimeError:
            self._adam = cls(groups, lr=0.0, weight_decay=training.weight_decay, foreach=False)
            counts_on = torch.device("cpu")
        self.counts = torch.zeros(layout.members, device=counts_on)
        for i, row in enumerate(self._rows):
            self._adam.state[row] = {
                "step": self.counts[i],
                "exp_avg": self.first[i],
                "exp_avg_sq": self.second[i],
            }
        self.hold([False] * layout.members)

    def hold(self, stopped: Sequence[bool]) -> None:
        """Leave the weights and moments of these columns as they are from now on."""
        for row, gradient, still in zip(self._rows, self._layout.gradients.unbind(0), stopped, strict=True):
            row.grad = None if still else gradient

    def step(self, rates: Sequence[float]) -> None:
        """Clip the gradients and make one step.

        Args:
            rates: learning rate of each column.
        """
        if self._clip > 0.0:
            gradients = self._layout.gradients
            norms = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
            gradients.mul_((self._clip / (norms + 1e-6)).clamp_(max=1.0))
        for group, rate in zip(self._adam.param_groups, rates, strict=True):
            group["lr"] = rate
        self._adam.step()
