"""A row of plots of the latent space: a view of its own in standard deviations of the prior, and one point in words."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from gmstudio.data.base import Bounds
from gmstudio.gui.panels.layered import bubble, small_font
from gmstudio.gui.panels.plane_axes import BOTTOM, LEFT
from gmstudio.gui.panels.plane_link import PlaneLink, Point
from gmstudio.gui.panels.plane_row import GAP, HEADER, Heading, PlaneRow, Plot, arrange
from gmstudio.observation.frame import RunInfo

#: How far the view reaches, in standard deviations of N(0, I).
REACH = 4.0
#: From this width on there is room for a legend beside the plots.
ROOMY = 380.0


class LatentLink(PlaneLink):
    """The view of a latent space: runs come and go, it stays.

    Args:
        reach: how far it reaches at first, in standard deviations.
    """

    def __init__(self, parent: QObject | None = None, reach: float = REACH) -> None:
        super().__init__(parent)
        self.square: Bounds = (-reach, reach, -reach, reach)
        self.set_home(self.square)

    def begin(self, info: RunInfo) -> None:
        """Nothing: standard deviations of the prior are the same in every run."""


class LatentRow(PlaneRow):
    """Plots of the latent space.

    Args:
        draw, legend, parent: as for `PlaneRow`.
        find: the point of a plot that is nearest to a place of it, if one is near: its row and its description.
        place: where a row's point is in a plot; None where it has none.
    """

    def __init__(
        self,
        draw: Callable[[QPainter, int, Plot], None],
        legend: Callable[[QPainter, QRectF], None],
        find: Callable[[int, Plot, Point], tuple[int, str] | None],
        place: Callable[[int, int], Point | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(draw, legend, parent)
        self._find, self._place = find, place
        self._over = 0
        #: Width of the legend where there is room for one.
        self.legend_side = 0.0
        #: Whether both axes have the same unit; else a plot takes all the room that there is.
        self.equal = True

    def plots(self, size: QSizeF | None = None) -> list[Plot]:
        whole = size or QSizeF(self.size())
        self.side = self.legend_side if whole.width() >= ROOMY else 0.0
        if self.equal:
            return super().plots(size)
        # Beside each other as long as they are not narrow.
        across = (whole.width() - LEFT - self.side) / max(1, len(self.headings)) - GAP
        wide = max(0.8, min(2.2, across / max(1.0, whole.height() - HEADER - BOTTOM)))
        rects = arrange(len(self.headings), whole, wide, self.side)
        return [Plot(rect, self.link.bounds) for rect in rects]

    def _paint_note(self, painter: QPainter, plot: Plot, heading: Heading, font: QFont) -> None:
        # A note that is cut tells nothing, and all of it is in the summary.
        wide = QFontMetricsF(font).horizontalAdvance(heading.note)
        if (
            wide + QFontMetricsF(small_font(font, 0.0, bold=True)).horizontalAdvance(heading.title) + 20
            < plot.rect.width()
        ):
            super()._paint_note(painter, plot, heading, font)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        for index, plot in enumerate(self.plots()):
            if plot.rect.contains(event.position()):
                self._over = index
        super().mouseMoveEvent(event)

    def paint_overlay(self, painter: QPainter, size: QSizeF) -> None:
        probe, plots = self.link.probe, self.plots(size)
        if probe is None or not self.link.hovering or not plots:
            return
        over = min(self._over, len(plots) - 1)
        found = self._find(over, plots[over], probe)
        if found is None:
            return
        row, words = found
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index, plot in enumerate(plots):
            place = self._place(index, row)
            at = plot.at(place) if place is not None else QPointF(-1, -1)
            if plot.rect.contains(at):
                painter.setPen(self.theme.pen("marker", 1.5))
                painter.drawEllipse(at, 5.0, 5.0)
        bubble(painter, self.theme, self.font(), plots[over].rect, plots[over].at(probe), words)
