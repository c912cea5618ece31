"""Von Mises on the circle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

from gmstudio.data.base import Bounds, PlaneSpec, Source
from gmstudio.data.framing import square
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    import torch


@component(
    "data",
    title="Von Mises on the circle",
    summary="Points exactly on the unit circle: a manifold, so that a likelihood can climb for ever while it is wrong.",
    reference="Manifold overfitting: Loaiza-Ganem et al. (2022); Tran et al. (2023), figure 2.",
    order=90,
)
class VonMises(PlaneSpec, frozen=True, kw_only=True, tag="von-mises"):
    """Angles follow the von Mises law; the plane has no density."""

    manifold: ClassVar[str] = "circle"

    kappa: Annotated[
        float, describe("Concentration of the angle; 0 is uniform.", ge=0.0, le=1000.0, label="Concentration κ")
    ] = 1.0
    direction: Annotated[
        float,
        describe("The most likely angle, anticlockwise from the right.", ge=-180.0, le=180.0, unit="degrees"),
    ] = 0.0

    @property
    def bounds(self) -> Bounds:
        """A square around the circle, with room to see a model miss it."""
        return square(-1.0, 1.0, -1.0, 1.0, tail=0.4)

    @property
    def exact(self) -> bool:
        """The plane has no density; the angle has one, in `gmstudio.data.circle`."""
        return False

    def density(self) -> None:
        """None: the points lie on a curve."""

    def source(self) -> Source:
        """The circle itself."""
        return _Circle(self.kappa, math.radians(self.direction))


class _Circle:
    def __init__(self, kappa: float, centre: float) -> None:
        self.kappa = kappa
        self.centre = centre

    def sample(self, size: int, generator: torch.Generator) -> torch.Tensor:
        from gmstudio.data import circle

        return circle.points(circle.sample(size, self.kappa, self.centre, generator))
