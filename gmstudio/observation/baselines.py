"""What simple models and the truth reach on the validation points: dashed lines under the likelihood curves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Dataset

#: Numbers of Gaussians that are tried.
COMPONENTS = (1, 2, 4, 8, 16, 32)
#: Most points that the mixture is fitted to: more hardly moves the line.
MOST = 8192

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A level to compare a likelihood curve with.

    Attributes:
        name: ``gaussian``, ``mixture`` or ``truth``.
        title: what stands at the line.
        value: mean log-likelihood of the validation points, nats, in the units of the data.
    """

    name: str
    title: str
    value: float


def baselines(dataset: Dataset) -> tuple[Baseline, ...]:
    """The Gaussian, the best Gaussian mixture, and the truth where it is known; takes seconds.

    A level that is not finite, such as a Gaussian's on points of one line, is left out.
    """
    train = dataset.train.double().cpu().numpy()
    validation = dataset.validation.double().cpu().numpy()
    k, value = mixture(train, validation)
    found = [
        Baseline("gaussian", "Gaussian", gaussian(train, validation)),
        Baseline("mixture", f"Mixture of {k} Gaussians" if k > 1 else "Mixture of 1 Gaussian", value),
    ]
    if dataset.density is not None:
        exact = dataset.density.log_prob(dataset.validation.double().cpu())
        found.append(Baseline("truth", "Truth", float(exact.mean())))
    return tuple(one for one in found if math.isfinite(one.value))


def gaussian(train: Floats, validation: Floats) -> float:
    """Mean log-likelihood of validation points under the Gaussian with the training points' mean and covariance.

    Args:
        train: (N, D).
        validation: (M, D).

    Returns:
        nats; -inf where the training points lie on a line or plane.
    """
    covariance = np.cov(train, rowvar=False, bias=True).reshape(train.shape[1], -1)
    sign, log_det = np.linalg.slogdet(covariance)
    if sign <= 0:
        return -math.inf
    centred = validation - train.mean(axis=0)
    distances = np.einsum("nd,nd->n", centred, np.linalg.solve(covariance, centred.T).T)
    return float(-0.5 * (distances.mean() + log_det + train.shape[1] * math.log(2 * math.pi)))


def mixture(train: Floats, validation: Floats, components: tuple[int, ...] = COMPONENTS) -> tuple[int, float]:
    """The Gaussian mixture that is best on the validation points.

    Args:
        train: (N, D); at most `MOST` of them are used.
        validation: (M, D).
        components: the numbers of Gaussians to try.

    Returns:
        the number of Gaussians, and the mean log-likelihood of the validation points in nats.
    """
    from sklearn.mixture import GaussianMixture

    points = train[:MOST]
    scale = float(points.var(axis=0).mean())
    best = (0, -math.inf)
    for k in components:
        if k > len(points) // 2:
            break
        model = GaussianMixture(k, reg_covar=1e-6 * scale, max_iter=100, tol=1e-3, random_state=0)
        value = float(model.fit(points).score(validation))
        best = max(best, (k, value), key=lambda one: one[1])
    return best
