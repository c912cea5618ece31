"""The torch half of a model: an ensemble of E models of one architecture, evaluated in one pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gmstudio.models.layers.gradients import Passes


class DensityModel(nn.Module):
    """E members with a normalised density on R^D.  Every tensor leads with the ensemble dimension E.

    Every parameter and buffer has shape (E, …), so that a member is a slice.

    Args:
        dim: D.
        members: E.
    """

    #: What panels and exports may ask for.  ``path`` means that `path` is implemented.
    can: frozenset[str] = frozenset({"log_prob", "score", "sample"})

    def __init__(self, dim: int, members: int) -> None:
        super().__init__()
        self.dim = dim
        self.members = members

    @property
    def passes(self) -> Passes | None:
        """How the log-density's gradient is found without autograd, where the model knows."""
        return None

    @property
    def estimator(self) -> str:
        """How `log_prob` is estimated, such as ``importance sampling, 32 draws``; empty where it is exact."""
        return ""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats.

        Args:
            x: (E, B, D).

        Returns:
            (E, B).
        """
        raise NotImplementedError

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density with respect to x of shape (E, B, D); returns (E, B, D), detached."""
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.log_prob(x).sum(), x)
        return gradient

    def refresh(self, points: Tensor) -> None:
        """Bring up to date what evaluation needs and training does not, such as running statistics.

        The weights stay as they are, to the bit.

        Args:
            points: (N, D) clean standardised training points.
        """

    def noise(self, size: int, generator: torch.Generator) -> Tensor:
        """The random numbers that `sample` turns into samples: (size, K) float32 on the CPU."""
        return torch.randn(size, self.dim, generator=generator)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn noise (size, K) into samples (E, size, D); deterministic, so that samples move as weights move."""
        raise NotImplementedError

    def path(self, x: Tensor) -> Tensor:
        """The way of points (E, B, D) through the layers, data first, latent last: (L + 1, E, B, D)."""
        raise NotImplementedError
