"""A column that is blurred is told as blurred, in pixels, wherever a noisy one is told with its variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from gmstudio import runs
from gmstudio.exporting.card import _mollification
from gmstudio.gui.cards.summaries import summary
from gmstudio.gui.cards.thumbnail import Thumbnail
from gmstudio.gui.panels import demo_images
from gmstudio.gui.panels.curves import CurvesPanel
from gmstudio.gui.panels.data import DataPanel
from gmstudio.gui.panels.marginals import MarginalsPanel
from gmstudio.gui.panels.metrics import HEADER, ROW, MetricsPanel
from gmstudio.gui.panels.pairs import PairsPanel, names_in, telling_columns
from gmstudio.mollification.schedules.families import Sigmoid
from gmstudio.observation.frame import Metric
from gmstudio.observation.mollified import amount, heading, in_words

Shown = Callable[..., Any]
INFO = demo_images.info()
BLURRED = {"data": {"kind": "images"}, "model": {"kind": "real-nvp"}}


def test_noise_is_told_as_a_variance_and_blur_in_pixels() -> None:
    pixels = 0.3 * (8 / 0.3) ** 0.5
    assert amount(INFO, 1, 0.5) == "σ² = 0.5" and amount(INFO, 2, 0.5) == f"blur {pixels:.1f} px"
    assert in_words(INFO, 2, 0.5) == f"blur of {pixels:.1f} pixels"
    assert amount(INFO, 2, 0.0) == in_words(INFO, 1, 0.0) == "clean"
    assert amount(replace(INFO, picture=None), 2, 0.5) == "σ² = 0.5"


def test_the_line_of_the_mollification_is_called_after_what_there_is() -> None:
    assert heading(INFO, "Noise σ²") == "Noise σ² or blur"
    assert heading(replace(INFO, plans=INFO.plans * [[0], [0], [1]]), "Noise σ²") == "Blur"
    assert heading(replace(INFO, plans=INFO.plans * [[1], [1], [0]]), "Noise σ²") == "Noise σ²"
    assert heading(None, "Noise σ²") == heading(replace(INFO, by=()), "Noise σ²") == "Noise σ²"


def test_metrics_and_curves_tell_the_blur(shown: Shown) -> None:
    told = [Metric(10, column, "sigma2", 0.5) for column in range(3)]
    metrics, curves = shown(MetricsPanel(), 420, 300), CurvesPanel()
    shown(curves, 420, 240)
    for panel in (metrics, curves):
        panel.begin(INFO)
        panel.show_metrics(told)
        panel.show_step(10)
    assert "Noise σ² or blur: Vanilla 0.500, Noise 0.500, Blur 1.5 px" in metrics.summary()
    curves.choice.choose("sigma2")
    assert curves.summary().startswith("Noise σ² or blur, how far")
    curves.begin(replace(INFO, by=()))
    assert curves.summary().startswith("Noise σ²") and "blur" not in curves.choice.currentText()


def test_the_batch_panel_tells_the_blur(qtbot: QtBot) -> None:
    panel = DataPanel()
    qtbot.addWidget(panel)
    panel.begin(INFO)
    panel.show_frame(demo_images.frame(1000, demo_images.view(samples=20, batch=20)))
    assert [heading.note for heading in panel.row.headings] == ["clean", "σ² = 0.47", "blur 1.4 px"]
    assert "Blur: blur of 1.4 pixels" in panel.summary()


def test_cards_tell_a_blur(qtbot: QtBot) -> None:
    spec = Sigmoid(by="blur")
    assert summary(spec).endswith("by blur") and "blur" not in summary(Sigmoid())
    thumbnail = Thumbnail(Sigmoid())
    qtbot.addWidget(thumbnail)
    assert "Noise" in thumbnail.words() and "Noise" in thumbnail.toolTip()
    thumbnail.show_schedule(spec)
    assert thumbnail.words().startswith("Blur") and "blur" in thumbnail.toolTip() and "Noise" not in thumbnail.toolTip()


@pytest.mark.parametrize(("by", "words"), [("noise", "Gaussian, σ² from 1"), ("blur", "by blur, from 1")])
def test_a_model_card_tells_what_mollified(by: str, words: str) -> None:
    run = runs.run_from_plain({**BLURRED, "mollification": {"kind": "sigmoid", "by": by}})
    assert _mollification(run).startswith(words)


@pytest.mark.parametrize("panel_type", [PairsPanel, MarginalsPanel])
def test_pixels_have_short_names_and_those_that_vary_come_first(shown: Shown, panel_type: type[Any]) -> None:
    panel = shown(panel_type(), 560, 420)
    panel.begin(INFO)
    names, columns = names_in(INFO), panel.choice.columns
    assert names[0] == "0,0" and names[63] == "7,7" and len(set(names)) == 64
    spread = INFO.data.var(axis=0)
    assert int(spread.argmax()) in columns and spread[list(columns)].min() > np.median(spread)
    places = [divmod(column, 8) for column in columns]
    assert all(max(abs(a - c), abs(b - d)) > 1 for a, b in places for c, d in places if (a, b) != (c, d))


def test_pixels_in_colour_are_told_apart_by_their_channel() -> None:
    colour = replace(INFO, picture=replace(INFO.picture, shape=(3, 2, 2)), data=INFO.data[:, :12])
    assert names_in(colour)[:5] == ("R 0,0", "R 0,1", "R 1,0", "R 1,1", "G 0,0") and len(set(names_in(colour))) == 12
    assert len(telling_columns(colour, 5)) == 1, "all other pixels are neighbours of the first"


def test_the_likelihood_of_images_is_told_in_bits_on_hover(shown: Shown) -> None:
    panel = shown(MetricsPanel(), 420, 500)
    panel.begin(INFO)
    panel.show_metrics([Metric(10, column, "validation", 100.0 + column) for column in range(3)])
    table = panel.table
    y = {name: HEADER + (line + 0.5) * ROW for line, name in enumerate(table.names())}
    bits = np.log2(17) - 100.0 / (64 * np.log(2))
    assert f"bits per dimension, of which fewer are better: Vanilla {bits:.2f}, Noise" in table.explain(
        QPointF(20, y["validation"])
    )
    assert "bits" not in table.explain(QPointF(20, y["kl"]))
    panel.begin(replace(INFO, picture=None, by=()))
    panel.show_metrics([Metric(10, 0, "validation", 100.0)])
    assert "bits" not in table.explain(QPointF(20, y["validation"]))
