"""The decoded grid of the latent space, and reconstructions, on the plane of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage

from gmstudio.data.base import Picture
from gmstudio.gui.panels import demo, demo_table
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.rebuilt import RebuiltPanel
from gmstudio.gui.panels.warp import MINOR, STRENGTHS, WarpPanel, grid_segments, mosaic
from gmstudio.observation.frame import WARP, ColumnFrame, Frame, RunInfo, View
from gmstudio.observation.plane import Space

Shown = Callable[..., Any]
VIEW = View(demo.BOUNDS, grid=0, arrows=0, samples=10, batch=10)


def seen(panel: Any) -> QImage:
    return panel.row.grab().toImage()


def distance(image: QImage, x: float, y: float, colour: Any) -> int:
    """How far the colour nearest to a place is from another."""
    near = [image.pixelColor(round(x) + dx, round(y) + dy).getRgb()[:3] for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    return min(max(abs(a - b) for a, b in zip(one, colour.getRgb()[:3], strict=True)) for one in near)


def with_warp(warp: np.ndarray, axes: tuple[int, int] = (0, 1)) -> Frame:
    column = ColumnFrame(warp=warp.astype(np.float32), warp_axes=np.array(axes, dtype=np.float32))
    return Frame("demo", 5, VIEW, (column, column))


def square(side: int = 21) -> np.ndarray:
    line = np.linspace(-WARP, WARP, side)
    return np.stack(np.meshgrid(line, line), axis=-1)


def test_the_pieces_of_a_grid_are_its_neighbours_and_fade_with_the_prior() -> None:
    nodes = square(5)
    segments, strengths = grid_segments(nodes)
    assert len(segments) == 2 * 5 * 4
    wanted = {(*nodes[j, i], *nodes[j, i + 1]) for j in range(5) for i in range(4)}
    wanted |= {(*nodes[j, i], *nodes[j + 1, i]) for j in range(4) for i in range(5)}
    assert {tuple(one) for one in segments.tolist()} == {tuple(float(v) for v in one) for one in wanted}
    radius = np.hypot((segments[:, 0] + segments[:, 2]) / 2, (segments[:, 1] + segments[:, 3]) / 2)
    through_zero = (segments[:, [0, 2]] == 0).all(axis=1) | (segments[:, [1, 3]] == 0).all(axis=1)
    assert strengths[through_zero].min() > strengths[~through_zero & (radius > 2.6)].max()
    assert set(strengths) <= {*STRENGTHS, *(MINOR * one for one in STRENGTHS)}


def test_lines_are_drawn_where_the_decoder_leads_them(shown: Shown) -> None:
    panel = shown(WarpPanel(), 560, 320)
    panel.begin(replace(demo.info(size=50), latent=2))
    panel.show_data.setChecked(False)
    bent = square() * (0.5, 1.0) + (0.5, 0.0)
    panel.show_frame(with_warp(bent))
    image, plot = seen(panel), panel.row.plots()[0]
    colour, ground = panel.theme.colour(panel.theme.column(0)), panel.theme.colour("plot")
    for x, y in ((0.5, 0.4), (0.5, -0.3), (0.2, 0.0), (1.0, 0.4)):
        at = plot.at((x, y))
        assert distance(image, at.x(), at.y(), colour) < 60, (x, y)
    for x in (-0.9, 2.2):
        at = plot.at((x, 0.4))
        assert distance(image, at.x(), at.y(), ground) == 0, "no line beyond the grid"


def test_one_latent_dimension_is_one_line(shown: Shown) -> None:
    panel = shown(WarpPanel(), 560, 320)
    panel.begin(replace(demo.info(size=50), latent=1))
    line = np.linspace(-WARP, WARP, 21)
    curve = np.stack([line, np.sin(line)], axis=-1)
    panel.show_frame(with_warp(np.broadcast_to(curve, (21, 21, 2)), (0, 0)))
    assert panel.row.headings[0].note == "z1"
    assert "along z1," in panel.summary()
    segments, _ = grid_segments(panel.row.plots()[0].pixels(curve[None]))
    assert len(segments) == 20
    seen(panel)


def test_the_grid_of_a_table_is_seen_on_its_plane(shown: Shown) -> None:
    info = replace(demo_table.info(), latent=2)
    link = PlaneLink()
    panel = shown(WarpPanel(), 560, 320)
    panel.set_link(link)
    panel.begin(info)
    assert link.plane is not None and link.plane == info.plane
    space = info.space
    nodes = space.mean + space.spread * (square().reshape(-1, 2) @ space.principal)
    panel.show_frame(replace(with_warp(nodes.reshape(21, 21, 6)), run=info.run))
    flat = panel.flat("0", panel._rows(0, panel.grid(0)))
    np.testing.assert_allclose(np.abs(flat.reshape(21, 21, 2)[-1, -1]), (WARP, WARP), rtol=1e-3)


def pictures(side: int, count: int) -> tuple[RunInfo, np.ndarray]:
    """A run on images of side x side, and a grid of count x count images, each of one grey value."""
    picture = Picture((1, side, side), levels=16)
    rows = np.random.default_rng(0).random((40, side * side))
    names = tuple(f"pixel {k}" for k in range(side * side))
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    principal = np.linalg.svd((rows - mean) / spread, full_matrices=False)[2][:2]
    space = Space(names, mean, mean, spread, principal, 0.0)
    info = replace(demo_table.info(), data=rows.astype(np.float32), space=space, picture=picture, latent=2)
    light = np.linspace(0, 1, count * count).reshape(count, count, 1)
    return info, np.broadcast_to(light, (count, count, side * side)).astype(np.float32)


@pytest.mark.parametrize(("count", "kept"), [(21, 11), (9, 9)])
def test_images_stand_where_they_are_on_the_grid(shown: Shown, count: int, kept: int) -> None:
    info, warp = pictures(6, count)
    panel, link = shown(WarpPanel(), 560, 320), PlaneLink()
    panel.set_link(link)
    panel.begin(info)
    assert panel.link is not link and link.plane is None, "images stand in a view of the latent space"
    panel.show_frame(replace(with_warp(warp), run=info.run))
    image = seen(panel)
    image = seen(panel)
    plot = panel.row.plots()[0]
    places = np.linspace(-WARP, WARP, kept)
    stride = (count - 1) // (kept - 1)
    for j, i in ((0, 0), (kept // 2, kept // 2), (kept - 1, 1)):
        at = plot.at((float(places[i]), float(places[j])))
        wanted = round(255 * warp[j * stride, i * stride, 0])
        assert abs(image.pixelColor(int(at.x()) + 2, int(at.y()) + 2).red() - wanted) <= 1, (j, i)
    panel.begin(replace(demo.info(size=20), latent=2))
    assert panel.link is link


def test_a_mosaic_has_the_lowest_line_at_the_bottom_and_keeps_colours() -> None:
    images = np.zeros((2, 3, 3, 4, 5), dtype=np.uint8)
    images[0, 2] = np.array([255, 128, 0])[:, None, None]
    whole = mosaic(images)
    assert (whole.width(), whole.height()) == (15, 8)
    assert whole.pixelColor(12, 6).getRgb()[:3] == (255, 128, 0)
    assert whole.pixelColor(12, 1).getRgb()[:3] == (0, 0, 0)


def test_a_stroke_joins_each_point_with_its_reconstruction_and_the_error_stands_over_it(shown: Shown) -> None:
    info = replace(demo.info(size=4), data=np.array([[-1, -1], [1, 1], [1, -1], [-1, 1]], dtype=np.float32), latent=2)
    rebuilt = info.data + np.array([0.6, 0.0], dtype=np.float32)
    panel = shown(RebuiltPanel(), 560, 320)
    panel.begin(info)
    panel.show_frame(Frame("demo", 5, VIEW, (ColumnFrame(rebuilt=rebuilt), ColumnFrame(rebuilt=info.data))))
    assert [h.note for h in panel.row.headings] == ["MSE 0.180", "MSE 0.00"]
    image, plot = seen(panel), panel.row.plots()[0]
    for x, y in info.data.tolist():
        middle, end = plot.at((x + 0.3, y)), plot.at((x + 0.6, y))
        assert distance(image, middle.x(), middle.y(), panel.theme.colour("muted")) < 90
        assert distance(image, end.x(), end.y(), panel.theme.colour(panel.theme.column(0))) < 60
    panel.strokes.setChecked(False)
    image, middle = seen(panel), plot.at((-0.7, -1.0))
    assert distance(image, middle.x(), middle.y(), panel.theme.colour("plot")) == 0


def test_errors_of_a_table_are_in_standard_deviations_of_its_columns(shown: Shown) -> None:
    info = replace(demo_table.info(size=60), latent=2)
    rebuilt = (info.data + 0.5 * info.space.spread).astype(np.float32)
    panel = shown(RebuiltPanel(), 560, 320)
    panel.begin(info)
    panel.show_frame(Frame(info.run, 5, VIEW, (ColumnFrame(rebuilt=rebuilt), ColumnFrame(rebuilt=info.data))))
    assert panel.pairs(0)[2] == pytest.approx(0.25, rel=1e-3)
    assert "60 points, mean squared error 0.250" in panel.summary()


def test_reconstructed_images_are_elsewhere(shown: Shown) -> None:
    info, _ = pictures(6, 3)
    assert not RebuiltPanel.fits(info) and WarpPanel.fits(info)
    assert RebuiltPanel.fits(replace(info, picture=None)) and not RebuiltPanel.fits(replace(demo.info(), latent=0))
    panel = shown(RebuiltPanel(), 560, 320)
    panel.begin(info)
    panel.show_frame(Frame(info.run, 5, VIEW, (ColumnFrame(), ColumnFrame())))
    assert "panel Images" in panel.row.hint
