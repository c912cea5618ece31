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
    """tanh(raw / limit), and limit times it: a log-scale within +-limit, with slope 1 at 0; a limit of 0 is none."""
    if not isinstance(limit, Tensor) and limit == 0.0:
        return raw, raw
    bent = torch.tanh(raw / limit)
    return bent, bent * limit


class Saved(NamedTuple):
    """What `Affine.pull` needs: what the network keeps, what was scaled, the bent log-scales and the scales."""

    net: list[Tensor]
    moved: Tensor
    bent: Tensor
    scale: Tensor


class Affine:
    """b exp(s) + t, where a network makes s (its first outputs) and t (its last ones) of other columns than b.

    Args:
        activation: of the network.
        limit: bound on |s|; 0 for none.
        centred: whether the shift comes first: (b - t) exp(s).
    """

    def __init__(self, activation: linear.Activation, limit: float, *, centred: bool = False) -> None:
        self.activation: linear.Activation = activation
        self.limit = limit
        self.centred = centred
        self._limit = torch.tensor(limit, dtype=torch.float64)

    def bounded(self, raw: Tensor, *, keep: bool) -> tuple[Tensor, Tensor]:
        """`bounded`; with `keep` nobody follows the operations."""
        # To make a tensor of a number takes as long as an operation.
        return bounded(raw, self._limit if keep and raw.is_cpu and self.limit else self.limit)

    def unbent(self, slope: Tensor, bent: Tensor) -> Tensor:
        """Slopes of what `bounded` was given, from those of its log-scales."""
        return _tanh_backward(slope, bent) if self.limit else slope

    def apply(self, moved: Tensor, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and shift; returns the result, and what was scaled."""
        if self.centred:
            moved = moved - shift
            return moved * scale, moved
        return torch.addcmul(shift, moved, scale), moved

    def numbers(self, kept: Tensor, net: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
        """The raw log-scales and the shifts, both (E, moved, B), that the network makes of kept columns."""
        numbers, saved = linear.push(kept, net, self.activation, keep=keep)
        raw, shift = numbers.split_with_sizes([numbers.shape[1] // 2] * 2, dim=1)
        return raw, shift, saved

    def pull_numbers(
        self,
        saved: list[Tensor],
        net: Sequence[Tensor],
        raw: Tensor,
        shift: Tensor,
        places: Places,
        *,
        points: bool,
        onto: Tensor | None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes of `numbers` back to the kept columns and to the network's tensors."""
        slope = torch.cat((raw, shift), dim=1)
        return linear.pull(saved, net, self.activation, slope, places, points=points, onto=onto)

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
        raw, shift, saved = self.numbers(kept, net, keep=keep)
        bent, log_scale = self.bounded(raw, keep=keep)
        scale = log_scale.exp()
        new, scaled = self.apply(moved, scale, shift)
        return new, log_scale, Saved(saved, scaled, bent, scale) if keep else None

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
        raw = self.unbent(torch.addcmul(of_log, before, saved.moved), saved.bent)
        shift = -before if self.centred else slope
        of_kept, found = self.pull_numbers(saved.net, net, raw, shift, places, points=points, onto=onto)
        return before, of_kept, found

    def back(self, kept: Tensor, moved: Tensor, net: Sequence[Tensor]) -> Tensor:
        """Undo `push`'s move of columns (E, moved, B)."""
        raw, shift, _ = self.numbers(kept, net, keep=False)
        _, log_scale = self.bounded(raw, keep=False)
        return self.undo(moved, torch.exp(-log_scale), shift)

    def undo(self, moved: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Undo `apply`, given the inverse of its scale."""
        return torch.addcmul(shift, moved, scale) if self.centred else (moved - shift) * scale


class TwoNetAffine(Affine):
    """b exp(s) + t, where one network makes s, its hidden units tanh, and another t, its hidden units ReLU.

    The tensors are those of the first network, then as many of the second.
    """

    def __init__(self, limit: float) -> None:
        super().__init__("tanh", limit)

    def numbers(self, kept: Tensor, net: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
        """The raw log-scales and the shifts; see `Affine.numbers`."""
        half = len(net) // 2
        raw, saved = linear.push(kept, net[:half], "tanh", keep=keep)
        shift, more = linear.push(kept, net[half:], "relu", keep=keep)
        return raw, shift, saved + more

    def pull_numbers(
        self,
        saved: list[Tensor],
        net: Sequence[Tensor],
        raw: Tensor,
        shift: Tensor,
        places: Places,
        *,
        points: bool,
        onto: Tensor | None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Affine.pull_numbers`."""
        half, part = len(net) // 2, len(saved) // 2
        spaces = (None, None) if places is None else (places[:half], places[half:])
        onto, found = linear.pull(saved[:part], net[:half], "tanh", raw, spaces[0], points=points, onto=onto)
        if not points:
            onto = None
        of_kept, more = linear.pull(saved[part:], net[half:], "relu", shift, spaces[1], points=points, onto=onto)
        return of_kept, found + more
