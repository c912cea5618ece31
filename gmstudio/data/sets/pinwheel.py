"""Pinwheel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from gmstudio.data.base import Bounds, PlaneSpec
from gmstudio.data.framing import square
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from gmstudio.data.densities.twisted import Twisted


@component(
    "data",
    title="Pinwheel",
    summary="Gaussian blades around the centre, twisted by an angle that grows with the radius.",
    reference="After Johnson et al., Composing graphical models with neural networks (2016).",
    order=40,
)
class Pinwheel(PlaneSpec, frozen=True, kw_only=True, tag="pinwheel"):
    """Blades are long Gaussians; the twist keeps areas, so that the density is exact."""

    arms: Annotated[int, describe("How many blades.", ge=1, le=12, label="Blades")] = 5
    radius: Annotated[float, describe("Distance of the middle of a blade from the centre.", ge=0.0, le=10.0)] = 2.0
    length: Annotated[float, describe("Standard deviation of a blade along the radius.", ge=0.01, le=3.0, log=True)] = (
        0.6
    )
    noise: Annotated[
        float,
        describe("Standard deviation of a blade across the radius.", ge=0.01, le=3.0, log=True, label="Thickness"),
    ] = 0.15
    twist: Annotated[
        float, describe("How far a blade turns as the radius grows by 1.", ge=-5.0, le=5.0, unit="radians")
    ] = 0.8

    @property
    def bounds(self) -> Bounds:
        """A square around four standard deviations of the blades, however they are turned."""
        reach = math.hypot(self.radius + 4 * self.length, 2 * self.noise)
        reach = max(reach, math.hypot(self.radius, 4 * self.noise))
        return square(-reach, reach, -reach, reach)

    def density(self) -> Twisted:
        """The exact density."""
        import torch

        from gmstudio.data import circle
        from gmstudio.data.densities.gaussians import GaussianMixture
        from gmstudio.data.densities.twisted import Twisted

        angle = torch.arange(self.arms, dtype=torch.float64) * (2 * math.pi / self.arms)
        along = circle.points(angle)
        across = torch.stack([-angle.sin(), angle.cos()], dim=1)
        covariances = self.length**2 * along.unsqueeze(2) * along.unsqueeze(1)
        covariances = covariances + self.noise**2 * across.unsqueeze(2) * across.unsqueeze(1)
        return Twisted(GaussianMixture(torch.ones(self.arms), self.radius * along, covariances), self.twist)
