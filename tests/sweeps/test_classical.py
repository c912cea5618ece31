"""Classical baselines on the test points, against scikit-learn and against what is drawn."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from gmstudio.data.base import Dataset
from gmstudio.observation import em
from gmstudio.sweeps import classical


@pytest.fixture(autouse=True)
def few_mixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classical, "COMPONENTS", (1, 2, 4))
    monkeypatch.setattr(classical, "STARTS", 2)


def dataset(dim: int = 3, rows: int = 600) -> Dataset:
    """Two far clusters in columns of very different units."""
    g = torch.Generator().manual_seed(4)
    x = torch.randn(rows, dim, generator=g, dtype=torch.float64)
    x[:, 0] += 8 * (torch.rand(rows, generator=g) < 0.5)
    x = x * torch.tensor([1.0, 100.0, 0.01])[:dim] + 5
    parts = x[:400], x[400:500], x[500:]
    rest = x[:500]
    return Dataset(
        "two",
        *(part.float() for part in parts[:2]),
        rest.mean(0).float(),
        rest.std(0, correction=0).float(),
        (-4.0, 4.0, -4.0, 4.0),
        test=parts[2].float(),
    )


def test_the_gaussian_is_that_of_the_training_points_and_judged_by_the_test_points() -> None:
    data = dataset()
    found = classical.measure(data)
    assert data.test is not None
    reference = GaussianMixture(1, covariance_type="full", reg_covar=0).fit(data.train.double().numpy())
    expected = reference.score(data.test.double().numpy())
    assert found["gaussian"] == pytest.approx(expected, abs=1e-5)
    assert [found[name] for name in ("points", "train", "validation", "test", "dim")] == ["test", 400, 100, 100, 3]


def test_the_mixture_finds_the_clusters_and_is_chosen_by_the_validation_points_alone() -> None:
    data = dataset()
    found = classical.measure(data)
    assert found["components"] >= 2 and found["mixture"] > found["gaussian"] + 0.5
    # The law that the points were drawn from, but for the weights' and the means' errors.
    truth = -0.5 * 3 * math.log(2 * math.pi * math.e) - math.log(2) - math.log(100 * 0.01)
    assert found["mixture"] == pytest.approx(truth, abs=0.35)
    # Other test points change what it is judged by, but not what is chosen.
    assert data.test is not None
    other = classical.measure(replace(data, test=data.test[:7] + 1))
    assert other["components"] == found["components"] and other["mixture"] != found["mixture"]


def test_without_test_points_the_validation_points_judge() -> None:
    data = replace(dataset(), test=None)
    found = classical.measure(data)
    assert found["points"] == "validation" and found["test"] == 0
    reference = GaussianMixture(1, covariance_type="full", reg_covar=0).fit(data.train.double().numpy())
    assert found["gaussian"] == pytest.approx(reference.score(data.validation.double().numpy()), abs=1e-5)


def test_points_on_a_line_have_no_gaussian_and_no_json_without_a_number() -> None:
    data = dataset(2)
    flat = replace(data, train=data.train * torch.tensor([1.0, 0.0]))
    assert classical.measure(flat)["gaussian"] is None
    assert classical.finite(np.inf) is None and classical.finite(None) is None and classical.finite(-1) == -1.0


def test_all_fits_take_as_long_as_two_of_them_foretell(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    fit = em.fit

    def fitted(points: Any, components: int, *others: Any) -> Any:
        # A fixed time, and more for each component.
        clock[0] += 2.0 + 0.5 * components
        return fit(points, components, *others)

    monkeypatch.setattr(em, "fit", fitted)
    monkeypatch.setattr(classical, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    foretold = classical.seconds(dataset())
    began = clock[0]
    classical.measure(dataset())
    assert foretold == pytest.approx(clock[0] - began)
