"""Where the data lie in the latent space: the aggregate posterior over the prior, coloured by the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from gmstudio.gui.panels.age import joined, lacking
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.data_colours import DataColours
from gmstudio.gui.panels.latent_axes import AxesButton, axis_name
from gmstudio.gui.panels.latent_codes import DRAW, MEAN, Dimensions, leading, learned
from gmstudio.gui.panels.latent_histogram import draw_histogram, draw_rug, height_at, normal_density, top_for
from gmstudio.gui.panels.latent_row import LatentLink, LatentRow
from gmstudio.gui.panels.layered import small_font
from gmstudio.gui.panels.plane_axes import paint_names
from gmstudio.gui.panels.plane_link import PlaneLink, Point
from gmstudio.gui.panels.plane_panel import PlanePanel
from gmstudio.gui.panels.plane_row import Heading, PlaneRow, Plot
from gmstudio.gui.panels.point_colours import draw_coloured
from gmstudio.gui.panels.points import FEW, Cloud
from gmstudio.gui.panels.ticks import short
from gmstudio.observation.frame import F32, Frame, RunInfo

BOTH, BEFORE, AFTER = range(3)
#: Pixels within which the pointer finds a point.
NEAR = 14.0
_NORMAL: NDArray[np.float32] = np.random.default_rng(20_260).standard_normal((1500, 2)).astype(np.float32)


@dataclass(frozen=True)
class Shown:
    """One plot.

    Attributes:
        column: of the frame.
        after: whether the draws of a second stage stand for the prior, and not N(0, I).
        axes: that it shows; the same one twice in a latent space of one dimension.
    """

    column: int
    after: bool
    axes: tuple[int, int]


class LatentPanel(PlanePanel):
    """The posterior of every data point on two latent axes, over what the model takes for their distribution."""

    name: ClassVar[str] = "latent"
    title: ClassVar[str] = "Latent space"
    help: ClassVar[str] = (
        "Where the data lie in the latent space: a draw of each point's posterior, coloured as the data are, over "
        "the prior, whose circles are 1, 2 and 3 standard deviations. Samples are good where the two agree."
    )
    wants: ClassVar[frozenset[str]] = frozenset({"codes"})
    place: ClassVar[tuple[str, int]] = ("stage", 10)
    behind: ClassVar[tuple[str, ...]] = ("marginals", "score")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        super().set_link(LatentLink(self))
        self.dimensions: dict[int, Dimensions] = {}
        self.shown: tuple[Shown, ...] = ()
        #: Whether a second stage has learned what the latent points are distributed as.
        self.two_stages = False
        self._leading: dict[int, tuple[int, int]] = {}
        self._read_of: dict[int, F32] = {}
        self._clouds: dict[int, Cloud] = {}
        self.axes = AxesButton(self)
        self.axes.chosen.connect(self._switched)
        self.strip.addWidget(self.axes)
        tr = self.tr
        told = tr("What gives a point its colour: it is that of the data point from which it comes.")
        self.colours = DataColours(self.add_choice(tr("Colours"), told, (), self._switched))
        self.stage = self.add_choice(
            tr("Stages"),
            tr("Before the second stage the latent points are compared with N(0, I), after it with its own draws."),
            (tr("Before and after"), tr("Before stage 2"), tr("After stage 2")),
            self._switched,
        )
        self.means = self.add_switch(
            tr("Means"), tr("Show the means of the posteriors instead of a draw of each."), False, self._switched
        )
        self.stage.hide()

    @classmethod
    def fits(cls, info: RunInfo | None) -> bool:
        return info is not None and info.latent > 0

    def make_row(self) -> PlaneRow:
        return LatentRow(self.draw, self.draw_legend, self.nearest, self.point_of, self)

    def set_link(self, link: PlaneLink) -> None:
        """Nothing: the latent space is no part of the data's plane and has a view of its own."""

    # What is shown.

    @property
    def latent(self) -> int:
        """Dimensions of the latent space, as far as they are in the frame."""
        return max((len(found.kl) for found in self.dimensions.values()), default=0)

    def reset(self) -> None:
        self._clouds.clear()
        if self.frame is None:
            self.dimensions, self._leading, self._read_of, self.shown = {}, {}, {}, ()
            self.two_stages = False
            self.axes.offer(self.info.latent if self.info is not None else 0)
            self.stage.hide()
            self.colours.offer(self.info)

    def missing(self, frame: Frame) -> str:
        if self.info is not None and not self.info.latent:
            return self.tr("This model has no latent space.")
        return "" if any(column.codes is not None for column in frame.columns) else lacking(self.live)

    def changed(self) -> None:
        self._read()
        titles = self.info.titles if self.info is not None else ()
        chosen = self.stage.currentIndex() if self.two_stages else BEFORE
        stages = {BOTH: (False, True), BEFORE: (False,), AFTER: (True,)}[chosen]
        self.shown = tuple(Shown(c, after, self._axes(c)) for after in stages for c in range(len(titles)))
        self._fit_view()
        self._lagged = self.lag(self.frame)
        self.row.set_headings(tuple(self._heading(one, titles[one.column]) for one in self.shown))
        self.row.refresh()

    def _heading(self, shown: Shown, title: str) -> Heading:
        note = self.note(shown.column)
        if self.two_stages:
            title = self.tr("{}, after").format(title) if shown.after else self.tr("{}, before").format(title)
            note = self.tr("q(z) and stage 2") if shown.after else self.tr("q(z) and N(0, I)")
        elif not note and shown.column in self.dimensions:
            found = self.dimensions[shown.column]
            note = self.tr("{} of {} active").format(int(found.active.sum()), len(found.kl))
        return Heading(title, self.theme.column(shown.column), joined(note, self.lag(self.frame)))

    def _read(self) -> None:
        """What the codes of a new frame say."""
        fresh = False
        for index, column in enumerate(self.frame.columns if self.frame is not None else ()):
            codes = column.codes
            if codes is None or codes.ndim != 3 or not codes.shape[2] or self._read_of.get(index) is codes:
                continue
            self._read_of[index] = codes
            found = self.dimensions[index] = Dimensions.of(codes)
            if len(found.kl) > 1:
                self._leading[index] = leading(found.kl, self._leading.get(index))
            fresh = True
        if fresh and self.frame is not None and not self.two_stages:
            priors = [column.prior for column in self.frame.columns if column.prior is not None]
            self.two_stages = bool(priors) and learned(priors)
            self.stage.setVisible(self.two_stages)
        self.axes.shown = self._leading.get(0, (0, 1))

    def _axes(self, column: int) -> tuple[int, int]:
        if self.latent == 1:
            return (0, 0)
        return self.axes.axes or self._leading.get(column, (0, 1))

    def _fit_view(self) -> None:
        """A square of the plane, or a histogram as high as it needs."""
        row, link = self.row, self.link
        assert isinstance(row, LatentRow) and isinstance(link, LatentLink)
        row.equal = self.latent != 1
        row.legend_side = self.colours.side(self.theme) if self.frame is not None and self.latent else 0.0
        left, right = link.square[:2]
        if row.equal:
            link.set_home(link.square)
            return
        link.set_home((left, right, 0.0, top_for([self.points(one)[:, 0] for one in self.shown])))

    def points(self, shown: Shown) -> NDArray[np.float32]:
        """Where the data are in a plot: (N, 2); the second coordinate of a histogram's is in no unit."""
        columns = self.frame.columns if self.frame is not None else ()
        codes = columns[shown.column].codes if shown.column < len(columns) else None
        if codes is None:
            return np.empty((0, 2), dtype=np.float32)
        return np.asarray(codes[:, MEAN if self.means.isChecked() else DRAW, list(shown.axes)])

    def prior(self, shown: Shown) -> NDArray[np.float32]:
        """Latent points of which the model makes samples, or took them for before it had a second stage: (M, 2)."""
        columns = self.frame.columns if self.frame is not None else ()
        draws = columns[shown.column].prior if shown.column < len(columns) else None
        if draws is None or (self.two_stages and not shown.after):
            return _NORMAL
        return np.asarray(draws[:, list(shown.axes)])

    # Drawing.

    def draw(self, painter: QPainter, index: int, plot: Plot) -> None:
        if self.frame is None or index >= len(self.shown) or not self.latent:
            return
        shown = self.shown[index]
        if shown.axes[0] == shown.axes[1]:
            self._draw_histogram(painter, shown, plot)
            return
        cloud = self._clouds.setdefault(index, Cloud(dot=2.0))
        # As many as are drawn as dots: single pixels are not seen.
        cloud.draw(painter, plot, self.prior(shown)[:FEW], self.theme.colour("muted", 0.6 if shown.after else 0.4))
        points = self.points(shown)
        dot = min(4.5, max(2.8, plot.rect.width() / 85))
        draw_coloured(painter, plot, points, self.colours.of(self.theme), self._plain(shown), dot)
        if not shown.after:
            self._draw_circles(painter, plot)
        self._name_classes(painter, plot, points)
        names = axis_name(shown.axes[0]), axis_name(shown.axes[1])
        paint_names(painter, plot.rect, names, self.theme, small_font(self.font()), with_y=True)

    def _plain(self, shown: Shown) -> QColor:
        return self.theme.colour(self.theme.column(shown.column))

    def _draw_circles(self, painter: QPainter, plot: Plot) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setFont(small_font(self.font(), 2.0))
        for sigma in (1, 2, 3):
            pen = self.theme.pen("axis")
            pen.setColor(self.theme.colour("axis", 0.75))
            painter.setPen(pen)
            painter.drawEllipse(plot.at((0.0, 0.0)), sigma * plot.scale, sigma * plot.scale)
            if plot.scale > 16:
                at = plot.at((0.0, float(sigma)))
                painter.setPen(self.theme.colour("muted"))
                painter.drawText(QPointF(at.x() + 3, at.y() - 2), f"{sigma}σ")

    def _draw_histogram(self, painter: QPainter, shown: Shown, plot: Plot) -> None:
        values, colour = self.points(shown)[:, 0], self.theme.colour(self.theme.column(shown.column), 0.45)
        prior = self.prior(shown)[:, 0] if shown.after else None
        draw_histogram(painter, plot, values, prior, colour, self.theme.pen("text", 1.5))
        draw_rug(painter, plot, values, self.colours.of(self.theme), self._plain(shown))
        names = axis_name(0), self.tr("density")
        paint_names(painter, plot.rect, names, self.theme, small_font(self.font()), with_y=True)

    def _name_classes(self, painter: QPainter, plot: Plot, points: NDArray[Any]) -> None:
        """Write each class where most of it is: colours alone are not for everybody."""
        colouring = self.colours.of(self.theme)
        if colouring is None or not 1 < len(colouring.names) <= 12 or plot.rect.width() < 110:
            return
        painter.setFont(small_font(self.font(), 0.5, bold=True))
        metrics = painter.fontMetrics()
        groups = colouring.groups[: len(points)]
        for group, name in enumerate(colouring.names):
            own = points[: len(groups)][groups == group]
            own = own[np.isfinite(own).all(axis=1)]
            if len(own) < 3 or name == "unknown":
                continue
            x, y = np.median(own, axis=0)
            box = QRectF(0, 0, metrics.horizontalAdvance(name) + 6, metrics.height() - 1)
            box.moveCenter(plot.at((float(x), float(y))))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.colour("raised", 0.82))
            painter.drawRoundedRect(box, 3, 3)
            painter.setPen(self.theme.colour("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)

    def draw_legend(self, painter: QPainter, rect: QRectF) -> None:
        if self.frame is not None and self.latent:
            self.colours.paint(painter, rect, self.theme)

    # One point.

    def nearest(self, index: int, plot: Plot, probe: Point) -> tuple[int, str] | None:
        """The data point that is nearest to a place of a plot, and what is known of it."""
        if index >= len(self.shown) or not self.latent:
            return None
        shown = self.shown[index]
        if shown.axes[0] == shown.axes[1]:
            here = height_at(self.points(shown)[:, 0], probe[0])
            prior = float(normal_density(np.array(probe[0])))
            if shown.after:
                prior = height_at(self.prior(shown)[:, 0], probe[0])
            name = self.tr("stage 2") if shown.after else "N(0, 1)"
            return -1, f"z1 = {short(probe[0])}\nq(z) {short(here)}, {name} {short(prior)}"
        points = self.points(shown)
        away = np.hypot(*(plot.pixels(points) - plot.pixels(np.array(probe))).T)
        if not len(away) or not np.nanmin(away, initial=np.inf) < NEAR:
            return None
        row = int(np.nanargmin(away))
        place = ", ".join(f"{axis_name(a)} = {short(float(v))}" for a, v in zip(shown.axes, points[row], strict=True))
        return row, f"{place}\n{self.colours.told(row)}"

    def point_of(self, index: int, row: int) -> Point | None:
        """Where a row of the data is in a plot."""
        if index >= len(self.shown) or row < 0:
            return None
        points = self.points(self.shown[index])
        return (float(points[row, 0]), float(points[row, 1])) if row < len(points) else None

    # Look and words.

    def _switched(self, _value: object) -> None:
        self.changed()

    def summary(self) -> str:
        if self.info is None or self.frame is None:
            return self.tr("Latent space: no picture yet.")
        if not self.latent:
            return f"Latent space: {self.missing(self.frame) or 'not in this picture.'}"
        words = []
        for shown in self.shown:
            points = self.points(shown)
            points = points[np.isfinite(points).all(axis=1)]
            title, found = self.info.titles[shown.column], self.dimensions.get(shown.column)
            if not len(points) or found is None:
                words.append(f"{title}: none")
                continue
            against = "the second stage" if shown.after else "N(0, I)"
            mean, spread = points.mean(axis=0), points.std(axis=0)
            other = self.prior(shown).std(axis=0) if shown.after else np.ones(2)
            each = [
                f"{axis_name(axis)} mean {mean[k]:.2f}, deviation {spread[k]:.2f} against {other[k]:.2f}"
                for k, axis in enumerate(dict.fromkeys(shown.axes))
            ]
            words.append(f"{title}, {len(points):,} points over {against}: {'; '.join(each)}; {found.words()}")
        return f"Latent space at step {self.frame.step:,}. " + ". ".join(words) + "."


PANELS: tuple[type[Panel], ...] = (LatentPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(LatentPanel)
