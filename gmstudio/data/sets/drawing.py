"""Drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from gmstudio.data.base import Bounds, PlaneSpec, Source
from gmstudio.registry import SpecError, component, describe

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gmstudio.data.densities.gaussians import GaussianMixture

#: The canvas: left, right, bottom, top.
CANVAS: Bounds = (-4.0, 4.0, -4.0, 4.0)
MOST_POINTS = 100_000


@component(
    "data",
    title="Drawing",
    summary="Your own points, drawn by hand, with a small Gaussian around each of them.",
    order=0,
)
class Drawing(PlaneSpec, frozen=True, kw_only=True, tag="drawing"):
    """Points on a canvas from -4 to 4; what lies outside of it is dropped."""

    points: Annotated[tuple[tuple[float, float], ...], describe("The drawn points, (x, y) each.", widget="points")] = ()
    spread: Annotated[
        float,
        describe(
            "Standard deviation of the Gaussian around every drawn point; 0 for the points alone.", ge=0.0, le=2.0
        ),
    ] = 0.06

    def validate(self) -> None:
        """Refuse too many points, and what is not a pair of finite numbers."""
        import numpy as np

        if len(self.points) > MOST_POINTS:
            raise SpecError(f"The drawing has {len(self.points):,} points.", f"Draw at most {MOST_POINTS:,}.", "points")
        try:
            array = np.array(self.points, dtype=np.float64).reshape(len(self.points), -1 if self.points else 2)
        except (TypeError, ValueError) as error:
            raise SpecError("The drawing has a point that is not a pair of numbers.", _PAIRS, "points") from error
        if self.points and array.shape[1] != 2:
            raise SpecError("The drawing has a point that is not a pair of numbers.", _PAIRS, "points")
        if not np.isfinite(array).all():
            raise SpecError("The drawing has a point that is not finite.", _PAIRS, "points")

    @property
    def bounds(self) -> Bounds:
        """The canvas and three standard deviations around it, wherever the points are, so that a view stays put."""
        half = CANVAS[1] + 3 * self.spread
        return (-half, half, -half, half)

    @property
    def exact(self) -> bool:
        """Whether there is a Gaussian around every point."""
        return self.spread > 0

    def density(self) -> GaussianMixture | None:
        """One Gaussian for every point on the canvas; None where the spread is 0.

        Raises:
            SpecError: when no point is on the canvas.
        """
        import torch

        from gmstudio.data.densities.gaussians import GaussianMixture

        if not self.spread > 0:
            return None
        points = self._kept()
        if not len(points):
            raise SpecError("The drawing is empty.", _DRAW, "data.points")
        variances = torch.full((len(points),), self.spread**2, dtype=torch.float64)
        return GaussianMixture(torch.ones(len(points)), points, variances)

    def source(self) -> Source:
        """The density, or the points themselves where the spread is 0.

        Raises:
            SpecError: when there is too little to draw from.
        """
        density = self.density()
        if density is not None:
            return density
        points = self._kept()
        if not len(points):
            raise SpecError("The drawing is empty.", _DRAW, "data.points")
        if bool((points == points[0]).all()):
            raise SpecError("The drawing is a single point with no spread around it.", _DRAW, "data.points")
        return Chosen(points)

    def _kept(self) -> Tensor:
        """The points on the canvas, (K, 2) float64.  Outside points are dropped: at its border they would be a lie."""
        import torch

        points = torch.tensor(self.points, dtype=torch.float64).reshape(-1, 2)
        left, right, bottom, top = CANVAS
        x, y = points.T
        return points[(x >= left) & (x <= right) & (y >= bottom) & (y <= top)]


_PAIRS = "Give every point as two finite numbers."
_DRAW = "Draw at least two points on the canvas, or give the drawing a spread."


class Chosen:
    """Draws from given points, with replacement.

    Args:
        points: (K, 2) float64.
    """

    def __init__(self, points: Tensor) -> None:
        self.points = points

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Independent draws, (size, 2)."""
        import torch

        return self.points[torch.randint(len(self.points), (size,), generator=generator)]
