"""One training step as a function of tensors alone, which a compiler can take as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmstudio.models.layers.base import DensityModel
from gmstudio.models.layers.gradients import plain
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

    def forward(self, *entry: Tensor) -> Tensor:
        return self._objective.loss(self.model, *entry)


class Program(nn.Module):
    """A step of E members: losses, gradients, clipping, and Adam or AdamW in the order of torch's fused kernel.

    Its inputs are ``values``, ``first`` and ``second``, each (E, P) and changed in place; ``moving`` (1, or 0 for a
    member that is held), ``size``, ``root`` and ``shrink``, each (E,), from `scales`; ``x`` (E, B, D); ``noise``
    (E, B, K) where the objective draws; and the model's buffers in the order of `buffer_names`.  It returns the losses,
    (E,).

    Args:
        model: only its structure counts, its numbers are replaced by the inputs.
        objective: gives the losses.
        training: optimiser, weight decay and clipping.
    """

    def __init__(self, model: DensityModel, objective: ObjectiveSpec, training: TrainingSpec) -> None:
        super().__init__()
        self._layout = Layout(model)
        self._loss = _Loss(model, objective)
        self._training = training
        self.buffer_names = buffer_names(model)
        self._draws = objective.draws(model)
        self._entry = 2 if self._draws else 1

    def forward(
        self,
        values: Tensor,
        first: Tensor,
        second: Tensor,
        moving: Tensor,
        size: Tensor,
        root: Tensor,
        shrink: Tensor,
        *rest: Tensor,
    ) -> Tensor:
        """Make one step; returns the losses."""
        losses, gradient = self._differentiate(values, rest[: self._entry], rest[self._entry :])
        clip, decay = self._training.clip, self._training.weight_decay
        moving, size, root, shrink = (number.unsqueeze(1) for number in (moving, size, root, shrink))
        if clip > 0.0:
            norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
            gradient = gradient * (clip / (norm + 1e-6)).clamp(max=1.0)
        start = values
        if decay > 0.0 and self._training.optimiser == "adamw":
            start = values - shrink * values
        elif decay > 0.0:
            gradient = gradient + decay * values
        first_new = first + ((1.0 - BETAS[0]) * moving) * (gradient - first)
        second_new = second + ((1.0 - BETAS[1]) * moving) * (gradient * gradient - second)
        values.copy_(start - size * first_new / (second_new.sqrt() / root + EPSILON))
        first.copy_(first_new)
        second.copy_(second_new)
        return losses

    def _differentiate(
        self, values: Tensor, entry: Sequence[Tensor], buffers: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        views = self._layout.unpack(values.detach())
        with torch.enable_grad():
            leaves = {name: view.requires_grad_(True) for name, view in views.items()}
            tensors = {f"model.{name}": leaf for name, leaf in leaves.items()}
            tensors |= {f"model.{name}": buffer for name, buffer in zip(self.buffer_names, buffers, strict=True)}
            losses: Tensor = torch.func.functional_call(self._loss, tensors, tuple(entry))
            found = torch.autograd.grad(losses.sum(), list(leaves.values()), allow_unused=True, materialize_grads=True)
        return losses.detach(), self._flat(found)

    def _flat(self, gradients: Sequence[Tensor]) -> Tensor:
        """The gradients as rows (E, P), with zeros where the layout is padded."""
        members = self._layout.members
        pieces: list[Tensor] = []
        end = 0
        for (offset, shape), gradient in zip(self._layout.slices.values(), gradients, strict=True):
            if offset > end:
                pieces.append(gradient.new_zeros(members, offset - end))
            pieces.append(gradient.reshape(members, -1))
            end = offset + shape[1:].numel()
        if self._layout.size > end:
            pieces.append(gradients[0].new_zeros(members, self._layout.size - end))
        return torch.cat(pieces, dim=1)

    def example(self, batch: int, dim: int) -> tuple[Tensor, ...]:
        """Inputs of the right shapes."""
        values = self._layout.values.clone()
        members = self._layout.members
        ones = torch.ones(members, dtype=torch.float64)
        numbers = scales(1e-3 * ones, ones, ones, self._training.weight_decay)
        model = self._loss.model
        buffers = [model.get_buffer(name).clone() for name in self.buffer_names]
        entry = [torch.randn(members, batch, size) for size in (dim, self._draws)[: self._entry]]
        return (values, torch.zeros_like(values), torch.zeros_like(values), *numbers, *entry, *buffers)


def scales(rate: Tensor, count: Tensor, moving: Tensor, decay: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What a `Program` multiplies and divides by; a compiler would find powers anew for every few parameters.

    Args:
        rate: of learning.
        count: steps made, this one included.
        moving: 1, or 0 for a member that is held; like the others float64, of any shape.
        decay: of the weights.

    Returns:
        ``moving``, ``size``, ``root`` and ``shrink``, float32.
    """
    # In double precision: 1 - 0.999^n loses three digits in single.  A member that never moved has a count of 0.
    count = count.clamp(min=1.0)
    size = moving * rate / (1.0 - torch.pow(BETAS[0], count))
    root = torch.sqrt(1.0 - torch.pow(BETAS[1], count))
    return moving.float(), size.float(), root.float(), (rate * decay * moving).float()


def buffer_names(model: DensityModel) -> tuple[str, ...]:
    """The names of a model's buffers, in the order in which a `Program` takes them."""
    return tuple(name for name, _ in model.named_buffers())


def trace(program: Program, inputs: tuple[Tensor, ...]) -> Any:
    """The step as a graph of operations, backward pass included, ready for `torch.export`."""
    from torch.fx.experimental.proxy_tensor import make_fx

    with plain():
        return make_fx(program, tracing_mode="fake")(*inputs)
