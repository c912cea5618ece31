"""Latent-variable models: p(x) = int p(x | z) p(z) dz, with a Gaussian decoder and an approximate posterior.

p(z) = N(0, I) and p(x | z) = N(decode(z), diag(gamma)); gamma is a variance, as in Dai, Wipf, Diagnosing and enhancing
VAE models, ICLR 2019.  q(z | x) is a diagonal Gaussian (Kingma, Welling, Auto-encoding variational Bayes, ICLR 2014),
which subclasses make richer.  Inside, points stand in columns, as in `gmstudio.models.layers.linear`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.models.layers.base import DensityModel
from gmstudio.models.layers.flow import LOG_2PI

Gamma = Literal["fixed", "learned", "per column"]
#: The posterior's log-variance stays within this of 0, smoothly: its exponential is finite wherever a point lies.
BOUND = 30.0
#: log gamma is this times its parameter.  Adam moves every parameter by about the learning rate a step, and log gamma
#: has a long way to go: to -10 and below where the data lie on a curve.
PACE = 10.0
#: Draws for each point in `LatentModel.log_prob`, and the seed of their numbers.
IMPORTANCE = 32
SEED = 20_131
#: Draws in one pass of importance sampling, of all points and members together: more do not fit the caches.  Launching
#: kernels costs a GPU more than draws do.
CHUNK = 4096
CHUNK_CUDA = 524_288

#: Changes draws (E, B, K, L) on their way into their weights.
Through = Callable[[Tensor], Tensor]


class Variance(NamedTuple):
    """The variance of the decoder: fixed, learned, or learned for every column; and what it is at the start."""

    gamma: Gamma = "learned"
    start: float = 1.0


LEARNED = Variance()


class Draw(NamedTuple):
    """Draws of the posterior q(z, extras | x), K of each point.

    Attributes:
        z: (E, B, K, L), what the decoder is given.
        log_ratio: (E, B, K), log p(z, extras) - log q(z, extras | x), of whatever the augmented posterior holds.
    """

    z: Tensor
    log_ratio: Tensor


class LatentModel(DensityModel):
    """E members with latent variables; with a Gaussian posterior unless a subclass says otherwise.

    A subclass with a richer posterior overrides `draws`, `posterior` and `terms`.  One whose log q cannot be had as a
    function of z alone leaves ``path gradient`` out of its specification's `offers`.

    Args:
        dim: D.
        latent: L.
        encoder: maps (E, D, B) to (E, 2 L, B): mean and log-variance of the posterior's base, before the bound.
        decoder: maps (E, L, B) to (E, D, B): the mean of p(x | z).
        members: E.
        variance: of the decoder.

    Attributes:
        importance: draws for each point in `log_prob`.
    """

    can = frozenset({"log_prob", "score", "sample", "encode", "decode", "elbo"})

    def __init__(
        self,
        dim: int,
        latent: int,
        encoder: nn.Module,
        decoder: nn.Module,
        members: int,
        variance: Variance = LEARNED,
    ) -> None:
        super().__init__(dim, members)
        self.latent = latent
        self.importance = IMPORTANCE
        self.encoder, self.decoder = encoder, decoder
        raw = torch.full((members, dim if variance.gamma == "per column" else 1), math.log(variance.start) / PACE)
        if variance.gamma == "fixed":
            self.register_buffer("raw_gamma", raw)
        else:
            self.raw_gamma = nn.Parameter(raw)

    @property
    def draws(self) -> int:
        """Standard normal numbers that one draw of the posterior takes."""
        return self.latent

    @property
    def estimator(self) -> str:
        """Importance sampling, and with how many draws."""
        return f"importance sampling, {self.importance} draws"

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, both (E, B, L), of the posterior's Gaussian base at points (E, B, D)."""
        mean, raw = self.encoder(x.mT).chunk(2, dim=1)
        return mean.mT, (BOUND * torch.tanh(raw / BOUND)).mT

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x | z), (E, B, D), of latent points (E, B, L)."""
        columns: Tensor = self.decoder(z.mT)
        return columns.mT

    def log_gamma(self) -> Tensor:
        """Log-variance of the decoder, (E, D); expanded where it is one number."""
        return (PACE * self.raw_gamma).expand(-1, self.dim)

    def posterior(self, x: Tensor, noise: Tensor, through: Through | None = None) -> Draw:
        """Reparameterised draws of the posterior.

        Args:
            x: (E, B, D).
            noise: (E, B, K, `draws`) standard normal.
            through: where given, the draws go through it, and log q is a function of them alone: its parameters get
                no gradient (see `gmstudio.objectives.iwae`).

        Raises:
            NotImplementedError: for `through`, by subclasses that do not offer ``path gradient``.
        """
        return self.drawn(*self.encode(x), noise, through)

    def drawn(self, mean: Tensor, log_variance: Tensor, noise: Tensor, through: Through | None = None) -> Draw:
        """Draws (E, B, K, L) of the Gaussian with this mean and log-variance (E, B, L); see `posterior`."""
        centre, spread = mean.mT.unsqueeze(-1), log_variance.mT.unsqueeze(-1)
        deviation, numbers = torch.exp(0.5 * spread), noise.permute(0, 3, 1, 2)
        z = torch.addcmul(centre, deviation, numbers)
        if through is not None:
            z = through(z.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            numbers, spread = (z - centre.detach()) / deviation.detach(), spread.detach()
        log_ratio = 0.5 * ((numbers.square() - z.square()).sum(1) + spread.sum(1))
        return Draw(z.permute(0, 2, 3, 1), log_ratio)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x | z) in nats, (E, B, K), of points (E, B, D) given latent points (E, B, K, L)."""
        members, points, draws, latent = z.shape
        mean = self.decode(z.reshape(members, points * draws, latent)).mT
        log_gamma = self.log_gamma()
        target = x.mT.unsqueeze(-1).expand(-1, -1, -1, draws).reshape(members, self.dim, points * draws)
        # One pass over the numbers each way, where differences, weights and squares by themselves would be three.
        squares = torch.bmm(torch.exp(-log_gamma).unsqueeze(1), functional.mse_loss(mean, target, reduction="none"))
        constant = (log_gamma.sum(1) + LOG_2PI * self.dim)[:, None, None]
        return -0.5 * (squares.reshape(members, points, draws) + constant)

    def log_weights(self, x: Tensor, noise: Tensor, *, through: Through | None = None) -> Tensor:
        """log p(x, z, extras) - log q(z, extras | x) of draws; the expectation of its exponential is p(x).

        Args:
            x: (E, B, D).
            noise: (E, B, K, `draws`) standard normal.
            through: see `posterior`.

        Returns:
            (E, B, K).
        """
        z, log_ratio = self.posterior(x, noise, through)
        return self.log_likelihood(x, z) + log_ratio

    def terms(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The two terms of the evidence lower bound, E_q log p(x | z) - KL(q(z | x) || p(z)), by one draw.

        Args:
            x: (E, B, D).
            noise: (E, B, `draws`) standard normal.

        Returns:
            log p(x | z) of the draw, and the divergence, both (E, B).
        """
        mean, log_variance = self.encode(x)
        z = self.drawn(mean, log_variance, noise.unsqueeze(2)).z
        return self.log_likelihood(x, z).squeeze(2), gaussian_divergence(mean, log_variance)

    def terms_of_draw(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As `terms`, the divergence by the draw, too: for posteriors without a divergence in closed form."""
        z, log_ratio = self.posterior(x, noise.unsqueeze(2))
        return self.log_likelihood(x, z).squeeze(2), -log_ratio.squeeze(2)

    def divergence(self, x: Tensor, noise: Tensor) -> Tensor:
        """KL(q(z | x) || p(z)) in nats, (E, B): in closed form where there is one, else estimated by one draw."""
        return self.terms(x, noise)[1]

    def reconstruct(self, x: Tensor) -> Tensor:
        """What the decoder makes of the mean of the posterior's base at points (E, B, D): (E, B, D)."""
        return self.decode(self.encode(x)[0])

    def proposed(self, x: Tensor, noise: Tensor) -> Tensor:
        """As `log_weights`, of draws of a proposal that is a little wider than the posterior.

        A variational posterior is narrower than the true one, so that few draws miss what weighs most.  The proposal's
        base has the variance 1 + 1 / `draws`, which costs a posterior that is exact less than a sixth of its draws,
        whatever their dimension.
        """
        wider = 1.0 + 1.0 / self.draws
        ratio = 0.5 * (self.draws * math.log(wider) - noise.square().sum(-1) / self.draws)
        return self.log_weights(x, math.sqrt(wider) * noise) + ratio

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density by importance sampling with `importance` draws for each point.

        The draws take the same numbers at every point and every time: the estimate is deterministic and as smooth as
        the networks.  The numbers are scrambled Sobol points, since errors that all points share do not average out.
        On average the estimate lies below the log-density.

        Args:
            x: (E, B, D).

        Returns:
            (E, B), nats.
        """
        noise = sobol_normal(self.importance, self.draws, SEED).to(x)
        rows = self._rows(x, self.importance)
        found = [
            self.proposed(part, noise.expand(self.members, part.shape[1], -1, -1)).logsumexp(-1)
            for part in torch.split(x, rows, dim=1)
        ]
        return torch.cat(found, dim=1) - math.log(self.importance)

    def _rows(self, x: Tensor, draws: int) -> int:
        """Points in one pass of importance sampling with so many draws for each."""
        return max(1, (CHUNK_CUDA if x.is_cuda else CHUNK) // (self.members * draws))

    @torch.no_grad()
    def log_prob_error(self, x: Tensor, draws: int, seed: int) -> tuple[Tensor, Tensor]:
        """Log-density by importance sampling, and its standard error by the delta method.

        Unlike `log_prob`, every point has draws of its own: the errors of different points are independent.  Members
        share the numbers.

        Args:
            x: (E, B, D).
            draws: K for each point, at least 2.
            seed: of the draws.

        Returns:
            Estimate and standard error, both (E, B), nats.
        """
        generator = torch.Generator().manual_seed(seed)
        rows = self._rows(x, draws)
        values, errors = [], []
        for part in torch.split(x, rows, dim=1):
            shape = (part.shape[1], draws, self.draws)
            noise = torch.randn(shape, generator=generator).to(x).expand(self.members, -1, -1, -1)
            value, error = estimate(self.proposed(part, noise))
            values.append(value)
            errors.append(error)
        return torch.cat(values, dim=1), torch.cat(errors, dim=1)

    def noise(self, size: int, generator: torch.Generator) -> Tensor:
        """L numbers for z and D for the decoder's noise: (size, L + D) float32 on the CPU."""
        return torch.randn(size, self.latent + self.dim, generator=generator)

    def latents(self, noise: Tensor) -> Tensor:
        """The latent points (E, size, L) from which `sample` decodes, of its noise (size, L + D)."""
        return noise[:, : self.latent].expand(self.members, -1, -1)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn noise (size, L + D) into samples (E, size, D): z of the prior, decoded, and the decoder's noise."""
        mean = self.decode(self.latents(noise))
        return torch.addcmul(mean, torch.exp(0.5 * self.log_gamma()).unsqueeze(1), noise[:, self.latent :])


def slopes_scaled(x: Tensor, scale: list[Tensor]) -> Tensor:
    """`x`, whose slopes are multiplied on their way back by a tensor that is known only later.

    Args:
        x: any tensor.
        scale: an empty list, into which the tensor is to be put.
    """
    scaled: Tensor = _SlopesScaled.apply(x, scale)  # type: ignore[no-untyped-call]
    return scaled


class _SlopesScaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: list[Tensor]) -> Tensor:
        ctx.scale = scale
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        (scale,) = ctx.scale
        return slope * scale, None


def gaussian_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag(exp(log_variance))) || N(0, I)) in nats over the last dimension."""
    return 0.5 * (log_variance.exp() + mean.square() - 1.0 - log_variance).sum(-1)


def sobol_normal(count: int, dim: int, seed: int) -> Tensor:
    """Standard normal numbers (count, dim), float32 on the CPU, spread evenly: scrambled Sobol points, transformed."""
    points = torch.quasirandom.SobolEngine(dim, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    uniform: Tensor = points.draw(count, dtype=torch.float64)
    # They are multiples of 2^-30, 0 among them.
    normal: Tensor = torch.special.ndtri(uniform + 2.0**-31)
    return normal.float()


def estimate(log_weights: Tensor) -> tuple[Tensor, Tensor]:
    """The log of the mean weight over the last dimension, and its standard error by the delta method.

    Args:
        log_weights: (..., K), K at least 2.

    Returns:
        Both (...).
    """
    count = log_weights.shape[-1]
    value = log_weights.logsumexp(-1) - math.log(count)
    relative = torch.exp(log_weights - value.unsqueeze(-1)) - 1.0
    return value, (relative.square().sum(-1) / (count * (count - 1))).sqrt()
