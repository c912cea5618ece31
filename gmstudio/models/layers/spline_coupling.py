"""Couplings whose moved columns go through rational-quadratic splines (Durkan et al. 2019, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gmstudio.models.layers import linear, rational_quadratic
from gmstudio.models.layers.coupling import Coupling
from gmstudio.models.layers.gradients import Places, Saved
from gmstudio.models.layers.linear import Activation

_TABLE = ("matrix", "constant", "offsets")


class SplineCoupling(Coupling):
    """The kept columns choose a spline for each of the moved ones.

    Args:
        dim, flip, hidden, layers, activation, draws: as of `Coupling`.
        bins: K, bins of a spline.
        bound: half of the side of the box outside which nothing is moved.
    """

    def __init__(
        self,
        dim: int,
        *,
        flip: bool,
        bins: int,
        bound: float,
        hidden: int,
        layers: int,
        activation: Activation,
        draws: Sequence[torch.Generator],
    ) -> None:
        numbers = rational_quadratic.parameters(bins)
        super().__init__(
            dim, flip=flip, numbers=numbers, hidden=hidden, layers=layers, activation=activation, draws=draws
        )
        self.bound = bound
        self.numbers = numbers
        table = rational_quadratic.table(bins, bound)
        for name in _TABLE:
            self.register_buffer(name, getattr(table, name).repeat(len(draws), 1, 1), persistent=False)

    def move(
        self, kept: Tensor, moved: Tensor, tensors: Sequence[Tensor], *, keep: bool
    ) -> tuple[Tensor, Tensor, Saved]:
        """Send each moved column through its spline."""
        numbers, net = linear.push(kept, tensors, self.net.activation, keep=keep)
        new, log_slope, spline = rational_quadratic.push(_rows(moved), self._splines(numbers), self._table())
        return new.view(moved.shape), log_slope.view(moved.shape), (net, spline) if keep else None

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
        net, spline = saved
        of_moved, of_raw = rational_quadratic.pull(spline, _rows(slope), _rows(of_log.expand_as(slope)), self._table())
        of_numbers = of_raw.view(len(slope), -1, slope.shape[2])
        of_kept, found = linear.pull(net, tensors, self.net.activation, of_numbers, places, points=points, onto=of_kept)
        return of_moved.view(slope.shape), of_kept, found

    def move_back(self, kept: Tensor, moved: Tensor) -> Tensor:
        """Undo `move`."""
        splines = self._splines(self.net.forward(kept))
        return rational_quadratic.inverse(_rows(moved), splines, self._table()).view(moved.shape)

    def _table(self) -> rational_quadratic.Table:
        matrix, constant, offsets = (self._buffers[name] for name in _TABLE)
        assert matrix is not None and constant is not None and offsets is not None
        return rational_quadratic.Table(matrix, constant, offsets, self.bound)

    def _splines(self, numbers: Tensor) -> Tensor:
        """The network's outputs as the numbers of one spline for each row of `_rows`."""
        return numbers.view(-1, self.numbers, numbers.shape[2])


def _rows(x: Tensor) -> Tensor:
    """Columns (E, moved, B) of all members, one below the other."""
    return x.reshape(-1, x.shape[2])
