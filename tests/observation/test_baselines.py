"""Levels to compare likelihood curves with."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture
from torch import Tensor

from gmstudio.observation import em
from gmstudio.observation.baselines import Baselines, baselines, gaussian, mixture
from gmstudio.observation.frame import View
from gmstudio.observation.observer import Observer
from gmstudio.observation.pace import Pace

RNG = np.random.default_rng(3)
T = TypeVar("T")


def end_of(chunks: Generator[Pace, None, T]) -> T:
    """What a computation in chunks returns."""
    while True:
        try:
            next(chunks)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def normal(*size: int) -> Tensor:
    return torch.from_numpy(RNG.normal(size=size))


def rough(dim: int, k: int) -> em.Mixture:
    roots = normal(k, dim, dim) * 0.3 + torch.eye(dim, dtype=torch.float64)
    weights = torch.from_numpy(RNG.uniform(0.5, 1.5, k))
    return em.Mixture(weights / weights.sum(), normal(k, dim), roots @ roots.mT)


def test_the_gaussian_level_agrees_with_scipy() -> None:
    train, validation = normal(400, 3) @ normal(3, 3) + 2, normal(50, 3)
    oracle = multivariate_normal(train.mean(0), np.cov(train.T, bias=True)).logpdf(validation).mean()
    assert gaussian(train, validation) == pytest.approx(oracle, rel=1e-9)


def test_points_on_a_line_have_no_gaussian_level() -> None:
    line = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], dtype=torch.float64)
    assert gaussian(line, line) == -np.inf


def test_the_mixture_finds_separate_clouds_and_reaches_their_entropy() -> None:
    centres = torch.tensor([[-6.0, 0.0], [6.0, 0.0], [0.0, 6.0], [0.0, -6.0]], dtype=torch.float64)
    draw = lambda n: centres[RNG.integers(4, size=n)] + normal(n, 2)  # noqa: E731
    k, value = end_of(mixture(draw(4000), draw(4000), (1, 2, 4, 8)))
    assert k in (4, 8)
    assert value == pytest.approx(-(np.log(4) + 1 + np.log(2 * np.pi)), abs=0.06)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_one_step_of_em_agrees_with_scikit_learn(dim: int) -> None:
    x, start = normal(500, dim), rough(dim, 4)
    oracle = GaussianMixture(
        4,
        reg_covar=em.LEAST,
        max_iter=1,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=torch.linalg.inv(start.covariances),
    )
    with pytest.warns(match="did not converge"):
        oracle.fit(x)
    shares, log_density = em.expect(em.features(x), start.natural)
    found = em.maximise(em.features(x).T @ shares, dim)
    assert float(log_density.mean()) == pytest.approx(oracle.lower_bound_, rel=1e-9)
    np.testing.assert_allclose(found.weights, oracle.weights_, rtol=1e-9)
    np.testing.assert_allclose(found.means, oracle.means_, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.covariances, oracle.covariances_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(em.expect(em.features(x), found.natural)[1], oracle.score_samples(x), rtol=1e-7)


def test_the_sizes_of_the_chunks_do_not_change_the_mixture() -> None:
    x = normal(300, 2) + 4 * torch.from_numpy(RNG.integers(2, size=(300, 1)))
    whole, cut = (end_of(em.fit(x, 3, Pace(rows=rows, least=1))) for rows in (10_000, 21))
    np.testing.assert_allclose(whole.covariances, cut.covariances, rtol=1e-9)
    np.testing.assert_allclose(whole.means, cut.means, rtol=1e-9)


def test_equal_points_are_no_error() -> None:
    twice = torch.tensor([[1.0, 2.0], [3.0, 5.0]], dtype=torch.float64).repeat(8, 1)
    k, value = end_of(mixture(twice, twice))
    assert k in (2, 4, 8) and np.isfinite(value)


def test_levels_of_a_data_set_include_the_truth_where_it_is_known(make: Any) -> None:
    found = dict(baselines(make().dataset))
    mixed = next(title for title in found if title.startswith("Mixture of "))
    assert list(found) == ["Gaussian", mixed, "Truth"]
    assert found["Truth"] == pytest.approx(-1 - np.log(2 * np.pi), abs=0.3)
    assert found["Gaussian"] == pytest.approx(found["Truth"], abs=0.1)
    assert [title for title, _ in baselines(make(exact=False).dataset)] == ["Gaussian", mixed]


def test_a_mixture_of_one_gaussian_is_not_told_beside_the_gaussian(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def one(*_: Any) -> Any:
        return (1, -2.0)
        yield

    monkeypatch.setattr("gmstudio.observation.baselines.mixture", one)
    monkeypatch.setattr("gmstudio.observation.baselines._known", {})
    assert [title for title, _ in baselines(make().dataset)] == ["Gaussian", "Truth"]


def test_levels_that_were_found_once_are_there_at_once(make: Any) -> None:
    first = make().dataset
    assert baselines(first) == Baselines(make().dataset).levels
    assert Baselines(replace(first, train=first.train + 1)).levels is None
    assert Baselines(replace(first, validation=first.validation + 1)).levels is None


def test_an_observer_tells_the_baselines_with_the_truth_when_they_are_found(make: Any, view: View) -> None:
    stand_in = make()
    stand_in.dataset = replace(stand_in.dataset, train=stand_in.dataset.train * 1.01)
    observer = Observer("r1", stand_in, view, frozenset(), baselines=True)
    told = []
    while not observer.idle:
        observer.work(1e-4)
        told.append(observer.new_truth())
    truths = [truth for truth in told if truth is not None]
    assert truths[-1].baselines == baselines(stand_in.dataset) != ()
    assert all(truth.baselines == () for truth in truths[:-1])
    assert observer.new_truth() is None and observer.told
    assert observer.truth() == truths[-1]
    plain = Observer("r1", stand_in, view, frozenset())
    assert plain.truth().baselines == ()
