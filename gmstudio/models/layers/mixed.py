"""Flows in which a learned linear map stands before every coupling: Glow and neural spline flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from gmstudio.models.layers.flow import Flow, Transform, joined
from gmstudio.models.layers.gradients import Places, Saved
from gmstudio.models.layers.linear import outer
from gmstudio.models.layers.mixing import Mixing, mix, unmix
from gmstudio.models.layers.normalisation import BatchNorm

S = TypeVar("S")


class MixedFlow(Flow):
    """Blocks of a linear map and a coupling.

    Args:
        dim: D.
        members: E.
        mixing: the linear maps of all blocks.
        couplings: one for each block.
        norms: one for each block, before its linear map; or none.
    """

    def __init__(
        self,
        dim: int,
        members: int,
        mixing: Mixing,
        couplings: Sequence[Transform],
        norms: Sequence[BatchNorm] = (),
    ) -> None:
        titles = [f"coupling {i + 1}" for i in range(len(couplings))]
        super().__init__(dim, members, couplings, titles, settles=bool(norms))
        self.mixing = mixing
        self.norms = nn.ModuleList(norms)
        self._norms = list(norms)
        titles = [title for i in range(len(couplings)) for title in (f"mixing {i + 1}", f"coupling {i + 1}")]
        self.path_titles = ("data", *titles[:-1], "latent")

    def tensors(self) -> list[Tensor]:
        """The linear maps of all blocks and what log |det| they have together; those of the couplings, of the norms."""
        maps = [one for one in self.mixing.maps() if one is not None]
        return maps + super().tensors() + joined([norm.tensors() for norm in self._norms])

    def _split(self, given: Sequence[S]) -> tuple[Sequence[S], Sequence[S], list[Sequence[S]]]:
        """What there is of the maps, of the couplings, and of each norm."""
        maps, end = 3 if self.mixing.actnorm else 2, len(given) - 2 * len(self._norms)
        return given[:maps], given[maps:end], [given[i : i + 2] for i in range(end, len(given), 2)]

    def chain(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Flow.chain`."""
        (matrices, *rest, log_det), own, of_norms = self._split(tensors)
        blocks = zip(
            self._transforms, self.shares(own), matrices.unbind(1), _shifts(rest, len(self._transforms)), strict=True
        )
        logs, saved = [], []
        for i, (coupling, share, matrix, shift) in enumerate(blocks):
            of_norm: Saved = None
            if self._norms:
                x, log_slope, of_norm = self._norms[i].push(x, of_norms[i], keep=keep)
                logs.append(log_slope)
            mixed = mix(x, matrix, shift)
            new, log_slope, kept = coupling.push(mixed, share, keep=keep)
            saved.append((x, kept, of_norm))
            logs.append(log_slope)
            x = new
        return x, torch.stack(logs).sum(0) + log_det.unsqueeze(1), saved

    def chain_back(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Flow.chain_back`."""
        (matrices, *rest, _), own, of_norms = self._split(tensors)
        _, free, of_free = (None, None, None) if places is None else self._split(places)
        shares, spaces = self.shares(own), self.spaces(free)
        found: list[list[Tensor]] = []
        of_norm: list[list[Tensor]] = []
        of_matrices, of_shifts = torch.zeros_like(matrices), [torch.zeros_like(shift) for shift in rest]
        for i in reversed(range(len(saved))):
            x, kept, normed = saved[i]
            mixed, part = self._transforms[i].pull(kept, shares[i], slope, of_log, spaces[i], points=True)
            found.append(part)
            if places is not None:
                of_matrices[:, i] = outer(mixed, x)
                for shift in of_shifts:
                    shift[:, i] = mixed.sum(2)
            slope = torch.bmm(matrices[:, i].mT, mixed)
            if self._norms:
                space = of_free[i] if of_free is not None else None
                slope, part = self._norms[i].pull(normed, of_norms[i], slope, of_log, space, points=points or i > 0)
                of_norm.append(part)
        if places is None:
            return slope, []
        return slope, [of_matrices, *of_shifts, of_log.sum(1), *joined(found[::-1]), *joined(of_norm[::-1])]

    def unchain(self, z: Tensor) -> Tensor:
        """Undo all blocks; see `Flow.unchain`."""
        matrices, shifts, _ = self.mixing.maps()
        for i in reversed(range(len(self._transforms))):
            z = unmix(self._transforms[i].inverse(z), matrices[:, i], None if shifts is None else shifts[:, i])
            if self._norms:
                z = self._norms[i].inverse(z)
        return z

    def way(self, x: Tensor) -> list[Tensor]:
        """Where points are before and after each map and each coupling; see `Flow.way`."""
        matrices, shifts, _ = self.mixing.maps()
        way = [x]
        for i, coupling in enumerate(self._transforms):
            x = self._norms[i].forward(way[-1])[0] if self._norms else way[-1]
            way.append(mix(x, matrices[:, i], None if shifts is None else shifts[:, i]))
            way.append(coupling.forward(way[-1])[0])
        return way

    def settle(self, x: Tensor) -> None:
        """Settle one norm after the other on points x (E, D, N)."""
        matrices, shifts, _ = self.mixing.maps()
        for i, coupling in enumerate(self._transforms):
            x = mix(self._norms[i].settle(x), matrices[:, i], None if shifts is None else shifts[:, i])
            x = coupling.settle(x)

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
