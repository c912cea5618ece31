"""What every column says of the point under the mouse, and the point's way through the layers of the flow."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.data.base import Bounds
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.layered import Layered, small_font, write
from gmstudio.gui.panels.plane_link import PlaneLink, Point
from gmstudio.gui.panels.strokes import polygon
from gmstudio.gui.panels.ticks import short
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import F32, Frame, RunInfo, Truth
from gmstudio.observation.plane import Plane

ROW = 18.0
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_CENTRE = Qt.AlignmentFlag.AlignCenter


def look_up(values: NDArray[Any], bounds: Bounds, point: Point) -> NDArray[np.float64] | None:
    """Interpolate a grid linearly at a point.

    Args:
        values: (rows, columns, ...), row 0 at the bottom, values in the middle of their cells.
        bounds: the part of the plane that the grid covers.
        point: where.

    Returns:
        The value there (of the shape of one cell's), or None outside of the grid or where it is not finite.
    """
    rows, columns = values.shape[:2]
    left, right, bottom, top = bounds
    x = (point[0] - left) / (right - left) * columns - 0.5
    y = (point[1] - bottom) / (top - bottom) * rows - 0.5
    if not (-0.5 <= x <= columns - 0.5 and -0.5 <= y <= rows - 0.5):
        return None
    i, j = (int(np.clip(math.floor(v), 0, max(n - 2, 0))) for v, n in ((x, columns), (y, rows)))
    a, b = float(np.clip(x - i, 0, 1)), float(np.clip(y - j, 0, 1))
    cells = values[j : j + 2, i : i + 2].astype(np.float64)
    if not np.isfinite(cells).all():
        return None
    along = cells[:, 0] * (1 - a) + cells[:, -1] * a
    result: NDArray[np.float64] = along[0] * (1 - b) + along[-1] * b
    return result


class ProbeView(Layered):
    """The numbers and the path."""

    def __init__(self) -> None:
        super().__init__()
        self.info: RunInfo | None = None
        self.frame: Frame | None = None
        self.truth: Truth | None = None
        self.point: Point | None = None
        #: The plane through data of more than two columns, on which the point lies.
        self.plane: Plane | None = None
        self.hint = ""
        self.setMinimumSize(150, 120)

    def sources(self) -> list[tuple[str, str, F32 | None, F32 | None, Bounds]]:
        """Title, colour token, log-density, score and bounds of each column and of the truth."""
        found: list[tuple[str, str, F32 | None, F32 | None, Bounds]] = []
        if self.info is None:
            return found
        for index, title in enumerate(self.info.titles):
            # Grids of another plane say nothing of this point.
            suits = self.frame is not None and self.frame.view.plane == self.plane
            column = self.frame.columns[index] if self.frame and suits and index < len(self.frame.columns) else None
            bounds = self.frame.view.bounds if self.frame else self.info.bounds
            parts = (column.log_density, column.score) if column else (None, None)
            found.append((title, self.theme.column(index), *parts, bounds))
        if self.truth is not None:
            found.append((self.tr("Truth"), "truth", self.truth.log_density, self.truth.score, self.truth.view.bounds))
        return found

    def numbers(self) -> list[tuple[str, str, float | None, NDArray[np.float64] | None]]:
        """Title, colour token, log-density and score of each column and of the truth at the point."""
        result = []
        for title, token, log_density, score, bounds in self.sources():
            point = self.point
            height = look_up(log_density, bounds, point) if log_density is not None and point else None
            vector = look_up(score, bounds, point) if score is not None and point else None
            result.append((title, token, None if height is None else float(height), vector))
        return result

    def paths(self) -> list[tuple[int, NDArray[np.float64]]]:
        """The finite paths of the columns: index, (layers + 1, 2)."""
        if self.frame is None:
            return []
        found = [(i, np.asarray(c.path, np.float64)) for i, c in enumerate(self.frame.columns) if c.path is not None]
        return [(i, path) for i, path in found if len(path) > 1 and np.isfinite(path).all()]

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        whole = QRectF(0, 0, size.width(), size.height())
        numbers = self.numbers()
        if not numbers or self.point is None:
            painter.setPen(self.theme.colour("muted"))
            flags = _CENTRE.value | Qt.TextFlag.TextWordWrap.value
            words = self.hint if not numbers else self.tr("Move the mouse over a plot")
            painter.drawText(whole.adjusted(12, 8, -12, -8), flags, words)
            return
        bottom = self._paint_numbers(painter, whole.adjusted(8, 4, -8, -4), numbers)
        room = QRectF(8, bottom + 8, size.width() - 16, size.height() - bottom - 14)
        if room.height() >= 70:
            self._paint_paths(painter, room)

    def _paint_numbers(self, painter: QPainter, rect: QRectF, numbers: list[tuple[str, str, Any, Any]]) -> float:
        assert self.point is not None
        x, y = (f"{value:.3f}".replace("-", "−") for value in self.point)
        here, told = f"x = ({x}, {y})", []
        if self.plane is not None:
            values = self.plane.written(*self.point)
            told = [f"{name} = {short(v, 4)}" for name, v in zip(self.plane.names, values, strict=True)]
        plain, bold = small_font(self.font(), 0.5), small_font(self.font(), 0.5, bold=True)
        painter.setFont(bold)
        painter.setPen(self.theme.colour("text"))
        if told:
            # Names of columns are long: one line for each.
            write(painter, QRectF(rect.left(), rect.top(), rect.width(), ROW), told[0], _LEFT)
            rect, here = rect.adjusted(0, ROW - 3, 0, 0), told[1]
        write(painter, QRectF(rect.left(), rect.top(), rect.width(), ROW), here, _LEFT)
        first = 62.0
        width = (rect.width() - first) / len(numbers)
        top = rect.top() + ROW
        for k, (title, token, _, _) in enumerate(numbers):
            painter.setPen(self.theme.colour(token))
            write(painter, QRectF(rect.left() + first + k * width, top, width - 2, ROW), title, _RIGHT)
        lines = (
            ("log p", lambda height, _: short(height)),
            ("p", lambda height, _: short(None if height is None else math.exp(min(height, 700)))),
            ("score x", lambda _, vector: short(None if vector is None else float(vector[0]))),
            ("score y", lambda _, vector: short(None if vector is None else float(vector[1]))),
            ("|score|", lambda _, vector: short(None if vector is None else float(np.hypot(*vector)))),
            ("angle", lambda _, vector: _degrees(vector)),
        )
        for name, words in lines:
            top += ROW
            painter.setPen(self.theme.pen("grid"))
            painter.drawLine(QPointF(rect.left(), top), QPointF(rect.right(), top))
            painter.setFont(plain)
            painter.setPen(self.theme.colour("muted"))
            write(painter, QRectF(rect.left(), top, first, ROW), name, _LEFT)
            painter.setPen(self.theme.colour("text"))
            for k, (_, _, height, vector) in enumerate(numbers):
                cell = QRectF(rect.left() + first + k * width, top, width - 2, ROW)
                write(painter, cell, words(height, vector), _RIGHT)
        return top + ROW

    def _paint_paths(self, painter: QPainter, rect: QRectF) -> None:
        """The ways through the layers, over circles of one, two and three standard deviations of the latent."""
        paths = self.paths()
        painter.setFont(small_font(self.font()))
        painter.setPen(self.theme.colour("muted"))
        caption = QRectF(rect.left(), rect.top(), rect.width(), 15)
        write(painter, caption, self.tr("Way through the layers, standardised units"), _LEFT)
        side = min(rect.width(), rect.height() - 17)
        plot = QRectF(rect.left() + (rect.width() - side) / 2, rect.top() + 17, side, side)
        painter.fillRect(plot, self.theme.colour("plot"))
        painter.setPen(self.theme.pen("border"))
        painter.drawRect(plot)
        if not paths:
            words = self.tr("no layers to follow") if self.info and not self.info.path_titles else "…"
            if self.info is not None and self.info.space is not None:
                words = self.tr("The way of a point can be drawn for data of two columns only.")
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(plot.adjusted(6, 4, -6, -4), _CENTRE.value | Qt.TextFlag.TextWordWrap.value, words)
            return
        half = max(1.3, 1.3 * max(float(np.abs(path).max()) for _, path in paths))
        scale = plot.width() / 2 / half
        painter.save()
        painter.setClipRect(plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self.theme.pen("grid"))
        for radius in (r for r in (1, 2, 3) if r < half):
            painter.drawEllipse(plot.center(), radius * scale, radius * scale)
            over = QPointF(plot.center().x() + 3, plot.center().y() - radius * scale - 3)
            painter.setPen(self.theme.colour("muted", 0.7))
            painter.drawText(over, f"{radius}σ")
            painter.setPen(self.theme.pen("grid"))
        taken: list[QRectF] = []
        for index, path in paths:
            at = path * (scale, -scale) + (plot.center().x(), plot.center().y())
            self._paint_path(painter, at, self.theme.column(index), taken, plot)
        painter.restore()

    def _paint_path(
        self, painter: QPainter, at: NDArray[np.float64], token: str, taken: list[QRectF], plot: QRectF
    ) -> None:
        colour = self.theme.colour(token)
        painter.setPen(QPen(colour, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(polygon(at))
        titles = self.info.path_titles if self.info is not None else ()
        for k, (x, y) in enumerate(at):
            end = k in (0, len(at) - 1)
            painter.setPen(QPen(colour, 1.2))
            painter.setBrush(colour if end else self.theme.colour("plot"))
            painter.drawEllipse(QPointF(x, y), 3.5 if end else 2.5, 3.5 if end else 2.5)
        # The ends are named first: where names would lie over each other those of the layers between give way.
        for k in (0, len(at) - 1, *range(1, len(at) - 1)):
            words = titles[k] if k < len(titles) else str(k)
            metrics = painter.fontMetrics()
            box = QRectF(at[k, 0] + 6, at[k, 1] - 7, metrics.horizontalAdvance(words) + 2, 14)
            if box.right() > plot.right() - 2:
                box.moveRight(at[k, 0] - 6)
            if any(box.intersects(other) for other in taken) or not plot.contains(box):
                continue
            taken.append(box)
            painter.setPen(colour if k in (0, len(at) - 1) else self.theme.colour("muted"))
            painter.drawText(box, _CENTRE, words)


def _degrees(vector: NDArray[np.float64] | None) -> str:
    if vector is None or not vector.any():
        return "–"
    return f"{math.degrees(math.atan2(vector[1], vector[0])):.0f}°".replace("-", "−")


class ProbePanel(Panel):
    """Density, score and path of the point under the mouse."""

    name: ClassVar[str] = "probe"
    title: ClassVar[str] = "Probe"
    help: ClassVar[str] = (
        "Density and score of every column at the point under the mouse, and its way through the flow."
    )
    wants: ClassVar[frozenset[str]] = frozenset({"log_density", "score", "path"})
    place: ClassVar[tuple[str, int]] = ("right", 0)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = ProbeView()
        self.view.setAccessibleName(self.title)
        self.view.setToolTip(self.help)
        self.empty_hint = self.tr("Press Space to train, then move the mouse over a plot")
        self.view.hint = self.empty_hint
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.setFocusProxy(self.view)
        self.link = PlaneLink(self)
        self.link.probe_moved.connect(self._probed)
        self.link.plane_changed.connect(self._turned)

    def set_link(self, link: PlaneLink) -> None:
        """Read the crosshair of the window's plane panels."""
        self.link.probe_moved.disconnect(self._probed)
        self.link.plane_changed.disconnect(self._turned)
        self.link = link
        link.probe_moved.connect(self._probed)
        link.plane_changed.connect(self._turned)
        self._turned(link.plane)
        self._probed(link.probe)

    def _turned(self, plane: Plane | None) -> None:
        """Another plane is shown: the point was on the one of before."""
        if plane != self.view.plane:
            self.view.plane, self.view.point = plane, None
            self.view.refresh()

    def _probed(self, point: Point | None) -> None:
        # The last point stays when the mouse leaves, so that its numbers can be read.
        if point is not None and point != self.view.point:
            self.view.point = point
            self.view.refresh()

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.view.info, self.view.frame, self.view.truth = info, None, None
        if info.space is not None:
            self.link.begin(info)
        self.view.point = self.link.probe
        self.view.refresh()

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.view.info, self.view.frame, self.view.truth = None, None, None
        self.view.point = None
        self.view.refresh()

    def show_truth(self, truth: Truth) -> None:
        self.view.truth = truth if truth.log_density is not None or truth.score is not None else None
        self.view.refresh()

    def show_frame(self, frame: Frame) -> None:
        if self.info is None or frame.run != self.info.run:
            return
        self.view.frame = frame
        if self.view.point is None and frame.view.probe is not None:
            self.view.point = frame.view.probe
        if self.view.point is not None:
            self.view.refresh_calmly(0.08)

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.view.apply_theme(theme)

    def summary(self) -> str:
        if self.view.point is None:
            return self.tr("Probe: no point chosen; move the mouse over a plot.")
        words = []
        for title, _, height, vector in self.view.numbers():
            text = f"{title}: log-density {short(height)}"
            if vector is not None:
                text += f", score ({short(float(vector[0]))}, {short(float(vector[1]))})"
            words.append(text)
        x, y = self.view.point
        if self.view.plane is not None:
            x, y = self.view.plane.written(x, y)
        return f"Probe at ({x:.2f}, {y:.2f}). " + "; ".join(words) + "."

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the numbers and the path on `painter`."""
        scale = size.width() / max(1, self.view.width())
        painter.save()
        painter.scale(scale, scale)
        self.view.paint_all(painter, QSizeF(size.width() / scale, size.height() / scale))
        painter.restore()


PANELS: tuple[type[Panel], ...] = (ProbePanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(ProbePanel)
