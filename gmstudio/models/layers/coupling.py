"""Coupling layers (Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", ICLR 2017, section 3.2)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from gmstudio.models.layers.affine import Affine, TwoNetAffine
from gmstudio.models.layers.flow import Transform
from gmstudio.models.layers.gradients import Places, Saved, Source
from gmstudio.models.layers.linear import MLP, Activation, Init


class Coupling(Transform):
    """Some columns are kept, and choose how the others are moved.

    Only the kept columns enter the network and only numbers for the moved ones leave it, so that no masked work is
    done.

    Args:
        dim: D, at least 2.
        flip: False keeps the first ceil(D / 2) columns and moves the others; True the other way round.
        numbers: how many the network gives for each moved column.
        hidden, layers, activation, init: of the network.
        draws: one generator for each member.
    """

    def __init__(
        self,
        dim: int,
        *,
        flip: bool,
        numbers: int,
        hidden: int,
        layers: int,
        activation: Activation,
        draws: Sequence[torch.Generator],
        init: Init = "uniform",
    ) -> None:
        super().__init__()
        first = (dim + 1) // 2
        self.sizes = [first, dim - first]
        self.flip = flip
        kept, moved = reversed(self.sizes) if flip else self.sizes
        self.net = MLP(
            kept,
            moved * numbers,
            hidden=hidden,
            layers=layers,
            activation=activation,
            draws=draws,
            last=0.1,
            init=init,
        )

    def sources(self) -> list[Source]:
        """Those of the network."""
        return self.net.sources()

    @abstractmethod
    def move(
        self, kept: Tensor, moved: Tensor, tensors: Sequence[Tensor], *, keep: bool
    ) -> tuple[Tensor, Tensor, Saved]:
        """Move columns towards the latent; returns them and the logs of their slopes, and what is saved."""

    @abstractmethod
    def pull_moved(
        self,
        saved: Saved,
        tensors: Sequence[Tensor],
        slope: Tensor,
        of_log: Tensor,
        of_kept: Tensor,
        places: Places,
        *,
        points: bool,
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Carry slopes back through `move`.

        Args:
            saved, tensors: from and of `move`.
            slope: of the columns that it moved, (E, moved, B).
            of_log: of the logs of their slopes, (E, 1, B).
            of_kept: of the kept columns, (E, kept, B), as far as they do not come from `move`.
            places: where the slopes of the tensors can be put; None when they are not wanted.
            points: whether the slopes of the kept columns are wanted; else they mean nothing.

        Returns:
            Slopes of the moved columns before, of the kept ones, and of the tensors.
        """

    @abstractmethod
    def move_back(self, kept: Tensor, moved: Tensor) -> Tensor:
        """Undo `move`."""

    def turned(self, halves: Sequence[Tensor]) -> Sequence[Tensor]:
        """First and second columns as kept and moved ones, and the other way round."""
        return halves[::-1] if self.flip else halves

    def push_halves(
        self, halves: Sequence[Tensor], tensors: Sequence[Tensor], *, keep: bool
    ) -> tuple[Sequence[Tensor], Tensor, Saved]:
        """`move` what is to be moved of the first and second columns."""
        kept, moved = self.turned(halves)
        moved, log_slope, saved = self.move(kept, moved, tensors, keep=keep)
        return self.turned((kept, moved)), log_slope, saved

    def pull_halves(
        self,
        saved: Saved,
        tensors: Sequence[Tensor],
        slopes: Sequence[Tensor],
        of_log: Tensor,
        places: Places,
        *,
        points: bool,
    ) -> tuple[Sequence[Tensor], list[Tensor]]:
        """Carry slopes of the first and second columns back; without `points` those of the kept ones are not all."""
        of_kept, of_moved = self.turned(slopes)
        of_moved, of_kept, found = self.pull_moved(saved, tensors, of_moved, of_log, of_kept, places, points=points)
        return self.turned((of_kept, of_moved)), found

    def push(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Transform.push`."""
        halves, log_slope, saved = self.push_halves(x.split_with_sizes(self.sizes, 1), tensors, keep=keep)
        return torch.cat(tuple(halves), dim=1), log_slope.sum(1), saved

    def pull(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Transform.pull`."""
        parts = slope.split_with_sizes(self.sizes, 1)
        slopes, found = self.pull_halves(saved, tensors, parts, of_log.unsqueeze(1), places, points=points)
        return torch.cat(tuple(slopes), dim=1), found

    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, D, B) back to x (E, D, B)."""
        kept, moved = self.turned(z.split_with_sizes(self.sizes, 1))
        return torch.cat(tuple(self.turned((kept, self.move_back(kept, moved)))), dim=1)


class AffineCoupling(Coupling):
    """The kept columns choose a scale and a shift of the moved ones: b' = b exp(s(a)) + t(a) (eq. 7-9).

    Args:
        dim, flip, hidden, layers, draws, init: as of `Coupling`.
        activation: of the network; None for two networks, one with tanh for the scale and one with ReLU for the shift.
        limit: bound on |s|; 0 for none.
    """

    def __init__(
        self,
        dim: int,
        *,
        flip: bool,
        hidden: int,
        layers: int,
        activation: Activation | None,
        limit: float,
        draws: Sequence[torch.Generator],
        init: Init = "uniform",
    ) -> None:
        super().__init__(
            dim,
            flip=flip,
            numbers=2 if activation else 1,
            hidden=hidden,
            layers=layers,
            activation=activation or "tanh",
            draws=draws,
            init=init,
        )
        self.affine = Affine(activation, limit) if activation else TwoNetAffine(limit)
        self.shifts: MLP | None = None
        if not activation:
            kept, moved = reversed(self.sizes) if flip else self.sizes
            self.shifts = MLP(
                kept, moved, hidden=hidden, layers=layers, activation="relu", draws=draws, last=0.1, init=init
            )

    def sources(self) -> list[Source]:
        """Those of the network, or of both."""
        return self.net.sources() + (self.shifts.sources() if self.shifts is not None else [])

    def move(
        self, kept: Tensor, moved: Tensor, tensors: Sequence[Tensor], *, keep: bool
    ) -> tuple[Tensor, Tensor, Saved]:
        """Scale and shift the moved columns."""
        return self.affine.push(kept, moved, tensors, keep=keep)

    def pull_moved(
        self,
        saved: Saved,
        tensors: Sequence[Tensor],
        slope: Tensor,
        of_log: Tensor,
        of_kept: Tensor,
        places: Places,
        *,
        points: bool,
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Carry slopes back through `move`."""
        return self.affine.pull(saved, tensors, slope, of_log, places, points=points, onto=of_kept)

    def move_back(self, kept: Tensor, moved: Tensor) -> Tensor:
        """Undo `move`."""
        return self.affine.back(kept, moved, self.tensors())
