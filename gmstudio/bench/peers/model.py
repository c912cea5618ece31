"""What the benchmarks ask of another library's model, and how its users train and evaluate it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class PeerModel:
    """A model of another library.

    Attributes:
        module: holds the parameters.
        loss: what is minimised, a scalar, for a batch (B, D).
        log_prob: log-density (N,) in nats of points (N, D); None for an energy, which is not normalised.
        sample: that many samples (N, D); None where the library draws none.
    """

    module: nn.Module
    loss: Callable[[Tensor], Tensor]
    log_prob: Callable[[Tensor], Tensor] | None = None
    sample: Callable[[int], Tensor] | None = None


class Loop:
    """A training loop as people write it: a random batch, the line that mollifies it, the gradient, a step of Adam.

    The points are a tensor on the device; a data loader would only cost.

    Args:
        model: on the device of `points`.
        points: (N, D) standardised.
        batch: B.
        sigma2: noise variance of each step; it starts again after the last.
        fused: whether Adam is asked for its fused kernel, which is not its default.
    """

    def __init__(
        self, model: PeerModel, points: Tensor, batch: int, sigma2: Sequence[float], *, fused: bool = True
    ) -> None:
        self._model = model
        self._points = points
        self._batch = batch
        self._sigma2 = sigma2
        self._step = 0
        self._optimiser = torch.optim.Adam(model.module.parameters(), lr=1e-3, fused=fused)
        model.module.train()

    def run(self, steps: int) -> None:
        """Make that many steps."""
        points, optimiser = self._points, self._optimiser
        for _ in range(steps):
            sigma2 = self._sigma2[self._step % len(self._sigma2)]
            x = points[torch.randint(len(points), (self._batch,), device=points.device)]
            x = (1.0 - sigma2) ** 0.5 * x + sigma2**0.5 * torch.randn_like(x)
            optimiser.zero_grad()
            loss = self._model.loss(x)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            self._step += 1
