"""Rings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from gmstudio.data.base import Bounds, PlaneSpec
from gmstudio.data.framing import square
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.data.densities.curves import Arc, BlurredCurve


@component(
    "data",
    title="Rings",
    summary="Circles around the same centre, with Gaussian noise around them.",
    order=20,
)
class Rings(PlaneSpec, frozen=True, kw_only=True, tag="rings"):
    """Concentric circles, evenly spaced."""

    rings: Annotated[int, describe("How many circles.", ge=1, le=10)] = 3
    radius: Annotated[float, describe("Radius of the outermost circle.", ge=0.1, le=10.0)] = 3.0
    noise: Annotated[
        float, describe("Standard deviation of the noise around the circles.", ge=0.01, le=1.0, log=True)
    ] = 0.12
    share: Annotated[
        Literal["equal", "by length"],
        describe("Whether every circle has as many points, or as many per unit of length.", advanced=True),
    ] = "equal"

    @property
    def bounds(self) -> Bounds:
        """A square around the outermost circle and four standard deviations of the noise."""
        return square(-self.radius, self.radius, -self.radius, self.radius, tail=4 * self.noise)

    def density(self) -> BlurredCurve:
        """The exact density."""
        from gmstudio.data.densities.curves import BlurredCurve

        return BlurredCurve([self._ring(index + 1) for index in range(self.rings)], self.noise)

    def _ring(self, index: int) -> Arc:
        from gmstudio.data import circle
        from gmstudio.data.densities.curves import Arc

        radius = self.radius * index / self.rings

        def place(v: Tensor) -> Tensor:
            return radius * circle.points(v)

        return Arc(place, 0.0, 2 * math.pi, weight=1.0 if self.share == "equal" else index, closed=True)
