"""One training step as a function of tensors alone, which a compiler can take as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmstudio.models.layers.base import DensityModel
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.runs import TrainingSpec
from gmstudio.training.layout import Layout
from gmstudio.training.optimiser import BETAS, EPSILON


class _Loss(nn.Module):
    """An objective's loss of a model, as a module, so that its parameters can be replaced by a function's inputs."""

    def __init__(self, model: DensityModel, objective: ObjectiveSpec) -> None:
        super().__init__()
        self.model = model
        self._objective = objective

    def forward(self, x: Tensor) -> Tensor:
        return self._objective.loss(self.model, x)


class Program(nn.Module):
    """A step of one member: loss, gradient, clipping, and Adam or AdamW in the order of torch's fused kernel.

    Its inputs are ``values``, ``first`` and ``second``, each (P,) and changed in place; ``rate`` and ``count`` (the
    steps made, this one included), both float64 scalars; ``x`` (B, D); and the model's buffers without their leading
    dimension, in the order of `buffer_names`.  It returns the loss, a scalar.

    Args:
        model: with one member; only its structure counts, its numbers are replaced by the inputs.
        objective: gives the loss.
        training: optimiser, weight decay and clipping.
    """

    def __init__(self, model: DensityModel, objective: ObjectiveSpec, training: TrainingSpec) -> None:
        super().__init__()
        self._layout = Layout(model)
        self._loss = _Loss(model, objective)
        self._training = training
        self.buffer_names = buffer_names(model)

    def forward(
        self, values: Tensor, first: Tensor, second: Tensor, rate: Tensor, count: Tensor, x: Tensor, *buffers: Tensor
    ) -> Tensor:
        """Make one step; returns the loss."""
        loss, gradient = self._differentiate(values, x, buffers)
        clip, decay = self._training.clip, self._training.weight_decay
        if clip > 0.0:
            gradient = gradient * (clip / (torch.linalg.vector_norm(gradient) + 1e-6)).clamp(max=1.0)
        start = values
        if decay > 0.0 and self._training.optimiser == "adamw":
            start = values - (rate * decay).to(values.dtype) * values
        elif decay > 0.0:
            gradient = gradient + decay * values
        first_new = first + (1.0 - BETAS[0]) * (gradient - first)
        second_new = BETAS[1] * second + (1.0 - BETAS[1]) * gradient * gradient
        size = (rate / (1.0 - torch.pow(BETAS[0], count))).to(values.dtype)
        root = torch.sqrt(1.0 - torch.pow(BETAS[1], count)).to(values.dtype)
        values.copy_(start - size * first_new / (second_new.sqrt() / root + EPSILON))
        first.copy_(first_new)
        second.copy_(second_new)
        return loss

    def _differentiate(self, values: Tensor, x: Tensor, buffers: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        views = self._layout.unpack(values.detach().unsqueeze(0))
        with torch.enable_grad():
            leaves = {name: view.requires_grad_(True) for name, view in views.items()}
            tensors = {f"model.{name}": leaf for name, leaf in leaves.items()}
            named = zip(self.buffer_names, buffers, strict=True)
            tensors |= {f"model.{name}": buffer.unsqueeze(0) for name, buffer in named}
            loss = torch.func.functional_call(self._loss, tensors, (x.unsqueeze(0),)).sum()
            found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
        return loss.detach(), self._flat(found)

    def _flat(self, gradients: Sequence[Tensor]) -> Tensor:
        """The gradients as one row (P,), with zeros where the layout is padded."""
        pieces: list[Tensor] = []
        end = 0
        for (offset, shape), gradient in zip(self._layout.slices.values(), gradients, strict=True):
            if offset > end:
                pieces.append(gradient.new_zeros(offset - end))
            pieces.append(gradient.reshape(-1))
            end = offset + shape.numel()
        if self._layout.size > end:
            pieces.append(gradients[0].new_zeros(self._layout.size - end))
        return torch.cat(pieces)

    def example(self, batch: int, dim: int) -> tuple[Tensor, ...]:
        """Inputs of the right shapes."""
        values = self._layout.values[0].clone()
        scalars = (torch.tensor(1e-3, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
        model = self._loss.model
        buffers = [model.get_buffer(name)[0].clone() for name in self.buffer_names]
        return (values, torch.zeros_like(values), torch.zeros_like(values), *scalars, torch.randn(batch, dim), *buffers)


def buffer_names(model: DensityModel) -> tuple[str, ...]:
    """The names of a model's buffers, in the order in which a `Program` takes them."""
    return tuple(name for name, _ in model.named_buffers())


def trace(program: Program, inputs: tuple[Tensor, ...]) -> Any:
    """The step as a graph of operations, backward pass included, ready for `torch.export`."""
    from torch.fx.experimental.proxy_tensor import make_fx

    return make_fx(program, tracing_mode="fake")(*inputs)
