"""Real-NVP with its halves kept apart from the first coupling to the last."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gmstudio.models.layers.coupling import AffineCoupling
from gmstudio.models.layers.flow import Flow, joined
from gmstudio.models.layers.gradients import Places, Saved


class RealNVPFlow(Flow):
    """Affine couplings that take turns; D at least 2.

    Args:
        dim: D.
        couplings: every other one flipped.
    """

    def __init__(self, dim: int, couplings: Sequence[AffineCoupling]) -> None:
        members = couplings[0].net.last.weight.shape[0]
        super().__init__(dim, members, couplings, [f"coupling {i + 1}" for i in range(len(couplings))])
        self.sizes = couplings[0].sizes
        self._couplings = list(couplings)

    def chain(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Flow.chain`."""
        halves: Sequence[Tensor] = x.split_with_sizes(self.sizes, 1)
        logs, saved = [], []
        for coupling, own in zip(self._couplings, self.shares(tensors), strict=True):
            halves, log_scale, kept = coupling.push_halves(halves, own, keep=keep)
            logs.append(log_scale)
            saved.append(kept)
        return torch.cat(tuple(halves), dim=1), torch.cat(logs, dim=1).sum(1), saved

    def chain_back(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Flow.chain_back`."""
        slopes: Sequence[Tensor] = slope.split_with_sizes(self.sizes, 1)
        of_log = of_log.unsqueeze(1)
        found: list[list[Tensor]] = []
        shares, spaces = self.shares(tensors), self.spaces(places)
        for i in reversed(range(len(saved))):
            slopes, own = self._couplings[i].pull_halves(
                saved[i], shares[i], slopes, of_log, spaces[i], points=points or i > 0
            )
            found.append(own)
        return torch.cat(tuple(slopes), dim=1), joined(found[::-1])

    def unchain(self, z: Tensor) -> Tensor:
        """Undo all couplings; see `Flow.unchain`."""
        halves: Sequence[Tensor] = z.split_with_sizes(self.sizes, 1)
        for coupling in reversed(self._couplings):
            kept, moved = coupling.turned(halves)
            halves = coupling.turned((kept, coupling.move_back(kept, moved)))
        return torch.cat(tuple(halves), dim=1)
