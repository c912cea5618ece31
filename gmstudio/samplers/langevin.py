"""The unadjusted Langevin algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gmstudio.registry import component
from gmstudio.samplers.base import ChainLength, SamplerSpec, Samples, StepSize

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gmstudio.samplers.base import LogProb, Score


@component(
    "sampler",
    title="Langevin",
    summary="Steps along the score with matching noise and without correction: simple, and biased by the step size.",
    reference="Roberts, Tweedie, Exponential convergence of Langevin distributions, Bernoulli 1996",
    order=0,
)
class Langevin(SamplerSpec, frozen=True, kw_only=True, tag="langevin"):
    """x + eps score(x) + sqrt(2 eps) z; on N(0, 1) its stationary variance is 1 / (1 - eps / 2)."""

    step: StepSize = 0.01
    steps: ChainLength = 500

    def run(
        self, x0: Tensor, generator: torch.Generator, *, score: Score | None = None, log_prob: LogProb | None = None
    ) -> Samples:
        """Run one chain from every point; see `SamplerSpec.run`."""
        from gmstudio.samplers._gradients import langevin, normal_like, score_of

        gradient = score_of(score, log_prob)
        x = x0.detach()
        for _ in range(self.steps):
            x = langevin(x, gradient(x), self.step, normal_like(x, generator))
        return Samples(x, x.new_ones(()))
