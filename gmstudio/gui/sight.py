"""What the plots show is what is observed."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject

from gmstudio.data.base import Bounds
from gmstudio.gui.display import Display
from gmstudio.gui.panels.latent_axes import Axes, AxesButton
from gmstudio.gui.panels.plane_link import PlaneLink, Point
from gmstudio.observation.frame import RunInfo


class Sight(QObject):
    """Asks for the plane and the part of it that the plots show, for the path of the point under the pointer, and axes.

    Args:
        link: between the plots.
        display: is asked.
        parent: the window.
    """

    def __init__(self, link: PlaneLink, display: Display, parent: QObject) -> None:
        super().__init__(parent)
        self._link, self._display = link, display
        display.begun.connect(self._zoom_in)
        link.view_wanted.connect(self._observe)
        link.probe_moved.connect(self._probe)

    def share_axes(self, *choices: AxesButton) -> None:
        """Let choices of latent axes be one and the same, and let the decoded grid run along these axes."""
        for choice in choices:
            choice.chosen.connect(self._decode)
            for other in choices:
                if other is not choice:
                    choice.chosen.connect(other.take)

    def _decode(self, axes: Axes | None) -> None:
        self._display.set_view(replace(self._display.view, latent=axes))

    def _observe(self, bounds: Bounds) -> None:
        self._display.set_view(replace(self._display.view, bounds=bounds, plane=self._link.plane))

    def _zoom_in(self, info: RunInfo) -> None:
        # Another run of the same data: the plots stay where the person has zoomed in.
        if self._link.knows(info):
            self._observe(self._link.bounds)

    def _probe(self, point: Point | None) -> None:
        if point is not None and "path" in self._display.wants:
            self._display.set_view(replace(self._display.view, probe=point))
