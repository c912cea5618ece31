"""Linear layers and multilayer perceptrons of E members, evaluated in one pass.

Points stand in columns, (E, inputs, B), so that the few inputs and outputs of a network are rows of B numbers.  With
points in rows, products have rows of one or two numbers, over which BLAS libraries stumble: up to eight times slower.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.models.layers.gradients import Places, Source, tensors_of

Activation = Literal["relu", "silu", "tanh"]
#: How weights are drawn.
Init = Literal["uniform", "he", "orthogonal"]
_relu_back = torch.ops.aten.threshold_backward.grad_input
_silu_back = torch.ops.aten.silu_backward.grad_input
_tanh_back = torch.ops.aten.tanh_backward.grad_input
#: Rows that are shorter than this are slow to make.
_SHORT = 32


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One generator on the CPU for each seed; a member draws from its own only, as it would alone."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Apply each member's affine map to its own points.

    Args:
        x: (E, in, B).
        weight: (E, out, in).
        bias: (E, out).

    Returns:
        (E, out, B).
    """
    return torch.baddbmm(bias.unsqueeze(2), weight, x)


def outer(a: Tensor, b: Tensor, place: Tensor | None = None) -> Tensor:
    """a b^T for each member: the slopes of a matrix whose products of points b have slopes a.

    Args:
        a: (E, M, B).
        b: (E, N, B).
        place: where the result can be put.

    Returns:
        (E, M, N).
    """
    if not 2 < b.shape[1] < min(_SHORT, a.shape[1]):
        return torch.bmm(a, b.mT, out=place)
    return torch.bmm(b, a.mT).mT


class EnsembleLinear(nn.Module):
    """E affine maps, drawn uniformly within 1 / sqrt(inputs), as torch's own Linear, or in another way.

    Args:
        inputs: columns that come in.
        outputs: columns that go out.
        draws: one generator for each member.
        scale: factor on uniform weights; the biases are 0 where it is not 1.
        init: ``he`` for sqrt(6) times that width, so that activations that halve what they get keep its size from layer
            to layer (He et al. 2015); ``orthogonal`` for rows or columns that are orthonormal, and biases of 0 (Saxe et
            al. 2014).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        draws: Sequence[torch.Generator],
        scale: float = 1.0,
        init: Init = "uniform",
    ) -> None:
        super().__init__()
        if init == "orthogonal":
            drawn = [nn.init.orthogonal_(torch.empty(outputs, inputs), generator=draw) for draw in draws]
            self.weight = nn.Parameter(torch.stack(drawn))
            self.bias = nn.Parameter(torch.zeros(len(draws), outputs))
            return
        bound = scale * (math.sqrt(6.0) if init == "he" else 1.0) / math.sqrt(max(inputs, 1))
        weights = [torch.empty(outputs, inputs).uniform_(-bound, bound, generator=draw) for draw in draws]
        biases = [torch.empty(outputs).uniform_(-bound, bound, generator=draw) for draw in draws]
        self.weight = nn.Parameter(torch.stack(weights))
        self.bias = nn.Parameter(torch.stack(biases) if scale == 1.0 else torch.zeros(len(draws), outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (E, inputs, B) to (E, outputs, B)."""
        return linear(x, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class _Pair:
    """An activation and its way back.

    Attributes:
        value: of what comes in.
        pull: changes slopes of values into slopes of what came in, given what was kept.
        inputs: whether what came in is to be kept; else the values are, and may take its place.
    """

    value: Callable[[Tensor], Tensor]
    pull: Callable[[Tensor, Tensor], object]
    inputs: bool = False


_PAIRS = {
    "relu": _Pair(torch.relu_, lambda slope, kept: _relu_back(slope, kept, 0, grad_input=slope)),
    "silu": _Pair(functional.silu, lambda slope, kept: _silu_back(slope, kept, grad_input=slope), inputs=True),
    "tanh": _Pair(torch.tanh_, lambda slope, kept: _tanh_back(slope, kept, grad_input=slope)),
}


class MLP(nn.Module):
    """E multilayer perceptrons.

    Args:
        inputs: columns that come in.
        outputs: columns that go out.
        hidden: width of the hidden layers.
        layers: number of hidden layers.
        activation: between the layers.
        draws: one generator for each member.
        last: factor on uniform weights of the last layer; a small one starts a flow near the identity.
        init: how the weights are drawn; ``he`` those of the hidden layers.
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
        init: Init = "uniform",
    ) -> None:
        super().__init__()
        sizes = [inputs, *[hidden] * layers]
        self.hiddens = nn.ModuleList([EnsembleLinear(a, b, draws, init=init) for a, b in itertools.pairwise(sizes)])
        self.last = EnsembleLinear(sizes[-1], outputs, draws, last, "uniform" if init == "he" else init)
        self.activation: Activation = activation

    def sources(self) -> list[Source]:
        """Weight and bias of each layer."""
        return [(layer._parameters, name) for layer in (*self.hiddens, self.last) for name in ("weight", "bias")]

    def forward(self, x: Tensor) -> Tensor:
        """Map (E, inputs, B) to (E, outputs, B)."""
        return push(x, tensors_of(self.sources()), self.activation, keep=False)[0]

    def traced(self, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Values, and what carries slopes of them back to x, without autograd, in operations that it can follow."""
        tensors = tensors_of(self.sources())
        derivatives = []
        for i in range(0, len(tensors) - 2, 2):
            x, derivative = bent(linear(x, tensors[i], tensors[i + 1]), self.activation)
            derivatives.append(derivative)

        def back(slope: Tensor) -> Tensor:
            for i in range(len(tensors) - 2, 0, -2):
                slope = torch.bmm(tensors[i].mT, slope) * derivatives[i // 2 - 1]
            return torch.bmm(tensors[0].mT, slope)

        return linear(x, tensors[-2], tensors[-1]), back


def activated(x: Tensor, activation: Activation) -> Tensor:
    """An activation; x stays as it is."""
    values: Tensor = {"relu": torch.relu, "silu": functional.silu, "tanh": torch.tanh}[activation](x)
    return values


def bent(inner: Tensor, activation: Activation) -> tuple[Tensor, Tensor]:
    """An activation and its derivative, both in operations that can be differentiated again."""
    if activation == "relu":
        return torch.relu(inner), (inner > 0).to(inner)
    if activation == "tanh":
        value = torch.tanh(inner)
        return value, 1.0 - value.square()
    share = torch.sigmoid(inner)
    value = inner * share
    return value, share + value * (1.0 - share)


def push(x: Tensor, tensors: Sequence[Tensor], activation: Activation, *, keep: bool) -> tuple[Tensor, list[Tensor]]:
    """Values of a network, in operations that autograd can follow.

    Args:
        x: (E, inputs, B).
        tensors: weight and bias of each layer.
        activation: between the layers.
        keep: whether `pull` follows; nothing is saved otherwise.

    Returns:
        (E, outputs, B), and what `pull` needs.
    """
    pair = _PAIRS[activation]
    saved = [x] if keep else []
    for i in range(0, len(tensors) - 2, 2):
        x = linear(x, tensors[i], tensors[i + 1])
        if keep and pair.inputs:
            saved.append(x)
        x = pair.value(x)
        if keep:
            saved.append(x)
    return linear(x, tensors[-2], tensors[-1]), saved


def pull(
    saved: Sequence[Tensor],
    tensors: Sequence[Tensor],
    activation: Activation,
    slope: Tensor,
    places: Places,
    *,
    points: bool,
    onto: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Carry slopes back through a network.

    Args:
        saved: from `push`.
        tensors, activation: as there.
        slope: of the values, (E, outputs, B).
        places: where the slopes of the tensors can be put; None when they are not wanted.
        points: whether the slopes of the points are wanted; else they mean nothing.
        onto: slopes of the points to which these are added.

    Returns:
        Slopes of the points, (E, inputs, B), and of the tensors.
    """
    pair = _PAIRS[activation]
    stride = 2 if pair.inputs else 1
    found: list[Tensor] = []
    for i in range(len(tensors) - 2, -1, -2):
        at = i // 2 * stride
        if places is not None:
            found.append(torch.sum(slope, 2, out=places[i + 1]))
            found.append(outer(slope, saved[at], places[i]))
        if i == 0 and not points:
            break
        if i == 0 and onto is not None:
            slope = torch.baddbmm(onto, tensors[0].mT, slope)
            break
        slope = torch.bmm(tensors[i].mT, slope)
        if i:
            pair.pull(slope, saved[at - stride + 1])
    return slope, found[::-1]
