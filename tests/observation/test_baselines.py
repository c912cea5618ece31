"""Levels to compare likelihood curves with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from gmstudio.observation.baselines import baselines, gaussian, mixture

RNG = np.random.default_rng(3)


def test_the_gaussian_level_agrees_with_scipy() -> None:
    train, validation = RNG.normal(size=(400, 3)) @ RNG.normal(size=(3, 3)) + 2, RNG.normal(size=(50, 3))
    oracle = multivariate_normal(train.mean(0), np.cov(train.T, bias=True)).logpdf(validation).mean()
    assert gaussian(train, validation) == pytest.approx(oracle, rel=1e-9)


def test_points_on_a_line_have_no_gaussian_level() -> None:
    line = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert gaussian(line, line) == -np.inf


def test_the_mixture_finds_separate_clouds_and_reaches_their_entropy() -> None:
    centres = np.array([[-6.0, 0.0], [6.0, 0.0], [0.0, 6.0], [0.0, -6.0]])
    draw = lambda n: centres[RNG.integers(4, size=n)] + RNG.normal(size=(n, 2))  # noqa: E731
    k, value = mixture(draw(4000), draw(4000), (1, 2, 4, 8))
    assert k in (4, 8)
    assert value == pytest.approx(-(np.log(4) + 1 + np.log(2 * np.pi)), abs=0.06)


def test_levels_of_a_data_set_include_the_truth_where_it_is_known(make: Any) -> None:
    found = {one.name: one for one in baselines(make().dataset)}
    assert set(found) == {"gaussian", "mixture", "truth"}
    assert found["truth"].value == pytest.approx(-1 - np.log(2 * np.pi), abs=0.3)
    assert found["gaussian"].value == pytest.approx(found["truth"].value, abs=0.1)
    assert {one.name for one in baselines(make(exact=False).dataset)} == {"gaussian", "mixture"}
