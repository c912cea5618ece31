"""Panels of data with more than two columns: every one of them, planes, and likelihoods in two units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from table_shown import SEEN, Shown, fill, pixels

from gmstudio.gui.panels import all_panels, demo, demo_table
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.curves import CurvesPanel
from gmstudio.gui.panels.data import DataPanel
from gmstudio.gui.panels.density import DensityPanel
from gmstudio.gui.panels.plane_choice import COLUMNS, MEDIAN, PlaneChooser, show_row
from gmstudio.gui.panels.plane_choice import ROW as A_ROW
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.probe import ProbePanel
from gmstudio.gui.panels.samples import SamplesPanel
from gmstudio.gui.panels.score import ScorePanel
from gmstudio.gui.theme import load
from gmstudio.observation.frame import Frame, Metric, View

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
