"""Panels of data with more than two columns: planes, pairs, marginals, outliers, and likelihoods in two units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gmstudio.gui.panels import all_panels, demo, demo_table, outliers
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.column_choice import ColumnButton
from gmstudio.gui.panels.curves import CurvesPanel
from gmstudio.gui.panels.data import DataPanel
from gmstudio.gui.panels.density import DensityPanel
from gmstudio.gui.panels.marginals import MarginalsPanel
from gmstudio.gui.panels.outlier_model import LEVEL, ROW, UNUSUAL, Usual
from gmstudio.gui.panels.outliers import OutliersPanel
from gmstudio.gui.panels.pair_grid import BOTH, LOWER, UPPER
from gmstudio.gui.panels.pairs import PairsPanel
from gmstudio.gui.panels.plane_choice import COLUMNS, MEDIAN, PlaneChooser, show_row
from gmstudio.gui.panels.plane_choice import ROW as A_ROW
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.probe import ProbePanel
from gmstudio.gui.panels.quantiles import chance_band, histogram, quantiles, span_of
from gmstudio.gui.panels.samples import SamplesPanel
from gmstudio.gui.panels.score import ScorePanel
from gmstudio.gui.theme import load
from gmstudio.observation.frame import Frame, Metric, View

Shown = Callable[..., Any]
SEEN = demo_table.view(grid=40, arrows=12, samples=900, batch=128)


def fill(panel: Any, step: int = 1000, view: View = SEEN) -> Any:
    panel.begin(demo_table.info())
    panel.show_truth(demo_table.truth(view))
    panel.show_metrics(demo.metrics(0, 50))
    panel.show_frame(demo_table.frame(step, view))
    panel.show_step(step)
    return panel


def pixels(panel: QWidget) -> np.ndarray:
    image = panel.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), image.width(), 4).copy()


# Every panel.


@pytest.fixture(params=all_panels(), ids=lambda panel: panel.name)
def panel(request: pytest.FixtureRequest, shown: Shown) -> Panel:
    return shown(request.param(), 480, 260)


def test_every_panel_takes_a_table_in_any_theme_and_forgets_it_again(panel: Panel) -> None:
    fill(panel)
    assert len(panel.summary()) > 20
    panel.apply_theme(load("light"))
    light = pixels(panel)
    panel.apply_theme(load("dark"))
    assert light.mean() > pixels(panel).mean() + 40
    panel.show_frame(demo_table.empty(demo_table.frame(1001, SEEN)))
    assert panel.summary()
    panel.begin(demo.info(size=300))
    panel.show_frame(demo.frame(100, View(demo.BOUNDS, grid=20, arrows=6, samples=50, batch=20)))
    assert panel.summary()
    pixels(panel)


def test_every_panel_survives_values_that_are_not_finite(panel: Panel) -> None:
    fill(panel)
    frame = demo_table.frame(1001, SEEN)
    bad = np.full((900, 6), np.nan, dtype=np.float32)
    bad[::2] = np.inf
    columns = tuple(
        replace(one, samples=bad, batch=bad[:99], outliers=bad[:50].repeat(2, 1)[:, :9]) for one in frame.columns
    )
    panel.show_frame(replace(frame, columns=columns))
    pixels(panel)
    assert panel.summary()


# Planes.


def test_points_are_seen_on_the_plane_and_axes_read_in_the_units_of_their_columns(shown: Shown) -> None:
    samples = fill(shown(SamplesPanel(), 480, 260))
    info, plane = samples.info, samples.link.plane
    flat = samples.flat("data", info.data)
    z = (info.data - info.space.mean) / info.space.spread
    assert np.allclose(flat, z @ info.space.principal.T, atol=1e-4)
    assert samples.flat("data", info.data) is flat, "projected once"
    across = info.space.columns_plane(0, 3)
    samples.link.show_plane(across, (-3.0, 3.0, -3.0, 3.0))
    flat = samples.flat("data", info.data)
    x, y = across.written(*flat[5])
    assert (x, y) == pytest.approx((info.data[5, 0], info.data[5, 3]), rel=1e-4)
    assert samples.link.plane is across and across != plane


def test_grids_of_another_plane_are_not_shown_and_the_panel_says_what_it_waits_for(shown: Shown) -> None:
    for kind in (DensityPanel, ScorePanel):
        panel = fill(shown(kind(), 480, 260))
        before = pixels(panel)
        assert panel.row.hint == ""
        other = panel.info.space.columns_plane(1, 2)
        panel.link.show_plane(other, (-3.0, 3.0, -3.0, 3.0))
        assert "Principal axis 1 × Principal axis 2" in panel.row.hint
        assert (pixels(panel) != before).any()
        seen = replace(SEEN, plane=other, bounds=(-3.0, 3.0, -3.0, 3.0))
        panel.show_frame(demo_table.empty(demo_table.frame(1000, seen)))
        assert panel.row.hint == "Waiting for the picture of this plane.", "it was there on the plane before"
        panel.show_frame(demo_table.frame(1000, seen))
        assert panel.row.hint == ""
        panel.begin(demo_table.info("of another model"))
        panel.show_frame(demo_table.empty(demo_table.frame(0, seen, "of another model")))
        assert "This model has no" in panel.row.hint


def test_the_same_data_keep_plane_and_zoom_and_other_data_do_not() -> None:
    link, info = PlaneLink(), demo_table.info()
    link.begin(info)
    assert link.plane == info.plane and link.bounds == info.bounds
    chosen = info.space.columns_plane(0, 1)  # type: ignore[union-attr]
    link.show_plane(chosen, (-2.0, 2.0, -2.0, 2.0))
    link.zoom(0.5)
    zoomed = link.bounds
    link.begin(demo_table.info("another run"))
    assert link.plane == chosen and link.bounds == zoomed and link.knows(info)
    link.begin(demo.info(size=20))
    assert link.plane is None and link.bounds == demo.BOUNDS and not link.knows(info)
    link.begin(info)
    assert link.plane == info.plane


def test_a_panel_that_still_has_other_data_draws_none_of_them_on_the_plane_of_a_table(shown: Shown) -> None:
    for kind in (SamplesPanel, DataPanel, DensityPanel, ScorePanel):
        panel, link = shown(kind(), 480, 260), PlaneLink()
        panel.set_link(link)
        panel.begin(demo.info(size=300))
        panel.show_frame(demo.frame(100, View(demo.BOUNDS, grid=20, arrows=6, samples=50, batch=20)))
        link.begin(demo_table.info())
        pixels(panel)
        assert panel.summary()
        assert len(panel.flat("data", panel.info.data)) == 0
        fill(panel)
        link.begin(demo.info(size=300))
        pixels(panel)
        assert panel.summary()


def test_another_centre_keeps_the_zoom_and_asks_for_the_new_slice(qtbot: QtBot) -> None:
    link, info = PlaneLink(), demo_table.info()
    link.begin(info)
    link.zoom(0.5)
    before, wanted = link.bounds, []
    link.view_wanted.connect(wanted.append)
    show_row(link, info, info.data[3].astype(np.float64), "row 3")
    assert link.plane is not None and link.plane.through == "row 3"
    assert link.bounds == before and wanted == [before]
    assert np.allclose(link.plane.lift(link.plane.project(info.data[3:4])), info.data[3:4], rtol=1e-3), "it is on it"


def test_the_chooser_shows_what_is_chosen_at_once(shown: Shown) -> None:
    density = fill(shown(DensityPanel(), 480, 260))
    button = density.plane_button
    assert button.isVisible() and button.accessibleName() == "Plane: Principal plane"
    chooser = PlaneChooser(density.info, density.link, button)
    chooser.kind.setCurrentIndex(COLUMNS)
    chooser.across.setCurrentIndex(4)
    chooser.up.setCurrentIndex(2)
    chooser.through.setCurrentIndex(MEDIAN)
    plane = density.link.plane
    assert (plane.column(0), plane.column(1), plane.through) == (4, 2, "median")
    assert button.accessibleName() == "Plane: density × pH @ median"
    chooser.through.setCurrentIndex(A_ROW)
    chooser.row.setValue(12)
    assert density.link.plane.through == "row 12"
    again = PlaneChooser(density.info, density.link, button)
    assert (again.across.currentIndex(), again.up.currentIndex(), again.row.value()) == (4, 2, 12)
    density.begin(demo.info(size=20))
    assert not button.isVisible(), "points of the plane need none"
    for one in (chooser, again):
        one.deleteLater()


def test_the_probe_names_the_columns_and_says_that_there_is_no_way_to_draw(shown: Shown) -> None:
    probe, link = shown(ProbePanel(), 300, 500), PlaneLink()
    probe.set_link(link)
    fill(probe)
    link.show_plane(probe.info.space.columns_plane(0, 2), demo_table.info().bounds)
    probe.show_frame(demo_table.frame(5, replace(SEEN, plane=link.plane)))
    link.set_probe((1.0, 0.5))
    x, y = link.plane.written(1.0, 0.5)  # type: ignore[union-attr]
    assert f"({x:.2f}, {y:.2f})" in probe.summary()
    numbers = probe.view.numbers()
    assert numbers[0][2] is not None and numbers[0][3] is not None
    link.show_plane(probe.info.space.principal_plane(), demo_table.info().bounds)
    assert probe.view.point is None and "no point chosen" in probe.summary()


# Pairs.


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


# Marginals.


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_quantiles_agree_with_numpy(size: int) -> None:
    values = np.sort(np.random.default_rng(size).normal(size=size).astype(np.float32))
    shares = np.array([0.0, 0.05, 0.31, 0.5, 0.95, 1.0])
    assert np.allclose(quantiles(values, shares), np.quantile(values.astype(np.float64), shares))


def test_a_histogram_agrees_with_numpy_and_passes_over_what_is_outside() -> None:
    values = np.random.default_rng(2).normal(size=500)
    values[:3] = np.nan, np.inf, 1e30
    counted, _ = np.histogram(values[3:], bins=20, range=(-2.0, 2.0))
    assert np.allclose(histogram(values, (-2.0, 2.0), 20), counted / 500 * 20)
    assert span_of(np.full(9, 3.0)) == (2.5, 3.5)
    assert span_of(np.array([np.nan])) == (-1.0, 1.0)


def test_nine_in_ten_quantiles_of_draws_of_the_same_law_lie_within_the_band() -> None:
    random, shares = np.random.default_rng(8), np.linspace(0.1, 0.9, 9)
    law = np.sort(random.normal(size=200_000))
    low, high = chance_band(law, shares, 400)
    drawn = np.quantile(random.normal(size=(2000, 400)), shares, axis=1)
    within = ((drawn >= low[:, None]) & (drawn <= high[:, None])).mean(axis=1)
    assert np.abs(within - 0.9).max() < 0.03


def test_the_marginals_tell_medians_and_bands_of_data_and_samples(shown: Shown) -> None:
    panel = fill(shown(MarginalsPanel(), 560, 360))
    low, middle, high = np.quantile(panel.info.data[:, 0].astype(np.float64), (0.05, 0.5, 0.95))
    assert f"alcohol: data {middle:.1f} ({low:.2f} to {high:.1f})" in panel.summary()
    histograms = pixels(panel)
    panel.mode.setCurrentIndex(1)
    assert (pixels(panel) != histograms).any()
    assert len(panel.view.places(QSizeF(560, 360))) == 6


# Outliers.


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


# Likelihoods in two units.


def test_a_switch_shows_likelihoods_in_standardised_units_with_the_jacobian(shown: Shown) -> None:
    curves: CurvesPanel = fill(shown(CurvesPanel(), 480, 260))
    volume = curves.info.space.log_volume  # type: ignore[union-attr]
    assert curves.standardised.isVisible() and not curves.standardised.isChecked()
    plain = {(line.name, line.column): line.values for line in curves.courses.lines("likelihood")}
    best, levels = curves.courses.best(0), curves.courses.levels("likelihood")
    read = curves.courses.at(curves.courses.series("validation", 0), 40)
    curves.standardised.setChecked(True)
    for line in curves.courses.lines("likelihood"):
        assert np.allclose(line.values, plain[line.name, line.column] + volume)
    assert best is not None and curves.courses.best(0) == pytest.approx((best[0], best[1] + volume))
    assert curves.courses.levels("likelihood") == {name: level + volume for name, level in levels.items()}
    assert curves.courses.at(curves.courses.series("validation", 0), 40) == pytest.approx(read + volume)  # type: ignore[operator]
    assert "nats, standardised" in curves.summary()
    curves.begin(demo.info(size=20))
    assert curves.courses.offset == 0.0 and not curves.standardised.isVisible(), "points of the plane have one unit"
    curves.begin(demo_table.info())
    assert curves.courses.offset == volume


def test_the_test_points_are_in_the_table_once_they_are_measured(shown: Shown) -> None:
    from gmstudio.gui.panels.metrics import MetricsPanel

    panel = fill(shown(MetricsPanel(), 480, 260))
    before = panel.table.names()
    assert "test" not in before and "Test" not in panel.summary()
    panel.show_metrics([Metric(4000, 0, "test", -5.0), Metric(4000, 0, "test_standardised", 1.0)])
    panel.show_step(4000)
    assert set(panel.table.names()) - set(before) == {"test"}
    assert "Test log-likelihood, last weights: Vanilla −5.00" in panel.summary()


def test_data_and_batch_of_a_table_fall_on_the_plane(shown: Shown) -> None:
    panel = fill(shown(DataPanel(), 480, 260))
    assert "training points around (0.00, 0.00)" in panel.summary().replace("-0.00", "0.00")


def test_a_frame_of_the_plane_alone_is_drawn_as_ever(shown: Shown) -> None:
    density = shown(DensityPanel(), 480, 260)
    density.begin(demo.info(size=50))
    view = View(demo.BOUNDS, grid=40, arrows=12, samples=80, batch=12)
    frame: Frame = demo.frame(100, view)
    density.show_frame(frame)
    assert density.row.hint == "" and density.link.plane is None
    density.log.setChecked(False)
    top = density.top.value
    assert density.limits() == (0.0, pytest.approx(np.exp(top)))
