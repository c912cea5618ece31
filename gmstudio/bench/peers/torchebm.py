"""torchebm (Ghaderi and others), https://soran-ghaderi.github.io/torchebm: persistent contrastive divergence."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torchebm.core import BaseModel
from torchebm.losses import ContrastiveDivergence
from torchebm.samplers import LangevinDynamics

from gmstudio.bench.architecture import Architecture
from gmstudio.bench.peers.model import PeerModel

#: Langevin steps between two steps of the weights.
CHAIN = 20


def build(architecture: Architecture) -> PeerModel | None:
    """Make the model; None for all but energies."""
    if architecture.family != "energy":
        return None
    energy = _Energy(architecture)
    sampler = LangevinDynamics(model=energy, step_size=0.1, noise_scale=1.0)
    divergence = ContrastiveDivergence(
        model=energy, sampler=sampler, k_steps=CHAIN, persistent=True, buffer_size=10_000
    )

    def loss(x: Tensor) -> Tensor:
        value: Tensor = divergence(x)[0]
        return value

    return PeerModel(energy, loss)


class _Energy(BaseModel):  # type: ignore[misc]
    """As in the library's examples."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        sizes = [architecture.dim, *architecture.widths]
        hidden = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.SiLU())]
        self.net = nn.Sequential(*hidden, nn.Linear(sizes[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """Energies (B,) of points (B, D)."""
        out: Tensor = self.net(x).squeeze(-1)
        return out
