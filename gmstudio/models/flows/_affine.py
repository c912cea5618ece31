"""What the flows of affine maps have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from gmstudio.models._images import Network, of_images
from gmstudio.models.base import ModelSpec, Shape
from gmstudio.models.flows._common import Tails
from gmstudio.registry import SpecError, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


class AffineFlowSpec(ModelSpec, frozen=True, kw_only=True):
    """Base of flows whose blocks scale and shift columns by what a network makes of other columns."""

    blocks: Annotated[int, describe("Blocks in the chain.", ge=1, le=64)] = 6
    hidden: Annotated[int, describe("Width of each block's network.", ge=1, le=2048, unit="units", log=True)] = 64
    layers: Annotated[int, describe("Hidden layers of each block's network.", ge=1, le=8)] = 2
    activation: Annotated[
        Literal["relu", "silu", "tanh"],
        describe("Between the layers. ReLU is the fastest; SiLU and tanh give smooth scores.", advanced=True),
    ] = "relu"
    limit: Annotated[
        float,
        describe(
            "Largest log-scale of one block, which keeps training stable; 0 for no limit.",
            ge=0.0,
            le=20.0,
            advanced=True,
        ),
    ] = 3.0
    normalise: Annotated[
        Literal["none", "batch"],
        describe(
            "Batch: a layer in every block that normalises by the batch while training, and by all training points "
            "when the model is looked at.",
            advanced=True,
        ),
    ] = "none"
    init: Annotated[
        Literal["uniform", "orthogonal"],
        describe(
            "How the networks' weights begin. Uniform begins near the identity; orthogonal is the paper's.",
            label="Weights begin",
            advanced=True,
        ),
    ] = "uniform"
    tails: Tails = "normal"


class CouplingFlowSpec(AffineFlowSpec, frozen=True, kw_only=True):
    """Base of flows of affine couplings."""

    network: Network = "mlp"
    levels: Annotated[
        int,
        describe(
            "Of convolutional flows: how often the sides of images are halved, fewer times where they become odd "
            "before. At each level there are as many blocks, and half of the channels leave for the latent.",
            ge=1,
            le=8,
        ),
    ] = 2
    networks: Annotated[
        Literal["one", "two"],
        describe(
            "One network for scale and shift, or two: one with tanh for the scale, one with ReLU for the shift.",
            advanced=True,
        ),
    ] = "one"

    def multiscale(
        self, dim: int, seeds: Sequence[int], data: Tensor | None, shape: Shape | None, *, mixes: bool
    ) -> DensityModel:
        """A flow of images with convolutional networks; see `gmstudio.models.layers.multiscale`.

        Args:
            dim, seeds, data, shape: as of `ModelSpec.build`.
            mixes: whether the channels are mixed by learned maps, as in Glow.
        """
        from gmstudio.models.layers.linear import generators
        from gmstudio.models.layers.members import join
        from gmstudio.models.layers.multiscale import Kind, Level, MultiscaleFlow

        images = of_images(shape)
        levels = min(self.levels, _halvings(images))
        self._check_multiscale(images, levels)
        kind = Kind(self.hidden, self.layers, self.activation, self.limit, self.init)
        singles = []
        # One by one: what is computed from data has the same bits alone and in an ensemble.
        for seed in seeds:
            draws = generators([seed])
            parts = [
                Level(images[0] * 2**i, self.blocks, kind, draws, mixes=mixes, leaves=i < levels - 1)
                for i in range(levels)
            ]
            single = MultiscaleFlow(images, 1, parts, heavy=self.tails == "heavy")
            if mixes and data is not None:
                single.start_from(data)
            singles.append(single)
        return join(singles)

    def _check_multiscale(self, images: Shape, levels: int) -> None:
        if not levels:
            raise SpecError(
                f"A convolutional flow halves the sides of images, and of {images[1]} × {images[2]} pixels not both "
                "are even.",
                "Crop the images to even sides, or choose the network “mlp”.",
                "model.network",
            )
        if self.networks == "two":
            raise SpecError(
                "A convolutional flow has one network in every coupling, not two.",
                "Set Networks to “one”, or choose the network “mlp”.",
                "model.networks",
            )
        if self.normalise == "batch":
            raise SpecError(
                "A convolutional flow has no batch normalisation.",
                "Set Normalise to “none”, or choose the network “mlp”.",
                "model.normalise",
            )


def _halvings(shape: Shape) -> int:
    """How often both sides can be halved before one of them is odd."""
    sides = shape[1] | shape[2]
    return (sides & -sides).bit_length() - 1
