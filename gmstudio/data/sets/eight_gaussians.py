"""Eight Gaussians."""

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
    title="Eight Gaussians",
    summary="Round Gaussians on a circle: does the model find all of them, and keep the space between them empty?",
    reference="After Metz et al., Unrolled generative adversarial networks (2017).",
    order=60,
)
class EightGaussians(PlaneSpec, frozen=True, kw_only=True, tag="eight-gaussians"):
    """Equal round Gaussians, evenly spaced on a circle."""

    count: Annotated[int, describe("How many Gaussians.", ge=1, le=64)] = 8
    radius: Annotated[float, describe("Radius of the circle on which they stand.", ge=0.1, le=10.0)] = 3.0
    noise: Annotated[
        float, describe("Standard deviation of each Gaussian.", ge=0.01, le=2.0, log=True, label="Spread")
    ] = 0.35

    @property
    def bounds(self) -> Bounds:
        """A square around the circle and four standard deviations."""
        return square(-self.radius, self.radius, -self.radius, self.radius, tail=4 * self.noise)

    def density(self) -> GaussianMixture:
        """The exact density."""
        import torch

        from gmstudio.data.densities.gaussians import GaussianMixture

        variances = torch.full((self.count,), self.noise**2, dtype=torch.float64)
        return GaussianMixture(torch.ones(self.count), self._centres(), variances)

    def modes(self) -> Modes:
        """One for each Gaussian."""
        nearest = 2 * self.radius * math.sin(math.pi / self.count) if self.count > 1 else math.inf
        return Modes(centres=self._centres(), radius=min(3 * self.noise, nearest / 2))

    def _centres(self) -> Tensor:
        import torch

        from gmstudio.data import circle

        angle = torch.arange(self.count, dtype=torch.float64) * (2 * math.pi / self.count)
        return self.radius * circle.points(angle)
