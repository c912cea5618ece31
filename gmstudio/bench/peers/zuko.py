"""zuko (Rozet and others), https://zuko.readthedocs.io: `flow().log_prob(x)`."""

from __future__ import annotations

from functools import partial

import zuko
from torch import Tensor

from gmstudio.bench.architecture import BINS, BOUND, Architecture
from gmstudio.bench.peers.model import PeerModel


def build(architecture: Architecture) -> PeerModel | None:
    """Make the model; None for Glow and energies."""
    chain = {
        "features": architecture.dim,
        "transforms": architecture.blocks,
        "hidden_features": architecture.widths,
    }
    if architecture.family == "real-nvp":
        # Its maps are affine: newer versions name it RealNVP as well.
        flow = zuko.flows.NICE(**chain)
    elif architecture.family == "maf":
        flow = zuko.flows.MAF(**chain)
    elif architecture.family == "spline":
        # Couplings, as here, and not zuko's autoregressive default, which has more to compute.
        spline = partial(zuko.transforms.MonotonicRQSTransform, bound=BOUND)
        flow = zuko.flows.NICE(**chain, univariate=spline, shapes=[(BINS,), (BINS,), (BINS - 1,)])
    else:
        return None

    def loss(x: Tensor) -> Tensor:
        nats: Tensor = -flow().log_prob(x).mean()
        return nats

    def log_prob(x: Tensor) -> Tensor:
        nats: Tensor = flow().log_prob(x)
        return nats

    def sample(size: int) -> Tensor:
        points: Tensor = flow().sample((size,))
        return points

    return PeerModel(flow, loss, log_prob, sample)
