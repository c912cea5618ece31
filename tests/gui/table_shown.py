"""A panel that is shown a table; no test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from gmstudio.gui.panels import demo, demo_table
from gmstudio.observation.frame import View

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
