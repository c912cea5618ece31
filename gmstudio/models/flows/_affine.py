"""What the flows of affine maps have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from gmstudio.models.base import ModelSpec
from gmstudio.models.flows._common import Tails
from gmstudio.registry import describe


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

    networks: Annotated[
        Literal["one", "two"],
        describe(
            "One network for scale and shift, or two: one with tanh for the scale, one with ReLU for the shift.",
            advanced=True,
        ),
    ] = "one"
