"""nflows (Durkan, Bekasov, Murray, Papamakarios), https://github.com/bayesiains/nflows: `flow.log_prob(x)`."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from nflows import transforms
from nflows.distributions.normal import StandardNormal
from nflows.flows.autoregressive import MaskedAutoregressiveFlow
from nflows.flows.base import Flow
from torch import Tensor, nn

from gmstudio.bench.architecture import BINS, BOUND, Architecture
from gmstudio.bench.peers.model import PeerModel


class _Net(nn.Sequential):
    """A plain network where nflows' examples have a residual one, so that the work is that of the others.

    Args:
        inputs: columns that come in.
        outputs: columns that go out.
        architecture: widths of the hidden layers.
    """

    def __init__(self, inputs: int, outputs: int, architecture: Architecture) -> None:
        sizes = [inputs, *architecture.widths]
        hidden = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
        super().__init__(*hidden, nn.Linear(sizes[-1], outputs))
        # A spline coupling asks for it, and warns at every step where there is none.
        self.hidden_features = architecture.hidden

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Map (B, in) to (B, out)."""
        for part in self:
            x = part(x)
        return x


def build(architecture: Architecture) -> PeerModel | None:
    """Make the model; None for energies."""
    if architecture.family == "energy":
        return None
    if architecture.family == "maf":
        flow = MaskedAutoregressiveFlow(
            features=architecture.dim,
            hidden_features=architecture.hidden,
            num_layers=architecture.blocks,
            num_blocks_per_layer=architecture.layers - 1,
            use_residual_blocks=False,
        )
    else:
        chain = [part for block in range(architecture.blocks) for part in _block(architecture, block)]
        flow = Flow(transforms.CompositeTransform(chain), StandardNormal([architecture.dim]))

    def loss(x: Tensor) -> Tensor:
        nats: Tensor = -flow.log_prob(inputs=x).mean()
        return nats

    return PeerModel(flow, loss, flow.log_prob, flow.sample)


def _block(architecture: Architecture, block: int) -> list[nn.Module]:
    dim = architecture.dim
    mask = torch.arange(dim) % 2 == block % 2
    parts: dict[str, Any] = {
        "mask": mask.int(),
        "transform_net_create_fn": lambda inputs, outputs: _Net(inputs, outputs, architecture),
    }
    if architecture.family == "spline":
        spline = transforms.PiecewiseRationalQuadraticCouplingTransform(
            **parts, num_bins=BINS, tails="linear", tail_bound=BOUND
        )
        return [transforms.LULinear(dim), spline]
    coupling = transforms.AffineCouplingTransform(**parts)
    if architecture.family == "glow":
        return [transforms.ActNorm(dim), transforms.LULinear(dim, identity_init=False), coupling]
    return [coupling]
