"""The Hamiltonian variational autoencoder."""

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
    title="Hamiltonian VAE",
    summary="A VAE whose posterior follows the slope of the joint density for a few steps, from the encoder's guess.",
    reference="Caterini, Doucet, Sejdinovic, Hamiltonian Variational Auto-Encoder, NeurIPS 2018",
    order=32,
)
class HamiltonianVAE(VAESpec, frozen=True, kw_only=True, tag="hvae"):
    """A variational autoencoder with a posterior by tempered Hamiltonian steps."""

    # log q of a draw is known together with the draw and its momentum only.
    offers: ClassVar[frozenset[str]] = VAESpec.offers - {"path gradient"}

    steps: Annotated[
        int, describe("Leapfrog steps from the encoder's guess to the draw.", ge=1, le=32, label="Leapfrog steps")
    ] = 3
    temperature: Annotated[
        float,
        describe(
            "The inverse temperature β₀ at which the momenta start; they are cooled to 1. 1 for no tempering.",
            gt=0.0,
            le=1.0,
            label="Tempering β₀",
        ),
    ] = 0.3
    step_size: Annotated[
        float,
        describe(
            "Size of the leapfrog's steps at the start; every latent dimension learns its own.",
            ge=1e-3,
            le=0.45,
            log=True,
            label="Step size",
            advanced=True,
        ),
    ] = 0.05

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.hamiltonian import HamiltonianModel
        from gmstudio.models.layers.linear import generators

        draws = generators(seeds)
        encoder, decoder = self.networks(dim, draws, shape)
        return HamiltonianModel(
            dim,
            self.latent,
            encoder,
            decoder,
            len(draws),
            self.steps,
            self.temperature,
            self.step_size,
            self.variance,
        )
