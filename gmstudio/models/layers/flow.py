"""Normalising flows: a chain of invertible maps between the data and a standard normal latent."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from gmstudio.models.layers import gradients, tails
from gmstudio.models.layers.base import DensityModel
from gmstudio.models.layers.gradients import Passes, Places, Saved, Source, tensors_of

T = TypeVar("T")

LOG_2PI = math.log(2.0 * math.pi)
#: Points from which the statistics of a layer are found, at most: more hardly move a mean.
MOST = 65_536
#: Points in one pass, of all members together.
CHUNK = 4096


class Transform(nn.Module):
    """One invertible map of R^D for each of E members, from the side of the data to that of the latent.

    Points stand in columns, (E, D, B), as in `gmstudio.models.layers.linear`.
    """

    @abstractmethod
    def sources(self) -> list[Source]:
        """Where the parameters are on which the map depends, always in the same order."""

    def tensors(self) -> list[Tensor]:
        """The parameters on which the map depends."""
        return tensors_of(self.sources())

    @abstractmethod
    def push(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B), in operations that autograd can follow.

        Args:
            x: the points.
            tensors: those of `tensors`, or others of their shapes.
            keep: whether `pull` follows, which nothing is saved for otherwise.

        Returns:
            z (E, D, B), log |det dz/dx| (E, B), and what `pull` needs.
        """

    @abstractmethod
    def pull(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back through `push`, without autograd; nothing that is given is changed.

        Args:
            saved, tensors: from and of `push`.
            slope: of a scalar with respect to z, (E, D, B).
            of_log: with respect to log |det dz/dx|, (E, B).
            places: where the slopes of the tensors can be put; None when they are not wanted.
            points: whether the slopes of x are wanted; else they mean nothing.

        Returns:
            Slopes of x, (E, D, B), and of the tensors.
        """

    @abstractmethod
    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, D, B) back to x (E, D, B)."""

    def settle(self, x: Tensor) -> Tensor:
        """Find what evaluation needs from points x (E, D, N), where there is such a thing, and map them."""
        parts = torch.split(x, max(1, CHUNK // x.shape[0]), dim=2)
        return torch.cat([self.forward(part)[0] for part in parts], dim=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, D, B) to z (E, D, B) and log |det dz/dx| (E, B)."""
        z, log_det, _ = self.push(x, self.tensors(), keep=False)
        return z, log_det


class Flow(DensityModel):
    """log p(x) = log N(f(x); 0, I) + log |det df/dx| (Rezende and Mohamed 2015, eq. 5).

    Args:
        dim: D.
        members: E.
        transforms: from the data to the latent.
        titles: one for each transform; the path's titles are these between ``data`` and ``latent``.
        settles: whether evaluation needs statistics that `Transform.settle` finds.

    Attributes:
        heavy: whether `gmstudio.models.layers.tails` come last; any flow can have them.
    """

    can = frozenset({"log_prob", "score", "sample", "path"})

    def __init__(
        self,
        dim: int,
        members: int,
        transforms: Sequence[Transform],
        titles: Sequence[str],
        *,
        settles: bool = False,
    ) -> None:
        super().__init__(dim, members)
        if len(transforms) != len(titles):
            raise ValueError(f"{len(transforms)} transforms have {len(titles)} titles")
        self.transforms = nn.ModuleList(transforms)
        self._transforms = list(transforms)
        self._sources = joined([transform.sources() for transform in transforms])
        self.path_titles: tuple[str, ...] = ("data", *titles[:-1], "latent")
        self._settles = settles
        self.heavy = False

    @property
    def passes(self) -> Passes:
        """The flow itself."""
        return self

    def tensors(self) -> list[Tensor]:
        """Those of the transforms."""
        return tensors_of(self._sources)

    def shares(self, given: Sequence[T]) -> list[Sequence[T]]:
        """Cut what there is of each tensor into the parts of the transforms, which all have as many."""
        size = len(given) // len(self._transforms)
        return [given[i * size : (i + 1) * size] for i in range(len(self._transforms))]

    def spaces(self, places: Places) -> Sequence[Places]:
        """The places of each transform's slopes."""
        return [None] * len(self._transforms) if places is None else self.shares(places)

    def chain(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B) through all transforms; see `Transform.push`."""
        logs, saved = [], []
        for transform, own in zip(self._transforms, self.shares(tensors), strict=True):
            x, log_det, kept = transform.push(x, own, keep=keep)
            logs.append(log_det)
            saved.append(kept)
        return x, torch.stack(logs).sum(0), saved

    def chain_back(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back through `chain`; see `Transform.pull`."""
        found: list[list[Tensor]] = []
        shares, spaces = self.shares(tensors), self.spaces(places)
        for i in reversed(range(len(saved))):
            slope, own = self._transforms[i].pull(saved[i], shares[i], slope, of_log, spaces[i], points=points or i > 0)
            found.append(own)
        return slope, joined(found[::-1])

    @torch.no_grad()
    def refresh(self, points: Tensor) -> None:
        """Find the statistics of all layers in one pass over points (N, D), of which `MOST` are taken."""
        if not self._settles:
            return
        points = points[:: -(-len(points) // MOST)]
        self.settle(points.mT.expand(self.members, *points.mT.shape))

    def settle(self, x: Tensor) -> None:
        """Settle one transform after the other on points x (E, D, N)."""
        for transform in self._transforms:
            x = transform.settle(x)

    def push(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Saved]:
        """Log-density; see `gradients.Passes`."""
        y, log_det, saved = self.chain(x.mT.contiguous(), tensors, keep=keep)
        z, log_det = self._bent(y, log_det)
        return normal_log_prob(z, log_det), (y, z, saved) if keep else None

    def pull(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Slopes; see `gradients.Passes`."""
        y, z, kept = saved
        of_latent = z * -slope.unsqueeze(1)
        if self.heavy:
            of_latent = tails.pull(y, of_latent, slope)
        before, found = self.chain_back(kept, tensors, of_latent, slope, places, points=points)
        return before.mT, found

    def _bent(self, y: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """The latent (E, D, B) and the log-determinant of all, from what the transforms leave."""
        if not self.heavy:
            return y, log_det
        z, log_slope = tails.bend(y)
        return z, log_det + log_slope

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, B, D) to the latent z (E, B, D) and log |det dz/dx| (E, B)."""
        y, log_det, _ = self.chain(x.mT.contiguous(), self.tensors(), keep=False)
        z, log_det = self._bent(y, log_det)
        return z.mT, log_det

    def inverse(self, z: Tensor) -> Tensor:
        """Map latent points (E, B, D) to the data (E, B, D)."""
        z = z.mT
        return self.unchain(tails.unbend(z) if self.heavy else z).mT

    def unchain(self, z: Tensor) -> Tensor:
        """Undo all transforms, from the last to the first: from (E, D, B) to the same shape."""
        for transform in reversed(self._transforms):
            z = transform.inverse(z)
        return z

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats of x (E, B, D); returns (E, B)."""
        return gradients.log_prob(self, x)

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density with respect to x of shape (E, B, D); returns (E, B, D), detached."""
        return gradients.score(self, x.detach())

    def sample(self, noise: Tensor) -> Tensor:
        """Turn latent points (size, D) into samples (E, size, D)."""
        return self.inverse(noise.expand(self.members, *noise.shape))

    def path(self, x: Tensor) -> Tensor:
        """The way of points (E, B, D) through the transforms: (L + 1, E, B, D)."""
        way = self.way(x.mT)
        if self.heavy:
            way[-1] = tails.bend(way[-1])[0]
        return torch.stack(way).mT

    def way(self, x: Tensor) -> list[Tensor]:
        """Where points (E, D, B) are before the first, and after each transform."""
        way = [x]
        for transform in self._transforms:
            way.append(transform.forward(way[-1])[0])
        return way


def joined(parts: Sequence[Sequence[T]]) -> list[T]:
    """What belongs to the transforms, in one list."""
    return [one for part in parts for one in part]


def normal_log_prob(z: Tensor, log_det: Tensor) -> Tensor:
    """log N(z; 0, I) + log_det, for z of shape (E, D, B); returns (E, B)."""
    constant = 0.5 * LOG_2PI * z.shape[1]
    return torch.sub(log_det - constant, z.square().sum(1), alpha=0.5)
