"""From a table to points: the papers' split and standardisation, missing values, noise, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from gmstudio.data.base import Dataset
from gmstudio.data.tables.preparing import Preparation, prepare
from gmstudio.registry import SpecError

Matrix = NDArray[np.float64]


def made(values: Matrix, **changes: Any) -> Dataset:
    names = changes.pop("names", [f"c{place}" for place in range(values.shape[1])])
    first = changes.pop("first", 1)
    return prepare(values, names, Preparation(**changes), name="a table", first=first)


def rows(data: Dataset) -> Matrix:
    """All rows, in the order of the parts."""
    assert data.test is not None
    return torch.cat([data.train, data.validation, data.test]).double().numpy()


@pytest.fixture(scope="module")
def values() -> Matrix:
    return np.random.default_rng(1).normal(size=(1_599, 4)) * [1, 10, 0.01, 3] + [0, 100, 1, -5]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1599, (1296, 144, 159)), (4898, (3969, 440, 489)), (5875, (4760, 528, 587)), (36_488, (29_556, 3_284, 3_648))],
)
def test_the_parts_have_the_sizes_of_the_papers(count: int, sizes: tuple[int, int, int]) -> None:
    data = made(np.random.default_rng(0).normal(size=(count, 2)))
    assert data.test is not None
    assert (len(data.train), len(data.validation), len(data.test)) == sizes


def test_the_parts_are_the_rows_of_the_file_in_order(values: Matrix) -> None:
    assert np.array_equal(rows(made(values)), values.astype(np.float32))


def test_columns_are_standardised_by_training_and_validation_rows_together(values: Matrix) -> None:
    data = made(values)
    known = values[: 1296 + 144]
    assert np.allclose(data.shift, known.mean(0), rtol=1e-7) and np.allclose(data.scale, known.std(0), rtol=1e-6)
    z = data.to_model(torch.cat([data.train, data.validation])).double()
    assert torch.allclose(z.mean(0), torch.zeros(4, dtype=torch.float64), atol=1e-5)
    assert torch.allclose(z.std(0, correction=0), torch.ones(4, dtype=torch.float64), atol=1e-5)
    assert data.log_volume == pytest.approx(np.log(known.std(0)).sum(), rel=1e-6)


def test_standardising_can_be_left_out(values: Matrix) -> None:
    data = made(values, standardise=False)
    assert torch.equal(data.to_model(data.train), data.train) and data.log_volume == 0


def test_shuffling_deals_every_row_to_one_part_and_follows_the_seed(values: Matrix) -> None:
    one, same, other = (made(values, split="shuffled", seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(rows(one), rows(same)) and not np.array_equal(rows(one), rows(other))
    assert np.array_equal(np.sort(rows(one)[:, 0]), np.sort(values[:, 0].astype(np.float32)))
    known = values.astype(np.float32)
    order = [int(np.flatnonzero(known[:, 0] == np.float32(first))[0]) for first in rows(one)[:, 0]]
    assert np.array_equal(known[order], rows(one))
    assert stats.spearmanr(order, np.arange(len(order))).pvalue > 1e-3


def test_the_same_specification_gives_the_same_bits_and_leaves_the_global_generators_alone(values: Matrix) -> None:
    state, theirs = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index, union-attr]
    coarse = (values / values.std(0)).round(1)
    one, two = (made(coarse, split="shuffled", dequantise=1.0, seed=5) for _ in range(2))
    assert np.array_equal(rows(one), rows(two)) and one.bounds == two.bounds
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], theirs)  # type: ignore[index, arg-type]


def test_without_test_rows_there_is_no_test_part(values: Matrix) -> None:
    data = made(values, test_share=0.0)
    assert data.test is None and len(data.train) + len(data.validation) == len(values)


def test_names_and_columns_stay_together(values: Matrix) -> None:
    data = made(values, names=["a", "b", "c", "d"])
    assert data.columns == ("a", "b", "c", "d") and data.name == "a table" and data.density is None


def test_rows_with_gaps_are_dropped(values: Matrix) -> None:
    holed = values.copy()
    holed[[0, 700, 1598], [1, 2, 3]] = np.nan
    data = made(holed, missing="drop rows")
    assert np.array_equal(rows(data), np.delete(values, [0, 700, 1598], axis=0).astype(np.float32))


def test_gaps_get_the_mean_of_the_rows_that_are_not_for_testing(values: Matrix) -> None:
    holed = values.copy()
    holed[[5, 1598], [1, 1]] = np.nan
    data = made(holed, missing="mean")
    mean = np.delete(values[:1440, 1], 5).mean()
    assert float(data.train[5, 1]) == pytest.approx(mean, rel=1e-6)
    assert data.test is not None and float(data.test[-1, 1]) == pytest.approx(mean, rel=1e-6)
    assert len(rows(data)) == 1599


def test_gaps_are_refused_with_row_and_column(values: Matrix) -> None:
    holed = values.copy()
    holed[[7, 9], 1] = np.nan
    with pytest.raises(SpecError, match=r"Row 9, column “c1”: the value is missing, as are 1 more") as caught:
        made(holed, first=2)
    assert caught.value.remedy and caught.value.where == "data.missing"


def test_noise_fills_the_gap_between_few_values_and_leaves_others_alone() -> None:
    generator = np.random.default_rng(2)
    coarse, fine = generator.integers(0, 5, 20_000) * 0.25, generator.normal(size=20_000)
    data = rows(made(np.stack([coarse, fine], 1), dequantise=1.0))
    noise = data[:, 0] - coarse
    assert np.abs(noise).max() <= 0.125 + 1e-6
    assert stats.kstest(noise, "uniform", args=(-0.125, 0.25)).pvalue > 1e-3
    assert np.array_equal(data[:, 1], fine.astype(np.float32))
    half = rows(made(np.stack([coarse, fine], 1), dequantise=0.5))
    assert np.abs(half[:, 0] - coarse).max() <= 0.0625 + 1e-6


def test_the_noise_of_a_column_does_not_depend_on_the_others() -> None:
    coarse = np.random.default_rng(2).integers(0, 5, (1000, 3)).astype(float)
    all_three, two = made(coarse, dequantise=1.0), made(coarse[:, 1:], names=["c1", "c2"], dequantise=1.0)
    assert torch.equal(all_three.train[:, 1:], two.train)
    assert not torch.equal(all_three.train[:, 1] % 1, all_three.train[:, 2] % 1)


def test_the_bounds_frame_the_first_two_columns_without_their_outliers() -> None:
    values = np.random.default_rng(3).normal(size=(5000, 3)) * [1, 1000, 1]
    values[17] = [1e6, -1e9, 0]
    left, right, bottom, top = made(values).bounds
    assert -4 < left < -2.5 and 2.5 < right < 4
    assert -4000 < bottom < -2500 and 2500 < top < 4000


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((50, 0)), "has 0 columns to learn"),
        (np.arange(50.0).reshape(50, 1), "has 1 column to learn: “c0”"),
        (np.zeros((0, 2)), "Of 0 rows, 0 would be left"),
        (np.array([[1.0, 2.0]]), "Of 1 row, 1 would be left to train on and 0 to validate"),
        (np.arange(20.0).reshape(10, 2), "Of 10 rows, 9 would be left to train on and 0 to validate"),
        (np.stack([np.arange(50.0), np.full(50, 2.5)], 1), "Column “c1” has the same value in every row .* 2.5"),
        (np.stack([np.arange(50.0), np.r_[np.full(45, 2.5), np.ones(5)]], 1), "“c1” has the same value in every row"),
        (np.stack([np.arange(50.0), 1e9 + np.arange(50.0)], 1), "“c1” varies by 13 around 1e\\+09: float32"),
        (np.stack([np.arange(50.0), np.r_[np.arange(49.0), 1e39]], 1), "Row 50, column “c1”: the value is too large"),
        (np.stack([np.arange(50.0), np.full(50, np.nan)], 1), "Row 1, column “c1”: the value is missing, as are 49"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_its_reason(values: Matrix, says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        made(values)
    assert caught.value.remedy and caught.value.where.startswith("data")


def test_columns_that_are_empty_are_named_when_no_row_is_left() -> None:
    values = np.stack([np.arange(50.0), np.full(50, np.nan)], 1)
    with pytest.raises(SpecError, match=r"Every row misses a value; column “c1” misses 50 of 50"):
        made(values, missing="drop rows")
    with pytest.raises(SpecError, match=r"Column “c1” has no value to train on"):
        made(values, missing="mean")


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(30, 200),
    test_share=st.floats(0, 0.5),
    validation_share=st.floats(0.1, 0.5),
    split=st.sampled_from(["file order", "shuffled"]),
    missing=st.sampled_from(["drop rows", "mean"]),
    holes=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 2)), max_size=5),
)
def test_every_row_is_in_one_part_and_finite(
    count: int, test_share: float, validation_share: float, split: str, missing: str, holes: list[tuple[int, int]]
) -> None:
    values = np.random.default_rng(count).normal(size=(count, 3))
    for row, column in holes:
        values[row, column] = np.nan
    data = made(values, test_share=test_share, validation_share=validation_share, split=split, missing=missing)
    parts = [data.train, data.validation] + ([] if data.test is None else [data.test])
    left = count if missing == "mean" else int((~np.isnan(values).any(1)).sum())
    sizes = [len(part) for part in parts]
    assert sum(sizes) == left and min(sizes) >= 1
    assert (sizes[2] if len(sizes) == 3 else 0) == int(test_share * left)
    assert all(bool(part.isfinite().all()) and part.dtype == torch.float32 for part in parts)
    assert len({tuple(row) for part in parts for row in part.tolist()}) == left
