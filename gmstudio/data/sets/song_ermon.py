"""Song and Ermon's two Gaussians."""

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
    title="Song & Ermon's mixture",
    summary="Two Gaussians of unequal weight far apart; between them there is no data, and the score is hard to learn.",
    reference="Song and Ermon, Generative modeling by estimating gradients of the data distribution (2019), section 3.",
    order=80,
)
class SongErmon(PlaneSpec, frozen=True, kw_only=True, tag="song-ermon"):
    """Weights 0.8 and 0.2, means (5, 5) and (-5, -5), unit covariance at the defaults."""

    weight: Annotated[float, describe("Share of the points in the upper right Gaussian.", ge=0.01, le=0.99)] = 0.8
    distance: Annotated[
        float, describe("Both coordinates of its mean; the other mean is its opposite.", ge=0.0, le=20.0)
    ] = 5.0
    spread: Annotated[float, describe("Standard deviation of both Gaussians.", ge=0.05, le=5.0, log=True)] = 1.0

    @property
    def bounds(self) -> Bounds:
        """A square around both means and four standard deviations."""
        return square(-self.distance, self.distance, -self.distance, self.distance, tail=4 * self.spread)

    def density(self) -> GaussianMixture:
        """The exact density."""
        import torch

        from gmstudio.data.densities.gaussians import GaussianMixture

        weights = torch.tensor([self.weight, 1 - self.weight], dtype=torch.float64)
        variances = torch.full((2,), self.spread**2, dtype=torch.float64)
        return GaussianMixture(weights, self._centres(), variances)

    def modes(self) -> Modes:
        """Both means."""
        apart = 2 * math.sqrt(2) * self.distance
        return Modes(centres=self._centres(), radius=min(3 * self.spread, apart / 2) or 3 * self.spread)

    def _centres(self) -> Tensor:
        import torch

        return self.distance * torch.tensor([[1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)
