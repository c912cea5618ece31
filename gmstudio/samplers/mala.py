"""The Metropolis-adjusted Langevin algorithm."""

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
    title="MALA",
    summary="Langevin steps, each accepted or refused by the exact rule, so that the samples have no bias.",
    reference="Roberts, Tweedie, Exponential convergence of Langevin distributions, Bernoulli 1996",
    order=10,
)
class Mala(SamplerSpec, frozen=True, kw_only=True, tag="mala"):
    """The proposal of `Langevin`, N(x + eps score(x), 2 eps I), with the Metropolis-Hastings rule."""

    step: StepSize = 0.05
    steps: ChainLength = 500

    def run(
        self, x0: Tensor, generator: torch.Generator, *, score: Score | None = None, log_prob: LogProb | None = None
    ) -> Samples:
        """Run one chain from every point; needs `log_prob`; see `SamplerSpec.run`."""
        import torch

        from gmstudio.samplers._gradients import langevin, look, normal_like

        if log_prob is None:
            raise ValueError("MALA needs the log-density for its acceptance rule; pass log_prob=")
        x = x0.detach()
        value, gradient = look(x, score, log_prob)
        accepted = torch.zeros_like(value)
        for _ in range(self.steps):
            noise = normal_like(x, generator)
            proposal = langevin(x, gradient, self.step, noise)
            new_value, new_gradient = look(proposal, score, log_prob)
            # log q(x | proposal) - log q(proposal | x); the variance of q is 2 eps, hence 1 / (4 eps).
            back = (x - proposal - self.step * new_gradient).square().sum(-1) / (4.0 * self.step)
            log_ratio = new_value - value + 0.5 * noise.square().sum(-1) - back
            uniform = torch.rand(log_ratio.shape, generator=generator, dtype=x.dtype, device=x.device)
            # A proposal where the density is not a number is refused.
            accept = uniform.log() < log_ratio
            accepted += accept
            x = torch.where(accept.unsqueeze(-1), proposal, x)
            gradient = torch.where(accept.unsqueeze(-1), new_gradient, gradient)
            value = torch.where(accept, new_value, value)
        return Samples(x, accepted.mean() / self.steps)
