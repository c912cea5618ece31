"""Masked autoregressive layers (Germain et al., "MADE", ICML 2015; Papamakarios et al., "MAF", NeurIPS 2017)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gmstudio.models.layers.affine import Affine
from gmstudio.models.layers.flow import Transform
from gmstudio.models.layers.gradients import Places, Saved
from gmstudio.models.layers.linear import MLP, Activation, push


class MaskedMLP(MLP):
    """A network whose output k depends on the inputs 0, …, k only.

    In two dimensions every mask is full and none is kept: no masked work is done.

    Args:
        inputs: n, columns that come in.
        numbers: m, outputs for each of the n columns: output column j n + k is number j of column k.
        hidden, layers, activation: as in `MLP`.
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
    ) -> None:
        super().__init__(
            inputs,
            numbers * inputs,
            hidden=hidden,
            layers=layers,
            activation=activation,
            draws=draws,
            last=0.1,
        )
        degrees = [torch.arange(inputs), *[torch.arange(hidden) % inputs for _ in range(layers)]]
        degrees.append(torch.arange(inputs).repeat(numbers))
        masks = [(after[:, None] >= before).float() for before, after in itertools.pairwise(degrees)]
        self._masks = [f"mask_{i}" for i in range(len(masks) if inputs > 1 else 0)]
        for name, mask in zip(self._masks, masks, strict=False):
            self.register_buffer(name, mask.repeat(len(draws), 1, 1), persistent=False)

    def masked(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Weight and bias of each layer, or their slopes, with the weights masked."""
        found = list(tensors)
        for i, name in enumerate(self._masks):
            found[2 * i] = found[2 * i] * self.get_buffer(name)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Map (E, n, B) to (E, m n, B)."""
        return push(x, self.masked(self.tensors()), self.activation, keep=False)[0]


class MaskedAffine(Transform):
    """z_k = x_k exp(s_k) + t_k, s and t functions of the columns before k; then the order is reversed.

    The first column has constants. The inverse needs one pass of the network for each column but the first.

    Args:
        dim: D, at least 2.
        hidden, layers, activation: of the network.
        limit: bound on |s|.
        draws: one generator for each member.
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
    ) -> None:
        super().__init__()
        self.affine = Affine(activation, limit)
        self.net = MaskedMLP(dim - 1, 2, hidden=hidden, layers=layers, activation=activation, draws=draws)
        self.first_scale = nn.Parameter(torch.zeros(len(draws), 1))
        self.first_shift = nn.Parameter(torch.zeros(len(draws), 1))

    def tensors(self) -> list[Tensor]:
        """Those of the network, and the constants of the first column."""
        own = self._parameters
        return [*self.net.tensors(), own["first_scale"], own["first_shift"]]  # type: ignore[list-item]

    def _whole(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """A network that gives the first column's constants too: masked, and with two more outputs of weight 0."""
        *net, first_scale, first_shift = tensors
        *hiddens, weight, bias = self.net.masked(net)
        zero = weight.new_zeros(weight.shape[0], 1, weight.shape[2])
        scales, shifts = weight.chunk(2, dim=1)
        scale, shift = bias.chunk(2, dim=1)
        weight = torch.cat((zero, scales, zero, shifts), dim=1)
        return [*hiddens, weight, torch.cat((first_scale, scale, first_shift, shift), dim=1)]

    def _parts(self, slopes: Sequence[Tensor], places: Sequence[Tensor | None]) -> list[Tensor]:
        """Undo `_whole`, for slopes."""
        *hiddens, weight, bias = slopes
        scales, shifts = weight.chunk(2, dim=1)
        scale, shift = bias.chunk(2, dim=1)
        net = [
            *hiddens,
            torch.cat((scales[:, 1:], shifts[:, 1:]), dim=1),
            torch.cat((scale[:, 1:], shift[:, 1:]), dim=1),
        ]
        parts = [*self.net.masked(net), scale[:, :1], shift[:, :1]]
        return [part if place is None else place.copy_(part) for part, place in zip(parts, places, strict=True)]

    def push(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, Saved]:
        """Map x of shape (E, D, B); see `Transform.push`."""
        net = self._whole(tensors)
        z, log_scale, saved = self.affine.push(x[:, :-1], x, net, keep=keep)
        return z.flip(1), log_scale.sum(1), (net, saved) if keep else None

    def pull(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, of_log: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back; see `Transform.pull`."""
        net, kept = saved
        anywhere = None if places is None else [None] * len(net)
        before, more, found = self.affine.pull(kept, net, slope.flip(1), of_log.unsqueeze(1), anywhere, points=points)
        if points:
            before[:, :-1] += more
        return before, [] if places is None else self._parts(found, places)

    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, D, B) back to x (E, D, B), one column after the other."""
        z = z.flip(1)
        net = self._whole(self.tensors())
        columns: list[Tensor] = []
        for k in range(z.shape[1]):
            before = torch.cat((*columns, torch.zeros_like(z[:, k:-1])), dim=1)
            log_scale, shift, _ = self.affine.numbers(before, net, keep=False)
            here = slice(k, k + 1)
            columns.append((z[:, here] - shift[:, here]) * torch.exp(-log_scale[:, here]))
        return torch.cat(columns, dim=1)
