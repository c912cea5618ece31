"""Names at the axes of plots."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QFontMetrics

from gmstudio.gui.panels import demo_table
from gmstudio.gui.panels.density import DensityPanel
from gmstudio.gui.panels.plane_axes import fitting_name


def test_a_principal_axis_has_a_short_name_where_there_is_little_room(qtbot: Any) -> None:
    panel = DensityPanel()
    qtbot.addWidget(panel)
    metrics = QFontMetrics(panel.font())
    wide = metrics.horizontalAdvance("Principal axis 1")
    assert fitting_name("Principal axis 1", metrics, wide + 2) == "Principal axis 1"
    assert fitting_name("Principal axis 1", metrics, wide - 2) == "PC 1"
    assert fitting_name("a column with a long name", metrics, wide // 2).count("…") == 1


def test_the_button_of_the_plane_tells_the_whole_names_of_its_axes(qtbot: Any) -> None:
    panel = DensityPanel()
    qtbot.addWidget(panel)
    panel.begin(demo_table.info())
    assert "Principal axis 1" in panel.plane_button.toolTip() and "Principal axis 2" in panel.plane_button.toolTip()
