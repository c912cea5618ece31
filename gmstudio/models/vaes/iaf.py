"""The variational autoencoder with a posterior by inverse autoregressive flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from gmstudio.models.base import Shape
from gmstudio.models.vaes._base import VAESpec
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


@component(
    "model",
    title="VAE-IAF",
    summary="A VAE whose posterior is no Gaussian: an inverse autoregressive flow bends the encoder's Gaussian.",
    reference="Kingma et al., Improved variational inference with inverse autoregressive flow, NeurIPS 2016",
    order=31,
)
class InverseAutoregressiveVAE(VAESpec, frozen=True, kw_only=True, tag="vae-iaf"):
    """A variational autoencoder with a posterior by inverse autoregressive flow."""

    # Without the way back, log q of a draw is known together with the draw only.
    offers: ClassVar[frozenset[str]] = VAESpec.offers - {"path gradient"}

    steps: Annotated[int, describe("Steps of the posterior's flow.", ge=1, le=32, label="Flow steps")] = 2
    context: Annotated[
        int,
        describe(
            "Numbers that the encoder tells every step of the flow.", ge=1, le=1024, label="Context", advanced=True
        ),
    ] = 16

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.inverse_autoregressive import InverseAutoregressiveModel, InverseAutoregressiveStep
        from gmstudio.models.layers.linear import generators

        draws = generators(seeds)
        encoder, decoder = self.networks(dim, draws, shape, more=self.context)
        steps = [
            InverseAutoregressiveStep(
                self.latent, self.context, hidden=self.hidden, activation=self.activation, draws=draws
            )
            for _ in range(self.steps)
        ]
        return InverseAutoregressiveModel(dim, self.latent, encoder, decoder, len(draws), steps, self.variance)
