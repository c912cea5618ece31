"""Gaussian mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from gmstudio.models.base import ModelSpec, Shape
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


@component(
    "model",
    title="Gaussian mixture",
    summary="A weighted sum of Gaussians with full covariances, which start at points of the data far from each other.",
    order=60,
)
class Mixture(ModelSpec, frozen=True, kw_only=True, tag="mixture"):
    """A mixture of Gaussians with full covariances."""

    components: Annotated[int, describe("Gaussians in the sum.", ge=1, le=512, log=True)] = 16
    floor: Annotated[
        float,
        describe(
            "Least standard deviation of a Gaussian in any direction given the others; keeps it from collapsing onto "
            "a point.",
            gt=0.0,
            le=10.0,
            unit="standard deviations",
            label="Least width",
            advanced=True,
        ),
    ] = 0.01

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.linear import generators
        from gmstudio.models.layers.mixture import MixtureModel, starts

        means, spread = starts(data, self.components, dim, generators(seeds))
        return MixtureModel(dim, means, spread, self.floor)
