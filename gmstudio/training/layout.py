"""All parameters of an ensemble in one buffer, and all gradients in another."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gmstudio.models.layers.base import DensityModel
from gmstudio.models.layers.gradients import Slots, followed
from gmstudio.objectives.base import ObjectiveSpec

#: Every parameter begins at a multiple of this many numbers: 64 bytes, a cache line.
ALIGNMENT = 16


class Layout:
    """The trainable parameters of E members as rows of one buffer (E, P); the model's parameters become views of it.

    Their gradients are gathered in a second buffer, so that one operation clips or steps them all.

    Args:
        model: every parameter leads with E; it must already be on its device.

    Raises:
        ValueError: when a parameter does not lead with E.
    """

    def __init__(self, model: DensityModel) -> None:
        self.members = model.members
        self.slices: dict[str, tuple[int, torch.Size]] = {}
        trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
        offset = 0
        for name, parameter in trainable.items():
            if parameter.dim() == 0 or parameter.shape[0] != self.members:
                raise ValueError(f"the parameter {name} does not lead with the {self.members} members")
            self.slices[name] = (offset, parameter.shape)
            size = math.prod(parameter.shape[1:])
            offset += -(-size // ALIGNMENT) * ALIGNMENT
        device = next(iter(trainable.values())).device if trainable else torch.device("cpu")
        self.values = torch.zeros(self.members, offset, device=device)
        self.gradients = torch.zeros_like(self.values)
        values, gradients = self.unpack(self.values), self.unpack(self.gradients)
        for name, parameter in trainable.items():
            values[name].copy_(parameter.detach())
            parameter.data = values[name]
        self._parameters = list(trainable.values())
        self._views = [gradients[name] for name in trainable]
        self._slots = Slots(dict(zip(self._parameters, self._views, strict=True)))

    def differentiate(
        self, objective: ObjectiveSpec, model: DensityModel, x: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        """Put the gradient of the losses' sum into `gradients`.

        ``.grad`` is left alone: PyTorch warns of, and is slow with, gradients that are not contiguous.

        Args:
            objective: gives the losses.
            model: whose parameters these are.
            x: (E, B, D), a batch.
            noise: (E, B, K), for the objective; None where it wants none.

        Returns:
            The losses, (E,).
        """
        weight = objective.weight(x.shape[1])
        if weight is not None and model.passes is not None and not followed(x):
            return self._slots.fill(model.passes, x, weight)
        with torch.enable_grad():
            losses = objective.loss(model, x, noise)
            found = torch.autograd.grad(losses.sum(), self._parameters, allow_unused=True, materialize_grads=True)
        torch._foreach_copy_(self._views, found)
        return losses.detach()

    @property
    def size(self) -> int:
        """P, with the padding."""
        return int(self.values.shape[1])

    def unpack(self, flat: Tensor) -> dict[str, Tensor]:
        """Views of a buffer (E, P) in the names and shapes of the parameters."""
        views: dict[str, Tensor] = {}
        for name, (offset, shape) in self.slices.items():
            views[name] = flat[:, offset : offset + math.prod(shape[1:])].view(shape)
        return views
