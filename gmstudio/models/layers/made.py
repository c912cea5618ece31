"""Masked autoregressive layers (Germain et al., "MADE", ICML 2015; Papamakarios et al., "MAF", NeurIPS 2017)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gmstudio.models.layers.coupling import bounded
from gmstudio.models.layers.flow import Transform
from gmstudio.models.layers.linear import MLP, Activation, EnsembleLinear, linear


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
        self.masked = inputs > 1
        for i, mask in enumerate(masks if self.masked else []):
            self.register_buffer(f"mask_{i}", mask.expand(len(draws), *mask.shape), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (E, B, n) to (E, B, m n)."""
        if not self.masked:
            return super().forward(x)
        for i, layer in enumerate(self.hiddens):
            x = self.activation(self._apply_masked(i, layer, x))
        return self._apply_masked(len(self.hiddens), self.last, x)

    def _apply_masked(self, i: int, layer: nn.Module, x: Tensor) -> Tensor:
        assert isinstance(layer, EnsembleLinear)
        return linear(x, layer.weight * self.get_buffer(f"mask_{i}"), layer.bias)


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
        self.limit = limit
        self.net = MaskedMLP(dim - 1, 2, hidden=hidden, layers=layers, activation=activation, draws=draws)
        self.first_scale = nn.Parameter(torch.zeros(len(draws), 1))
        self.first_shift = nn.Parameter(torch.zeros(len(draws), 1))

    def affine(self, before: Tensor) -> tuple[Tensor, Tensor]:
        """Log-scale and shift (E, B, D - 1) of the columns 1, …, D - 1, given the columns 0, …, D - 2."""
        raw, shift = self.net.forward(before).chunk(2, dim=-1)
        return bounded(raw, self.limit), shift

    def first(self) -> tuple[Tensor, Tensor]:
        """Log-scale and shift (E, 1, 1) of column 0."""
        return bounded(self.first_scale, self.limit).unsqueeze(-1), self.first_shift.unsqueeze(-1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x of shape (E, B, D) to z (E, B, D) and log |det dz/dx| (E, B)."""
        raw, shift = self.net.forward(x[..., :-1]).chunk(2, dim=-1)
        shape = (*x.shape[:-1], 1)
        log_scale = bounded(torch.cat((self.first_scale.unsqueeze(-1).expand(shape), raw), dim=-1), self.limit)
        shift = torch.cat((self.first_shift.unsqueeze(-1).expand(shape), shift), dim=-1)
        return torch.addcmul(shift, x, log_scale.exp()).flip(-1), log_scale.sum(-1)

    def inverse(self, z: Tensor) -> Tensor:
        """Map z of shape (E, B, D) back to x (E, B, D), one column after the other."""
        z = z.flip(-1)
        first_scale, first_shift = self.first()
        columns = [(z[..., :1] - first_shift) * torch.exp(-first_scale)]
        for k in range(z.shape[-1] - 1):
            before = torch.cat((*columns, torch.zeros_like(z[..., k + 1 : -1])), dim=-1)
            log_scale, shift = self.affine(before)
            here = slice(k, k + 1)
            columns.append((z[..., k + 1 : k + 2] - shift[..., here]) * torch.exp(-log_scale[..., here]))
        return torch.cat(columns, dim=-1)
