"""What the samplers have in common: scores from log-densities, noise, and the move along the score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from gmstudio.samplers.base import LogProb, Score


def with_score(x: Tensor, log_prob: LogProb) -> tuple[Tensor, Tensor]:
    """The log-density (…) at x (…, D) and its gradient (…, D), both detached; parameters get no gradient."""
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        value = log_prob(x)
        (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def look(x: Tensor, score: Score | None, log_prob: LogProb) -> tuple[Tensor, Tensor]:
    """The log-density and the score at x, the latter by `score` where it is given."""
    if score is None:
        return with_score(x, log_prob)
    with torch.no_grad():
        return log_prob(x), score(x)


def score_of(score: Score | None, log_prob: LogProb | None) -> Score:
    """The score that was given, or that of the log-density that was given.

    Raises:
        ValueError: when there is neither.
    """
    if score is not None:
        return score
    if log_prob is None:
        raise ValueError("a sampler needs a score or a log-density; pass score= or log_prob=")
    given = log_prob
    return lambda x: with_score(x, given)[1]


def langevin(x: Tensor, gradient: Tensor, step: float, noise: Tensor, temperature: float = 1.0) -> Tensor:
    """One Langevin move, x + eps score(x) + sqrt(2 eps T) z.

    Args:
        x: (…, D).
        gradient: the score at x, (…, D).
        step: eps.
        noise: z, standard normal, (…, D).
        temperature: T; at 1 the density itself is the target.
    """
    return x + step * gradient + math.sqrt(2.0 * step * temperature) * noise


def normal_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers of the shape, dtype and device of x."""
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
