"""Neural spline flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from gmstudio.models.base import ModelSpec, Shape
from gmstudio.models.flows._common import Tails, refuse_one_column, with_tails
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


@component(
    "model",
    title="Neural spline flow",
    summary="Couplings through monotone rational-quadratic splines: flexible, and good at sharp edges.",
    reference="Durkan, Bekasov, Murray, Papamakarios, Neural Spline Flows, NeurIPS 2019",
    order=30,
)
class NeuralSplineFlow(ModelSpec, frozen=True, kw_only=True, tag="spline"):
    """Blocks of an LU-parametrised matrix and a rational-quadratic spline coupling, with linear tails."""

    blocks: Annotated[int, describe("Couplings in the chain.", ge=1, le=64)] = 5
    hidden: Annotated[int, describe("Width of each coupling's network.", ge=1, le=2048, unit="units", log=True)] = 64
    layers: Annotated[int, describe("Hidden layers of each coupling's network.", ge=1, le=8)] = 2
    bins: Annotated[int, describe("Bins of each spline.", ge=2, le=64)] = 8
    bound: Annotated[
        float,
        describe(
            "The splines bend within this distance of 0 and are straight outside it.",
            gt=0.0,
            le=100.0,
            unit="standard deviations",
            advanced=True,
        ),
    ] = 5.0
    activation: Annotated[
        Literal["relu", "silu", "tanh"],
        describe("Between the layers. ReLU is the fastest; SiLU and tanh give smooth scores.", advanced=True),
    ] = "relu"
    tails: Tails = "normal"

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.linear import generators
        from gmstudio.models.layers.mixed import MixedFlow
        from gmstudio.models.layers.mixing import Mixing
        from gmstudio.models.layers.spline_coupling import SplineCoupling

        refuse_one_column(dim, "A neural spline flow")
        draws = generators(seeds)
        couplings = [
            SplineCoupling(
                dim,
                flip=i % 2 == 1,
                bins=self.bins,
                bound=self.bound,
                hidden=self.hidden,
                layers=self.layers,
                activation=self.activation,
                draws=draws,
            )
            for i in range(self.blocks)
        ]
        mixing = Mixing(dim, self.blocks, draws, start="identity", actnorm=False)
        return with_tails(MixedFlow(dim, len(draws), mixing, couplings), self.tails)
