"""Masked autoregressive layers (Germain et al., "MADE", ICML 2015; Papamakarios et al., "MAF", NeurIPS 2017)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from gmstudio.models.layers.affine import Affine
from gmstudio.models.layers.flow import Flow, Transform, joined
from gmstudio.models.layers.gradients import Places, Saved, Source, tensors_of
from gmstudio.models.layers.linear import MLP, Activation, Init, push


class MaskedMLP(MLP):
    """A network whose output k depends on the inputs 0, …, k only.

    In two dimensions every mask is full and none is kept: no masked work is done.

    Args:
        inputs: n, columns that come in.
        numbers: m, outputs for each of the n columns: output column j n + k is number j of column k.
        hidden, layers, activation, init: as in `MLP`.
        draws: one generator for each member.
    """

    def __init__(
        self,
        inputs: int,
        numbers: int,
        *,
        hidden: int,
        layers: int,
        activation: Activation,
        draws: Sequence[torch.Generator],
        init: Init = "uniform",
    ) -> None:
        super().__init__(
            inputs,
            numbers * inputs,
            hidden=hidden,
            layers=layers,
            activation=activation,
            draws=draws,
            last=0.1,
            init=init,
        )
        degrees = [torch.arange(inputs), *[torch.arange(hidden) % inputs for _ in range(layers)]]
        degrees.append(torch.arange(inputs).repeat(numbers))
        masks = [(after[:, None] >= before).float() for before, after in itertools.pairwise(degrees)]
        self._masks = [f"mask_{i}" for i in range(len(masks) if inputs > 1 else 0)]
        for name, mask in zip(self._masks, masks, strict=False):
            self.register_buffer(name, mask.repeat(len(draws), 1, 1), persistent=False)

    def masks(self) -> list[Tensor]:
        """The mask of each layer's weights, if there are any."""
        return [mask for name in self._masks if (mask := self._buffers[name]) is not None]

    def forward(self, x: Tensor) -> Tensor:
        """Map (E, n, B) to (E, m n, B)."""
        return push(x, masked([self], [tensors_of(self.sources())])[0], self.activation, keep=False)[0]


def masked(nets: Sequence[MaskedMLP], tensors: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
    """Weights and biases of networks, with the weights masked."""
    found = [list(own) for own in tensors]
    masks = [mask for net in nets for mask in net.masks()]
    if masks:
        weights = iter(torch._foreach_mul([weight for own in found for weight in own[::2]], masks))
        for own in found:
            own[::2] = itertools.islice(weights, len(own[::2]))
    return found


class MaskedAffine(Transform):
    """z_k = x_k exp(s_k) + t_k, s and t functions of the columns before k; then the order is reversed.

    The first column has constants. The inverse needs one pass of the network for each column but the first.

    Args:
        dim: D, at least 2.
        hidden, layers, activation, init: of the network.
        limit: bound on |s|; 0 for none.
        draws: one generator for each member.
        centred: whether the shift comes first, as in the paper: z_k = (x_k - t_k) exp(s_k).
    """

    def __init__(
        self,
        dim: int,
        *,
        hidden: int,
        layers: int,
        activation: Activation,
        limit: float,
        draws: Sequence[torch.Generator],
        init: Init = "uniform",
        centred: bool = False,
    ) -> None:
        super().__init__()
        self.affine = Affine(activation, limit, centred=centred)
        self.net = MaskedMLP(dim - 1, 2, hidden=hidden, layers=layers, activation=activation, draws=draws, init=init)
        self.first_scale = nn.Parameter(torch.zeros(len(draws), 1))
        self.first_shift = nn.Parameter(torch.zeros(len(draws), 1))

    def sources(self) -> list[Source]:
        """Those of the network, and the constants of the first column."""
        return [*self.net.sources(), (self._parameters, "first_scale"), (self._parameters, "first_shift")]

    def push(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Transform.push`."""
        return push_blocks([self], x, [tensors], keep=keep)

    def pull(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Transform.pull`."""
        return pull_blocks([self], saved, slope, of_log, [places], points=points)

    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, D, B) back to x (E, D, B), one column after the other."""
        *net, first_scale, first_shift = self.tensors()
        net = masked([self.net], [net])[0]
        z = z.flip(1)
        _, log_scale = self.affine.bounded(first_scale.unsqueeze(2), keep=False)
        columns = [self.affine.undo(z[:, :1], torch.exp(-log_scale), first_shift.unsqueeze(2))]
        for k in range(z.shape[1] - 1):
            before = torch.cat((*columns, torch.zeros_like(z[:, k + 1 : -1])), dim=1)
            here = self.affine.back(before, z[:, 1:], net)
            columns.append(here[:, k : k + 1])
        return torch.cat(columns, dim=1)


class MaskedFlow(Flow):
    """A chain of MADE blocks."""

    def chain(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Flow.chain`."""
        return push_blocks(self._blocks(), x, self.shares(tensors), keep=keep)

    def chain_back(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Flow.chain_back`."""
        return pull_blocks(self._blocks(), saved, slope, of_log, self.spaces(places), points=points)

    def _blocks(self) -> list[MaskedAffine]:
        return cast(list[MaskedAffine], self._transforms)


def push_blocks(
    blocks: Sequence[MaskedAffine], x: Tensor, tensors: Sequence[Sequence[Tensor]], *, keep: bool
) -> tuple[Tensor, Tensor, Saved]:
    """Map x of shape (E, D, B) through several blocks, the constants of whose first columns are made in one go."""
    columns = x.shape[1]
    bent, log_scale = blocks[0].affine.bounded(torch.cat([own[-2] for own in tensors], dim=1), keep=keep)
    scale = log_scale.exp()
    shift = torch.cat([own[-1] for own in tensors], dim=1)
    constants = zip(
        scale.unsqueeze(2).split_with_sizes(_each(blocks), 1),
        shift.unsqueeze(2).split_with_sizes(_each(blocks), 1),
        strict=True,
    )
    nets = masked([block.net for block in blocks], [own[:-2] for own in tensors])
    logs, saved, firsts = [], [], []
    for block, net, (first_scale, first_shift) in zip(blocks, nets, constants, strict=True):
        first, rest = x.split_with_sizes([1, columns - 1], 1)
        rest, log_slope, kept = block.affine.push(first if columns == 2 else x[:, :-1], rest, net, keep=keep)
        last, first = block.affine.apply(first, first_scale, first_shift)
        x = torch.cat((_turned(rest), last), dim=1)
        logs.append(log_slope)
        saved.append(kept)
        firsts.append(first)
    log_det = torch.cat(logs, dim=1).sum(1) + log_scale.sum(1, keepdim=True)
    return x, log_det, (nets, saved, torch.cat(firsts, dim=1), bent, scale) if keep else None


def pull_blocks(
    blocks: Sequence[MaskedAffine],
    saved: Saved,
    slope: Tensor,
    of_log: Tensor,
    places: Sequence[Places],
    *,
    points: bool,
) -> tuple[Tensor, list[Tensor]]:
    """Carry slopes back through `push_blocks`; see `Transform.pull`."""
    nets, kept, firsts, bent, scale = saved
    scales = scale.unsqueeze(2).split_with_sizes(_each(blocks), 1)
    columns = slope.shape[1]
    found: list[list[Tensor]] = []
    of_firsts = []
    of_logs = of_log.unsqueeze(1)
    for i in reversed(range(len(blocks))):
        of_rest, of_first = slope.split_with_sizes([columns - 1, 1], 1)
        of_firsts.append(of_first)
        before, more, own = blocks[i].affine.pull(
            kept[i], nets[i], _turned(of_rest), of_logs, places[i], points=points or i > 0
        )
        found.append(own)
        slope = torch.cat((of_first * scales[i], before), dim=1)
        if points or i > 0:
            slope[:, :-1].add_(more)
    if places[0] is None:
        return slope, []
    of_first = torch.cat(of_firsts[::-1], dim=1)
    of_scale = (of_first * firsts).sum(2) * scale + of_log.sum(1, keepdim=True)
    affine = blocks[0].affine
    of_scales = affine.unbent(of_scale, bent).split_with_sizes(_each(blocks), 1)
    of_shift = of_first.sum(2)
    of_shifts = (of_shift * -scale if affine.centred else of_shift).split_with_sizes(_each(blocks), 1)
    found = found[::-1]
    masks = [mask for block in blocks for mask in block.net.masks()]
    if masks:
        torch._foreach_mul_([weight for own in found for weight in own[::2]], masks)
    return slope, joined([(*own, *ends) for own, *ends in zip(found, of_scales, of_shifts, strict=True)])


def _each(blocks: Sequence[MaskedAffine]) -> list[int]:
    return [1] * len(blocks)


def _turned(x: Tensor) -> Tensor:
    """Columns (E, columns, B) in the other order."""
    return x if x.shape[1] == 1 else x.flip(1)
