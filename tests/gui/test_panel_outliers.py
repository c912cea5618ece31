"""The panel of the rows that a model finds least likely."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from table_shown import SEEN, Shown, fill

from gmstudio.gui.panels import demo_table, outliers
from gmstudio.gui.panels.outlier_model import LEVEL, ROW, UNUSUAL, Usual
from gmstudio.gui.panels.outliers import OutliersPanel
from gmstudio.gui.panels.plane_link import PlaneLink


def test_outliers_are_listed_lowest_first_and_can_be_sorted_otherwise(shown: Shown) -> None:
    panel = fill(shown(OutliersPanel(), 520, 300))
    table, rows = panel.sorted, panel.frame.columns[0].outliers
    levels = [float(table.index(k, LEVEL).data(Qt.ItemDataRole.UserRole)) for k in range(table.rowCount())]
    assert levels == sorted(levels) and len(levels) == 60
    assert table.index(0, ROW).data() == f"{int(rows[0, 0]):,}"
    table.sort(ROW, Qt.SortOrder.DescendingOrder)
    numbers = [float(table.index(k, ROW).data(Qt.ItemDataRole.UserRole)) for k in range(60)]
    assert numbers == sorted(numbers, reverse=True), "as numbers, not as words"
    panel.mode.setCurrentIndex(1)
    assert panel.model.rows is panel.frame.columns[1].outliers


def test_unusual_columns_are_those_farthest_from_their_medians_in_robust_deviations(shown: Shown) -> None:
    data = np.random.default_rng(3).normal(size=(4000, 3)).astype(np.float32) * (1.0, 10.0, 0.1)
    data[:20, 1] = 1e6
    usual = Usual.of(data)
    assert np.allclose(usual.spread, (1.0, 10.0, 0.1), rtol=0.06), "a few wild rows change nothing"
    assert np.allclose(usual.deviations(np.array([0.0, 50.0, 0.0])), (0.0, 5.0, 0.0), atol=0.3)
    assert np.isfinite(Usual.of(np.full((5, 2), 3.0, np.float32)).deviations(np.array([4.0, 3.0]))).all()
    panel = fill(shown(OutliersPanel(), 520, 300))
    words = str(panel.sorted.index(0, UNUSUAL).data())
    assert any(name in words for name in demo_table.NAMES) and ("+" in words or "−" in words)


def test_a_double_click_on_an_outlier_shows_the_slice_through_it(shown: Shown) -> None:
    panel, link = shown(OutliersPanel(), 520, 300), PlaneLink()
    panel.set_link(link)
    fill(panel)
    panel.table.activated.emit(panel.sorted.index(0, ROW))
    row = panel.model.rows[0]
    assert link.plane is not None and link.plane.through.endswith(f"row {int(row[0])}")
    assert np.allclose(link.plane.lift(link.plane.project(row[None, 3:])), row[3:], rtol=1e-3)


def test_the_selected_row_stays_selected_and_new_tables_come_calmly(
    shown: Shown, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outliers, "CALM", 0.05)
    panel = fill(shown(OutliersPanel(), 520, 300))
    panel.table.setCurrentIndex(panel.sorted.index(4, ROW))
    chosen = panel.sorted.index(4, ROW).data()
    frame = demo_table.frame(1100, SEEN)
    panel.show_frame(frame)
    qtbot.waitUntil(lambda: panel.model.rows is frame.columns[0].outliers)
    assert panel.table.currentIndex().data() == chosen


def test_without_outliers_the_panel_says_when_they_are_sought(shown: Shown) -> None:
    panel = fill(shown(OutliersPanel(), 520, 300))
    panel.show_frame(demo_table.empty(demo_table.frame(1200, SEEN)))
    panel._fill()
    assert "sought while this list is open" in panel.summary()
