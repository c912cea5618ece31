"""A model that was read from a folder: a density in the units of the data."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gmstudio.models.layers.base import DensityModel

#: Points in one pass through the model.
CHUNK = 8192


class LoadedModel:
    """A trained model in the units of the data; standardising and back is done inside.

    Attributes:
        folder: where it was read from.
        config: the content of ``config.json``.
        dim: D.
        dtype: in which it computes, float32 or float64.
        model: the model of standardised points, an ensemble of one.
        shift, scale: (D,), of the standardisation ``(x - shift) / scale``.

    Example:
        >>> import gmstudio, torch
        >>> model = gmstudio.load("moons")  # doctest: +SKIP
        >>> model.log_prob(torch.zeros(5, 2))  # doctest: +SKIP
    """

    def __init__(self, folder: Path, config: dict[str, Any], model: DensityModel, shift: Tensor, scale: Tensor) -> None:
        self.folder = folder
        self.config = config
        self.dim = model.dim
        self.dtype = shift.dtype
        self.model = model.eval().requires_grad_(False)
        self.shift, self.scale = shift, scale

    def __repr__(self) -> str:
        kind = self.config.get("model", {}).get("kind", "model")
        return f"LoadedModel({kind}, dim={self.dim}, {self.dtype}, {str(self.folder)!r})"

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats, differentiable with respect to `x`.

        Args:
            x: (N, D), a tensor or anything that `torch.as_tensor` takes.

        Returns:
            (N,).
        """
        volume = self.scale.log().sum()
        return self._pieces(x, lambda z: self.model.log_prob(z[None])[0]) - volume

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density with respect to `x` of shape (N, D); returns (N, D), detached."""
        return self._pieces(x, lambda z: self.model.score(z[None])[0]) / self.scale

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Draw samples; the same seed gives the same ones.

        Args:
            n: how many.
            seed: of a generator of its own.

        Returns:
            (n, D).
        """
        if n < 0:
            raise ValueError(f"{n} samples cannot be drawn")
        noise = self.model.noise(n, torch.Generator().manual_seed(seed)).to(self.shift)
        with torch.no_grad():
            parts = [self.model.sample(part)[0] for part in torch.split(noise, CHUNK)]
        return torch.cat(parts) * self.scale + self.shift

    def path(self, x: Tensor) -> Tensor:
        """The way of points (N, D) through the layers, standardised, data first: (L + 1, N, D).

        Raises:
            NotImplementedError: when the model has no layers to go through.
        """
        if "path" not in self.model.can:
            raise NotImplementedError("this kind of model has no path")
        return self.model.path(self._standardised(x)[None])[:, 0]

    def to(self, dtype: torch.dtype) -> LoadedModel:
        """The same model computing in float32 or float64.

        Raises:
            ValueError: for another dtype.
        """
        if dtype not in (torch.float32, torch.float64):
            raise ValueError(f"a model computes in float32 or float64, not in {dtype}")
        copied = copy.deepcopy(self.model).to(dtype)
        return LoadedModel(self.folder, self.config, copied, self.shift.to(dtype), self.scale.to(dtype))

    def _standardised(self, x: Tensor) -> Tensor:
        x = torch.as_tensor(x).to(self.shift)
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise ValueError(f"the points have the shape {tuple(x.shape)}; give (N, {self.dim})")
        return (x - self.shift) / self.scale

    def _pieces(self, x: Tensor, evaluate: Callable[[Tensor], Tensor]) -> Tensor:
        return torch.cat([evaluate(part) for part in torch.split(self._standardised(x), CHUNK)])
