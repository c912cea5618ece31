"""Numbers over the steps, before they are drawn: series, smoothing, limits, thinned lines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gmstudio.gui.panels.chart import thin
from gmstudio.gui.panels.series import Series, Smoothed, robust_limits


def test_a_series_keeps_its_values_and_overwrites_what_is_repeated() -> None:
    series = Series()
    for step in range(200):
        series.append(step, step * 2.0)
    series.append(150, -1.0)
    assert len(series) == 151 and series.values[-1] == -1.0
    assert series.at(149.5) == 298.0 and series.at(-1) is None and series.at(math.inf) == -1.0


def test_one_spike_flattens_neither_the_limits_nor_the_smoothed_curve() -> None:
    rng = np.random.default_rng(0)
    values = -2.0 + 0.1 * rng.normal(size=4000)
    calm = robust_limits([values])
    smooth, spiked = Smoothed(), values.copy()
    spiked[1000] = -450.0
    for step, value in enumerate(spiked):
        smooth.append(step, value)
    limits = robust_limits([spiked])
    assert limits is not None and calm is not None
    assert limits == pytest.approx(calm, abs=0.05)
    assert smooth.values[100:].min() > -2.3


def test_limits_hold_what_is_drawn_and_pass_over_what_is_not_finite() -> None:
    limits = robust_limits([np.array([1.0, 2.0, np.nan]), np.array([-np.inf, 4.0])])
    assert limits is not None and limits[0] < 1.0 and limits[1] > 4.0
    assert robust_limits([np.array([np.nan])]) is None
    flat = robust_limits([np.full(10, 3.0)])
    assert flat is not None and flat[0] < 3.0 < flat[1]


def test_a_thinned_line_keeps_the_extremes_of_every_pixel() -> None:
    rng = np.random.default_rng(2)
    xs, ys = np.linspace(0, 100, 20_001)[:-1], rng.normal(size=20_000)
    thinned = thin(xs, ys)
    assert len(thinned) == 200
    for column in (0, 57, 99):
        inside, kept = ys[np.floor(xs) == column], thinned[np.floor(thinned[:, 0]) == column, 1]
        assert (kept.min(), kept.max()) == (inside.min(), inside.max())
    assert len(thin(xs[:2], ys[:2])) == 2
