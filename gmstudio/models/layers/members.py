"""Members of an ensemble."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import nn

from gmstudio.models.base import ModelSpec
from gmstudio.models.layers.base import DensityModel

M = TypeVar("M", bound=DensityModel)


def take(model: DensityModel, spec: ModelSpec, index: int) -> DensityModel:
    """A copy of one member: an ensemble of one, with the same weights to the bit, on the same device.

    Every parameter and buffer of a model leads with the ensemble dimension, so a member is a slice of each.

    Args:
        model: E members.
        spec: the specification that the model was built from.
        index: which member, from 0 to E - 1.

    Raises:
        IndexError: when there is no such member.
    """
    if not 0 <= index < model.members:
        raise IndexError(f"member {index} of {model.members} was asked for ({type(spec).__name__})")
    single = copy.deepcopy(model)
    for module in single.modules():
        for name, parameter in module.named_parameters(recurse=False):
            sliced = parameter.detach()[index : index + 1].clone()
            setattr(module, name, nn.Parameter(sliced, requires_grad=parameter.requires_grad))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer[index : index + 1].clone())
        if isinstance(module, DensityModel):
            module.members = 1
    return single


def join(models: Sequence[M]) -> M:
    """One ensemble of the members of several models of one architecture, in their order; the first model is changed.

    Args:
        models: at least one, all with tensors of the same shapes but for the ensemble dimension.
    """
    ensemble = models[0]
    modules = [dict(model.named_modules()) for model in models]
    for path, module in modules[0].items():
        for name, parameter in list(module.named_parameters(recurse=False)):
            parts = [others[path].get_parameter(name).detach() for others in modules]
            setattr(module, name, nn.Parameter(torch.cat(parts), requires_grad=parameter.requires_grad))
        for name, _ in list(module.named_buffers(recurse=False)):
            setattr(module, name, torch.cat([others[path].get_buffer(name) for others in modules]))
    ensemble.members = sum(model.members for model in models)
    return ensemble
