"""Masked autoregressive flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from gmstudio.models.base import Shape
from gmstudio.models.flows._affine import AffineFlowSpec
from gmstudio.models.flows._common import refuse_one_column, with_tails
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


@component(
    "model",
    title="MAF",
    summary="Masked autoregressive: each column is moved by those before it. Sampling takes one pass for each column.",
    reference="Papamakarios, Pavlakou, Murray, Masked Autoregressive Flow for Density Estimation, NeurIPS 2017",
    order=10,
)
class MAF(AffineFlowSpec, frozen=True, kw_only=True, tag="maf"):
    """A chain of MADE blocks, the order of the columns reversed after each."""

    blocks: Annotated[int, describe("MADE blocks in the chain.", ge=1, le=64)] = 5
    order: Annotated[
        Literal["scale, shift", "shift, scale"],
        describe("Scale each column and then shift it, or, as in the paper, the other way round.", advanced=True),
    ] = "scale, shift"

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.flow import Flow
        from gmstudio.models.layers.linear import generators
        from gmstudio.models.layers.made import MaskedAffine, MaskedFlow
        from gmstudio.models.layers.normalisation import BatchNorm, Chain

        refuse_one_column(dim, "MAF")
        draws = generators(seeds)
        blocks = [
            MaskedAffine(
                dim,
                hidden=self.hidden,
                layers=self.layers,
                activation=self.activation,
                limit=self.limit,
                draws=draws,
                init=self.init,
                centred=self.order == "shift, scale",
            )
            for _ in range(self.blocks)
        ]
        members, titles = len(draws), [f"block {i + 1}" for i in range(self.blocks)]
        if self.normalise == "batch":
            chains = [Chain([block, BatchNorm(dim, members)]) for block in blocks]
            return with_tails(Flow(dim, members, chains, titles, settles=True), self.tails)
        return with_tails(MaskedFlow(dim, members, blocks, titles), self.tails)
