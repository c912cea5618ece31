"""Real-NVP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from gmstudio.models.base import ModelSpec
from gmstudio.models.flows._dimension import refuse_one_column
from gmstudio.registry import component, describe

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
class RealNVP(ModelSpec, frozen=True, kw_only=True, tag="real-nvp"):
    """A chain of affine couplings that take turns in which half they move."""

    blocks: Annotated[int, describe("Couplings in the chain.", ge=1, le=64)] = 6
    hidden: Annotated[int, describe("Width of each coupling's network.", ge=1, le=2048, unit="units", log=True)] = 64
    layers: Annotated[int, describe("Hidden layers of each coupling's network.", ge=1, le=8)] = 2
    activation: Annotated[
        Literal["relu", "silu", "tanh"],
        describe("Between the layers. ReLU is the fastest; SiLU and tanh give smooth scores.", advanced=True),
    ] = "relu"
    limit: Annotated[
        float,
        describe("Largest log-scale of one coupling, which keeps training stable.", gt=0.0, le=20.0, advanced=True),
    ] = 3.0

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
