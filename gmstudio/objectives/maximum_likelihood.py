"""Maximum likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.registry import component

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


@component(
    "objective",
    title="Maximum likelihood",
    summary="Minimises the mean negative log-likelihood of the (mollified) batch, in nats per point.",
    order=0,
)
class MaximumLikelihood(ObjectiveSpec, frozen=True, kw_only=True, tag="maximum-likelihood"):
    """Mean negative log-likelihood."""

    @property
    def needs(self) -> frozenset[str]:
        """A density."""
        return frozenset({"density"})

    def loss(self, model: DensityModel, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Mean over the batch (E, B, D) of -log p; returns (E,)."""
        return -model.log_prob(x).mean(dim=1)

    def weight(self, batch: int) -> float:
        """The loss is a mean."""
        return -1.0 / batch
