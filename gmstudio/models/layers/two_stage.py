"""Two autoencoders, the second of which learns how the latent points of the first are distributed.

Dai, Wipf, "Diagnosing and enhancing VAE models", ICLR 2019, section 4: where data lie on a manifold, the first stage
reconstructs them exactly and finds the manifold, but its aggregate posterior q(z) is not N(0, I).  It fills the latent
space, though, so that the second stage, which learns from z ~ q(z), drawn anew in every batch, finds it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gmstudio.models.layers.flow import LOG_2PI
from gmstudio.models.layers.latent import LEARNED, Draw, LatentModel, Through, Variance, gaussian_divergence


class TwoStageModel(LatentModel):
    """p(x) = int p(x | z) p(z | u) p(u), proposed by q(z | x) q(u | z).

    The stages learn at the same time, from losses of their own: nothing of the second reaches the first.

    Args:
        dim, latent, encoder, decoder, members, variance: of the first stage, as for `LatentModel`.
        second: of the first stage's latent points; its dim is L.
    """

    def __init__(
        self,
        dim: int,
        latent: int,
        encoder: nn.Module,
        decoder: nn.Module,
        members: int,
        second: LatentModel,
        variance: Variance = LEARNED,
    ) -> None:
        super().__init__(dim, latent, encoder, decoder, members, variance)
        self.second = second

    @property
    def draws(self) -> int:
        """Numbers of both stages."""
        return self.latent + self.second.draws

    def posterior(self, x: Tensor, noise: Tensor, through: Through | None = None) -> Draw:
        """Draws of z with those of u beside them; see `LatentModel.posterior`."""
        if through is not None:
            raise NotImplementedError("the second stage does not learn from the first one's importance weights")
        own, others = noise.split_with_sizes([self.latent, self.second.draws], 3)
        z, log_ratio = self.drawn(*self.encode(x), own)
        members, points, count = z.shape[:3]
        flat = z.reshape(members, points * count, self.latent)
        inner = self.second.log_weights(flat, others.reshape(members, points * count, 1, -1))
        # Instead of N(z; 0, I), whose constant is in no log-ratio, the density of the second stage.
        normal = -0.5 * (z.square() + LOG_2PI).sum(-1)
        return Draw(z, log_ratio - normal + inner.reshape(members, points, count))

    def terms(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The terms of the bound on log p(x) by one draw, with the gradients of the two stages' own losses.

        Values are those of log p(x | z) and of log q(z | x) - log p(z), bounded by the second stage; the gradient is
        that of -ELBO of the first stage with the prior N(0, I), plus that of the second stage at z, held fixed.
        """
        own, others = noise.split_with_sizes([self.latent, self.second.draws], 2)
        mean, log_variance = self.encode(x)
        z, log_ratio = self.drawn(mean, log_variance, own.unsqueeze(2))
        reconstruction = self.log_likelihood(x, z).squeeze(2)
        inside, apart = self.second.terms(z.squeeze(2).detach(), others)
        second = apart - inside
        first = gaussian_divergence(mean, log_variance)
        normal = -0.5 * (z.squeeze(2).square() + LOG_2PI).sum(-1)
        value = (normal - log_ratio.squeeze(2) + second).detach()
        return reconstruction, value + (first - first.detach()) + (second - second.detach())

    def noise(self, size: int, generator: torch.Generator) -> Tensor:
        """Numbers for u and for the noise in z: (size, M + L) float32 on the CPU."""
        return self.second.noise(size, generator)

    def latents(self, noise: Tensor) -> Tensor:
        """Latent points (E, size, L) as the second stage samples them, of its noise (size, M + L)."""
        return self.second.sample(noise)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn noise into samples (E, size, D): u, then z with the second stage's noise, then x without noise.

        The first stage's variance goes to 0 where the method is of use; the paper adds no noise to x either.
        """
        return self.decode(self.latents(noise))
