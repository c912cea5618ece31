"""The bars of the latent dimensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSizeF, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from gmstudio.gui.panels import demo
from gmstudio.gui.panels.latent_dimensions import LatentDimensionsPanel
from gmstudio.observation.frame import ColumnFrame, Frame, View

Shown = Callable[..., Any]
VIEW = View(demo.BOUNDS, grid=0, arrows=0, samples=10, batch=10)


def made(count: int) -> ColumnFrame:
    """Codes in which every fourth dimension is active, the later the more."""
    scale = np.where(np.arange(count) % 4 == 3, 0.3 + np.arange(count) / count, 0.0)
    means = np.random.default_rng(8).normal(size=(300, count)) * scale
    logs = np.broadcast_to(np.where(scale > 0, -2.0, 0.0), means.shape)
    return ColumnFrame(codes=np.stack([means, logs, means], axis=1).astype(np.float32))


def panel_of(shown: Shown, count: int, width: int = 520, height: int = 260) -> LatentDimensionsPanel:
    panel = shown(LatentDimensionsPanel(), width, height)
    panel.begin(replace(demo.info(size=20), latent=count))
    panel.show_frame(Frame("demo", 9, VIEW, (made(count), made(count))))
    return panel


def seen(panel: LatentDimensionsPanel) -> QImage:
    return panel.view.grab().toImage()


@pytest.mark.parametrize("count", [1, 2, 16, 64, 256])
def test_bars_are_as_high_as_their_divergence_and_underlined_where_active(shown: Shown, count: int) -> None:
    panel = panel_of(shown, count, 900, 300)
    panel.sorted.setChecked(False)
    image, view = seen(panel), panel.view
    rect = view.plots(QSizeF(view.size()))[0]
    left, width = view.slots(rect, count)
    found = view.bars[0].found
    ground = panel.theme.colour("plot").name()
    for dimension in {min(1, count - 1), count // 2, max(0, count - 2)}:
        x = int(left + (dimension + 0.5) * width)
        height = found.kl[dimension] / view.top * rect.height()
        if height > 6:
            assert image.pixelColor(x, int(rect.bottom() - height + 4)).name() != ground
        assert image.pixelColor(x, int(rect.bottom() - height - 5)).name() in (
            ground,
            panel.theme.colour("grid").name(),
        )
        under = image.pixelColor(x, int(rect.bottom() + 2)).name() == panel.theme.colour("text").name()
        assert under == bool(found.active[dimension])


def test_the_dimensions_that_say_most_come_first_unless_they_stand_in_their_own_order(shown: Shown) -> None:
    panel = panel_of(shown, 16)
    bars = panel.view.bars[0]
    ranked = bars.order(panel.view.ranked)
    assert ranked[:4] == [15, 11, 7, 3] and bars.found.active[ranked[:4]].all()
    panel.sorted.setChecked(False)
    assert panel.view.bars[0].order(panel.view.ranked) == list(range(16))


def test_the_heading_counts_the_active_ones_and_sums_the_divergence(shown: Shown) -> None:
    panel = panel_of(shown, 16)
    words = panel.view.bars[0].found.words()
    assert words.startswith("4 of 16 active, KL ") and words in panel.summary()
    total = float(words.split()[-2])
    assert total == pytest.approx(panel.view.bars[0].found.kl.sum(), abs=0.06)


def test_a_dimension_is_told_under_the_mouse_and_by_the_arrow_keys(shown: Shown, qtbot: QtBot) -> None:
    panel = panel_of(shown, 16)
    view = panel.view
    rect = view.plots(QSizeF(view.size()))[1]
    qtbot.mouseMove(view, QPoint(int(rect.left() + 2), int(rect.center().y())))
    assert view.told == (1, 0) and "z16, active" in view.words(view.bars[1], 15)
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.told == (0, 15)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.told == (1, 0)


@pytest.mark.parametrize("ranked", [True, False])
@pytest.mark.parametrize("count", [1, 5, 16, 64, 256])
def test_names_never_run_into_each_other(shown: Shown, count: int, ranked: bool) -> None:
    panel = panel_of(shown, count, 700, 240)
    panel.sorted.setChecked(ranked)
    view = panel.view
    for one, rect in zip(view.bars, view.plots(QSizeF(view.size())), strict=True):
        places = sorted((here for here, _ in view.names(rect, one)), key=lambda here: here.left())
        assert places and all(a.right() <= b.left() + 0.01 for a, b in pairwise(places))
        left, width = view.slots(rect, count)
        assert left >= rect.left() and left + count * width <= rect.right() + 0.01


def test_plots_stand_below_each_other_where_it_is_narrow(shown: Shown) -> None:
    panel = panel_of(shown, 8, 260, 400)
    view = panel.view
    first, second = view.plots(QSizeF(view.size()))
    assert first.left() == second.left() and second.top() > first.bottom()


def test_the_axis_stays_while_the_bars_fit_it(shown: Shown) -> None:
    panel = panel_of(shown, 8)
    top = panel.view.top
    smaller = replace(made(8), codes=made(8).codes * np.float32(0.9))
    panel.show_frame(Frame("demo", 10, VIEW, (smaller, smaller)))
    assert panel.view.top == top


def test_more_dimensions_than_are_in_a_picture_are_counted(shown: Shown) -> None:
    panel = shown(LatentDimensionsPanel(), 520, 260)
    panel.begin(replace(demo.info(size=20), latent=300))
    panel.show_frame(Frame("demo", 9, VIEW, (made(256), made(256))))
    assert panel.view.latent == 300 and len(panel.view.bars[0].found.kl) == 256
    panel.begin(replace(demo.info(size=20), latent=0))
    panel.show_frame(Frame("demo", 9, VIEW, (ColumnFrame(), ColumnFrame())))
    assert "no latent space" in panel.view.hint and "no latent space" in panel.summary()
