"""Columns that are ticked, rows that are left, and what is said of a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from gmstudio.data.tables.preparing import parts
from gmstudio.data.tables.profile import profile
from gmstudio.data.tables.reading import Table, read
from gmstudio.data.uci.catalogue import CATALOGUE
from gmstudio.gui.drops import kind_of
from gmstudio.gui.tables.choice import Ticked, sentence
from gmstudio.gui.tables.columns_model import NAME, REMARK, ColumnsModel
from gmstudio.gui.tables.histogram import BARS, heights
from gmstudio.gui.tables.notices import listed, notices, one_of_each
from gmstudio.gui.tables.preview_model import PreviewModel, number
from gmstudio.gui.tables.uci_model import CatalogueModel

Written = Callable[[str], Table]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Reads the table that a text is."""

    def read_text(text: str) -> Table:
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return read(path)

    return read_text


GAPS = "a,b,c,word\n1,2,3,x\n,5,6,y\n7,,9,z\n10,11,12,x\n,,15,y\n"


def test_the_parts_read_as_a_sentence() -> None:
    assert sentence(parts(1599, 0.1, 0.1), 11) == ("1,296 rows to train on, 144 to validate, 159 to test; 11 columns")


def test_text_cannot_be_ticked_and_rows_with_gaps_are_counted_as_columns_come_and_go(written: Written) -> None:
    ticked = Ticked(written(GAPS))
    assert ticked.names == ("a", "b", "c")
    assert ticked.all
    assert ticked.gaps == 3
    ticked.set([1], False)
    assert ticked.gaps == 2
    ticked.set([0, 3], False)
    assert ticked.names == ("c",)
    assert ticked.gaps == 0
    ticked.set([0, 1, 2, 3], True)
    assert ticked.names == ("a", "b", "c")
    assert ticked.gaps == 3


def test_columns_that_were_chosen_before_are_ticked_again(written: Written) -> None:
    ticked = Ticked(written(GAPS), ("c", "a"))
    assert ticked.names == ("a", "c")
    assert not ticked.all


def test_a_tick_of_the_view_ticks_the_column_and_says_so(written: Written) -> None:
    table = written(GAPS)
    model = ColumnsModel(table, Ticked(table))
    told: list[bool] = []
    model.ticks_changed.connect(lambda: told.append(True))
    role = Qt.ItemDataRole.CheckStateRole
    assert model.setData(model.index(1, NAME), Qt.CheckState.Unchecked, role)
    assert model.ticked.names == ("a", "c")
    assert told == [True]
    assert model.data(model.index(1, NAME), role) == Qt.CheckState.Unchecked
    assert model.data(model.index(3, REMARK)) == "text cannot be learned"
    assert not model.flags(model.index(3, NAME)) & Qt.ItemFlag.ItemIsUserCheckable


def test_everything_that_is_wrong_with_a_table_is_said(written: Written) -> None:
    generator = np.random.default_rng(1)
    rows = [f"{x:.6f},{2 * x + 1:.6f},5,{generator.integers(3)},red" for x in generator.standard_normal(300)]
    rows[7] = rows[6]
    rows[9] = ",,5,1,red"
    table = written("first,twice,same,quality,colour\n" + "\n".join(rows))
    found = notices(table, profile(table))
    said = " ".join(notice.text for notice in found)
    assert "colour holds text" in said
    assert "same has the same value in every row" in said
    assert "2 values are missing, in first and twice" in said
    assert "first and twice say nearly the same (correlation 1.000)" in said
    assert "quality takes few different values" in said
    assert "1 row repeats an earlier one" in said
    offers = {notice.offer: notice for notice in found if notice.offer}
    assert offers["Leave out twice"].leave_out == (1,)
    assert offers["Add noise"].dequantise == 1.0


def test_a_calm_table_has_no_notices(written: Written) -> None:
    values = np.random.default_rng(1).standard_normal((200, 3))
    table = written("a,b,c\n" + "\n".join(",".join(map(repr, row)) for row in values.tolist()))
    assert notices(table, profile(table)) == []


def test_of_a_chain_of_like_columns_no_more_go_than_must() -> None:
    assert one_of_each(((0, 1, 0.99), (1, 2, 0.99), (3, 4, 1.0))) == (1, 4)


def test_long_lists_of_names_are_cut() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(list("abcd")) == "a, b, c and d"
    assert listed(list("abcdef")) == "a, b, c and 3 more"


def test_the_preview_shows_numbers_gaps_and_the_whole_table(written: Written) -> None:
    table = written(GAPS)
    model = PreviewModel(table)
    assert (model.rowCount(), model.columnCount()) == (5, 4)
    assert model.data(model.index(3, 1)) == "11"
    assert model.data(model.index(1, 0)) == "–"
    assert model.headerData(2, Qt.Orientation.Horizontal) == "c"
    assert number(1234567.0) == "1.23457e+06"


def test_columns_and_known_sets_stand_under_heads_that_say_what_they_are(written: Written) -> None:
    table = written(GAPS)
    columns = ColumnsModel(table, Ticked(table))
    sets = CatalogueModel(tuple(CATALOGUE.values()), lambda entry: False)
    across, up = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
    hint, side = Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.TextAlignmentRole
    for model, rows, right in ((columns, 4, range(2, 6)), (sets, len(CATALOGUE), range(1, 4))):
        heads = [(model.headerData(place, across), model.headerData(place, across, hint)) for place in range(5)]
        assert model.rowCount() == rows and heads == list(model.heads[:5])
        places = range(model.columnCount())
        assert [place for place in places if model.headerData(place, across, side) is not None] == list(right)
        assert model.headerData(0, up) is None and model.rowCount(model.index(0, 0)) == 0
    assert columns.headerData(0, across) == "Column" and sets.headerData(0, across) == "Data set"


def test_histograms_are_those_of_numpy_and_survive_extremes() -> None:
    values = np.random.default_rng(1).standard_normal(1000)
    counts = np.histogram(values, bins=BARS)[0]
    found = heights(values)
    assert found is not None
    np.testing.assert_allclose(found, counts / counts.max())
    assert heights(np.array([-1.7e308, 1.7e308, np.nan])) is not None
    assert heights(np.array([3.0, 3.0, np.nan])) is None
    assert heights(np.array([np.nan])) is None
    assert heights(None) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.gmstudio", "document"),
        ("a.JSON", "document"),
        ("a.csv", "table"),
        ("a.TSV", "table"),
        ("a.csv.gz", "table"),
        ("a.parquet", "table"),
        ("a.png", "picture"),
        ("a.pdf", "unknown"),
        ("a", "unknown"),
    ],
)
def test_names_say_what_a_file_is(name: str, kind: str) -> None:
    assert kind_of(Path(name)) == kind
