"""Two moons."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from gmstudio.data.base import Bounds, PlaneSpec
from gmstudio.data.framing import square
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from gmstudio.data.densities.curves import BlurredCurve


@component(
    "data",
    title="Two moons",
    summary="Two half circles that reach into each other, with Gaussian noise around them.",
    reference="As scikit-learn's make_moons, with the exact density of its law.",
    order=10,
)
class TwoMoons(PlaneSpec, frozen=True, kw_only=True, tag="two-moons"):
    """Two interleaved half circles of radius 1."""

    noise: Annotated[
        float, describe("Standard deviation of the noise around the curves.", ge=0.01, le=1.0, log=True)
    ] = 0.1
    dip: Annotated[
        float, describe("How far the tip of each moon reaches into the other.", ge=-2.0, le=1.0, advanced=True)
    ] = 0.5

    @property
    def bounds(self) -> Bounds:
        """A square around both moons and four standard deviations of the noise."""
        return square(-1.0, 2.0, min(0.0, self.dip - 1), max(1.0, self.dip), tail=4 * self.noise)

    def density(self) -> BlurredCurve:
        """The exact density."""
        import torch

        from gmstudio.data import circle
        from gmstudio.data.densities.curves import Arc, BlurredCurve

        dip = self.dip

        def lower(v: torch.Tensor) -> torch.Tensor:
            return torch.stack([1 - v.cos(), dip - v.sin()], dim=1)

        return BlurredCurve([Arc(circle.points, 0.0, math.pi), Arc(lower, 0.0, math.pi)], self.noise)
