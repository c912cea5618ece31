"""A grid of Gaussians."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from gmstudio.data.base import Bounds, Modes, PlaneSpec
from gmstudio.data.framing import square
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.data.densities.gaussians import GaussianMixture


@component(
    "data",
    title="Grid of Gaussians",
    summary="Small round Gaussians on a square grid, 25 of them: many modes, all equally likely.",
    reference="After Srivastava et al., VEEGAN (2017).",
    order=70,
)
class GaussianGrid(PlaneSpec, frozen=True, kw_only=True, tag="gaussian-grid"):
    """Equal round Gaussians on a square grid centred on the origin."""

    side: Annotated[int, describe("Gaussians along one side of the grid.", ge=1, le=10)] = 5
    spacing: Annotated[float, describe("Distance of neighbours.", ge=0.1, le=10.0)] = 1.5
    noise: Annotated[
        float, describe("Standard deviation of each Gaussian.", ge=0.01, le=2.0, log=True, label="Spread")
    ] = 0.15

    @property
    def bounds(self) -> Bounds:
        """A square around the grid and four standard deviations."""
        half = self.spacing * (self.side - 1) / 2
        return square(-half, half, -half, half, tail=4 * self.noise)

    def density(self) -> GaussianMixture:
        """The exact density."""
        import torch

        from gmstudio.data.densities.gaussians import GaussianMixture

        variances = torch.full((self.side**2,), self.noise**2, dtype=torch.float64)
        return GaussianMixture(torch.ones(self.side**2), self._centres(), variances)

    def modes(self) -> Modes:
        """One for each Gaussian."""
        nearest = self.spacing if self.side > 1 else math.inf
        return Modes(centres=self._centres(), radius=min(3 * self.noise, nearest / 2))

    def _centres(self) -> Tensor:
        import torch

        ticks = self.spacing * (torch.arange(self.side, dtype=torch.float64) - (self.side - 1) / 2)
        return torch.cartesian_prod(ticks, ticks)
