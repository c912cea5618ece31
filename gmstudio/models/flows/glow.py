"""Glow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gmstudio.models.base import Shape
from gmstudio.models.flows._affine import CouplingFlowSpec
from gmstudio.models.flows._common import refuse_one_column, with_tails
from gmstudio.registry import component

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
class Glow(CouplingFlowSpec, frozen=True, kw_only=True, tag="glow"):
    """Blocks of ActNorm or batch normalisation, an LU-parametrised matrix and an affine coupling."""

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; ActNorm starts from the first 4,096 points of `data`; see `ModelSpec.build`."""
        from gmstudio.models.layers.coupling import AffineCoupling
        from gmstudio.models.layers.linear import generators
        from gmstudio.models.layers.members import join
        from gmstudio.models.layers.mixed import MixedFlow
        from gmstudio.models.layers.mixing import Mixing
        from gmstudio.models.layers.normalisation import BatchNorm

        if self.network == "convolutional":
            return self.multiscale(dim, seeds, data, shape, mixes=True)
        batch = self.normalise == "batch"
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
                    activation=self.activation if self.networks == "one" else None,
                    limit=self.limit,
                    draws=draws,
                    init=self.init,
                )
                for i in range(self.blocks)
            ]
            mixing = Mixing(dim, self.blocks, draws, start="rotation", actnorm=not batch)
            norms = [BatchNorm(dim, 1) for _ in range(self.blocks if batch else 0)]
            single = MixedFlow(dim, 1, mixing, couplings, norms)
            if data is not None and not batch:
                single.start_from(data[:4096])
            singles.append(single)
        return with_tails(join(singles), self.tails)
