"""Scales and shifts that a network chooses (Dinh, Sohl-Dickstein, Bengio, "Real NVP", ICLR 2017, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gmstudio.models.layers import linear
from gmstudio.models.layers.gradients import Places

_tanh_backward = torch.ops.aten.tanh_backward.default


def bounded(raw: Tensor, limit: float | Tensor) -> tuple[Tensor, Tensor]:
    """tanh(raw / limit), and limit times it: a log-scale within +-limit, with slope 1 at 0."""
    bent = torch.tanh(raw / limit)
    return bent, bent * limit


class Saved(NamedTuple):
    """What `Affine.pull` needs: what the network keeps, the moved columns, the bent log-scales and the scales."""

    net: list[Tensor]
    moved: Tensor
    bent: Tensor
    scale: Tensor


class Affine:
    """b exp(s) + t, where a network makes s (its first outputs) and t (its last ones) of other columns than b.

    Args:
        activation: of the network.
        limit: bound on |s|.
    """

    def __init__(self, activation: linear.Activation, limit: float) -> None:
        self.activation: linear.Activation = activation
        self.limit = limit
        self._limit = torch.tensor(limit, dtype=torch.float64)

    def bounded(self, raw: Tensor, *, keep: bool) -> tuple[Tensor, Tensor]:
        """`bounded`; with `keep` nobody follows the operations."""
        # To make a tensor of a number takes as long as an operation.
        return bounded(raw, self._limit if keep and raw.is_cpu else self.limit)

    def push(
        self, kept: Tensor, moved: Tensor, net: Sequence[Tensor], *, keep: bool
    ) -> tuple[Tensor, Tensor, Saved | None]:
        """Move columns towards the latent.

        Args:
            kept: (E, kept, B), for the network.
            moved: (E, moved, B).
            net: the network's tensors.
            keep: whether `pull` follows.

        Returns:
            The moved columns and the log-scales, both (E, moved, B), and what is saved.
        """
        numbers, saved = linear.push(kept, net, self.activation, keep=keep)
        raw, shift = numbers.split_with_sizes([moved.shape[1]] * 2, dim=1)
        bent, log_scale = self.bounded(raw, keep=keep)
        scale = log_scale.exp()
        new = torch.addcmul(shift, moved, scale)
        return new, log_scale, Saved(saved, moved, bent, scale) if keep else None

    def pull(
        self,
        saved: Saved,
        net: Sequence[Tensor],
        slope: Tensor,
        of_log: Tensor,
        places: Places,
        *,
        points: bool,
        onto: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Carry slopes back.

        Args:
            saved: from `push`.
            net: as there.
            slope: of what was moved, (E, moved, B).
            of_log: of the log-scales, (E, 1, B).
            places: where the slopes of the network's tensors can be put; None when they are not wanted.
            points: whether the slopes of the kept columns are wanted; else they mean nothing.
            onto: slopes of the kept columns to which these are added.

        Returns:
            Slopes of the moved columns, of the kept ones, and of the network's tensors.
        """
        before = slope * saved.scale
        raw = _tanh_backward(torch.addcmul(of_log, before, saved.moved), saved.bent)
        of_numbers = torch.cat((raw, slope), dim=1)
        of_kept, found = linear.pull(saved.net, net, self.activation, of_numbers, places, points=points, onto=onto)
        return before, of_kept, found

    def back(self, kept: Tensor, moved: Tensor, net: Sequence[Tensor]) -> Tensor:
        """Undo `push`'s move of columns (E, moved, B)."""
        numbers, _ = linear.push(kept, net, self.activation, keep=False)
        raw, shift = numbers.chunk(2, dim=1)
        _, log_scale = self.bounded(raw, keep=False)
        return (moved - shift) * torch.exp(-log_scale)
