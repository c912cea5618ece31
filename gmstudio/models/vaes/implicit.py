"""The variational autoencoder with an implicit posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from gmstudio.models.base import Shape
from gmstudio.models.vaes._base import VAESpec
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gmstudio.models.layers.base import DensityModel


@component(
    "model",
    title="Implicit VAE",
    summary="A VAE whose encoder is given noise: its posterior can have any form, and a second network learns its "
    "score.",
    reference="Song, Garg, Shi, Ermon, Sliced score matching, UAI 2019, section 5.2",
    order=34,
)
class ImplicitVAE(VAESpec, frozen=True, kw_only=True, tag="implicit-vae"):
    """A variational autoencoder with an implicit posterior."""

    offers: ClassVar[frozenset[str]] = frozenset({"implicit posterior"})
    objective: ClassVar[str] = "implicit"

    noise: Annotated[
        int, describe("Random numbers that go into the encoder with every point.", ge=1, le=256, label="Noise numbers")
    ] = 4

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; see `ModelSpec.build`."""
        from gmstudio.models.layers.implicit import ImplicitModel
        from gmstudio.models.layers.linear import MLP, generators

        self._check(dim)
        draws = generators(seeds)

        def network(inputs: int, outputs: int) -> MLP:
            # The critic is differentiated with respect to its inputs: it has to be smooth.
            smooth = "silu" if self.activation == "relu" else self.activation
            return MLP(inputs, outputs, hidden=self.hidden, layers=self.layers, activation=smooth, draws=draws)

        if self.network == "mlp":
            encoder: nn.Module = network(dim + self.noise, self.latent)
        else:
            encoder = self.encoder(dim, draws, shape, self.latent, beside=self.noise)
        critic, decoder = network(dim + self.latent, self.latent), self.decoder(dim, draws, shape)
        return ImplicitModel(dim, self.latent, encoder, decoder, critic, len(draws), self.noise, self.variance)
