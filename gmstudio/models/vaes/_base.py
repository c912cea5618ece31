"""What the variational autoencoders have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from gmstudio.models.base import ModelSpec
from gmstudio.registry import SpecError, describe

if TYPE_CHECKING:
    import torch
    from torch import nn


class VAESpec(ModelSpec, frozen=True, kw_only=True):
    """Base of models with an encoder, a decoder and Gaussian noise in the space of the data."""

    offers: ClassVar[frozenset[str]] = frozenset({"elbo", "weights", "path gradient"})
    objective: ClassVar[str] = "elbo"

    latent: Annotated[int, describe("Dimensions of the latent space.", ge=1, le=1024, label="Latent dimensions")] = 2
    hidden: Annotated[
        int, describe("Width of the encoder's and the decoder's layers.", ge=1, le=4096, unit="units", log=True)
    ] = 64
    layers: Annotated[int, describe("Hidden layers of the encoder, and of the decoder.", ge=1, le=8)] = 2
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

    def networks(self, dim: int, draws: Sequence[torch.Generator], more: int = 0) -> tuple[nn.Module, nn.Module]:
        """Encoder, (E, D, B) to (E, 2 L + C, B), and decoder, (E, L, B) to (E, D, B).

        Args:
            dim: D.
            draws: one generator for each member.
            more: C, further numbers of the encoder.

        Raises:
            SpecError: when they cannot be built for this dimension.
        """
        from gmstudio.models.layers.linear import MLP

        self._check(dim)

        def network(inputs: int, outputs: int) -> MLP:
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

        return network(dim, 2 * self.latent + more), network(self.latent, dim)

    def _check(self, dim: int) -> None:
        if self.latent > dim:
            raise SpecError(
                f"The latent space has {self.latent} dimensions and the data have {dim} "
                f"column{'' if dim == 1 else 's'}: a latent space is at most as large as the data.",
                f"Choose {dim} latent dimension{'' if dim == 1 else 's'} or fewer.",
                "model.latent",
            )
