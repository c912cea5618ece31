"""The latent space: what the codes of a frame say, the colours of the data, and the panel that draws both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from gmstudio.gui.panels import demo, demo_table
from gmstudio.gui.panels.latent import AFTER, BOTH, LatentPanel
from gmstudio.gui.panels.latent_codes import Dimensions, leading, learned, normal
from gmstudio.gui.panels.latent_histogram import draw_histogram, histogram, normal_density
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.point_colours import by_class, by_place, by_value
from gmstudio.gui.theme import load
from gmstudio.observation.frame import ColumnFrame, Frame, RunInfo, View

Shown = Callable[..., Any]
VIEW = View(demo.BOUNDS, grid=0, arrows=0, samples=10, batch=10, codes=600)


def codes_of(means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    logs = np.broadcast_to(np.log(variances), means.shape)
    return np.stack([means, logs, means], axis=1).astype(np.float32)


def panel_of(shown: Shown, info: RunInfo, frame: Frame, size: tuple[int, int] = (640, 340)) -> LatentPanel:
    panel = shown(LatentPanel(), *size)
    panel.begin(info)
    panel.show_frame(frame)
    return panel


def ordinary(shown: Shown) -> LatentPanel:
    return panel_of(shown, demo.info(size=700), demo.frame(3000, VIEW))


def picture(panel: LatentPanel) -> np.ndarray:
    image = panel.row.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1].astype(int)


# What the codes say.


def test_the_divergence_of_each_dimension_is_that_of_torch() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    means, variances = rng.normal(size=(300, 5)), np.exp(rng.normal(size=(300, 5)))
    q = torch.distributions.Normal(torch.tensor(means), torch.tensor(np.sqrt(variances)))
    exact = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).mean(0).numpy()
    found = Dimensions.of(codes_of(means, variances))
    np.testing.assert_allclose(found.kl, exact, rtol=1e-5)
    np.testing.assert_allclose(found.variance, means.var(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.blur, variances.mean(axis=0), rtol=1e-5)


def test_a_dimension_is_active_where_its_mean_moves_with_the_data() -> None:
    means = np.random.default_rng(0).normal(size=(400, 3)) * (1.0, 0.05, 0.2)
    found = Dimensions.of(codes_of(means, np.array([0.1, 0.99, 0.9])))
    assert found.active.tolist() == [True, False, True]
    assert found.words().startswith("2 of 3 active, KL ")


def test_codes_that_are_not_finite_are_passed_over() -> None:
    codes = codes_of(np.ones((4, 2)), np.array([1.0, 1.0]))
    codes[1] = np.nan
    assert Dimensions.of(codes).kl.tolist() == [0.5, 0.5]
    assert Dimensions.of(np.full((3, 3, 2), np.inf)).kl.tolist() == [0.0, 0.0]


def test_the_axes_of_highest_divergence_lead_and_do_not_change_places_for_a_little() -> None:
    assert leading(np.array([0.1, 2.0, 0.0, 1.5])) == (1, 3)
    assert leading(np.array([2.0, 1.0, 1.1]), (0, 1)) == (0, 1), "a tenth of a nat is no reason to turn the plot"
    assert leading(np.array([2.0, 1.0, 2.1]), (0, 1)) == (2, 0)
    assert leading(np.array([2.0, 2.5]), (0, 1)) == (0, 1), "nor is it to mirror the plot"
    assert leading(np.array([2.0, 1.0]), (0, 7)) == (0, 1), "another model has fewer"


def test_draws_of_a_learned_prior_are_told_from_those_of_a_normal_one() -> None:
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(1000, 6))
    assert normal(draws)
    assert not normal(draws * 0.8) and not normal(draws + 0.3)
    assert not normal(draws @ np.array(np.eye(6) + 0.4 * np.eye(6, k=1)))
    turn = 2 * np.pi * rng.random(1000)
    assert not normal(np.sqrt(2) * np.stack([np.cos(turn), np.sin(turn)], axis=1)), "a ring has a disc's variances"
    assert normal(draws[:5]), "too few to say"
    assert learned([draws, rng.normal(size=(1000, 6))]), "the columns' draws of N(0, I) are the same numbers"
    assert not learned([draws, draws.copy()])


def test_a_histogram_has_the_heights_of_a_density() -> None:
    values = np.random.default_rng(1).normal(size=200_000)
    edges, heights = histogram(values)
    middle = (edges[1:] + edges[:-1]) / 2
    np.testing.assert_allclose(heights, normal_density(middle), atol=0.01)
    assert histogram(np.array([9.0, 0.01]))[1].sum() * (edges[1] - edges[0]) == pytest.approx(0.5)


# Colours.


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_neighbours_in_the_data_have_similar_colours_and_corners_different_ones(qtbot: QtBot, theme: str) -> None:
    line = np.linspace(-1, 1, 60)
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    made = by_place(points, load(theme))
    rgb = np.array([made.of(k).getRgb()[:3] for k in range(len(points))], dtype=float).reshape(60, 60, 3)
    step = max(np.abs(np.diff(rgb, axis=axis)).mean(axis=-1).max() for axis in (0, 1))
    corners = rgb[[0, 0, -1, -1], [0, -1, 0, -1]]
    apart = min(np.abs(a - b).mean() for k, a in enumerate(corners) for b in corners[:k])
    assert 2 * step < apart
    ground = np.array(load(theme).colour("plot").getRgb()[:3], dtype=float)
    assert np.abs(rgb - ground).max(axis=-1).min() > 60, "every colour stands out from the ground"


def test_every_class_has_a_colour_of_its_own_and_the_unknown_are_named_so(qtbot: QtBot) -> None:
    for count in (3, 10, 26):
        labels = np.arange(count + 1) - 1
        made = by_class(labels, load("dark"))
        assert len({colour.name() for colour in made.colours}) == count + 1
        assert made.names[-1] == "unknown" and made.of(0) == load("dark").colour("muted")
    assert by_class(np.array([0, 1]), load("dark"), ("cat", "dog")).names == ("cat", "dog")


def test_a_scale_of_values_is_not_used_up_by_an_outlier(qtbot: QtBot) -> None:
    values = np.concatenate([np.linspace(0, 1, 400), [1e6, np.nan]])
    made = by_value(values, load("light"), "alcohol")
    assert made.limits is not None and made.limits[1] < 1.01
    assert made.groups[0] == 0 and made.groups[399] == made.groups[400] == made.groups.max()


# The panel.


def test_points_have_the_colours_of_the_data_and_the_data_stand_beside_them(shown: Shown) -> None:
    panel = ordinary(shown)
    colouring = panel.colours.of(panel.theme)
    assert colouring is not None and not colouring.names
    seen = picture(panel)
    plots = panel.row.plots()
    points = panel.points(panel.shown[0])
    found = 0
    for row in range(0, 300, 10):
        x, y = plots[0].pixels(points[row])
        wanted = np.array(colouring.of(row).getRgb()[:3])
        found += bool((np.abs(seen[int(y) - 1 : int(y) + 3, int(x) - 1 : int(x) + 3] - wanted).max(axis=-1) < 30).any())
    assert found >= 27, "nearly every point is seen; some lie under others"
    beside = seen[:, int(plots[-1].rect.right()) + 8 :].reshape(-1, 3)
    shares = [(np.abs(beside - colour.getRgb()[:3]).max(axis=1) < 25).any() for colour in colouring.colours[::20]]
    assert sum(shares) >= 3


def test_the_view_is_its_own_and_stays_where_the_data_are_others(shown: Shown) -> None:
    panel, link = ordinary(shown), PlaneLink()
    panel.set_link(link)
    assert panel.link is not link and panel.link.bounds == (-4.0, 4.0, -4.0, 4.0)
    panel.link.zoom(0.5)
    closer = panel.link.bounds
    panel.begin(replace(demo.info(size=20), bounds=(0.0, 9.0, 0.0, 9.0)))
    assert panel.link.bounds == closer


def test_the_axes_are_those_of_highest_divergence_until_others_are_chosen(shown: Shown) -> None:
    info = replace(demo.info(size=400), latent=5)
    means = np.random.default_rng(3).normal(size=(400, 5)) * (0.1, 1.0, 0.0, 0.2, 1.0)
    column = ColumnFrame(
        codes=codes_of(means, np.array([0.99, 0.1, 1.0, 0.9, 0.2])),
        prior=np.random.default_rng(6).normal(size=(400, 5)),
    )
    panel = panel_of(shown, info, Frame("demo", 1, VIEW, (column, column)))
    assert panel.axes.isVisible() and [one.axes for one in panel.shown] == [(1, 4), (1, 4)]
    np.testing.assert_allclose(panel.points(panel.shown[0]), means[:, [1, 4]], rtol=1e-5)
    panel.axes.choose()
    chooser = panel.axes.chooser
    assert chooser is not None and not chooser.across.isEnabled()
    chooser.most.setChecked(False)
    chooser.up.setCurrentIndex(3)
    assert panel.axes.axes == (1, 3) and [one.axes for one in panel.shown] == [(1, 3), (1, 3)]
    chooser.close()


def test_both_stages_are_compared_with_what_they_take_for_the_prior(shown: Shown) -> None:
    frame = demo.frame(3000, VIEW)
    ring = replace(frame, columns=tuple(replace(c, prior=c.codes[:, 2]) for c in frame.columns))
    panel = panel_of(shown, demo.info(size=700), ring)
    assert panel.two_stages and panel.stage.isVisible() and panel.stage.currentIndex() == BOTH
    assert [h.title for h in panel.row.headings] == [
        "Vanilla, before",
        "Mollified, before",
        "Vanilla, after",
        "Mollified, after",
    ]
    assert normal(panel.prior(panel.shown[0]))
    np.testing.assert_array_equal(panel.prior(panel.shown[2]), ring.columns[0].codes[:, 2, :2])
    panel.stage.setCurrentIndex(AFTER)
    assert [one.after for one in panel.shown] == [True, True]
    panel.begin(demo.info(size=700))
    panel.show_frame(frame)
    assert not panel.two_stages and not panel.stage.isVisible() and len(panel.shown) == 2


def test_one_latent_dimension_is_a_histogram_under_the_priors_curve(shown: Shown) -> None:
    rng = np.random.default_rng(5)
    means = np.where(rng.random((500, 1)) < 0.5, -1.5, 1.5) + 0.05 * rng.normal(size=(500, 1))
    column = ColumnFrame(codes=codes_of(means, np.array([0.01])), prior=rng.normal(size=(500, 1)).astype(np.float32))
    panel = panel_of(shown, replace(demo.info(size=500), latent=1), Frame("demo", 1, VIEW, (column, column)))
    assert panel.link.bounds[:3] == (-4.0, 4.0, 0.0) and panel.link.bounds[3] >= histogram(means[:, 0])[1].max()
    plot = panel.row.plots()[0]
    seen = picture(panel)

    def at(x: float, y: float) -> np.ndarray:
        place = plot.pixels(np.array([x, y])).round().astype(int)
        return seen[place[1], place[0]]

    ground = np.array(panel.theme.colour("plot").getRgb()[:3])
    assert np.abs(at(-1.5, 0.8) - ground).max() > 20, "a bar where the data are"
    assert np.abs(at(0.1, 0.9) - ground).max() < 5, "none where they are not"
    found = panel.nearest(0, plot, (1.5, 0.5))
    assert found is not None and "N(0, 1) 0.130" in found[1]


def test_a_point_under_the_mouse_is_told_and_ringed_in_every_plot(shown: Shown, qtbot: QtBot) -> None:
    panel = ordinary(shown)
    plot = panel.row.plots()[0]
    row = 7
    point = panel.points(panel.shown[0])[row]
    found = panel.nearest(0, plot, (float(point[0]), float(point[1])))
    assert found is not None and found[0] == row and found[1].startswith("z1 = ") and "row 7: (" in found[1]
    before = picture(panel)
    qtbot.mouseMove(panel.row, plot.at((float(point[0]), float(point[1]))).toPoint())
    after = picture(panel)
    other = panel.row.plots()[1].pixels(panel.points(panel.shown[1])[row])
    spot = np.s_[int(other[1]) - 7 : int(other[1]) + 8, int(other[0]) - 7 : int(other[0]) + 8]
    assert (before[spot] != after[spot]).any(), "the same row in the other column"
    assert panel.nearest(0, plot, (3.9, 3.9)) is None


def test_classes_colour_the_points_and_can_be_swapped_for_the_place(shown: Shown) -> None:
    info = demo.info(size=700)
    labels = (info.data[:, 0] > 0).astype(np.int64)
    panel = panel_of(shown, replace(info, labels=labels, label_names=("left", "right")), demo.frame(3000, VIEW))
    made = panel.colours.of(panel.theme)
    assert panel.colours.kind == "class" and made is not None and made.names == ("left", "right")
    assert "class right" in panel.colours.told(int(np.flatnonzero(labels)[0]))
    panel.colours.choose("place")
    swapped = panel.colours.of(panel.theme)
    assert swapped is not None and not swapped.names


def test_a_table_is_coloured_by_its_principal_axis_or_by_a_column(shown: Shown) -> None:
    info = replace(demo_table.info(), latent=3)
    panel = panel_of(shown, info, replace(demo.frame(3000, VIEW), run=info.run))
    first = panel.colours.of(panel.theme)
    assert panel.colours.kind == "axis" and first is not None and first.limits is not None
    panel.colours.choose("0")
    made = panel.colours.of(panel.theme)
    assert made is not None and made.title == "alcohol"
    assert np.corrcoef(made.groups, info.data[:, 0])[0, 1] > 0.9
    assert "alcohol" in panel.colours.told(3)


def test_a_model_without_a_latent_space_says_so(shown: Shown) -> None:
    info = replace(demo.info(size=20), latent=0)
    panel = panel_of(shown, info, Frame("demo", 1, VIEW, (ColumnFrame(), ColumnFrame())))
    assert panel.row.hint == "This model has no latent space." and "no latent space" in panel.summary()


def test_means_can_be_shown_instead_of_draws(shown: Shown) -> None:
    panel = ordinary(shown)
    drawn = panel.points(panel.shown[0])
    panel.means.setChecked(True)
    codes = panel.frame.columns[0].codes
    np.testing.assert_array_equal(panel.points(panel.shown[0]), codes[:, 0, :2])
    assert not np.array_equal(drawn, panel.points(panel.shown[0]))


def test_what_is_shown_is_said_in_words(shown: Shown) -> None:
    words = ordinary(shown).summary()
    assert "600 points over N(0, I)" in words and "2 of 3 active" in words


def test_the_crosshair_can_be_moved_by_keys(shown: Shown, qtbot: QtBot) -> None:
    panel = ordinary(shown)
    panel.row.setFocus()
    qtbot.keyClick(panel.row, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert panel.link.probe is not None and panel.link.hovering
    assert panel.row.plots()[0].rect.contains(QPointF(panel.row.plots()[0].at(panel.link.probe)))


def test_the_prior_of_a_histogram_can_be_draws(qtbot: QtBot) -> None:
    from PySide6.QtGui import QPainter

    from gmstudio.gui.panels.plane_row import Plot

    theme = load("light")
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    image.fill(theme.colour("plot"))
    values = np.full(50, 1.0)
    from PySide6.QtCore import QRectF

    plot = Plot(QRectF(0, 0, 200, 100), (-4.0, 4.0, 0.0, 8.0))
    with QPainter(image) as painter:
        draw_histogram(painter, plot, values, np.full(50, -2.0), theme.colour("mollified"), theme.pen("text", 2))
    x, y = plot.pixels(np.array([-2.0 + 1 / 12, 6.0])).round().astype(int)
    colours = {image.pixelColor(int(x) + d, int(y)).name() for d in range(-3, 4)}
    assert theme.colour("text").name() in colours, "the side of the draws' bar"
