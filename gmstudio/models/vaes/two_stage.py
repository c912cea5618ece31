"""The two-stage variational autoencoder."""

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
    title="Two-stage VAE",
    summary="A VAE that finds the manifold on which data lie, and a second one that learns how they lie on it.",
    reference="Dai, Wipf, Diagnosing and enhancing VAE models, ICLR 2019, section 4",
    order=33,
)
class TwoStageVAE(VAESpec, frozen=True, kw_only=True, tag="two-stage-vae"):
    """Two variational autoencoders, one after the other."""

    # Importance weights would carry the second stage's wishes into the first.
    offers: ClassVar[frozenset[str]] = frozenset({"elbo"})

    second_hidden: Annotated[
        int,
        describe("Width of the second stage's layers.", ge=1, le=4096, unit="units", log=True, label="Second width"),
    ] = 128
    second_layers: Annotated[
        int, describe("Hidden layers of each of the second stage's networks.", ge=1, le=8, label="Second layers")
    ] = 3

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.latent import LatentModel
        from gmstudio.models.layers.linear import MLP, generators
        from gmstudio.models.layers.two_stage import TwoStageModel

        draws = generators(seeds)
        encoder, decoder = self.networks(dim, draws, shape)

        def network(outputs: int) -> MLP:
            return MLP(
                self.latent,
                outputs,
                hidden=self.second_hidden,
                layers=self.second_layers,
                activation=self.activation,
                draws=draws,
            )

        # As many dimensions as the first: q(z) fills the latent space. It has its own learned variance, from 1.
        second = LatentModel(self.latent, self.latent, network(2 * self.latent), network(self.latent), len(draws))
        return TwoStageModel(dim, self.latent, encoder, decoder, len(draws), second, self.variance)
