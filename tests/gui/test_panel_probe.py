"""The probe: numbers at a point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gmstudio.gui.panels import demo
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.probe import ProbePanel, look_up
from gmstudio.observation.frame import View

VIEW = View(demo.BOUNDS, grid=40, arrows=12, samples=100, batch=64, probe=(1.0, 0.5))
Begun = Callable[..., Any]


def test_a_grid_is_read_linearly_between_its_cells() -> None:
    view = View((0.0, 4.0, 0.0, 2.0), grid=8)
    at = view.points(8).reshape(8, 8, 2)
    plane = 3 * at[..., 0] - at[..., 1]
    value = look_up(plane, view.bounds, (1.3, 0.9))
    assert value is not None and float(value) == pytest.approx(3 * 1.3 - 0.9, abs=1e-5)
    vector = look_up(at, view.bounds, (1.3, 0.9))
    assert vector == pytest.approx([1.3, 0.9], abs=1e-5)
    assert look_up(plane, view.bounds, (4.1, 1.0)) is None
    assert look_up(np.full((8, 8), np.nan), view.bounds, (1.0, 1.0)) is None


def test_the_probe_reads_every_column_and_the_truth_under_the_mouse(begun: Begun) -> None:
    link, panel = PlaneLink(), ProbePanel()
    panel.set_link(link)
    begun(panel, 280, 500)
    frame = demo.frame(1000, VIEW)
    panel.show_frame(frame)
    panel.show_truth(demo.truth(VIEW))
    point = tuple(float(v) for v in VIEW.points(40)[20 * 40 + 30])
    link.set_probe((point[0], point[1]))
    numbers = panel.view.numbers()
    assert [n[0] for n in numbers] == ["Vanilla", "Mollified", "Truth"]
    column = frame.columns[1].log_density
    assert column is not None and numbers[1][2] == pytest.approx(float(column[20, 30]), abs=1e-4)
    link.set_probe(None)
    assert panel.view.point == point
    assert len(panel.view.paths()) == 2
    panel.grab()
    assert "Probe at" in panel.summary()
