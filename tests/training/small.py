"""A small model of the tests' own, and data without a file: what the trainer does must not hang on the other rooms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmstudio import registry
from gmstudio.data.base import Dataset, PlaneSpec
from gmstudio.models.base import ModelSpec, Shape
from gmstudio.models.layers.base import DensityModel
from gmstudio.objectives.maximum_likelihood import MaximumLikelihood
from gmstudio.runs import Column, Experiment, RunSpec, TrainingSpec


class SmallModel(DensityModel):
    """A Gaussian with a triangular root, bent by a small net so that the loss is not quadratic."""

    mean: nn.Parameter
    root: nn.Parameter

    def __init__(self, dim: int, seeds: Sequence[int], hidden: int) -> None:
        super().__init__(dim, len(seeds))
        draws = []
        for seed in seeds:
            g = torch.Generator().manual_seed(seed)
            draws.append([torch.randn(dim, generator=g) * 0.1, torch.eye(dim)])
            draws[-1] += [torch.randn(hidden, 1, generator=g), torch.randn(1, hidden, generator=g) * 0.1]
        self.mean, self.root, self.up, self.down = (nn.Parameter(torch.stack(d)) for d in zip(*draws, strict=True))
        self.bent = hidden > 0

    def log_prob(self, x: Tensor) -> Tensor:
        if self.bent:
            shift = torch.tanh(x[..., :1] @ self.up.mT) @ self.down.mT
            x = torch.cat([x[..., :1], x[..., 1:] - shift], dim=-1)
        lower = self.root.tril(-1) + torch.diag_embed(self.root.diagonal(dim1=-2, dim2=-1).abs() + 1e-6)
        z = (x - self.mean[:, None]) @ lower.mT
        volume = lower.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return -0.5 * (z**2).sum(-1) + volume[:, None] - 0.5 * self.dim * float(torch.log(torch.tensor(2 * torch.pi)))


class Small(ModelSpec, frozen=True, kw_only=True, tag="small"):
    hidden: int = 8

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> SmallModel:
        return SmallModel(dim, seeds, self.hidden)


class SmallData(PlaneSpec, frozen=True, kw_only=True, tag="small-data"):
    shift: float = 0.5

    def build(self, seed: int) -> Dataset:
        g = torch.Generator().manual_seed(seed)
        root = torch.tensor([[1.0, 0.0], [0.6, 0.5]])
        train, validation = (torch.randn(n, 2, generator=g) @ root.T + self.shift for n in (self.size, 500))
        scale = torch.full((2,), 2.0) if self.standardise else torch.ones(2)
        return Dataset("small", train, validation, torch.tensor([0.5, 0.25]), scale, (-4.0, 4.0, -4.0, 4.0))


def schedule(kind: str, **values: Any) -> Any:
    return registry.from_plain("schedule", {"kind": kind, **values})


def experiment(*columns: Column, size: int = 300, hidden: int = 8, **training: Any) -> Experiment:
    values: dict[str, Any] = {"steps": 400, "batch": 32, "evaluate_every": 50, "rate": 0.01, **training}
    run = RunSpec(
        data=SmallData(size=size),
        model=Small(hidden=hidden),
        objective=MaximumLikelihood(),
        mollification=schedule("sigmoid"),
        training=TrainingSpec(**values),
    )
    return Experiment(run=run, columns=columns or (Column(title="a", mollification=schedule("off")), Column(title="b")))
