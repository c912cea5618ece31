"""The evidence lower bound, with the weight of beta-VAE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel
    from gmstudio.models.layers.latent import LatentModel


@component(
    "objective",
    title="ELBO",
    summary="Maximises the evidence lower bound: reconstruction minus β times the divergence of posterior and prior.",
    reference="Kingma, Welling, ICLR 2014; β: Higgins et al., β-VAE, ICLR 2017",
    order=10,
)
class ELBO(ObjectiveSpec, frozen=True, kw_only=True, tag="elbo"):
    """Mean over the batch of beta KL(q(z | x) || p(z)) - E_q log p(x | z), in nats per point."""

    beta: Annotated[
        float,
        describe(
            "Weight of the divergence. 1 is the bound. Where the decoder's variance γ is fixed, β does what a "
            "variance of β γ would do.",
            ge=0.0,
            le=1000.0,
            label="β",
            log=True,
        ),
    ] = 1.0

    @property
    def needs(self) -> frozenset[str]:
        """Latent variables."""
        return frozenset({"elbo"})

    def draws(self, model: DensityModel) -> int:
        """One draw of the posterior."""
        return cast("LatentModel", model).draws

    def loss(self, model: DensityModel, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Minus the mean bound of the batch (E, B, D); returns (E,)."""
        assert noise is not None
        reconstruction, divergence = cast("LatentModel", model).terms(x, noise)
        return (self.beta * divergence - reconstruction).mean(dim=1)
