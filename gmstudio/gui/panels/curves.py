"""Training and validation log-likelihood of every column over the steps."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.chart import Chart
from gmstudio.gui.panels.layered import small_font, write
from gmstudio.gui.panels.series import Series, Smoothed, robust_limits
from gmstudio.gui.panels.ticks import short
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import Metric, RunInfo

LEGEND = 17.0


class CurvesChart(Chart):
    """The curves themselves."""

    x_title = "step"

    def __init__(self) -> None:
        super().__init__()
        self.titles: tuple[str, ...] = ()
        self.steps = 0
        self.step: int | None = None
        self.raw: list[Series] = []
        self.smooth: list[Smoothed] = []
        self.validation: list[Series] = []
        self.baselines: dict[str, float] = {}

    def start(self, titles: tuple[str, ...], steps: int) -> None:
        """Forget everything and expect these columns."""
        self.titles, self.steps, self.step = titles, steps, None
        self.raw = [Series() for _ in titles]
        self.smooth = [Smoothed() for _ in titles]
        self.validation = [Series() for _ in titles]
        self.limit()

    @property
    def last(self) -> float:
        """The newest step of any curve."""
        return max((float(s.steps[-1]) for s in (*self.raw, *self.validation) if len(s)), default=0.0)

    def limit(self) -> None:
        """Choose the spans: x grows by doubling up to the planned length, y holds the bulk of the values."""
        reach = float(max(self.steps, 1))
        while reach / 2 >= max(self.last, self.step or 0, 20) * 1.02:
            reach /= 2
        self.x_span = (0.0, reach)
        parts = [s.values for s in (*self.smooth, *self.validation)]
        limits = robust_limits(parts)
        if limits is None:
            self.y_span = (-1.0, 0.0)
            return
        low, high = limits
        near = [b for b in self.baselines.values() if low - 1.0 * (high - low) <= b <= high + 1.0 * (high - low)]
        margin = 0.06 * (high - low)
        self.y_span = (min([low, *(b - margin for b in near)]), max([high, *(b + margin for b in near)]))

    def area(self, size: QSizeF) -> QRectF:
        return super().area(size).adjusted(0, LEGEND - 4, 0, 0)

    def best(self, column: int) -> tuple[float, float] | None:
        """Step and value of the best validation likelihood of a column."""
        series = self.validation[column]
        if not len(series) or not np.isfinite(series.values).any():
            return None
        index = int(np.nanargmax(np.where(np.isfinite(series.values), series.values, np.nan)))
        return float(series.steps[index]), float(series.values[index])

    def paint_lines(self, painter: QPainter) -> None:
        for name, value in self.baselines.items():
            self._paint_baseline(painter, name, value)
        for column in range(len(self.titles)):
            token = self.theme.column(column)
            self.line(painter, self.raw[column].steps, self.raw[column].values, QPen(self.theme.colour(token, 0.28), 1))
        for column in range(len(self.titles)):
            token = self.theme.column(column)
            self.line(painter, self.smooth[column].steps, self.smooth[column].values, QPen(self.theme.colour(token), 1))
            series = self.validation[column]
            pen = QPen(self.theme.colour(token), 1)
            pen.setDashPattern([5, 3])
            self.line(painter, series.steps, series.values, pen)
        for column in range(len(self.titles)):
            best = self.best(column)
            if best is not None:
                painter.setPen(QPen(self.theme.colour(self.theme.column(column)), 1.5))
                painter.setBrush(self.theme.colour("plot"))
                painter.drawEllipse(QPointF(self.at_x(best[0]), self.at_y(best[1])), 3.5, 3.5)

    def _paint_baseline(self, painter: QPainter, name: str, value: float) -> None:
        if not self.y_span[0] <= value <= self.y_span[1]:
            return
        pen = self.theme.pen("muted")
        pen.setStyle(Qt.PenStyle.DotLine)
        painter.setPen(pen)
        y = self.at_y(value)
        painter.drawLine(QPointF(self.rect_.left(), y), QPointF(self.rect_.right(), y))
        painter.setFont(small_font(self.font()))
        painter.setPen(self.theme.colour("muted"))
        # Above the line, or below it where there is no room above.
        top = y - 14 if y - 14 > self.rect_.top() else y + 1
        place = QRectF(self.rect_.left() + 4, top, self.rect_.width() - 8, 14)
        write(painter, place, f"{name} {short(value)}", Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        self.limit()
        super().paint_base(painter, size)
        self._paint_legend(painter)

    def _paint_legend(self, painter: QPainter) -> None:
        """Column titles in their colours, then what the kinds of line are."""
        painter.setFont(small_font(self.font(), 1.0, bold=True))
        x, y = self.rect_.left(), 1.0
        for column, title in enumerate(self.titles):
            painter.setPen(self.theme.colour(self.theme.column(column)))
            wide = min(painter.fontMetrics().horizontalAdvance(title), 120)
            if x + wide > self.rect_.right():
                return
            write(painter, QRectF(x, y, wide + 1, LEGEND - 2), title)
            x += wide + 12
        painter.setFont(small_font(self.font()))
        kinds = (("solid", self.tr("training")), ("dash", self.tr("validation")), ("ring", self.tr("best")))
        for kind, word in kinds:
            wide = painter.fontMetrics().horizontalAdvance(word)
            if x + wide + 26 > self.rect_.right():
                return
            pen = self.theme.pen("muted")
            middle = y + LEGEND / 2 - 1
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if kind == "dash":
                pen.setDashPattern([5, 3])
            painter.setPen(pen)
            if kind == "ring":
                painter.drawEllipse(QPointF(x + 9, middle), 3.5, 3.5)
            else:
                painter.drawLine(QPointF(x, middle), QPointF(x + 19, middle))
            painter.setPen(self.theme.colour("muted"))
            write(painter, QRectF(x + 23, y, wide + 1, LEGEND - 2), word)
            x += wide + 36

    def paint_overlay(self, painter: QPainter, size: QSizeF) -> None:
        if self.step is not None and self.titles:
            self.place(size)
            self.step_line(painter, self.step)


class CurvesPanel(Panel):
    """Log-likelihoods, with limits that one spike cannot flatten."""

    name: ClassVar[str] = "curves"
    title: ClassVar[str] = "Log-likelihood"
    help: ClassVar[str] = (
        "Mean log-likelihood in nats: training (smoothed, over the raw values) and validation, with its best step."
    )
    wants: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[tuple[str, int]] = ("bottom", 1)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = CurvesChart()
        self.chart.setAccessibleName(self.title)
        self.chart.setToolTip(self.help)
        self.chart.hint = self.tr("Press Space to train")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.chart)
        self.setFocusProxy(self.chart)

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.chart.hint = ""
        self.chart.start(info.titles, info.steps)
        self.chart.refresh()

    def set_baselines(self, baselines: dict[str, float]) -> None:
        """Draw dashed lines for what simpler models reach: name -> log-likelihood in nats."""
        self.chart.baselines = {name: value for name, value in baselines.items() if math.isfinite(value)}
        self.chart.refresh()

    def show_metrics(self, metrics: list[Metric]) -> None:
        chart, more = self.chart, False
        for metric in metrics:
            if metric.column >= len(chart.titles):
                continue
            if metric.name == "train":
                chart.raw[metric.column].append(metric.step, metric.value)
                chart.smooth[metric.column].append(metric.step, metric.value)
                more = True
            elif metric.name == "validation":
                chart.validation[metric.column].append(metric.step, metric.value)
                more = True
        if more:
            chart.refresh_calmly(0.08)

    def show_step(self, step: int) -> None:
        if step != self.chart.step:
            self.chart.step = step
            if step > self.chart.x_span[1]:
                self.chart.refresh()
            self.chart.update()

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.chart.apply_theme(theme)

    def summary(self) -> str:
        if not self.chart.titles:
            return self.tr("Log-likelihood: no run yet.")
        words = []
        for column, title in enumerate(self.chart.titles):
            train, best = self.chart.smooth[column], self.chart.best(column)
            text = f"{title}: training {train.values[-1]:.3f} nats" if len(train) else f"{title}: nothing measured yet"
            if best is not None:
                last = float(self.chart.validation[column].values[-1])
                text += f", validation {last:.3f}, best {best[1]:.3f} at step {int(best[0]):,}"
            words.append(text)
        return "Log-likelihood. " + "; ".join(words) + "."

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the chart on `painter`."""
        scale = size.width() / max(1, self.chart.width())
        painter.save()
        painter.scale(scale, scale)
        self.chart.paint_all(painter, QSizeF(size.width() / scale, size.height() / scale))
        painter.restore()


PANELS: tuple[type[Panel], ...] = (CurvesPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(CurvesPanel)
