"""The panel of pairs of columns, and the choice of its columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QSizeF, Qt
from pytestqt.qtbot import QtBot
from table_shown import SEEN, Shown, fill, pixels

from gmstudio.gui.panels import demo_table
from gmstudio.gui.panels.column_choice import ColumnButton
from gmstudio.gui.panels.pair_grid import BOTH, LOWER, UPPER
from gmstudio.gui.panels.pairs import PairsPanel
from gmstudio.gui.panels.plane_link import PlaneLink


def test_a_point_is_drawn_in_the_cell_of_its_columns_at_its_place(shown: Shown) -> None:
    pairs = fill(shown(PairsPanel(), 560, 460))
    grid = pairs.grid
    area = grid.areas(QSizeF(grid.size()))[0]
    layer = replace(grid.layers[0], name="one", points=pairs.info.data[:1].copy(), half=LOWER, filled=False, one=1.0)
    image = grid._image(layer, area)
    alpha = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width()) >> 24
    wide, tall = grid._cell_size(area)
    inked = np.argwhere(alpha > 200)
    assert len(inked), "the point"
    for row in range(5):
        for column in range(5):
            top, left = row * (tall + 3), column * (wide + 3)
            mine = alpha[top : top + tall, left : left + wide]
            assert (mine.max(initial=0) > 200) == (row > column), "below the diagonal only"
    (low, high), (bottom, top_) = grid.spans[0], grid.spans[1]
    x = (layer.points[0, 0] - low) / (high - low) * wide
    y = tall - (layer.points[0, 1] - bottom) / (top_ - bottom) * tall + (tall + 3)
    assert alpha[int(y), int(x)] > 200


def test_vanilla_is_below_the_diagonal_and_mollified_above_or_beside_or_alone(shown: Shown) -> None:
    pairs = fill(shown(PairsPanel(), 700, 460))
    assert pairs.seats() == [(0, 0, LOWER), (1, 0, UPPER)]
    assert [title.words for title in pairs.grid.titles] == ["Vanilla below", "Mollified above"]
    pairs.mode.setCurrentIndex(1)
    assert pairs.seats() == [(0, 0, BOTH), (1, 1, BOTH)] and pairs.grid.grids == 2
    pairs.mode.setCurrentIndex(3)
    assert pairs.seats() == [(1, 0, BOTH)]
    assert [layer.name for layer in pairs.grid.layers] == ["data", "Mollified"]
    pairs.show_batch.setChecked(True)
    assert [layer.name for layer in pairs.grid.layers] == ["data", "Mollified", "batch of Mollified"]
    pairs.show_samples.setChecked(False)
    assert [layer.name for layer in pairs.grid.layers] == ["data", "batch of Mollified"]


def test_a_click_on_a_pair_shows_its_plane_and_marks_it(shown: Shown, qtbot: QtBot) -> None:
    pairs, link = shown(PairsPanel(), 560, 460), PlaneLink()
    pairs.set_link(link)
    fill(pairs)
    area = pairs.grid.areas(QSizeF(pairs.grid.size()))[0]
    at = pairs.grid.cell(area, 3, 1).center()
    qtbot.mouseClick(pairs.grid, Qt.MouseButton.LeftButton, pos=at.toPoint())
    assert link.plane is not None and (link.plane.column(0), link.plane.column(1)) == (1, 3)
    assert pairs.grid.marked == (1, 3)
    told = pairs.grid.explain(QPointF(at))
    real = np.corrcoef(pairs.info.data[:, [1, 3]].T.astype(np.float64))[0, 1]
    assert told.startswith("volatile acidity × total sulphur dioxide") and f"data {real:+.2f}" in told
    qtbot.mouseClick(pairs.grid, Qt.MouseButton.LeftButton, pos=pairs.grid.cell(area, 2, 2).center().toPoint())
    assert pairs.grid.marked == (1, 3), "a column alone is no plane"


def test_a_frame_with_the_same_samples_costs_no_new_picture(shown: Shown) -> None:
    pairs = fill(shown(PairsPanel(), 560, 460))
    pixels(pairs)
    layers = pairs.grid.layers
    pairs.show_frame(replace(pairs.frame, step=1001))
    assert pairs.grid.layers is layers
    ground = pairs.grid._ground_kept
    pairs.show_frame(demo_table.frame(1200, SEEN))
    pixels(pairs)
    assert pairs.grid.layers is not layers and pairs.grid._ground_kept is ground, "the data stand still"


def test_a_hidden_pair_plot_makes_no_images(shown: Shown) -> None:
    pairs = fill(shown(PairsPanel(), 560, 460))
    pixels(pairs)
    made = dict(pairs.grid._images)
    pairs.hide()
    pairs.show_frame(demo_table.frame(1300, SEEN))
    assert all(pairs.grid._images[name] is kept for name, kept in made.items())


def test_columns_are_chosen_from_a_list_that_can_be_narrowed_up_to_a_limit(shown: Shown) -> None:
    pairs = fill(shown(PairsPanel(), 560, 460))
    button: ColumnButton = pairs.choice
    assert button.columns == (0, 1, 2, 3, 4)
    button.choose()
    chooser = button.chooser
    assert chooser is not None
    chooser.filter.setText("SULPHUR")
    assert [chooser.list.isRowHidden(row) for row in range(6)] == [True, True, True, False, True, True]
    chooser.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    chooser.list.item(5).setCheckState(Qt.CheckState.Checked)
    assert pairs.columns == (1, 2, 3, 4, 5) == pairs.grid.columns
    button.most = 5
    chooser.list.item(0).setCheckState(Qt.CheckState.Checked)
    assert pairs.columns == (1, 2, 3, 4, 5) and "untick one first" in chooser.note.text()
    chooser.close()
    pairs.begin(demo_table.info("again"))
    assert pairs.columns == (1, 2, 3, 4, 5), "the same columns of another run"
