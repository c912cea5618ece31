"""Real-NVP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gmstudio.models.flows._affine import AffineFlowSpec
from gmstudio.models.flows._dimension import refuse_one_column
from gmstudio.registry import component

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


@component(
    "model",
    title="Real-NVP",
    summary="Affine couplings: half of the columns scale and shift the other half, in turn. Fast both ways.",
    reference="Dinh, Sohl-Dickstein, Bengio, Density estimation using Real NVP, ICLR 2017",
    order=0,
)
class RealNVP(AffineFlowSpec, frozen=True, kw_only=True, tag="real-nvp"):
    """A chain of affine couplings that take turns in which half they move."""

    def build(self, dim: int, seeds: Sequence[int], data: Tensor | None = None) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.linear import generators
        from gmstudio.models.layers.real_nvp import RealNVPFlow

        refuse_one_column(dim, "Real-NVP")
        return RealNVPFlow(
            dim,
            blocks=self.blocks,
            hidden=self.hidden,
            layers=self.layers,
            activation=self.activation,
            limit=self.limit,
            draws=generators(seeds),
        )
