"""Spirals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from gmstudio.data.base import Bounds, PlaneSpec
from gmstudio.data.framing import square
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.data.densities.curves import Arc, BlurredCurve


@component(
    "data",
    title="Spirals",
    summary="Arms that wind outwards from the centre, with Gaussian noise around them.",
    reference="The two spirals of Lang and Witbrock (1988), with any number of arms.",
    order=30,
)
class Spirals(PlaneSpec, frozen=True, kw_only=True, tag="spirals"):
    """Archimedes' spirals, evenly turned, with points spread evenly along them."""

    arms: Annotated[int, describe("How many spirals.", ge=1, le=8)] = 2
    turns: Annotated[float, describe("How often each arm goes round.", ge=0.25, le=5.0, unit="turns")] = 1.5
    radius: Annotated[float, describe("Where the arms end.", ge=0.1, le=10.0)] = 3.5
    noise: Annotated[float, describe("Standard deviation of the noise around the arms.", ge=0.01, le=1.0, log=True)] = (
        0.1
    )

    @property
    def bounds(self) -> Bounds:
        """A square around the circle in which the arms end, and four standard deviations of the noise."""
        return square(-self.radius, self.radius, -self.radius, self.radius, tail=4 * self.noise)

    def density(self) -> BlurredCurve:
        """The exact density."""
        from gmstudio.data.densities.curves import BlurredCurve

        return BlurredCurve([self._arm(2 * math.pi * index / self.arms) for index in range(self.arms)], self.noise)

    def _arm(self, start: float) -> Arc:
        from gmstudio.data import circle
        from gmstudio.data.densities.curves import Arc

        winding, radius = 2 * math.pi * self.turns, self.radius

        def place(v: Tensor) -> Tensor:
            angle = start + winding * v
            return (radius * v).unsqueeze(1) * circle.points(angle)

        return Arc(place, 0.0, 1.0, power=1)
