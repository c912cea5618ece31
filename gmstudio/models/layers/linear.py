"""Linear layers and multilayer perceptrons of E members, evaluated in one pass."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

Activation = Literal["relu", "silu", "tanh"]


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One generator on the CPU for each seed; a member draws from its own only, as it would alone."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Apply each member's affine map to its own points.

    Args:
        x: (E, B, in).
        weight: (E, out, in).
        bias: (E, out).

    Returns:
        (E, B, out).
    """
    if weight.shape[0] == 1:
        return functional.linear(x, weight.squeeze(0), bias.squeeze(0))
    return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)


class EnsembleLinear(nn.Module):
    """E affine maps, drawn uniformly within 1 / sqrt(inputs) (He et al. 2015, as torch's own Linear).

    Args:
        inputs: columns that come in.
        outputs: columns that go out.
        draws: one generator for each member.
        scale: factor on the drawn weights; the biases are 0 where it is not 1.
    """

    def __init__(self, inputs: int, outputs: int, draws: Sequence[torch.Generator], scale: float = 1.0) -> None:
        super().__init__()
        bound = scale / math.sqrt(max(inputs, 1))
        weights = [torch.empty(outputs, inputs).uniform_(-bound, bound, generator=draw) for draw in draws]
        biases = [torch.empty(outputs).uniform_(-bound, bound, generator=draw) for draw in draws]
        self.weight = nn.Parameter(torch.stack(weights))
        self.bias = nn.Parameter(torch.stack(biases) if scale == 1.0 else torch.zeros(len(draws), outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (E, B, inputs) to (E, B, outputs)."""
        return linear(x, self.weight, self.bias)

    def single(self, x: Tensor) -> Tensor:
        """Map (B, inputs) to (B, outputs) by the only member."""
        return functional.linear(x, self.weight.squeeze(0), self.bias.squeeze(0))


def _relu(x: Tensor) -> Tensor:
    return functional.relu(x, inplace=True)


def _silu(x: Tensor) -> Tensor:
    return functional.silu(x)


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": _relu, "silu": _silu, "tanh": torch.tanh}


class MLP(nn.Module):
    """E multilayer perceptrons.

    Args:
        inputs: columns that come in.
        outputs: columns that go out.
        hidden: width of the hidden layers.
        layers: number of hidden layers.
        activation: between the layers.
        draws: one generator for each member.
        last: factor on the drawn weights of the last layer; a small one starts a flow near the identity.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        hidden: int,
        layers: int,
        activation: Activation,
        draws: Sequence[torch.Generator],
        last: float = 1.0,
    ) -> None:
        super().__init__()
        sizes = [inputs, *[hidden] * layers]
        hiddens = [EnsembleLinear(a, b, draws) for a, b in itertools.pairwise(sizes)]
        self.hiddens = nn.ModuleList(hiddens)
        self.last = EnsembleLinear(sizes[-1], outputs, draws, last)
        self.activation = _ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """Map (E, B, inputs) to (E, B, outputs)."""
        if x.shape[0] == 1:
            # Two dimensions: what a three-dimensional product returns is a view, slow to change in place.
            return self._single(x.squeeze(0)).unsqueeze(0)
        for layer in self.hiddens:
            x = self.activation(cast(EnsembleLinear, layer).forward(x))
        return self.last.forward(x)

    def _single(self, x: Tensor) -> Tensor:
        for layer in self.hiddens:
            x = self.activation(cast(EnsembleLinear, layer).single(x))
        return self.last.single(x)
