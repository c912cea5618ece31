"""Layers between the others: batch normalisation inside a flow, the order of columns, several maps in a row.

Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", ICLR 2017, appendix E; Papamakarios, Pavlakou,
Murray, "Masked Autoregressive Flow for Density Estimation", NeurIPS 2017, section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from gmstudio.models.layers.flow import Transform, joined
from gmstudio.models.layers.gradients import Places, Saved, Source

#: Added to every variance.
EPSILON = 1e-5


class BatchNorm(Transform):
    """z = exp(log_scale) (x - mean) / sqrt(variance) + shift, column by column.

    While training, mean and variance are the batch's, and gradients go through them; else they are those that `settle`
    has found last, the variance with `EPSILON` in it.

    Args:
        dim: D.
        members: E.
    """

    def __init__(self, dim: int, members: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(members, dim))
        self.shift = nn.Parameter(torch.zeros(members, dim))
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(members, dim))
        self.register_buffer("variance", torch.ones(members, dim))

    def sources(self) -> list[Source]:
        """Scale and shift."""
        return [(self._parameters, "log_scale"), (self._parameters, "shift")]

    def push(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Transform.push`."""
        log_scale, shift = tensors
        if self.training:
            mean = x.mean(2, keepdim=True)
            centred = x - mean
            variance = centred.square().mean(2, keepdim=True) + EPSILON
        else:
            centred, variance = x - self.mean.unsqueeze(2), self.variance.unsqueeze(2)
        root = variance.rsqrt()
        normal, scale = centred * root, log_scale.exp().unsqueeze(2)
        log_det = (log_scale - 0.5 * variance.squeeze(2).log()).sum(1, keepdim=True)
        z = torch.addcmul(shift.unsqueeze(2), normal, scale)
        return z, log_det.expand(-1, x.shape[2]), (normal, root, scale, self.training) if keep else None

    def pull(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back, through the batch's mean and variance too; see `Transform.pull`."""
        normal, root, scale, training = saved
        before = slope * scale
        of_normal = (before * normal).sum(2, keepdim=True)
        total = of_log.sum(1, keepdim=True)
        found = [] if places is None else [of_normal.squeeze(2) + total, slope.sum(2)]
        if not training or not points:
            return before * root, found
        # The logs of the slopes are -log(variance) / 2 in every point of the batch.
        bent = (of_normal + total.unsqueeze(2)) / slope.shape[2]
        return (before - before.mean(2, keepdim=True) - normal * bent) * root, found

    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, D, B) back to x, with mean and variance of `settle`."""
        normal = (z - self.shift.unsqueeze(2)) * torch.exp(-self.log_scale.unsqueeze(2))
        return torch.addcmul(self.mean.unsqueeze(2), normal, self.variance.sqrt().unsqueeze(2))

    @torch.no_grad()
    def settle(self, x: Tensor) -> Tensor:
        """Take mean and variance of points x (E, D, N) for evaluation, and map them."""
        variance, mean = torch.var_mean(x, 2, correction=0)
        self.mean.copy_(mean)
        self.variance.copy_(variance + EPSILON)
        scale = self.log_scale.exp() * self.variance.rsqrt()
        return torch.addcmul((self.shift - self.mean * scale).unsqueeze(2), x, scale.unsqueeze(2))


class EvenFirst(Transform):
    """The columns 0, 2, 4, …, then 1, 3, 5, …, so that couplings of halves are couplings of every other column."""

    def sources(self) -> list[Source]:
        """None."""
        return []

    def push(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Transform.push`."""
        return torch.cat((x[:, ::2], x[:, 1::2]), dim=1), x.new_zeros(x.shape[0], x.shape[2]), None

    def pull(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Transform.pull`."""
        return self.inverse(slope), []

    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, D, B) back to x (E, D, B)."""
        first = (z.shape[1] + 1) // 2
        return z[:, [i // 2 + (i % 2) * first for i in range(z.shape[1])]]


class Chain(Transform):
    """Several maps in a row as one."""

    def __init__(self, parts: Sequence[Transform]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self._sizes = [len(part.sources()) for part in parts]

    def _parts(self) -> list[Transform]:
        return cast(list[Transform], list(self.parts))

    def sources(self) -> list[Source]:
        """Those of the maps."""
        return joined([part.sources() for part in self._parts()])

    def push(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Transform.push`."""
        logs, saved, end = [], [], 0
        for part, size in zip(self._parts(), self._sizes, strict=True):
            x, log_det, kept = part.push(x, tensors[end : end + size], keep=keep)
            logs.append(log_det)
            saved.append(kept)
            end += size
        return x, torch.stack(logs).sum(0), saved

    def pull(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Transform.pull`."""
        found: list[list[Tensor]] = []
        end = len(tensors)
        parts = self._parts()
        for i in reversed(range(len(parts))):
            own = slice(end - self._sizes[i], end)
            spaces = None if places is None else places[own]
            slope, part = parts[i].pull(saved[i], tensors[own], slope, of_log, spaces, points=points or i > 0)
            found.append(part)
            end -= self._sizes[i]
        return slope, joined(found[::-1])

    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, D, B) back to x (E, D, B)."""
        for part in reversed(self._parts()):
            z = part.inverse(z)
        return z

    def settle(self, x: Tensor) -> Tensor:
        """Settle one map after the other on points x (E, D, N), and map them."""
        for part in self._parts():
            x = part.settle(x)
        return x
