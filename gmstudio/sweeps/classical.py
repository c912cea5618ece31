"""The classical baselines of a data set, measured on its test points as the flows are."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.observation import baselines, em
from gmstudio.observation.pace import Pace

#: Numbers of Gaussians, least variances and starts among which the validation points choose.
COMPONENTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 32)
LEAST = (1e-6, 1e-3, 1e-2)
STARTS = 3
#: Most points that the mixture is fitted to, and most numbers that their columns and products of two columns may be;
#: beyond `MANY` of those numbers less is tried, lest it takes minutes.
MOST, MOST_NUMBERS, MANY = 8192, 2**23, 2**20
FEW = (1, 2, 4, 8, 16, 32)
#: Numbers of Gaussians whose fits tell how long all will take.
TRIAL = (8, 16)


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


def seconds(dataset: Dataset, cancelled: Callable[[], bool] = lambda: False) -> float:
    """How long `measure` will take, from two of its many fits; within about a third."""
    train = dataset.to_model(dataset.train.double().cpu())
    points, tries = _points(train), _tries(train)
    spent = []
    for components in TRIAL:
        if cancelled() or components > len(points) // 2:
            break
        began = time.perf_counter()
        _finished(em.fit(points, components, _pace(), LEAST[1], em.SEED))
        spent.append((components, time.perf_counter() - began))
    counts = [k for k, _, _ in tries if k <= len(points) // 2]
    if not spent or not counts:
        return 0.0
    # A fit takes a fixed time and more for each component.
    (few, short), (many, long) = spent[0], spent[-1]
    slope = max(0.0, (long - short) / (many - few)) if many > few else 0.0
    return sum(max(0.0, short + slope * (k - few)) for k in counts)


def choose(train: Tensor, validation: Tensor, judged: Tensor, cancelled: Callable[[], bool]) -> Chosen:
    """Fit mixtures to the training points, and keep the one that validates best.

    Args:
        train: (N, D) float64, standardised; at most `MOST` of them are used, and fewer of very many columns.
        validation: (M, D), to choose by.
        judged: (K, D), to judge the chosen one by.
        cancelled: whether nobody wants to know any more.
    """
    best = Chosen(0, 0.0, -math.inf, -math.inf)
    pace, points = _pace(), _points(train)
    for k, least, start in _tries(train):
        if k > len(points) // 2 or cancelled():
            break
        fitted = _finished(em.fit(points, k, pace, least, em.SEED + start))
        value = _finished(em.score(validation, fitted, pace))
        if value > best.validation:
            best = Chosen(k, least, value, _finished(em.score(judged, fitted, pace)))
    return best


def _pace() -> Pace:
    return Pace(rows=16_384, least=8_192, most=262_144)


def _features(train: Tensor) -> int:
    dim = train.shape[1]
    return 1 + dim + dim * (dim + 1) // 2


def _points(train: Tensor) -> Tensor:
    """The points that mixtures are fitted to."""
    return train[: min(MOST, MOST_NUMBERS // _features(train))]


def _tries(train: Tensor) -> list[tuple[int, float, int]]:
    """Numbers of components, least variances and starts that are tried, the number rising."""
    many = len(_points(train)) * _features(train) > MANY
    found = []
    for k in FEW if many else COMPONENTS:
        every = [(k, least, start) for least in LEAST for start in range(1 if many else STARTS)]
        found += every if k > 1 else [(k, LEAST[0], 0)]
    return found


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
