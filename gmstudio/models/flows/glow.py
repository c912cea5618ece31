"""Glow."""

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
    title="Glow",
    summary="Normalisation that starts from the data, a learned linear map and an affine coupling in every block.",
    reference="Kingma, Dhariwal, Glow: Generative Flow with Invertible 1x1 Convolutions, NeurIPS 2018",
    order=20,
)
class Glow(ModelSpec, frozen=True, kw_only=True, tag="glow"):
    """Blocks of ActNorm, an LU-parametrised matrix and an affine coupling."""

    blocks: Annotated[int, describe("Blocks in the chain.", ge=1, le=64)] = 6
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
        """Make an ensemble; ActNorm starts from the first 4,096 points of `data`; see `ModelSpec.build`."""
        from gmstudio.models.layers.coupling import AffineCoupling
        from gmstudio.models.layers.linear import generators
        from gmstudio.models.layers.members import join
        from gmstudio.models.layers.mixed import MixedFlow
        from gmstudio.models.layers.mixing import Mixing

        refuse_one_column(dim, "Glow")
        singles = []
        # One by one: what is computed from data has the same bits alone and in an ensemble.
        for seed in seeds:
            draws = generators([seed])
            couplings = [
                AffineCoupling(
                    dim,
                    flip=i % 2 == 1,
                    hidden=self.hidden,
                    layers=self.layers,
                    activation=self.activation,
                    limit=self.limit,
                    draws=draws,
                )
                for i in range(self.blocks)
            ]
            mixing = Mixing(dim, self.blocks, draws, start="rotation", actnorm=True)
            single = MixedFlow(dim, 1, mixing, couplings)
            if data is not None:
                single.start_from(data[:4096])
            singles.append(single)
        return join(singles)
