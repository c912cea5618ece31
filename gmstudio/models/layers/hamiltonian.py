"""A posterior whose draws follow the slope of the joint density: Hamiltonian VAE.

Caterini, Doucet, Sejdinovic, "Hamiltonian Variational Auto-Encoder", NeurIPS 2018, algorithms 1 and 2: leapfrog steps
for U(z) = -log p(x, z), and after each the momentum is cooled, from the inverse temperature beta_0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from gmstudio.models.layers.latent import LEARNED, Draw, LatentModel, Through, Variance

#: Largest step of the leapfrog, in standard deviations of the prior.
LARGEST = 0.5


class Traced(Protocol):
    """A network that knows its slopes."""

    def traced(self, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """See `gmstudio.models.layers.linear.MLP.traced`."""


class HamiltonianModel(LatentModel):
    """Latent variables with a posterior by tempered Hamiltonian steps.

    With z_0 of the encoder's Gaussian and momenta rho_0 ~ N(0, I / beta_0), the leapfrog keeps volumes and the cooling
    changes them by beta_0^(L/2) in all, which cancels the constant of rho_0's density:
    log q(z, rho) = log q(z_0 | x) + log N(sqrt(beta_0) rho_0; 0, I).

    Args:
        dim, latent, encoder, members, variance: as for `LatentModel`.
        decoder: one whose slopes are found without autograd, since observing forbids it.
        steps: of the leapfrog.
        temperature: beta_0 in (0, 1]; 1 for no tempering.
        size: the leapfrog's step at the start, below `LARGEST`; each latent dimension learns its own.
    """

    def __init__(
        self,
        dim: int,
        latent: int,
        encoder: nn.Module,
        decoder: Traced,
        members: int,
        steps: int,
        temperature: float,
        size: float,
        variance: Variance = LEARNED,
    ) -> None:
        super().__init__(dim, latent, encoder, cast(nn.Module, decoder), members, variance)
        self.raw_size = nn.Parameter(torch.full((members, latent), math.log(size / (LARGEST - size))))
        self._steps, self._start = steps, math.sqrt(temperature)

    @property
    def draws(self) -> int:
        """Position and momentum."""
        return 2 * self.latent

    def posterior(self, x: Tensor, noise: Tensor, through: Through | None = None) -> Draw:
        """Draws after the last step; see `LatentModel.posterior`."""
        if through is not None:
            raise NotImplementedError("the density of a draw is known only together with the draw")
        mean, log_variance = (part.mT for part in self.encode(x))
        members, points, count = noise.shape[:3]
        numbers, momentum = noise.permute(0, 3, 1, 2).split_with_sizes([self.latent, self.latent], 1)
        first = 0.5 * (numbers.square().sum(1) + momentum.square().sum(1) + log_variance.sum(1).unsqueeze(-1))
        z = torch.addcmul(mean.unsqueeze(-1), torch.exp(0.5 * log_variance).unsqueeze(-1), numbers)
        flat = (members, -1, points * count)
        target = x.mT.unsqueeze(-1).expand(-1, -1, -1, count).reshape(flat)
        z, rho = self._follow(target, z.reshape(flat), momentum.reshape(flat) / self._start)
        last = 0.5 * (z.square().sum(1) + rho.square().sum(1)).reshape(members, points, count)
        return Draw(z.reshape(members, self.latent, points, count).permute(0, 2, 3, 1), first - last)

    def _follow(self, x: Tensor, z: Tensor, rho: Tensor) -> tuple[Tensor, Tensor]:
        """Leapfrog steps from position and momentum (E, L, N) given points (E, D, N); each followed by cooling."""
        size = (LARGEST * torch.sigmoid(self.raw_size)).unsqueeze(2)
        slope = self.slope(x, z)
        for k in range(1, self._steps + 1):
            half = torch.addcmul(rho, size, slope, value=0.5)
            z = torch.addcmul(z, size, half)
            slope = self.slope(x, z)
            rho = torch.addcmul(half, size, slope, value=0.5) * (self._root(k - 1) / self._root(k))
        return z, rho

    def _root(self, k: int) -> float:
        """sqrt(beta_k), by the quadratic scheme of the paper's section 3.2."""
        return 1.0 / ((1.0 - 1.0 / self._start) * (k / self._steps) ** 2 + 1.0 / self._start)

    def slope(self, x: Tensor, z: Tensor) -> Tensor:
        """Gradient of log p(x, z) with respect to z, (E, L, N), of points (E, D, N), in operations autograd follows."""
        mean, back = cast(Traced, self.decoder).traced(z)
        return back((x - mean) * torch.exp(-self.log_gamma()).unsqueeze(2)) - z

    terms = LatentModel.terms_of_draw

    def reconstruct(self, x: Tensor) -> Tensor:
        """What the decoder makes of where the mean of the encoder's Gaussian goes when it starts at rest."""
        nothing = x.new_zeros(*x.shape[:2], 1, self.draws)
        return self.decode(self.posterior(x, nothing).z.squeeze(2))
