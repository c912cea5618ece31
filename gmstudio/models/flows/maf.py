"""Masked autoregressive flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from gmstudio.models.flows._affine import AffineFlowSpec
from gmstudio.models.flows._dimension import refuse_one_column
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

    def build(self, dim: int, seeds: Sequence[int], data: Tensor | None = None) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.linear import generators
        from gmstudio.models.layers.made import MaskedAffine, MaskedFlow

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
            )
            for _ in range(self.blocks)
        ]
        return MaskedFlow(dim, len(draws), blocks, [f"block {i + 1}" for i in range(self.blocks)])
