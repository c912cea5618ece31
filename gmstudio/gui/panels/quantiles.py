"""Histograms, quantiles and their bands, with numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Span = tuple[float, float]

#: The two-sided 90 % point of the normal law.
NINETY = 1.6448536269514722


def span_of(values: NDArray[Any]) -> Span:
    """The part of an axis that holds nearly all of the values (N,), with some air."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return (-1.0, 1.0)
    low, high = (float(v) for v in np.quantile(finite.astype(np.float64), (0.002, 0.998)))
    half = 0.54 * (high - low)
    middle = (low + high) / 2
    if not half > 1e-9 * abs(middle):
        half = max(0.5, 0.01 * abs(middle))
    return middle - half, middle + half


def histogram(values: NDArray[Any], span: Span, bins: int) -> Floats:
    """The share of all values in each of `bins` equal cells of a span, times `bins`: 1 everywhere for even values."""
    low, high = span
    with np.errstate(invalid="ignore"):
        at = np.floor((values.astype(np.float64) - low) * (bins / (high - low)))
        inside = at[(at >= 0) & (at < bins)].astype(np.int64)
    shares: Floats = np.bincount(inside, minlength=bins).astype(np.float64) * (bins / max(1, len(values)))
    return shares


def ranked(values: NDArray[Any]) -> NDArray[Any]:
    """The finite values in order."""
    return np.sort(values[np.isfinite(values)])


def quantiles(ordered: NDArray[Any], shares: NDArray[Any]) -> Floats:
    """Quantiles of values in order, interpolated linearly as numpy does; NaN where there are none.

    Args:
        ordered: (N,), rising.
        shares: (K,), each within [0, 1]; what is beyond is cut.
    """
    if not len(ordered):
        return np.full(len(shares), np.nan)
    at = np.clip(shares, 0.0, 1.0) * (len(ordered) - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, len(ordered) - 1)
    below = ordered[low].astype(np.float64)
    return np.asarray(below + (ordered[high].astype(np.float64) - below) * (at - low), dtype=np.float64)


def chance_band(ordered: NDArray[Any], shares: NDArray[Any], size: int) -> tuple[Floats, Floats]:
    """Where the quantiles of `size` draws of the same law would lie in 90 % of all cases, one quantile at a time.

    The share of draws below the quantile of share p has the standard deviation sqrt(p (1 - p) / size).

    Args:
        ordered: (N,) values of the law, rising.
        shares: (K,) p.
        size: how many draws.

    Returns:
        (K,) lower and (K,) upper ends.
    """
    reach = NINETY * np.sqrt(shares * (1 - shares) / max(1, size))
    return quantiles(ordered, shares - reach), quantiles(ordered, shares + reach)
