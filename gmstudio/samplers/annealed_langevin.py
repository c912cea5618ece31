"""Annealed Langevin dynamics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from gmstudio.registry import SpecError, component, describe
from gmstudio.samplers.base import SamplerSpec, Samples

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gmstudio.samplers.base import LogProb, Score


@component(
    "sampler",
    title="Annealed Langevin",
    summary="Langevin from large temperatures to 1, with steps in proportion: crosses the gaps between modes.",
    reference="Song, Ermon, Generative Modeling by Estimating Gradients of the Data Distribution, NeurIPS 2019",
    order=20,
)
class AnnealedLangevin(SamplerSpec, frozen=True, kw_only=True, tag="annealed-langevin"):
    """Langevin chains through a geometric sequence of temperatures, hot to 1.

    At temperature T the target is p^(1 / T): one step is x + eps T (score(x) / T) + sqrt(2 eps T) z, so that the step
    in units of the target's own scale stays the same (Song and Ermon 2019, algorithm 1, with sigma_i^2 for T).
    """

    step: Annotated[float, describe("Step size eps at temperature 1.", gt=0.0, le=10.0, log=True)] = 0.01
    steps: Annotated[int, describe("Steps at each temperature.", ge=1, le=1_000_000, unit="steps", log=True)] = 100
    levels: Annotated[int, describe("How many temperatures.", ge=1, le=1000)] = 10
    hottest: Annotated[float, describe("The first temperature.", ge=1.0, le=1e6, log=True)] = 20.0

    def validate(self) -> None:
        """One level alone is temperature 1."""
        if self.levels == 1 and self.hottest != 1.0:
            raise SpecError(
                f"With one level the hottest temperature is {self.hottest:g}, but the last must be 1.",
                "Use 2 levels or more, or 1 as the hottest temperature.",
                "levels",
            )

    def temperatures(self) -> tuple[float, ...]:
        """From the hottest to 1, geometric."""
        last = max(self.levels - 1, 1)
        return tuple(self.hottest ** (1.0 - i / last) if self.levels > 1 else 1.0 for i in range(self.levels))

    def run(
        self, x0: Tensor, generator: torch.Generator, *, score: Score | None = None, log_prob: LogProb | None = None
    ) -> Samples:
        """Run one chain from every point; see `SamplerSpec.run`."""
        from gmstudio.samplers._gradients import langevin, normal_like, score_of

        gradient = score_of(score, log_prob)
        x = x0.detach()
        for temperature in self.temperatures():
            for _ in range(self.steps):
                x = langevin(x, gradient(x), self.step, normal_like(x, generator), temperature)
        return Samples(x, x.new_ones(()))
