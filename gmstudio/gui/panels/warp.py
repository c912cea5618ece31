"""What the decoder makes of a grid of the latent space: lines in the plane of the data, or images side by side."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gmstudio.gui.images.grid import picture_of
from gmstudio.gui.panels.age import lacking
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.latent_axes import AxesButton, axis_name
from gmstudio.gui.panels.latent_row import LatentLink
from gmstudio.gui.panels.layered import for_svg, small_font
from gmstudio.gui.panels.legend import draw_inside
from gmstudio.gui.panels.plane_axes import paint_names
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.plane_panel import PlanePanel
from gmstudio.gui.panels.plane_row import Plot
from gmstudio.gui.panels.points import Cloud
from gmstudio.gui.panels.strokes import segments_path
from gmstudio.observation.frame import F32, WARP, Frame, RunInfo

#: How strong lines are in the middle, at each level of the prior down to the grid's corners.
STRENGTHS = (1.0, 0.8, 0.62, 0.46, 0.32, 0.2)
#: Strength of the lines between whole standard deviations, relative to the others.
MINOR = 0.5
#: More images than this per side are too small to be seen: every other is left out.
MOST_IMAGES = 15
#: Pixels from which on images have lines between them.
APART = 14.0


class WarpPanel(PlanePanel):
    """A square grid of the latent space as the decoder bends it."""

    name: ClassVar[str] = "warp"
    title: ClassVar[str] = "Warped grid"
    help: ClassVar[str] = (
        "What the decoder makes of a square grid on two latent axes, out to 2.5 standard deviations of the prior: "
        "lines fade where the prior does. Images are shown where they are on the grid."
    )
    wants: ClassVar[frozenset[str]] = frozenset({"warp"})
    place: ClassVar[tuple[str, int]] = ("stage", 12)
    behind: ClassVar[tuple[str, ...]] = ("images", "pairs", "samples")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shared = self.link
        self._own = LatentLink(self, WARP)
        self._data = Cloud(one=0.35, dot=2.5)
        self._mosaics: dict[int, tuple[F32, QImage]] = {}
        self._nodes: dict[int, tuple[F32, F32]] = {}
        self.axes = AxesButton(self)
        self.axes.chosen.connect(self._switched)
        self.strip.addWidget(self.axes)
        self.show_data = self.add_switch(
            self.tr("Data"), self.tr("Show the training data under the grid."), True, self._switched
        )

    @classmethod
    def fits(cls, info: RunInfo | None) -> bool:
        return info is not None and info.latent > 0

    def set_link(self, link: PlaneLink) -> None:
        """Share the view of the data's plane; images stand in a view of the latent space instead."""
        self._shared = link
        if self.info is None or self.info.picture is None:
            super().set_link(link)

    def begin(self, info: RunInfo) -> None:
        wanted = self._shared if info.picture is None else self._own
        # The view that is left must not be told of the run.
        self.info = info
        if self.link is not wanted:
            super().set_link(wanted)
        super().begin(info)

    def reset(self) -> None:
        self._mosaics.clear()
        self._nodes.clear()
        if self.frame is None:
            self.axes.offer(self.info.latent if self.info is not None else 0)
            self.show_data.setVisible(self.info is None or self.info.picture is None)

    def changed(self) -> None:
        sides = [self.images_a_side(warp) for k in range(2) if (warp := self.grid(k)) is not None]
        if sides and self.link is self._own:
            half = WARP * (1 + 1 / max(1, sides[0] - 1))
            self._own.set_home((-half, half, -half, half))
        super().changed()

    @staticmethod
    def images_a_side(warp: F32) -> int:
        """How many images are shown of each line of a grid."""
        return (len(warp) + 1) // 2 if len(warp) > MOST_IMAGES else len(warp)

    def missing(self, frame: Frame) -> str:
        if self.info is not None and not self.info.latent:
            return self.tr("This model has no latent space.")
        return "" if any(column.warp is not None for column in frame.columns) else lacking(self.live)

    def grid(self, index: int) -> F32 | None:
        """The decoded grid of a column, (G, G, C), where the frame has one."""
        columns = self.frame.columns if self.frame is not None else ()
        return columns[index].warp if index < len(columns) else None

    def axes_of(self, index: int) -> tuple[int, int]:
        """The latent axes along which the grid of a column runs."""
        columns = self.frame.columns if self.frame is not None else ()
        found = columns[index].warp_axes if index < len(columns) else None
        return (int(found[0]), int(found[1])) if found is not None and len(found) == 2 else (0, 1)

    def note(self, index: int) -> str:
        if self.grid(index) is None or self.info is None:
            return super().note(index)
        return " × ".join(axis_name(axis) for axis in dict.fromkeys(self.axes_of(index)))

    # Drawing.

    def draw(self, painter: QPainter, index: int, plot: Plot) -> None:
        info, warp = self.info, self.grid(index)
        if info is None:
            return
        if info.picture is not None:
            if warp is not None and warp.shape[-1] == info.picture.dim:
                self._draw_images(painter, index, plot, warp)
            return
        if self.show_data.isChecked() and len(info.data):
            self._data.draw(painter, plot, self.flat("data", info.data), self.theme.colour("data", 0.4))
        if warp is not None and len(warp) > 1:
            self._draw_lines(painter, index, plot, warp)

    def _draw_lines(self, painter: QPainter, index: int, plot: Plot, warp: F32) -> None:
        side = len(warp)
        flat = self.flat(f"{index}", self._rows(index, warp))
        if len(flat) != side * side:
            return
        nodes = plot.pixels(flat).reshape(side, side, 2)
        one = len(set(self.axes_of(index))) == 1
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self.theme.column(index)
        segments, strengths = grid_segments(nodes[:1] if one else nodes)
        rect = plot.rect.adjusted(-1, -1, 1, 1)
        ends = segments.reshape(-1, 2, 2)
        x, y = ends[..., 0], ends[..., 1]
        near = (x > rect.left()) & (x < rect.right()) & (y > rect.top()) & (y < rect.bottom())
        # Far ends cost time, and an SVG cuts nothing off.
        seen = near[:, 0] & near[:, 1] if for_svg(painter) else near[:, 0] | near[:, 1]
        for strength in sorted(set(strengths.tolist())):
            some = seen & (strengths == strength)
            pen = QPen(self.theme.colour(colour, strength), 1.6 if strength in STRENGTHS else 1.0)
            painter.strokePath(segments_path(segments[some]), pen)
        middle = nodes[0 if one else side // 2, side // 2]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("text"))
        if np.isfinite(middle).all() and plot.rect.contains(QPointF(*middle)):
            painter.drawEllipse(QPointF(*middle), 3.0, 3.0)

    def _rows(self, index: int, warp: F32) -> F32:
        """The nodes as rows (G * G, C), the same array for the same grid, so that what is made of it is kept."""
        kept = self._nodes.get(index)
        if kept is None or kept[0] is not warp:
            kept = self._nodes[index] = (warp, warp.reshape(-1, warp.shape[-1]))
        return kept[1]

    def _draw_images(self, painter: QPainter, index: int, plot: Plot, warp: F32) -> None:
        assert self.info is not None and self.info.picture is not None
        stride = 2 if len(warp) > MOST_IMAGES else 1
        images = warp[::stride, ::stride]
        side = len(images)
        half = WARP * (1 + 1 / max(1, side - 1))
        kept = self._mosaics.get(index)
        if kept is None or kept[0] is not warp:
            kept = self._mosaics[index] = (warp, mosaic(self.info.picture.to_bytes(images)))
        area = plot.area((-half, half, -half, half))
        smooth = area.width() * self.devicePixelRatioF() < kept[1].width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        draw_inside(painter, area, plot.rect, kept[1])
        if area.width() / side >= APART:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(self.theme.pen("plot"))
            for cut in range(1, side):
                x, y = area.left() + cut * area.width() / side, area.top() + cut * area.height() / side
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
                painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        across, up = (axis_name(axis) for axis in self.axes_of(index))
        paint_names(painter, plot.rect, (across, up), self.theme, small_font(self.font()), with_y=across != up)

    def _switched(self, _value: object) -> None:
        self.changed()

    def summary(self) -> str:
        if self.info is None or self.frame is None:
            return self.tr("Warped grid: no picture yet.")
        words = []
        for index, title in enumerate(self.info.titles):
            warp = self.grid(index)
            if warp is None:
                words.append(f"{title}: {self.missing(self.frame).rstrip('.') or 'none'}")
                continue
            axes = " and ".join(axis_name(axis) for axis in dict.fromkeys(self.axes_of(index)))
            said = f"{title}: {len(warp)} lines a side along {axes}"
            if self.info.picture is None:
                flat = self.flat(f"{index}", self._rows(index, warp)).astype(np.float64)
                flat = flat[np.isfinite(flat).all(axis=1)]
                if len(flat):
                    low, high = flat.min(axis=0), flat.max(axis=0)
                    said += f", decoded to ({low[0]:.2f} to {high[0]:.2f}, {low[1]:.2f} to {high[1]:.2f})"
            words.append(said)
        return f"Warped grid at step {self.frame.step:,}. " + "; ".join(words) + "."


def grid_segments(nodes: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pieces of the lines of a grid, and how strong each is drawn.

    Args:
        nodes: (H, W, 2), from -`WARP` to `WARP` along both axes; H is 1 for a single line.

    Returns:
        (N, 4) ends, and (N,) strengths: one of `STRENGTHS`, or `MINOR` times one.
    """
    rows, columns = nodes.shape[:2]
    x = np.linspace(-WARP, WARP, columns)
    y = np.linspace(-WARP, WARP, rows) if rows > 1 else np.zeros(1)
    pieces, found = [], []
    for across in (True, False):
        first = nodes[:, :-1] if across else nodes[:-1]
        second = nodes[:, 1:] if across else nodes[1:]
        along = (x[1:] + x[:-1]) / 2 if across else (y[1:] + y[:-1]) / 2
        radius = np.hypot(along[None, :], y[:, None]) if across else np.hypot(along[:, None], x[None, :])
        fixed = y[:, None] if across else x[None, :]
        whole = np.broadcast_to(np.abs(fixed - np.round(fixed)) < 1e-6, radius.shape)
        # Equal steps of the prior's radius, as far as the corners are.
        level = np.minimum(radius / (WARP * np.sqrt(2)) * len(STRENGTHS), len(STRENGTHS) - 1).astype(np.intp)
        strength = np.array(STRENGTHS)[level] * np.where(whole, 1.0, MINOR)
        pieces.append(np.concatenate([first, second], axis=-1).reshape(-1, 4))
        found.append(strength.reshape(-1))
    return np.concatenate(pieces).astype(np.float64), np.concatenate(found)


def mosaic(images: NDArray[np.uint8]) -> QImage:
    """Images (G, G, C, H, W), the lowest line first, as one picture with the lowest line at the bottom."""
    down, across, channels, height, width = images.shape
    whole = images[::-1].transpose(2, 0, 3, 1, 4).reshape(channels, down * height, across * width)
    return picture_of(np.ascontiguousarray(whole))


PANELS: tuple[type[Panel], ...] = (WarpPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(WarpPanel)
