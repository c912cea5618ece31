"""The objective of an autoencoder with an implicit posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.registry import component

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel
    from gmstudio.models.layers.implicit import ImplicitModel


@component(
    "objective",
    title="Implicit ELBO gradient",
    summary="The bound's gradient where the posterior's density is unknown: its score is learned by sliced score "
    "matching. The loss that is shown is no bound.",
    reference="Song, Garg, Shi, Ermon, Sliced score matching, UAI 2019, equations 9 and 12",
    order=30,
)
class ImplicitObjective(ObjectiveSpec, frozen=True, kw_only=True, tag="implicit"):
    """Reconstruction, prior and a linear stand-in for the entropy; and the critic's own loss, in one sum.

    No parameter has a part in both: the critic sees the draws only, and the others see its values only.
    """

    @property
    def needs(self) -> frozenset[str]:
        """A posterior that can be drawn from, and a network for its score."""
        return frozenset({"implicit posterior"})

    def draws(self, model: DensityModel) -> int:
        """The encoder's noise and a direction in the latent space."""
        implicit = cast("ImplicitModel", model)
        return implicit.numbers + implicit.latent

    def loss(self, model: DensityModel, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Mean of all three over the batch (E, B, D); returns (E,)."""
        assert noise is not None
        implicit = cast("ImplicitModel", model)
        own, directions = noise.split_with_sizes([implicit.numbers, implicit.latent], 2)
        reconstruction, divergence, critic = implicit.entropy_loss(x, own, directions)
        return (divergence + critic - reconstruction).mean(dim=1)
