"""One Gaussian."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gmstudio.models.base import ModelSpec, Shape
from gmstudio.registry import component

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


@component(
    "model",
    title="Gaussian",
    summary="One Gaussian with a full covariance: the plainest baseline, and one with a closed form.",
    order=50,
)
class Gaussian(ModelSpec, frozen=True, kw_only=True, tag="gaussian"):
    """A Gaussian with a full covariance, which starts as the standard normal."""

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.gaussian import GaussianModel

        return GaussianModel(dim, len(seeds))
