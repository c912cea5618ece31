"""Models whose weights are far from where they start, so that nothing holds by being near the identity."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from gmstudio import registry
from gmstudio.models.layers.base import DensityModel

Rough = Callable[..., DensityModel]


def points(count: int, dim: int) -> torch.Tensor:
    """Correlated points to start from, mean near 0 and variance near 1."""
    draw = torch.Generator().manual_seed(100 + dim)
    x = torch.randn(count, dim, generator=draw)
    x[:, -1] = 0.6 * x[:, -1] + 0.8 * x[:, 0].abs() - 0.6
    return x


@pytest.fixture
def rough() -> Rough:
    """Build a model by name, in float64 and `eval` mode, its parameters moved at random."""

    def build(
        name: str,
        dim: int = 2,
        members: int = 2,
        amount: float = 0.1,
        shape: tuple[int, int, int] | None = None,
        **fields: Any,
    ) -> DensityModel:
        dim = math.prod(shape) if shape else dim
        spec: Any = registry.find("model", name).spec(**fields)
        model: DensityModel = spec.build(dim, list(range(members)), points(300, dim), shape).double().eval()
        draw = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += amount * torch.randn(parameter.shape, generator=draw, dtype=torch.float64)
        return model

    return build
