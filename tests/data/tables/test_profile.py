"""What is said of a table."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gmstudio.data.tables import profile as profile_module
from gmstudio.data.tables.errors import TableCancelledError
from gmstudio.data.tables.profile import (
    correlations,
    distinct_values,
    duplicate_rows,
    few_valued,
    profile,
    smallest_gap,
)
from gmstudio.data.tables.table import Column, Table


def table(*columns: NDArray[np.float64] | list[float], text: bool = False) -> Table:
    made = []
    for place, values in enumerate(columns):
        array = np.asarray(values, dtype=np.float64)
        made.append(Column(f"c{place}", "number", array, int(np.isnan(array).sum())))
    if text:
        made.insert(0, Column("words", "text", None, 2))
    return Table(tuple(made), len(made[-1].values), Path("t.csv"), "")  # type: ignore[arg-type]


def test_columns_are_described() -> None:
    found = profile(table([1, 2, math.nan, 2, -4.5], [7, 7, 7, 7, 7], text=True))
    words, one, constant = found.columns
    assert (words.kind, words.missing, words.distinct, words.few_valued) == ("text", 2, 0, False)
    assert math.isnan(words.minimum) and math.isnan(words.mean)
    assert (one.name, one.missing, one.distinct, one.minimum, one.maximum) == ("c0", 1, 3, -4.5, 2)
    assert one.mean == pytest.approx(0.125) and not one.constant
    assert constant.constant and constant.distinct == 1
    assert (found.rows, found.counted, found.compared) == (5, 5, 5)


def test_the_largest_numbers_have_a_mean() -> None:
    largest = np.finfo(np.float64).max
    assert profile(table([largest] * 3, [largest, 0, largest])).columns[1].mean == pytest.approx(largest / 3 * 2)


def test_a_column_whose_values_come_ten_times_has_few_values() -> None:
    assert few_valued(np.repeat(np.arange(10.0), 10))
    assert not few_valued(np.r_[np.repeat(np.arange(10.0), 9), np.arange(10.0, 20.0)])
    assert [c.few_valued for c in profile(table(np.arange(100.0) % 10, np.arange(100.0) % 11)).columns] == [True, False]


def test_different_values_are_counted_without_gaps_and_with_one_zero() -> None:
    assert distinct_values(np.array([0.0, -0.0, math.nan, 1.0, math.nan])) == 2


def test_the_smallest_gap_is_not_one_of_rounding() -> None:
    assert smallest_gap(np.array([3.0, 0.1 + 0.2, 0.3, 1.0, 3.0])) == pytest.approx(0.7)
    assert smallest_gap(np.array([2.0, 2.0])) == 0


def test_rows_that_repeat_are_counted() -> None:
    first = np.array([1.0, 2.0, 1.0, math.nan, 1.0, math.nan, 0.0, -0.0])
    second = np.array([5.0, 5.0, 5.0, 6.0, 5.0, 6.0, 1.0, 1.0])
    assert duplicate_rows([first, second]) == 4
    assert duplicate_rows([first, np.arange(8.0)]) == 0
    assert duplicate_rows([np.array([1.0, 2.0]), np.array([2.0, 1.0])]) == 0


def test_rows_that_repeat_are_those_of_a_set() -> None:
    values = np.random.default_rng(1).integers(0, 6, (2000, 4)).astype(float)
    assert duplicate_rows(list(values.T)) == 2000 - len({tuple(row) for row in values.tolist()})


def test_columns_that_say_the_same_are_found_in_both_directions() -> None:
    generator = np.random.default_rng(1)
    a, b = generator.normal(size=(2, 5000))
    columns = [a, b, -1e6 * a + 1e9, 3 * b + 0.1 * a, a + 0.3 * b, np.where(b > 3, math.nan, b)]
    found = profile(table(*columns, text=True))
    expected = np.corrcoef(np.stack([a, b, -a, 3 * b + 0.1 * a]))
    assert {(one, two) for one, two, _ in found.correlated} == {(1, 3), (2, 4), (2, 6), (4, 6)}
    by_pair = {(one, two): value for one, two, value in found.correlated}
    assert by_pair[1, 3] == pytest.approx(-1, abs=1e-6) and by_pair[2, 4] == pytest.approx(expected[1, 3], abs=1e-6)
    strengths = [abs(value) for _, _, value in found.correlated]
    assert strengths == sorted(strengths, reverse=True)


def test_all_pairs_of_many_columns_are_looked_at_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_module, "BLOCK", 7)
    values = np.random.default_rng(2).normal(size=(300, 40))
    values[:, 31] = values[:, 3]
    values[:, 39] = -values[:, 38]
    pairs, rows = correlations(list(values.T))
    assert {(one, two) for one, two, _ in pairs} == {(3, 31), (38, 39)} and rows == 300


def test_tables_of_many_columns_are_compared_by_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_module, "MOST_HELD", 1000)
    monkeypatch.setattr(profile_module, "MOST_COUNTED", 2000)
    values = np.random.default_rng(2).normal(size=(1000, 4))
    found = profile(table(*values.T))
    assert found.compared == 250 and found.counted == 500 and found.rows == 1000


def test_no_more_pairs_are_told_than_a_person_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_module, "MOST_PAIRS", 10)
    same = np.random.default_rng(2).normal(size=50)
    assert len(correlations([same] * 30)[0]) == 10


def test_looking_at_a_table_ends_when_somebody_asks_for_it() -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) == 5

    with pytest.raises(TableCancelledError):
        profile(table(*np.random.default_rng(1).standard_normal((3, 40))), cancelled=cancelled)
    assert len(asked) == 5
