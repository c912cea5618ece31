"""Real-NVP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from gmstudio.models.base import Shape
from gmstudio.models.flows._affine import CouplingFlowSpec
from gmstudio.models.flows._common import refuse_one_column, with_tails
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel
    from gmstudio.models.layers.flow import Transform


@component(
    "model",
    title="Real-NVP",
    summary="Affine couplings: half of the columns scale and shift the other half, in turn. Fast both ways.",
    reference="Dinh, Sohl-Dickstein, Bengio, Density estimation using Real NVP, ICLR 2017",
    order=0,
)
class RealNVP(CouplingFlowSpec, frozen=True, kw_only=True, tag="real-nvp"):
    """A chain of affine couplings that take turns in which half they move."""

    split: Annotated[
        Literal["halves", "alternate"],
        describe("Couple the first with the last columns, or every other one with those between.", advanced=True),
    ] = "halves"

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.coupling import AffineCoupling
        from gmstudio.models.layers.flow import Flow
        from gmstudio.models.layers.linear import generators
        from gmstudio.models.layers.normalisation import BatchNorm, Chain, EvenFirst
        from gmstudio.models.layers.real_nvp import RealNVPFlow

        if self.network == "convolutional":
            return self.multiscale(dim, seeds, data, shape, mixes=False)
        refuse_one_column(dim, "Real-NVP")
        draws = generators(seeds)
        couplings = [
            AffineCoupling(
                dim,
                # The paper's first coupling moves the first of every two columns.
                flip=(i % 2 == 1) != (self.split == "alternate"),
                hidden=self.hidden,
                layers=self.layers,
                activation=self.activation if self.networks == "one" else None,
                limit=self.limit,
                draws=draws,
                init=self.init,
            )
            for i in range(self.blocks)
        ]
        batch = self.normalise == "batch"
        if not batch and self.split == "halves":
            return with_tails(RealNVPFlow(dim, couplings), self.tails)
        chains = []
        for i, coupling in enumerate(couplings):
            parts: list[Transform] = [EvenFirst()] if i == 0 and self.split == "alternate" else []
            chains.append(Chain([*parts, coupling, *([BatchNorm(dim, len(draws))] if batch else [])]))
        titles = [f"coupling {i + 1}" for i in range(self.blocks)]
        return with_tails(Flow(dim, len(draws), chains, titles, settles=batch), self.tails)
