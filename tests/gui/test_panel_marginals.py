"""The panel of single columns: histograms and quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QSizeF
from table_shown import Shown, fill, pixels

from gmstudio.gui.panels.marginals import MarginalsPanel
from gmstudio.gui.panels.quantiles import chance_band, histogram, quantiles, span_of


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_quantiles_agree_with_numpy(size: int) -> None:
    values = np.sort(np.random.default_rng(size).normal(size=size).astype(np.float32))
    shares = np.array([0.0, 0.05, 0.31, 0.5, 0.95, 1.0])
    assert np.allclose(quantiles(values, shares), np.quantile(values.astype(np.float64), shares))


def test_a_histogram_agrees_with_numpy_and_passes_over_what_is_outside() -> None:
    values = np.random.default_rng(2).normal(size=500)
    values[:3] = np.nan, np.inf, 1e30
    counted, _ = np.histogram(values[3:], bins=20, range=(-2.0, 2.0))
    assert np.allclose(histogram(values, (-2.0, 2.0), 20), counted / 500 * 20)
    assert span_of(np.full(9, 3.0)) == (2.5, 3.5)
    assert span_of(np.array([np.nan])) == (-1.0, 1.0)


def test_nine_in_ten_quantiles_of_draws_of_the_same_law_lie_within_the_band() -> None:
    random, shares = np.random.default_rng(8), np.linspace(0.1, 0.9, 9)
    law = np.sort(random.normal(size=200_000))
    low, high = chance_band(law, shares, 400)
    drawn = np.quantile(random.normal(size=(2000, 400)), shares, axis=1)
    within = ((drawn >= low[:, None]) & (drawn <= high[:, None])).mean(axis=1)
    assert np.abs(within - 0.9).max() < 0.03


def test_the_marginals_tell_medians_and_bands_of_data_and_samples(shown: Shown) -> None:
    panel = fill(shown(MarginalsPanel(), 560, 360))
    low, middle, high = np.quantile(panel.info.data[:, 0].astype(np.float64), (0.05, 0.5, 0.95))
    assert f"alcohol: data {middle:.1f} ({low:.2f} to {high:.1f})" in panel.summary()
    histograms = pixels(panel)
    panel.mode.setCurrentIndex(1)
    assert (pixels(panel) != histograms).any()
    assert len(panel.view.places(QSizeF(560, 360))) == 6
