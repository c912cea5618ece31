"""Scales and shifts that a network chooses (Dinh, Sohl-Dickstein, Bengio, "Real NVP", ICLR 2017, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmstudio.models.layers import linear
from gmstudio.models.layers.gradients import Places


def bounded(raw: Tensor, limit: float | Tensor) -> Tensor:
    """A log-scale within +-limit, with slope 1 at 0: limit tanh(raw / limit)."""
    return torch.tanh(raw / limit) * limit


@dataclass(frozen=True, slots=True)
class Saved:
    """What `Affine.pull` needs: what the network keeps, the moved columns, the log-scales and the scales."""

    net: list[Tensor]
    moved: Tensor
    log_scale: Tensor
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

    def _limit_for(self, raw: Tensor) -> float | Tensor:
        """The limit as a tensor where that is faster: making one of a number takes as long as an operation."""
        return self._limit if raw.is_cpu else self.limit

    def numbers(self, kept: Tensor, net: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Log-scale and shift, each (E, moved, B), that the columns (E, kept, B) choose, and what the network keeps."""
        numbers, saved = linear.push(kept, net, self.activation, keep=keep)
        raw, shift = numbers.split_with_sizes([numbers.shape[1] // 2] * 2, dim=1)
        return bounded(raw, self._limit_for(raw) if keep else self.limit), shift, saved

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
        log_scale, shift, saved = self.numbers(kept, net, keep=keep)
        scale = log_scale.exp()
        new = torch.addcmul(shift, moved, scale)
        return new, log_scale, Saved(saved, moved, log_scale, scale) if keep else None

    def pull(
        self, saved: Saved, net: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Carry slopes back.

        Args:
            saved: from `push`.
            net: as there.
            slope: of what was moved, (E, moved, B).
            of_log: of the log-scales, (E, 1, B).
            places: where the slopes of the network's tensors are put; None when they are not wanted.
            points: whether the slopes of the kept columns are wanted; else they mean nothing.

        Returns:
            Slopes of the moved columns, of the kept ones, and of the network's tensors.
        """
        before = slope * saved.scale
        of_log = torch.addcmul(of_log, before, saved.moved)
        raw = torch.ops.aten.tanh_backward(of_log, saved.log_scale / self._limit_for(slope))
        of_numbers = torch.cat((raw, slope), dim=1)
        of_kept, found = linear.pull(saved.net, net, self.activation, of_numbers, places, points=points)
        return before, of_kept, found

    def back(self, kept: Tensor, moved: Tensor, net: Sequence[Tensor]) -> Tensor:
        """Undo `push`'s move of columns (E, moved, B)."""
        log_scale, shift, _ = self.numbers(kept, net, keep=False)
        return (moved - shift) * torch.exp(-log_scale)
