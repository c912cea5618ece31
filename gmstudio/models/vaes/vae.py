"""The variational autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gmstudio.models.base import Shape
from gmstudio.models.vaes._base import VAESpec
from gmstudio.registry import component

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


@component(
    "model",
    title="VAE",
    summary="A decoder turns latent Gaussian points into data, and adds noise; an encoder finds where data came from.",
    reference="Kingma, Welling, Auto-encoding variational Bayes, ICLR 2014",
    order=30,
)
class VAE(VAESpec, frozen=True, kw_only=True, tag="vae"):
    """A variational autoencoder with a Gaussian posterior and a Gaussian decoder."""

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.latent import LatentModel
        from gmstudio.models.layers.linear import generators

        draws = generators(seeds)
        encoder, decoder = self.networks(dim, draws, shape)
        return LatentModel(dim, self.latent, encoder, decoder, len(draws), self.variance)
