"""Swiss roll."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from gmstudio.data.base import Bounds, PlaneSpec
from gmstudio.data.framing import square
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.data.densities.curves import BlurredCurve


@component(
    "data",
    title="Swiss roll",
    summary="One spiral that starts away from the centre, denser inside, with Gaussian noise around it.",
    reference="The plane section of scikit-learn's make_swiss_roll (Marsland, 2009).",
    order=35,
)
class SwissRoll(PlaneSpec, frozen=True, kw_only=True, tag="swiss-roll"):
    """A spiral whose angle is uniform, so that its inner end is denser than its outer end."""

    turns: Annotated[float, describe("How often it goes round.", ge=0.25, le=5.0, unit="turns")] = 1.5
    radius: Annotated[float, describe("Where the roll ends.", ge=0.1, le=10.0)] = 3.0
    core: Annotated[
        float,
        describe("Where the roll starts, as a share of the radius.", ge=0.0, le=0.9, advanced=True),
    ] = 1 / 3
    noise: Annotated[float, describe("Standard deviation of the noise around the roll.", ge=0.01, le=1.0, log=True)] = (
        0.1
    )

    @property
    def bounds(self) -> Bounds:
        """A square around the circle in which the roll ends, and four standard deviations of the noise."""
        return square(-self.radius, self.radius, -self.radius, self.radius, tail=4 * self.noise)

    def density(self) -> BlurredCurve:
        """The exact density."""
        from gmstudio.data import circle
        from gmstudio.data.densities.curves import Arc, BlurredCurve

        winding, inner, outer = 2 * math.pi * self.turns, self.radius * self.core, self.radius

        def place(v: Tensor) -> Tensor:
            angle = winding * (v - 1)
            return (inner + (outer - inner) * v).unsqueeze(1) * circle.points(angle)

        return BlurredCurve([Arc(place, 0.0, 1.0)], self.noise)
