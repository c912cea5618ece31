"""A latent-variable model with known weights, and as much of a trainer as an observer may look at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gmstudio.data.base import Dataset
from gmstudio.models.layers.latent import LatentModel, Variance


class Affine(nn.Module):
    """Columns (E, N, B) to (E, M, B)."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias.unsqueeze(2), self.weight, x)


def linear_model(dim: int, latent: int, members: int = 2, seed: int = 3, gamma: float = 0.25) -> LatentModel:
    """Encoder and decoder are affine, the posterior's log-variance a constant for each latent dimension."""
    draw = torch.Generator().manual_seed(seed)
    into = torch.randn(members, 2 * latent, dim, generator=draw) / dim**0.5
    into[:, latent:] = 0
    bias = 0.5 * torch.randn(members, 2 * latent, generator=draw)
    out = torch.randn(members, dim, latent, generator=draw)
    decoder = Affine(out, torch.randn(members, dim, generator=draw))
    return LatentModel(dim, latent, Affine(into, bias), decoder, members, Variance(start=gamma))


class LatentStandIn:
    """A trainer that stands still unless told."""

    def __init__(self, dataset: Dataset, model: LatentModel) -> None:
        self.dataset, self.model = dataset, model
        self.device = torch.device("cpu")
        self.step, self.steps, self.finished = 0, 100, False
        self.experiment = SimpleNamespace(columns=tuple(SimpleNamespace(title=str(k)) for k in range(model.members)))
        self.plans = np.zeros((model.members, 100))
        self.sigma2 = np.zeros(model.members)
        self.by = ("noise",) * model.members

    def batch(self, size: int) -> Tensor:
        return self.dataset.train[None, :size].repeat(self.model.members, 1, 1)


def dataset_of(dim: int, rows: int = 500, **more: Any) -> Dataset:
    """Normal numbers with shift and scale."""
    points = torch.randn(rows + 100, dim, generator=torch.Generator().manual_seed(1)) * 2 + 1
    shift, scale = torch.linspace(0.5, 1.5, dim), torch.linspace(1.5, 2.5, dim)
    bounds = (-3.0, 3.0, -3.0, 3.0)
    return Dataset("d", points[:rows], points[rows:], shift, scale, bounds, **more)


def affine(layer: nn.Module, member: int, points: np.ndarray) -> np.ndarray:
    """What a layer makes of rows (N, in), by numpy."""
    assert isinstance(layer, Affine)
    weight, bias = (tensor[member].detach().double().numpy() for tensor in (layer.weight, layer.bias))
    return points @ weight.T + bias
