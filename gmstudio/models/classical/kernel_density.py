"""Kernel density estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from gmstudio.models.base import ModelSpec, Shape
from gmstudio.registry import SpecError, component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


@component(
    "model",
    title="Kernel density",
    summary="A small Gaussian on each of many training points; only their common width is learned.",
    order=70,
)
class KernelDensity(ModelSpec, frozen=True, kw_only=True, tag="kde"):
    """A kernel density estimate; the width is learned by the likelihood that leaves a point's nearest centre out."""

    counts_points: ClassVar[bool] = True

    centres: Annotated[
        int, describe("At most so many training points carry a Gaussian.", ge=2, le=2000, unit="points", log=True)
    ] = 2000

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble; without `data` the centres wait at 0 for a saved state to be loaded.

        Raises:
            SpecError: when there are fewer than two points.
        """
        import torch

        from gmstudio.models.layers.kernel_density import KernelDensityModel
        from gmstudio.models.layers.linear import generators

        if data is None:
            return KernelDensityModel(torch.zeros(len(seeds), 2, dim))
        if data.shape[0] < 2:
            raise SpecError(
                f"A kernel density cannot be built on {data.shape[0]} point{'' if data.shape[0] == 1 else 's'}.",
                "Give it at least 2.",
                "data",
            )
        points = data.detach().cpu().float()
        chosen = [torch.randperm(points.shape[0], generator=draw)[: self.centres] for draw in generators(seeds)]
        return KernelDensityModel(torch.stack([points[choice] for choice in chosen]))
