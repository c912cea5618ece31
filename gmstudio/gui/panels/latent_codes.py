"""What the posteriors of a latent space say: KL and activity of its dimensions, from the codes of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Rows of ``codes``: means, log-variances, and one draw.
MEAN, LOG_VARIANCE, DRAW = range(3)
#: A dimension is active where the variance of the posterior's mean is above this: Burda, Grosse, Salakhutdinov,
#: Importance weighted autoencoders, ICLR 2016, section 5.1.
ACTIVE = 0.01
#: Another axis must say so much more than the one that is shown, as a share and in nats, to take its place.
MORE, NATS = 0.2, 0.05
#: Standard errors within which the moments of draws of N(0, I) lie.
ERRORS = 6.0


@dataclass(frozen=True)
class Dimensions:
    """What the posteriors say in each of L latent dimensions.

    Attributes:
        kl: (L,) mean KL(q(z_k | x) ‖ N(0, 1)) in nats.
        variance: (L,) variance of the posterior's mean over the data.
        blur: (L,) mean variance of the posterior.
    """

    kl: Floats
    variance: Floats
    blur: Floats

    @classmethod
    def of(cls, codes: NDArray[Any]) -> Dimensions:
        """From codes (N, 3, L); rows that are not finite are passed over."""
        finite = codes[np.isfinite(codes).all(axis=(1, 2))].astype(np.float64)
        if not len(finite):
            none = np.zeros(codes.shape[2])
            return cls(none, none, none)
        mean, log_variance = finite[:, MEAN], np.minimum(finite[:, LOG_VARIANCE], 80.0)
        blur = np.exp(log_variance)
        kl = 0.5 * (blur + mean**2 - 1.0 - log_variance).mean(axis=0)
        return cls(kl, mean.var(axis=0), blur.mean(axis=0))

    @property
    def active(self) -> NDArray[np.bool_]:
        """(L,) whether a dimension depends on the data."""
        return np.asarray(self.variance > ACTIVE, dtype=np.bool_)

    def words(self) -> str:
        """Such as ``3 of 16 active, KL 5.2 nats``."""
        return f"{int(self.active.sum())} of {len(self.kl)} active, KL {float(self.kl.sum()):.1f} nats"


def leading(kl: Floats, before: tuple[int, int] | None = None) -> tuple[int, int]:
    """The two dimensions of highest KL, the highest first; those of before unless others say clearly more.

    Args:
        kl: (L,), L at least 2.
        before: that were shown last.
    """
    first, second = (int(k) for k in np.argsort(-kl, kind="stable")[:2])
    best = (first, second)
    if before is None or max(before) >= len(kl):
        return best
    if set(best) == set(before):
        return before
    gain = float(kl[list(best)].sum() - kl[list(before)].sum())
    return best if gain > MORE * float(kl[list(before)].sum()) + NATS else before


def normal(draws: NDArray[Any]) -> bool:
    """Whether points (M, L) may well be draws of N(0, I): by means, squares, products and the length of the points."""
    finite = draws[np.isfinite(draws).all(axis=1)].astype(np.float64)
    count, dim = finite.shape
    if count < 8:
        return True
    # Of M standard normal numbers: the standard errors of the mean, the mean square and a mean product.
    error = ERRORS / np.sqrt(count)
    moments = finite.T @ finite / count
    own = np.diagonal(moments)
    other = np.abs(moments - np.diag(own)).max(initial=0.0)
    near = np.abs(finite.mean(axis=0)).max() < error and np.abs(own - 1.0).max() < np.sqrt(2.0) * error
    # The fourth power of a point's length, and its standard error: a ring has the moments of a disc.
    fourth = dim * (dim + 2.0)
    eighth = fourth * (dim + 4.0) * (dim + 6.0)
    away = abs(float(((finite**2).sum(axis=1) ** 2).mean()) - fourth)
    return bool(near and other < error and away < error * np.sqrt(eighth - fourth**2))


def learned(priors: list[NDArray[Any]]) -> bool:
    """Whether the draws (M, L) of the columns are of a learned prior: those of N(0, I) are the same in all columns."""
    same = all(np.array_equal(priors[0], other, equal_nan=True) for other in priors[1:])
    return bool(priors) and not (same and normal(priors[0]))
