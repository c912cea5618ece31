"""Flows in which a learned linear map stands before every coupling: Glow and neural spline flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from gmstudio.models.layers.flow import Flow, Transform, joined
from gmstudio.models.layers.gradients import Places, Saved
from gmstudio.models.layers.linear import outer
from gmstudio.models.layers.mixing import Mixing, mix, unmix

S = TypeVar("S")


class MixedFlow(Flow):
    """Blocks of a linear map and a coupling.

    Args:
        dim: D.
        members: E.
        mixing: the linear maps of all blocks.
        couplings: one for each block.
    """

    def __init__(self, dim: int, members: int, mixing: Mixing, couplings: Sequence[Transform]) -> None:
        super().__init__(dim, members, couplings, [f"coupling {i + 1}" for i in range(len(couplings))])
        self.mixing = mixing
        titles = [title for i in range(len(couplings)) for title in (f"mixing {i + 1}", f"coupling {i + 1}")]
        self.path_titles = ("data", *titles[:-1], "latent")

    def tensors(self) -> list[Tensor]:
        """The linear maps of all blocks and what log |det| they have together, then those of the couplings."""
        return [one for one in self.mixing.maps() if one is not None] + super().tensors()

    def _split(self, given: Sequence[S]) -> tuple[Sequence[S], Sequence[S]]:
        """What there is of the maps and of the couplings."""
        maps = 3 if self.mixing.actnorm else 2
        return given[:maps], given[maps:]

    def chain(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Flow.chain`."""
        (matrices, *rest, log_det), own = self._split(tensors)
        blocks = zip(
            self._transforms, self.shares(own), matrices.unbind(1), _shifts(rest, len(self._transforms)), strict=True
        )
        logs, saved = [], []
        for coupling, share, matrix, shift in blocks:
            mixed = mix(x, matrix, shift)
            new, log_slope, kept = coupling.push(mixed, share, keep=keep)
            saved.append((x, kept))
            logs.append(log_slope)
            x = new
        return x, torch.stack(logs).sum(0) + log_det.unsqueeze(1), saved

    def chain_back(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Flow.chain_back`."""
        (matrices, *rest, _), own = self._split(tensors)
        shares, spaces = self.shares(own), self.spaces(None if places is None else self._split(places)[1])
        found: list[list[Tensor]] = []
        of_matrices, of_shifts = torch.zeros_like(matrices), [torch.zeros_like(shift) for shift in rest]
        for i in reversed(range(len(saved))):
            x, kept = saved[i]
            mixed, part = self._transforms[i].pull(kept, shares[i], slope, of_log, spaces[i], points=True)
            found.append(part)
            if places is not None:
                of_matrices[:, i] = outer(mixed, x)
                for shift in of_shifts:
                    shift[:, i] = mixed.sum(2)
            slope = torch.bmm(matrices[:, i].mT, mixed)
        if places is None:
            return slope, []
        return slope, [of_matrices, *of_shifts, of_log.sum(1), *joined(found[::-1])]

    def inverse(self, z: Tensor) -> Tensor:
        """Map latent points (E, B, D) to the data (E, B, D)."""
        matrices, shifts, _ = self.mixing.maps()
        z = z.mT
        for i in reversed(range(len(self._transforms))):
            z = unmix(self._transforms[i].inverse(z), matrices[:, i], None if shifts is None else shifts[:, i])
        return z.mT

    def path(self, x: Tensor) -> Tensor:
        """The way of points (E, B, D) through the maps and the couplings: (2 blocks + 1, E, B, D)."""
        matrices, shifts, _ = self.mixing.maps()
        way = [x.mT]
        for i, coupling in enumerate(self._transforms):
            way.append(mix(way[-1], matrices[:, i], None if shifts is None else shifts[:, i]))
            way.append(coupling.forward(way[-1])[0])
        return torch.stack(way).mT

    @torch.no_grad()
    def start_from(self, data: Tensor) -> None:
        """Set every block's scale and shift from data (N, D), one block after the other (Glow, section 3.1)."""
        x = data.to(self.mixing.lower).T.expand(self.members, *data.T.shape)
        for i, coupling in enumerate(self._transforms):
            self.mixing.set_actnorm(i, x)
            matrices, shifts, _ = self.mixing.maps()
            x, _ = coupling.forward(mix(x, matrices[:, i], None if shifts is None else shifts[:, i]))


def _shifts(rest: Sequence[Tensor], blocks: int) -> Sequence[Tensor | None]:
    return rest[0].unbind(1) if rest else [None] * blocks
