"""`gmstudio bench tables`, on a table so small that it says nothing of speed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gmstudio.bench import tables


def test_opening_a_table_is_measured_in_a_process_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tables.json"
    assert tables.main(["--rows", "300", "--columns", "3", "--rounds", "1", "--json", str(out)]) == 0
    figures = json.loads(out.read_text())
    for kind in ("csv", "parquet"):
        (opened,) = figures[kind]["rounds"]
        assert (opened["rows"], opened["columns"]) == (300, 3)
        assert figures[kind]["seconds"] > 0 and opened["progress_marks"] >= 2 and opened["looks_at_cancel"] >= 2
    printed = capsys.readouterr().out
    assert "csv" in printed and "parquet" in printed
    assert figures["machine"]["packages"]["polars"]
