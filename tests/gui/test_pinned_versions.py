"""The pinned versions of Qt and pyqtgraph survive what wrong ones do not."""

from __future__ import annotations

import sys

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

CALLS = 200_000


def test_two_hundred_thousand_set_text_calls_keep_the_count_of_none(qtbot: QtBot) -> None:
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for i in range(CALLS):
        label.setText("even" if i % 2 else "odd")
    assert label.text() == "even"
    # A binding that drops a reference to None at every call that returns None aborts the process sooner or later.
    assert sys.getrefcount(None) > before - 1000


def test_two_hundred_thousand_set_data_calls_survive(qtbot: QtBot) -> None:
    curve = pg.PlotCurveItem()
    x = np.arange(8, dtype=np.float32)
    before = sys.getrefcount(None)
    for i in range(CALLS):
        curve.setData(x, x if i % 2 else -x)
    assert curve.getData()[1][3] == 3.0
    assert sys.getrefcount(None) > before - 1000
