"""The table: its numbers against NumPy, and its texts against readers that mean harm."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweeping import sweep

from gmstudio.registry import SpecError
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps import writing
from gmstudio.sweeps.plan import Plan
from gmstudio.sweeps.store import Baselines, Result
from gmstudio.sweeps.table import Cell, Heading, Row, Table, build, summary
from gmstudio.sweeps.titles import listed

VOLUME = 0.75


def filled(plan: Plan, seed: int = 0) -> tuple[dict[str, Result], np.ndarray]:
    """Results of all runs, and their values: (2 moments, data, models, schedules, seeds)."""
    spec = plan.spec
    shape = (2, len(spec.data), len(spec.models), len(spec.schedules), len(spec.seeds))
    values = np.random.default_rng(seed).normal(-10, 3, shape)
    results = {}
    for run in plan.runs:
        data, model, _, schedule, number = run.place
        last, best = values[:, data, model, schedule, number]
        results[run.key] = Result(state="done", points="test", last=last, best=best, log_volume=VOLUME, run="r")
    return results, values


def known(plan: Plan) -> dict[str, Baselines]:
    return {
        key: Baselines(gaussian=-5.0 - i, mixture=-4.0 - i, points="test", log_volume=VOLUME)
        for i, key in enumerate(plan.data_keys)
    }


@pytest.mark.parametrize("units", ["standardised", "data"])
def test_cells_are_means_and_sample_deviations_over_the_seeds(units: str) -> None:
    plan = Plan(sweep(seeds=[1, 2, 3, 4]))
    results, values = filled(plan)
    table = build(plan, results, known(plan), units)  # type: ignore[arg-type]
    shift = VOLUME if units == "standardised" else 0.0
    assert [heading.schedule for heading in table.headings] == ["vanilla", "mollified"] * 2
    assert [heading.model for heading in table.headings] == ["Real-NVP"] * 2 + ["Gaussian"] * 2
    for i, row in enumerate(table.rows):
        assert row.baselines == {"Gaussian": -5.0 - i + shift, "Gaussian mixture": -4.0 - i + shift}
        for j, cell in enumerate(row.cells):
            for moment, when in enumerate(("last", "best")):
                expected = values[moment, i, j // 2, j % 2] + shift
                found = cell.at(when)  # type: ignore[arg-type]
                assert found.count == 4
                assert found.mean == pytest.approx(np.mean(expected), rel=1e-12)
                assert found.deviation == pytest.approx(np.std(expected, ddof=1), rel=1e-12)


def test_the_summary_of_few_values_says_what_it_does_not_know() -> None:
    assert math.isnan(summary([]).mean) and math.isnan(summary([]).deviation)
    assert summary([3.0]).mean == 3.0 and math.isnan(summary([3.0]).deviation)
    assert summary([3.0, 3.0]).deviation == 0.0


def test_missing_failed_and_infinite_runs_are_shown_as_such() -> None:
    plan = Plan(sweep(data=[{"kind": "two-moons"}], models=[{"kind": "gaussian"}, {"kind": "maf"}], seeds=[1, 2, 3]))
    keys = [run.key for run in plan.runs]
    done = Result(state="done", last=-1.0, best=-1.0)
    results = {
        # Vanilla Gaussian: two done, one failed. Mollified: all failed.
        keys[0]: done,
        keys[1]: done,
        keys[2]: Result(state="failed", reason="It diverged."),
        **{key: Result(state="failed", reason="No memory.") for key in keys[3:6]},
        # Vanilla MAF: no number at the end. Mollified: not done yet.
        **{key: Result(state="done", last=None, best=-2.0) for key in keys[6:9]},
    }
    table = build(plan, results, {})
    (row,) = table.rows
    assert [writing.shown(cell, "last") for cell in row.cells] == [
        "-1.00 ± 0.00 (2 of 3)",
        "failed",
        "not finite",
        writing.NOTHING,
    ]
    assert writing.shown(row.cells[2], "best") == "-2.00 ± 0.00"
    assert [cell.missing for cell in row.cells] == [0, 0, 0, 3]
    assert [cell.failed for cell in row.cells] == [1, 3, 0, 0]
    notes = " ".join(writing.notes(table))
    assert "4 of 12 runs failed: It diverged. / No memory." in notes and "3 runs are not done." in notes
    assert "validation points: Two moons" in notes
    for text in (writing.to_markdown(table), writing.to_latex(table)):
        assert "failed" in text and "(2 of 3)" in text and "not finite" in text


def test_a_table_says_which_sets_were_trained_how_and_how_often() -> None:
    plain: dict[str, Any] = {
        "title": "Table 1",
        "data": [{"kind": "two-moons"}, {"kind": "rings"}, {"kind": "uci", "name": "iris"}],
        "models": [{"kind": "maf"}],
        "trainings": [{"epochs": 150, "batch": 100, "rate": 1e-4}],
        "seeds": [1, 2, 3, 4],
    }
    table = build(Plan(specs.from_plain(plain)), {}, {})
    said = (
        "Two moons, Rings and iris, trained for 150 epochs in batches of 100 at a learning rate of 0.0001, with 4 seeds"
    )
    assert writing.subject(table) == said
    assert f"{said}. Mean log-likelihood" in writing.to_markdown(table)
    assert rf"\caption{{Table 1: {said}. Mean log-likelihood" in writing.to_latex(table)
    plain.update(trainings=[{"steps": 1, "batch": 7}, {"steps": 2}], seeds=[1], data=[{"kind": "rings"}])
    table = build(Plan(specs.from_plain(plain)), {}, {})
    assert writing.subject(table) == "Rings, trained for lengths and rates that the columns name, with 1 seed"


def test_many_names_are_counted_after_the_first_few() -> None:
    assert listed(["a"]) == "a" and listed(["a", "b"]) == "a and b"
    assert listed(list("abcdefg")) == "a, b, c, d, e, f and g"
    assert listed(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"


def test_csv_gives_every_number_back_to_the_last_digit() -> None:
    plan = Plan(sweep())
    results, values = filled(plan)
    rows = list(csv.DictReader(io.StringIO(writing.to_csv(build(plan, results, known(plan), "data")))))
    assert len(rows) == 4 and [row["at"] for row in rows] == ["last epoch"] * 2 + ["best validation epoch"] * 2
    for moment in range(2):
        for i in range(2):
            row = rows[2 * moment + i]
            assert row["units"] == "data" and row["points"] == "test" and float(row["Gaussian"]) == -5.0 - i
            for model, name in enumerate(("Real-NVP", "Gaussian")):
                for schedule, title in enumerate(("vanilla", "mollified")):
                    some = values[moment, i, model, schedule]
                    assert float(row[f"{name}, {title}: mean"]) == pytest.approx(some.mean(), rel=1e-14)
                    assert float(row[f"{name}, {title}: deviation"]) == pytest.approx(some.std(ddof=1), rel=1e-12)
                    assert row[f"{name}, {title}: runs"] == "2" and row[f"{name}, {title}: failed"] == "0"


NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a|b", "50 % & #1 _x_ {y} ~ ^ \\input{x} $z$", "*b* `c` <d>"]


def nasty(text: str) -> Table:
    cell = Cell(("k",), {"last": [-1.25], "best": [-1.0]}, 0, 0, (), ())
    bad = Cell(("k",), {"last": [], "best": []}, 0, 1, (text,), ())
    heading = Heading(text, text)
    return Table(text, "data", (heading, heading), (text,), (Row(text, "test", (cell, bad), {text: -2.0}),), 1)


@pytest.mark.parametrize("text", NASTY)
def test_no_cell_of_the_csv_is_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(writing.to_csv(nasty(text)))))
    assert len({len(row) for row in rows}) == 1
    for row in rows:
        for cell in row:
            is_number = cell.lstrip("-").replace(".", "").isdigit()
            assert is_number or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("text", NASTY)
def test_a_title_stays_in_its_cell_of_the_markdown(text: str) -> None:
    lines = writing.to_markdown(nasty(text)).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 6
    assert {line.replace("\\|", "").count("|") for line in table} == {5}
    assert "<d>" not in "".join(lines).replace("\\<", "")


@pytest.mark.parametrize("text", NASTY)
def test_latex_has_no_command_of_a_title(text: str) -> None:
    tex = writing.to_latex(nasty(text))
    assert "\\input" not in tex.replace("\\textbackslash{}input", "")
    # Signs that mean something to LaTeX stand where this program has put them, or are escaped.
    body = tex.replace("\\&", "").replace("\\%", "").replace("\\#", "").replace("\\_", "").replace("\\$", "")
    assert "%" not in body and "#" not in body and "_" not in body and body.count("$") % 2 == 0
    rows = [line for line in body.splitlines() if line.endswith("\\\\")]
    assert [line.count("&") for line in rows] == [2, 3, 3] * 2
    assert "$-1.25$" in tex


def test_a_table_is_written_as_its_name_asks_for(tmp_path: Path) -> None:
    table = build(Plan(sweep()), {}, {})
    for name, start in (("a.csv", "data,points"), ("b.tex", "\\begin{table}"), ("c.MD", "## Small")):
        writing.write(tmp_path / name, table)
        assert (tmp_path / name).read_text().startswith(start)
    with pytest.raises(SpecError, match=r"“d.xlsx”"):
        writing.write(tmp_path / "d.xlsx", table)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.tex", "c.MD"]
