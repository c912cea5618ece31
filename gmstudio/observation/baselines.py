"""What simple models and the truth reach on the validation points: dashed lines under the likelihood curves."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from gmstudio.data.base import Dataset, Density
from gmstudio.observation import em
from gmstudio.observation.pace import Pace

#: Numbers of Gaussians that are tried.
COMPONENTS = (1, 2, 4, 8, 16, 32)
#: Most points that the mixture is fitted to: more hardly moves the line.
MOST = 8192
#: Most numbers that the points become when the products of their columns are taken.
MOST_FEATURES = 2**23
#: Of so many data sets the levels are kept, so that a run of the same data has them at once.
KEPT = 16

#: Titles and levels: mean log-likelihood of the validation points, nats, in the units of the data.
Levels = tuple[tuple[str, float], ...]

_known: dict[bytes, Levels] = {}


class Baselines:
    """Finds the levels of a data set: a Gaussian, the best Gaussian mixture, and the truth where it is known.

    A level that is not finite, such as a Gaussian's on points of one line, is left out.

    Args:
        dataset: training and validation points.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._key = _digest(dataset)
        #: The levels; None as long as they are not known.
        self.levels = _known.get(self._key)

    def compute(self) -> Iterator[Pace]:
        """Find them, in chunks."""
        if self.levels is not None:
            return
        dataset = self._dataset
        train, validation = (points.double().cpu() for points in (dataset.train, dataset.validation))
        found = [("Gaussian", gaussian(train, validation))]
        k, value = yield from mixture(train, validation)
        # A mixture of one says what the Gaussian says, and its name would stand over the Gaussian's.
        if k > 1:
            found.append((f"Mixture of {k} Gaussians", value))
        if dataset.density is not None:
            found.append(("Truth", (yield from _exact(dataset.density, validation))))
        while len(_known) >= KEPT:
            _known.pop(next(iter(_known)), None)
        self.levels = _known[self._key] = tuple((title, value) for title, value in found if math.isfinite(value))


def baselines(dataset: Dataset) -> Levels:
    """The levels of a data set, found now."""
    source = Baselines(dataset)
    for _ in source.compute():
        pass
    return source.levels or ()


def gaussian(train: Tensor, validation: Tensor) -> float:
    """Mean log-likelihood of validation points under the Gaussian with the training points' mean and covariance.

    Args:
        train: (N, D) float64.
        validation: (M, D) float64.

    Returns:
        nats; -inf where the training points lie on a line or plane.
    """
    dim = train.shape[1]
    covariance = torch.cov(train.T, correction=0).reshape(dim, dim)
    sign, log_det = torch.linalg.slogdet(covariance)
    if not sign > 0:
        return -math.inf
    centred = (validation - train.mean(0)).T
    distances = (centred * torch.linalg.solve(covariance, centred)).sum(0)
    return float(-0.5 * (distances.mean() + log_det + dim * math.log(2 * math.pi)))


def mixture(
    train: Tensor, validation: Tensor, components: tuple[int, ...] = COMPONENTS
) -> Generator[Pace, None, tuple[int, float]]:
    """The Gaussian mixture that is best on the validation points, found in chunks.

    Args:
        train: (N, D) float64; at most `MOST` of them are used.
        validation: (M, D) float64.
        components: the numbers of Gaussians to try.

    Returns:
        the number of Gaussians, and the mean log-likelihood of the validation points in nats; 0 and -inf where there
        are so many columns that the products of two of them would not fit into the memory for enough points.
    """
    dim = train.shape[1]
    points, scale = train[: _fitting(dim)], _scale(train)
    shift = points.mean(0)
    points, held_out = (points - shift) / scale, (validation - shift) / scale
    # Rows of a chunk times Gaussians.
    pace = Pace(rows=16_384, least=8_192, most=262_144)
    best = (0, -math.inf)
    for k in components:
        if k > len(points) // 2:
            break
        fitted = yield from em.fit(points, k, pace)
        value = (yield from em.score(held_out, fitted, pace)) - float(scale.log().sum())
        best = max(best, (k, value), key=lambda one: one[1])
    return best


def _scale(train: Tensor) -> Tensor:
    """(D,) the units in which a mixture is fitted: one for both axes of the plane, else one for each column."""
    variance = train[:MOST].var(0, correction=0)
    if len(variance) <= 2:
        variance = variance.mean().expand(len(variance))
    return torch.where(variance > 0, variance, torch.ones_like(variance)).sqrt()


def _fitting(dim: int) -> int:
    """To how many points a mixture in `dim` dimensions is fitted; 0 for none."""
    features = 1 + dim + dim * (dim + 1) // 2
    most = min(MOST, MOST_FEATURES // features)
    return most if dim <= 2 or most >= 4 * features else 0


def _exact(density: Density, points: Tensor) -> Generator[Pace, None, float]:
    pace, total = Pace(rows=64, least=16), 0.0
    for rows in pace.portions(len(points)):
        total += float(density.log_prob(points[rows]).sum())
        yield pace
    return total / len(points)


def _digest(dataset: Dataset) -> bytes:
    """Tells data sets apart by their points and by whether their truth is known."""
    known = hashlib.blake2b(b"exact" if dataset.density is not None else b"", digest_size=16)
    for points in (dataset.train[:MOST], dataset.validation):
        known.update(points.contiguous().cpu().numpy().tobytes())
    known.update(str(tuple(dataset.train.shape)).encode())
    return known.digest()
