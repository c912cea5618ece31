"""The table of metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from gmstudio.data.base import Picture
from gmstudio.gui.panels import demo
from gmstudio.gui.panels.curves import CurvesPanel
from gmstudio.gui.panels.metrics import MetricsPanel
from gmstudio.observation.frame import Metric, Truth, View

VIEW = View(demo.BOUNDS, grid=40, arrows=12, samples=100, batch=64, probe=(1.0, 0.5))
Begun = Callable[..., Any]


@pytest.fixture
def table(begun: Begun) -> MetricsPanel:
    return begun(MetricsPanel(), 420, 200)


def test_the_better_column_stands_out_in_the_metrics_own_sense(table: MetricsPanel) -> None:
    pairs = {"kl": (0.5, 0.2), "train": (-1.0, -2.0), "mmd": (0.1, 0.1), "sigma2": (0.0, 0.5)}
    table.show_metrics([Metric(1, column, name, v) for name, both in pairs.items() for column, v in enumerate(both)])
    assert [table.table.better(name) for name in ("kl", "train", "mmd", "sigma2", "fisher")] == [1, 0, None, None, None]


def test_the_table_shows_the_values_of_the_step_that_is_looked_at(table: MetricsPanel) -> None:
    table.show_metrics([Metric(10, 0, "kl", 3.0), Metric(20, 0, "kl", 2.0)])
    assert table.table.value("kl", 0) == 2.0
    table.show_step(15)
    assert table.table.value("kl", 0) == 3.0
    table.show_step(5)
    assert table.table.value("kl", 0) is None


def test_what_cannot_be_known_is_said(table: MetricsPanel) -> None:
    table.show_truth(Truth(VIEW))
    assert "not known for these data" in table.summary()
    assert "Not known" in table.table.explain(QPointF(5, 19 + 18 * 2.5))
    assert table.table.explain(QPointF(5, 2)) == ""


def test_metrics_of_images_say_in_which_features_they_are(table: MetricsPanel) -> None:
    assert table.info is not None
    named = "classifier of Digits, 8 × 8; 1,000 samples against 340 images held out"
    table.begin(replace(table.info, picture=Picture((1, 1, 2), 17, 0.0), features=named))
    names = table.table.names()
    told = {
        name: table.table.explain(QPointF(5, 19 + 18 * (names.index(name) + 0.5))) for name in ("fid", "kid", "mmd")
    }
    assert f"Features: {named}." in told["fid"] and f"Features: {named}." in told["kid"]
    assert "Features" not in told["mmd"]


def test_a_clicked_line_of_the_table_is_plotted(table: MetricsPanel, begun: Begun, qtbot: QtBot) -> None:
    curves = begun(CurvesPanel(), 420, 200)
    table.chosen.connect(curves.show_metric)
    qtbot.mouseClick(table.table, Qt.MouseButton.LeftButton, pos=QPoint(20, 19 + round(18 * 4.5)))
    assert table.table.selected == "mmd" and curves.quantity == "mmd"
    assert curves.choice.currentText() == "MMD²" and curves.summary().startswith("MMD²")
    qtbot.keyClick(table.table, Qt.Key.Key_Down)
    assert curves.quantity == "sliced_wasserstein"
    for _ in range(9):
        qtbot.keyClick(table.table, Qt.Key.Key_Up)
    assert table.table.selected == "train" and curves.quantity == "likelihood"
    qtbot.mouseClick(table.table, Qt.MouseButton.LeftButton, pos=QPoint(20, 5))
    assert curves.quantity == "likelihood"


def test_what_makes_no_sense_for_a_run_is_neither_listed_nor_offered(table: MetricsPanel, begun: Begun) -> None:
    curves = begun(CurvesPanel(), 420, 200)
    vae = demo.info(size=20)
    assert {"gamma", "divergence", "active"} <= set(table.table.names()) and "fid" not in table.table.names()
    curves.show_metric("gamma")
    assert curves.quantity == "gamma"
    flow = replace(vae, latent=0)
    for panel in (table, curves):
        panel.begin(flow)
    assert not {"gamma", "divergence", "active", "fid", "kid"} & set(table.table.names())
    assert table.table.minimumHeight() < 18 * 12
    assert curves.quantity == "likelihood" and curves.choice.findData("gamma") < 0
    images = replace(flow, picture=Picture((1, 2, 2)), features="a classifier")
    for panel in (table, curves):
        panel.begin(images)
    assert {"fid", "kid"} <= set(table.table.names()) and curves.choice.findData("fid") > 0
    curves.begin(vae)
    assert curves.choice.findData("gamma") > 0 and curves.quantity == "likelihood"


def test_the_decoders_variance_is_plotted_on_a_logarithmic_axis(begun: Begun) -> None:
    curves = begun(CurvesPanel(), 420, 200)
    curves.show_metrics([Metric(step, 0, "gamma", 10.0 ** (-step / 100)) for step in range(0, 500, 50)])
    curves.show_metric("gamma")
    assert curves.courses.logarithmic("gamma") and curves.summary().startswith("Decoder variance γ")
    low, high = curves.plot.spans[1]
    assert low < -4 and high >= 0
