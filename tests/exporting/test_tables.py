"""Tables for spreadsheets."""

from __future__ import annotations

import csv
import io
import math

import pytest

from gmstudio.exporting.tables import harmless, metrics_csv
from gmstudio.observation.frame import Metric

METRICS = [
    Metric(2, 0, "train", -1.25),
    Metric(1, 1, "train", 0.1 + 0.2),
    Metric(1, 0, "train", math.nan),
    Metric(2, 0, "kl", math.inf),
    Metric(2, 0, "train", -1.5),
]


def test_a_table_has_one_row_for_each_column_and_step_and_keeps_every_digit() -> None:
    rows = list(csv.DictReader(io.StringIO(metrics_csv(METRICS, ["Vanilla", "Mollified, σ"]))))
    assert [(row["column"], row["title"], row["step"]) for row in rows] == [
        ("1", "Vanilla", "1"),
        ("1", "Vanilla", "2"),
        ("2", "Mollified, σ", "1"),
    ]
    assert math.isnan(float(rows[0]["train"])) and rows[0]["kl"] == ""
    assert (float(rows[1]["train"]), float(rows[1]["kl"])) == (-1.5, math.inf)
    assert float(rows[2]["train"]) == 0.1 + 0.2


def test_no_metrics_give_a_header() -> None:
    assert metrics_csv([], ["Vanilla"]) == "column,title,step\n"


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])
def test_no_title_is_taken_for_a_formula(title: str) -> None:
    (row,) = csv.DictReader(io.StringIO(metrics_csv([Metric(1, 0, "train", 1.0)], [title]), newline=""))
    assert harmless(title) == "'" + title
    assert row["title"] == "'" + title.replace("\r", " ")


def test_ordinary_titles_are_left_alone() -> None:
    assert harmless("Vanilla = off") == "Vanilla = off"
