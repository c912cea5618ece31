"""An encoder whose noise goes in with the data: draws of the posterior can be had, its density cannot.

Song, Garg, Shi, Ermon, "Sliced score matching: a scalable approach to density and score estimation", UAI 2019, section
5.2: the entropy's gradient is found by a network that learns the posterior's score.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gmstudio.models.layers.gradients import tensors_of
from gmstudio.models.layers.latent import LEARNED, LatentModel, Variance, sobol_normal
from gmstudio.models.layers.linear import MLP, bent, linear

#: Draws by which the posterior's mean and variance are estimated, and the seed of their numbers.
DRAWS, SEED = 32, 20_149
#: The variance of a posterior whose draws have collapsed is not taken for smaller.
LEAST = 1e-6


class ImplicitModel(LatentModel):
    """Latent variables with z = f(x, eps) for a posterior.

    What `encode` gives, and what importance sampling proposes, is the Gaussian with the mean and the variance of
    `DRAWS` draws: estimates of the density stay unbiased, whatever the posterior is.

    Args:
        dim, latent, decoder, members, variance: as for `LatentModel`.
        encoder: maps (E, D + N, B), points and noise, to (E, L, B).
        critic: the score of the posterior: maps (E, D + L, B), points and draws, to (E, L, B).
        numbers: N, standard normal numbers that go into the encoder.
    """

    can = LatentModel.can - {"elbo"}

    def __init__(
        self,
        dim: int,
        latent: int,
        encoder: nn.Module,
        decoder: nn.Module,
        critic: MLP,
        members: int,
        numbers: int,
        variance: Variance = LEARNED,
    ) -> None:
        super().__init__(dim, latent, encoder, decoder, members, variance)
        self.critic = critic
        self.numbers = numbers

    def implicit(self, x: Tensor, noise: Tensor) -> Tensor:
        """Draws (E, L, B) of the posterior given columns x (E, D, B) and noise (E, N, B)."""
        drawn: Tensor = self.encoder(torch.cat((x, noise), dim=1))
        return drawn

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of draws, which take the same noise at every point; see `LatentModel.encode`."""
        members, points = x.shape[:2]
        noise = sobol_normal(DRAWS, self.numbers, SEED).to(x).T[None, :, None, :]
        noise = noise.expand(members, -1, points, -1).reshape(members, self.numbers, points * DRAWS)
        columns = x.mT.unsqueeze(-1).expand(-1, -1, -1, DRAWS).reshape(members, self.dim, points * DRAWS)
        z = self.implicit(columns, noise).reshape(members, self.latent, points, DRAWS)
        variance = z.var(-1) + LEAST
        return z.mean(-1).mT, variance.log().mT

    def entropy_loss(self, x: Tensor, noise: Tensor, directions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the encoder, the decoder and the critic are trained by.

        Args:
            x: (E, B, D).
            noise: (E, B, N) standard normal, for the encoder.
            directions: (E, B, L) standard normal, onto which the critic's error is projected.

        Returns:
            log p(x | z) of a draw; -log p(z) + <s(x, z), z> without its constant, whose gradient by way of z is that of
            KL(q || p) where s is the posterior's score; and the critic's loss (SSM-VR), all (E, B).
        """
        columns = x.mT
        z = self.implicit(columns, noise.mT)
        score, loss = self._critic(columns, z.detach(), directions.mT)
        divergence = (0.5 * z.square() + score.detach() * z).sum(1)
        return self.log_likelihood(x, z.mT.unsqueeze(2)).squeeze(2), divergence, loss

    def _critic(self, x: Tensor, z: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
        """The critic's values (E, L, B) at draws, and its loss v^T ds/dz v + |s|^2 / 2, (E, B)."""
        tensors = tensors_of(self.critic.sources())
        value = torch.cat((x, z), dim=1)
        tangent = torch.bmm(tensors[0][:, :, -self.latent :], direction)
        for i in range(0, len(tensors) - 2, 2):
            if i:
                tangent = torch.bmm(tensors[i], tangent)
            value, derivative = bent(linear(value, tensors[i], tensors[i + 1]), self.critic.activation)
            tangent = tangent * derivative
        score = linear(value, tensors[-2], tensors[-1])
        tangent = torch.bmm(tensors[-2], tangent)
        return score, (direction * tangent).sum(1) + 0.5 * score.square().sum(1)
