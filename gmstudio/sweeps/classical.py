"""The classical baselines of a data set, measured on its test points as the flows are."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.observation import baselines, em
from gmstudio.observation.pace import Pace

#: Numbers of Gaussians and least variances among which the validation points choose.
COMPONENTS = (1, 2, 4, 8, 16, 32)
LEAST = (1e-6, 1e-3, 1e-2, 3e-2, 1e-1)
#: Most points that the mixture is fitted to.
MOST = 8192


class Chosen(NamedTuple):
    """The mixture that the validation points have chosen.

    Attributes:
        components: how many Gaussians it has.
        least: least variance of each.
        validation: mean log-likelihood of the validation points, nats.
        value: the same of the points that it is judged by.
    """

    components: int
    least: float
    validation: float
    value: float


def measure(dataset: Dataset, cancelled: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """What is known of a data set without training, as `gmstudio.sweeps.store.Baselines` in plain values.

    The Gaussian has the training points' mean and covariance; number and least variance of the mixture's components
    are chosen on the validation points.  Both are judged by the test points, where there are any.
    """
    points = [part.double().cpu() for part in (dataset.train, dataset.validation)]
    if dataset.test is not None:
        points.append(dataset.test.double().cpu())
    train, validation, judged = (dataset.to_model(part) for part in (points[0], points[1], points[-1]))
    chosen = choose(train, validation, judged, cancelled)
    volume = dataset.log_volume
    return {
        "gaussian": finite(baselines.gaussian(train, judged) - volume),
        "mixture": finite(chosen.value - volume),
        "components": chosen.components,
        "points": "validation" if dataset.test is None else "test",
        "log_volume": volume,
        "train": len(train),
        "validation": len(validation),
        "test": 0 if dataset.test is None else len(judged),
        "dim": dataset.dim,
    }


def choose(train: Tensor, validation: Tensor, judged: Tensor, cancelled: Callable[[], bool]) -> Chosen:
    """Fit a mixture to the training points for each number and least variance, and keep the one that validates best.

    Args:
        train: (N, D) float64, standardised; at most `MOST` of them are used.
        validation: (M, D), to choose by.
        judged: (K, D), to judge the chosen one by.
        cancelled: whether nobody wants to know any more.
    """
    best = Chosen(0, 0.0, -math.inf, -math.inf)
    pace = Pace(rows=16_384, least=8_192, most=262_144)
    for k in COMPONENTS:
        for least in LEAST if k > 1 else LEAST[:1]:
            if k > len(train) // 2 or cancelled():
                break
            fitted = _finished(em.fit(train[:MOST], k, pace, least))
            value = _finished(em.score(validation, fitted, pace))
            if value > best.validation:
                best = Chosen(k, least, value, _finished(em.score(judged, fitted, pace)))
    return best


def _finished(source: Generator[Pace, None, Any]) -> Any:
    """What a computation in chunks returns."""
    while True:
        try:
            next(source)
        except StopIteration as end:
            return end.value


def finite(value: float | None) -> float | None:
    """The value, or None where JSON has no number for it."""
    return float(value) if value is not None and math.isfinite(value) else None
