"""A panel, and what it has been shown, so that it is given what it lacks and nothing twice."""

from __future__ import annotations

from gmstudio.gui.docks import on_screen
from gmstudio.gui.panels.base import Panel
from gmstudio.observation.frame import Frame, Metric, RunInfo, Truth


class Seat:
    """Where a panel sits.

    Attributes:
        panel: who sits there.
        info: of the run that it shows; None for none.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.info: RunInfo | None = None
        self._truth: Truth | None = None
        self._frame: Frame | None = None
        self._metrics: list[Metric] = []
        self._told = 0
        self._step = -1

    @property
    def visible(self) -> bool:
        """Whether somebody sees the panel."""
        return on_screen(self.panel)

    def lacks(self, info: RunInfo | None, truth: Truth | None, frame: Frame | None, metrics: list[Metric]) -> bool:
        """Whether the panel is seen, and has not been shown one of these."""
        if info is None or not self.visible:
            return False
        return (
            self.info is not info
            or (truth is not None and self._truth is not truth)
            or (frame is not None and self._frame is not frame)
            or self._metrics is not metrics
            or self._told < len(metrics)
        )

    def show(self, info: RunInfo | None, truth: Truth | None, frame: Frame | None, metrics: list[Metric]) -> None:
        """Show the panel, if it is seen, which of these it lacks."""
        if info is None or not self.visible:
            return
        panel = self.panel
        if self.info is not info:
            self.info, self._truth, self._frame, self._told, self._step = info, None, None, 0, -1
            panel.begin(info)
        if truth is not None and self._truth is not truth:
            self._truth = truth
            panel.show_truth(truth)
        if self._metrics is not metrics:
            self._metrics, self._told = metrics, 0
        if self._told < len(metrics):
            fresh = metrics[self._told :]
            self._told = len(metrics)
            panel.show_metrics(fresh)
        if frame is not None and self._frame is not frame:
            self._frame, panel.now = frame, 0
            if self._step != frame.step:
                self._step = frame.step
                panel.show_step(frame.step)
            panel.show_frame(frame)
