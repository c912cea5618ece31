"""What the variational autoencoders have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from gmstudio.models._images import Network, of_images
from gmstudio.models.base import ModelSpec, Shape
from gmstudio.registry import SpecError, describe

if TYPE_CHECKING:
    import torch
    from torch import nn

    from gmstudio.models.layers.convolution import ConvolutionalDecoder
    from gmstudio.models.layers.latent import Variance
    from gmstudio.models.layers.linear import MLP


class VAESpec(ModelSpec, frozen=True, kw_only=True):
    """Base of models with an encoder, a decoder and Gaussian noise in the space of the data."""

    offers: ClassVar[frozenset[str]] = frozenset({"elbo", "weights", "path gradient"})
    objective: ClassVar[str] = "elbo"

    latent: Annotated[int, describe("Dimensions of the latent space.", ge=1, le=1024, label="Latent dimensions")] = 2
    network: Network = "mlp"
    hidden: Annotated[
        int,
        describe(
            "Width of the encoder's and the decoder's layers; of convolutional ones, of the layer between the images "
            "and the latent space.",
            ge=1,
            le=4096,
            unit="units",
            log=True,
        ),
    ] = 64
    layers: Annotated[
        int,
        describe(
            "Hidden layers of the encoder, and of the decoder. Convolutional ones each halve or double the sides of "
            "images.",
            ge=1,
            le=8,
        ),
    ] = 2
    channels: Annotated[
        int,
        describe(
            "Channels of the encoder's first convolution and of the decoder's last but one; those further inside have "
            "twice as many each. Of convolutional networks only.",
            ge=1,
            le=512,
            log=True,
            advanced=True,
        ),
    ] = 16
    activation: Annotated[
        Literal["relu", "silu", "tanh"],
        describe("Between the layers. SiLU and tanh give smooth densities and scores.", advanced=True),
    ] = "silu"
    gamma: Annotated[
        Literal["fixed", "learned", "per column"],
        describe(
            "The variance γ of the decoder's noise: fixed, learned, or learned for every column. A fixed γ weighs the "
            "two terms of the bound as β does. A learned one goes to 0 where the data fill fewer dimensions than there "
            "are: the loss then falls without end.",
            label="Decoder variance",
        ),
    ] = "learned"
    gamma_start: Annotated[
        float,
        describe(
            "γ, of standardised data; where it is learned, at the start.",
            gt=0.0,
            le=100.0,
            label="Variance γ",
            log=True,
        ),
    ] = 0.1

    @property
    def variance(self) -> Variance:
        """Of the decoder."""
        from gmstudio.models.layers.latent import Variance

        return Variance(self.gamma, self.gamma_start)

    def networks(
        self, dim: int, draws: Sequence[torch.Generator], shape: Shape | None, more: int = 0
    ) -> tuple[nn.Module, MLP | ConvolutionalDecoder]:
        """Encoder, (E, D, B) to (E, 2 L + C, B), and decoder, (E, L, B) to (E, D, B).

        Args:
            dim: D.
            draws: one generator for each member.
            shape: of images; None where the data are none.
            more: C, further numbers of the encoder.

        Raises:
            SpecError: when they cannot be built for this dimension, or for these images.
        """
        self._check(dim)
        encoder = self.encoder(dim, draws, shape, 2 * self.latent + more)
        return encoder, self.decoder(dim, draws, shape)

    def encoder(
        self, dim: int, draws: Sequence[torch.Generator], shape: Shape | None, outputs: int, beside: int = 0
    ) -> nn.Module:
        """From (E, D + `beside`, B) to (E, `outputs`, B); see `networks`."""
        if self.network == "mlp":
            return self._perceptron(dim + beside, outputs, draws)
        from gmstudio.models.layers.convolution import ConvolutionalEncoder

        return ConvolutionalEncoder(
            self._images(shape),
            outputs,
            channels=self.channels,
            layers=self.layers,
            hidden=self.hidden,
            activation=self.activation,
            draws=draws,
            beside=beside,
        )

    def decoder(self, dim: int, draws: Sequence[torch.Generator], shape: Shape | None) -> MLP | ConvolutionalDecoder:
        """From (E, L, B) to (E, D, B); see `networks`."""
        if self.network == "mlp":
            return self._perceptron(self.latent, dim, draws)
        from gmstudio.models.layers.convolution import ConvolutionalDecoder

        return ConvolutionalDecoder(
            self.latent,
            self._images(shape),
            channels=self.channels,
            layers=self.layers,
            hidden=self.hidden,
            activation=self.activation,
            draws=draws,
        )

    def _perceptron(self, inputs: int, outputs: int, draws: Sequence[torch.Generator]) -> MLP:
        from gmstudio.models.layers.linear import MLP

        # Torch's own widths are slow to bend: -1.35 nats on two moons after 4,000 steps, -1.18 with these.
        return MLP(
            inputs,
            outputs,
            hidden=self.hidden,
            layers=self.layers,
            activation=self.activation,
            draws=draws,
            init="he",
        )

    def _images(self, shape: Shape | None) -> Shape:
        """The shape, if convolutions can be built for it."""
        images = of_images(shape)
        most = (max(images[1:]) - 1).bit_length()
        if self.layers > most:
            raise SpecError(
                f"Every layer of a convolutional network halves the sides of images, and {images[1]} × {images[2]} "
                f"pixels can be halved {most} time{'' if most == 1 else 's'}, not {self.layers}.",
                f"Choose {most} layer{'' if most == 1 else 's'} or fewer." if most else "Choose the network “mlp”.",
                "model.layers",
            )
        return images

    def _check(self, dim: int) -> None:
        if self.latent > dim:
            raise SpecError(
                f"The latent space has {self.latent} dimensions and the data have {dim} "
                f"column{'' if dim == 1 else 's'}: a latent space is at most as large as the data.",
                f"Choose {dim} latent dimension{'' if dim == 1 else 's'} or fewer.",
                "model.latent",
            )
