"""The import dialog: what it shows, what it makes of a table, and that its numbers are those of the data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from gmstudio.data.sets.table import TableSpec
from gmstudio.data.tables.profile import profile
from gmstudio.data.tables.reading import Column, Table, read
from gmstudio.gui.tables import columns_model
from gmstudio.gui.tables.import_dialog import ImportDialog

Make = Callable[..., ImportDialog]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table of 159 rows with gaps, a constant, a text, a repeated column and few values."""
    generator = np.random.default_rng(3)
    lines = ["height,weight,grade,year,name,again"]
    for row in range(159):
        height, weight = generator.standard_normal(2)
        gap = "" if row % 10 == 0 else f"{weight:.5f}"
        lines.append(f"{height:.5f},{gap},{generator.integers(5)},2009,someone,{2 * height:.5f}")
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def make(qtbot: Any, path: Path) -> Make:
    """Shows the dialog for the table, with what was chosen before."""

    def show(spec: TableSpec | None = None) -> ImportDialog:
        table = read(path)
        dialog = ImportDialog(table, spec)
        qtbot.addWidget(dialog)
        with qtbot.waitExposed(dialog):
            dialog.show()
        dialog.show_profile(profile(table))
        return dialog

    return show


def shapes(spec: TableSpec) -> tuple[int, int, int, int]:
    data = spec.build(1)
    assert data.test is not None
    return len(data.train), len(data.validation), len(data.test), data.dim


def told(dialog: ImportDialog) -> tuple[int, int, int, int]:
    found = dialog.parts
    return found.train, found.validation, found.test, len(dialog.ticked.names)


@pytest.mark.parametrize("missing", ["drop rows", "mean"])
@pytest.mark.parametrize("split", ["file order", "shuffled"])
def test_the_numbers_of_the_dialog_are_those_of_the_data_set(make: Make, missing: str, split: str) -> None:
    dialog = make()
    dialog.form.take("missing", missing)
    dialog.form.take("split", split)
    dialog.form.take("test_share", 0.23)
    dialog.form.take("validation_share", 0.17)
    assert told(dialog) == shapes(dialog.spec)
    assert dialog.sentence.text().startswith(f"{told(dialog)[0]:,} rows to train on")


def test_constant_columns_and_texts_are_unticked_at_first(make: Make) -> None:
    dialog = make()
    assert dialog.spec.columns == ("height", "weight", "grade", "again")
    assert dialog.ok.isEnabled()


def test_a_table_can_be_used_before_its_columns_have_been_looked_at(qtbot: Any, path: Path) -> None:
    dialog = ImportDialog(read(path), None)
    qtbot.addWidget(dialog)
    cell = dialog.model.index(0, columns_model.DISTINCT)
    assert dialog.model.data(cell) == "…"
    assert dialog.ok.isEnabled()
    assert "year" in dialog.ticked.names
    dialog.model.tick([1], False)
    dialog.show_profile(profile(dialog.table))
    assert dialog.model.data(cell) == "159"
    assert dialog.spec.columns == ("height", "grade", "again")


def test_space_unticks_the_selected_columns_and_the_sentence_follows(qtbot: Any, make: Make) -> None:
    dialog = make()
    rows = dialog.parts.train
    dialog.columns.selectRow(1)
    qtbot.keyClick(dialog.columns, Qt.Key.Key_Space)
    assert dialog.spec.columns == ("height", "grade", "again")
    assert dialog.parts.train > rows
    assert told(dialog) == shapes(dialog.spec)
    qtbot.keyClick(dialog.columns, Qt.Key.Key_Space)
    assert dialog.parts.train == rows


def test_what_is_offered_is_done_and_offered_no_more(qtbot: Any, make: Make) -> None:
    dialog = make()
    buttons = {notice.offer: button for button, notice in dialog.notices.buttons.items()}
    qtbot.mouseClick(buttons["Leave out again"], Qt.MouseButton.LeftButton)
    assert "again" not in dialog.spec.columns
    assert not buttons["Leave out again"].isEnabled()
    qtbot.mouseClick(buttons["Add noise"], Qt.MouseButton.LeftButton)
    assert dialog.spec.dequantise == 1.0
    assert not buttons["Add noise"].isEnabled()
    dialog.form.take("dequantise", 0.0)
    assert buttons["Add noise"].isEnabled()


def test_missing_values_that_are_refused_and_no_columns_keep_the_dialog_from_ending(make: Make) -> None:
    dialog = make()
    dialog.form.take("missing", "refuse")
    assert not dialog.ok.isEnabled()
    assert "16 values are missing" in dialog.sentence.text()
    dialog.form.take("missing", "mean")
    assert dialog.ok.isEnabled()
    dialog.none.click()
    assert not dialog.ok.isEnabled()
    assert dialog.sentence.text() == "No column is ticked. Tick at least two."
    dialog.all.click()
    assert "year" in dialog.spec.columns or dialog.ticked.all


def test_return_uses_the_table_and_escape_leaves_it(qtbot: Any, make: Make) -> None:
    dialog = make()
    chosen: list[TableSpec] = []
    dialog.chosen.connect(chosen.append)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert chosen == []
    dialog = make()
    dialog.chosen.connect(chosen.append)
    qtbot.keyClick(dialog.columns, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    assert chosen == [dialog.spec]


def test_what_was_chosen_before_is_there_again_and_another_file_is_remarked(make: Make, path: Path) -> None:
    before = TableSpec(path=str(path), sha256="0" * 64, columns=("grade", "height", "gone"), missing="mean", seed=4)
    dialog = make(before)
    assert dialog.spec.columns == ("height", "grade")
    assert (dialog.spec.missing, dialog.spec.seed) == ("mean", 4)
    assert dialog.spec.sha256 == dialog.table.sha256
    assert "not the file that was chosen before" in dialog.message.text
    same = make(dialog.spec)
    assert same.message.text == ""


def test_a_table_of_a_million_rows_and_a_thousand_columns_is_looked_at_without_copying_it(qtbot: Any) -> None:
    values = np.broadcast_to(np.linspace(0.0, 1.0, 1000), (1000, 1000)).ravel()
    columns = tuple(Column(f"x{place}", "number", values, 0) for place in range(1000))
    table = Table(columns, len(values), Path("big.npy"), "0" * 64)
    dialog = ImportDialog(table, None)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    assert dialog.rows.rowCount() == 1_000_000
    dialog.preview.scrollToBottom()
    assert dialog.rows.data(dialog.rows.index(999_999, 999)) == "1"
    assert not dialog.finder.isHidden()
    dialog.finder.setText("x99")
    assert len(dialog.columns.places()) == 11


def test_everything_in_the_dialog_says_what_it_is(make: Make) -> None:
    dialog = make()
    for widget in dialog.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            named = widget.accessibleName() or widget.toolTip() or getattr(widget, "text", lambda: "")()
            owner = widget.parentWidget()
            assert named or (owner is not None and (owner.accessibleName() or owner.toolTip())), widget


def test_a_split_of_ones_own_is_told_and_its_column_is_not_learned(make: Make, path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    codes = ["split", *(str(2 if row % 5 == 0 else int(row % 3 == 0)) for row in range(len(lines) - 1))]
    path.write_text("\n".join(f"{line},{code}" for line, code in zip(lines, codes, strict=True)), encoding="utf-8")
    dialog = make()
    dialog.form.take("split", "own")
    assert dialog.names == ("height", "weight", "grade", "again")
    found = dialog.parts
    assert (found.train, found.validation, found.test, len(dialog.names)) == shapes(dialog.spec)
    dialog.form.take("split_column", "height")
    assert "names no part" in dialog.problem and not dialog.ok.isEnabled()
    dialog.form.take("split_column", "nothing")
    assert "no column of numbers “nothing”" in dialog.problem
