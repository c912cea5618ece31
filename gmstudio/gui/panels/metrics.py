"""The newest numbers of every column side by side, with their course in small."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QFrame, QScrollArea, QToolTip, QVBoxLayout, QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.lamp import JUDGED, Lamps, judge
from gmstudio.gui.panels.layered import Layered, small_font, write
from gmstudio.gui.panels.metric_words import AT_END, NAMES, SHOWN, WHAT, features_of, foreign, unknowns
from gmstudio.gui.panels.series import Series
from gmstudio.gui.panels.strokes import polygon
from gmstudio.gui.panels.ticks import short
from gmstudio.gui.theme import Theme
from gmstudio.observation.bits import in_bits
from gmstudio.observation.frame import METRICS, Metric, RunInfo, Truth
from gmstudio.observation.mollified import blur_width, blurred, heading

ROW, HEADER = 18.0, 19.0
#: Milliseconds after new numbers until the curves are judged again.
JUDGE_AFTER = 300

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def spark(series: Series) -> NDArray[np.float64] | None:
    """The course of a series as (M, 2) points in the unit square, M at most about 60; None for too few values."""
    stride = max(1, len(series) // 60)
    steps, values = series.steps[::stride], series.values[::stride]
    finite = np.isfinite(values)
    steps, values = steps[finite], values[finite]
    if len(values) < 3:
        return None
    ranked = np.sort(values)
    low, high = ranked[round(0.03 * (len(ranked) - 1))], ranked[round(0.97 * (len(ranked) - 1))]
    across = (steps - steps[0]) / max(steps[-1] - steps[0], 1.0)
    return np.stack([across, np.clip((values - low) / max(high - low, 1e-12), 0, 1)], axis=1)


class MetricsTable(Layered):
    """One line for each metric, one column for each column.

    Signals:
        chosen(str): the person has clicked a metric, or come to it with the arrows.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.selected = ""
        self.titles: tuple[str, ...] = ()
        self.info: RunInfo | None = None
        self.step: int | None = None
        self.absent: dict[str, str] = {}
        self.hint = ""
        self._series: dict[tuple[str, int], Series] = {}
        self._sparks: dict[tuple[str, int], tuple[int, NDArray[np.float64] | None]] = {}
        self.fit()

    def fit(self) -> None:
        """Ask for the height of all lines."""
        self.setMinimumHeight(int(HEADER + ROW * len(self.names())) + 4)

    def names(self) -> tuple[str, ...]:
        """The metrics of the lines: those that make sense for the run, those of test points once they are measured."""
        hidden = AT_END | foreign(self.info)
        return tuple(n for n in SHOWN if n not in hidden or any(len(self.series(n, c)) for c in self._columns))

    def start(self, titles: tuple[str, ...]) -> None:
        """Forget everything and expect these columns."""
        self.titles, self.step, self._series, self._sparks = titles, None, {}, {}
        self.fit()

    def series(self, name: str, column: int) -> Series:
        """The values of a metric of a column."""
        return self._series.setdefault((name, column), Series())

    def value(self, name: str, column: int) -> float | None:
        """The value that is shown: the newest at or before the step that is looked at."""
        series = self.series(name, column)
        return series.at(self.step if self.step is not None else math.inf)

    def better(self, name: str) -> int | None:
        """The column that is best, where one is clearly so."""
        sign = METRICS[name][2]
        known = [(self.value(name, column), column) for column in range(len(self.titles))]
        values = [(sign * value, column) for value, column in known if value is not None and math.isfinite(value)]
        if not sign or len(values) < 2:
            return None
        values.sort(reverse=True)
        clear = 1e-3 * max(abs(values[0][0]), abs(values[1][0]))
        return values[0][1] if values[0][0] - values[1][0] > clear else None

    def shown(self) -> tuple[object, ...]:
        """All that the picture depends on but its size and colours."""
        names = self.names()
        cells = [(name, c, self.value(name, c), len(self.series(name, c))) for name in names for c in self._columns]
        return (self.titles, tuple(cells), tuple(self.absent.items()))

    @property
    def _columns(self) -> range:
        return range(len(self.titles))

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        if not self.titles:
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(QRectF(0, 0, size.width(), size.height()), Qt.AlignmentFlag.AlignCenter, self.hint)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        first = min(150.0, size.width() * 0.38)
        width = (size.width() - first - 8) / len(self.titles)
        painter.setFont(small_font(self.font(), 0.5, bold=True))
        for column, title in enumerate(self.titles):
            painter.setPen(self.theme.colour(self.theme.column(column)))
            write(painter, QRectF(first + column * width, 0, width - 6, HEADER), title, _RIGHT)
        for line, name in enumerate(self.names()):
            rect = QRectF(0, HEADER + line * ROW, size.width(), ROW)
            if name == self.selected:
                painter.fillRect(rect.adjusted(2, 1, -2, 0), self.theme.colour("accent-soft"))
            painter.setPen(self.theme.pen("grid"))
            painter.drawLine(QPointF(6, rect.top()), QPointF(size.width() - 6, rect.top()))
            self._paint_row(painter, rect, name, first, width)

    def _paint_row(self, painter: QPainter, rect: QRectF, name: str, first: float, width: float) -> None:
        sign = METRICS[name][2]
        plain, bold = small_font(self.font(), 0.5), small_font(self.font(), 0.5, bold=True)
        painter.setFont(plain)
        painter.setPen(self.theme.colour("text"))
        arrow = {1: " ↑", -1: " ↓"}.get(sign, "")
        write(painter, QRectF(6, rect.top(), first - 8, ROW), self.title_of(name) + arrow, _LEFT)
        if name in self.absent and not any(len(self.series(name, c)) for c in self._columns):
            painter.setPen(self.theme.colour("muted"))
            write(painter, QRectF(first, rect.top(), width * len(self.titles) - 6, ROW), self.absent[name], _RIGHT)
            return
        better = self.better(name)
        for column in self._columns:
            cell = QRectF(first + column * width, rect.top(), width - 6, ROW)
            value = self.value(name, column)
            painter.setFont(bold if column == better else plain)
            painter.setPen(
                self.theme.colour("success" if column == better else "text" if value is not None else "muted")
            )
            write(painter, cell, self.words(name, value, column), _RIGHT)
            if cell.width() > 96:
                place = QRectF(cell.left() + 6, cell.top() + 3, min(cell.width() - 66, 90), ROW - 6)
                self._paint_spark(painter, place, name, column)

    def title_of(self, name: str) -> str:
        """What people call a metric."""
        return heading(self.info, NAMES[name]) if name == "sigma2" else NAMES.get(name, name)

    def words(self, name: str, value: float | None, column: int) -> str:
        """A value of a column as it is written."""
        if value is None or name == "modes":
            return "…" if value is None else f"{value:.0%}"
        if name == "sigma2" and self.info is not None and blurred(self.info, column):
            return f"{short(blur_width(self.info, value), 2)} px"
        return short(value)

    def _paint_spark(self, painter: QPainter, rect: QRectF, name: str, column: int) -> None:
        series = self.series(name, column)
        kept = self._sparks.get((name, column))
        if kept is None or kept[0] != len(series):
            kept = self._sparks[name, column] = (len(series), spark(series))
        shape = kept[1]
        if shape is None:
            return
        at = shape * (rect.width(), -rect.height()) + (rect.left(), rect.bottom())
        painter.setPen(QPen(self.theme.colour(self.theme.column(column), 0.8), 1))
        painter.drawPolyline(polygon(at))
        first, last = float(series.steps[0]), float(series.steps[-1])
        if self.step is not None and first <= self.step < last:
            x = rect.left() + (self.step - first) / max(last - first, 1.0) * rect.width()
            painter.setPen(QPen(self.theme.colour("marker"), 1))
            painter.drawLine(QPointF(x, rect.top() - 1), QPointF(x, rect.bottom() + 1))

    def metric_at(self, position: QPointF) -> str:
        """The metric under a position; empty for none."""
        line = math.floor((position.y() - HEADER) / ROW)
        names = self.names()
        return names[line] if 0 <= line < len(names) else ""

    def choose(self, name: str) -> None:
        """Select a metric, as if it had been clicked."""
        if name and self.titles:
            self.selected = name
            self.refresh()
            self.chosen.emit(name)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the metric under the mouse."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.choose(self.metric_at(event.position()))
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the metric above or below."""
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if by is None:
            super().keyPressEvent(event)
            return
        names = list(self.names())
        at = names.index(self.selected) + by if self.selected else 0
        self.choose(names[min(max(at, 0), len(names) - 1)])

    def explain(self, position: QPointF) -> str:
        """What the metric under a position is."""
        name = self.metric_at(position)
        if not name:
            return ""
        title, unit, _ = METRICS[name]
        text = f"{title}{f' ({unit})' if unit else ''}. {WHAT.get(name, '')}"
        known = [self.value(name, c) for c in self._columns] if name in AT_END | {"validation"} else []
        absent = f"{self.absent[name].capitalize()}." if name in self.absent else ""
        return " ".join(filter(None, (text, in_bits(self.info, known), features_of(self.info, name), absent)))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.explain(QPointF(event.pos())), self)
            return True
        return super().event(event)


class MetricsPanel(Panel):
    """A table of metrics; the better column stands out.

    Signals:
        chosen(str): the person wants to see more of a metric, such as ``kl``.
    """

    chosen = Signal(str)

    name: ClassVar[str] = "metrics"
    title: ClassVar[str] = "Metrics"
    help: ClassVar[str] = (
        "What is measured of every column, at the step that is looked at; the better one stands out. "
        "A click on a line plots it over the steps."
    )
    wants: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[tuple[str, int]] = ("bottom", 2)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = MetricsTable()
        self.table.setAccessibleName(self.title)
        self.table.hint = self.empty_hint
        self.table.chosen.connect(self.chosen)
        self._drawn: tuple[object, ...] = ()
        self.lamps = Lamps(self)
        self.lamps.over = self.table
        self._judged = QTimer(self)
        self._judged.setSingleShot(True)
        self._judged.setInterval(JUDGE_AFTER)
        self._judged.timeout.connect(self.judge)
        self._scroll = scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.lamps)
        layout.addWidget(scroll)
        self.setFocusProxy(self.table)

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.table.info = info
        self.table.start(info.titles)
        self.table.absent = unknowns(info, None)
        self.judge()
        self._redraw()

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.table.info, self.table.absent = None, {}
        self.table.start(())
        # Its bar goes with the lines, at once.
        QCoreApplication.sendEvent(self._scroll, QEvent(QEvent.Type.LayoutRequest))
        self.judge()
        self.table.refresh()

    def show_truth(self, truth: Truth) -> None:
        self.table.absent = unknowns(self.info, truth)
        self._redraw()

    def show_metrics(self, metrics: list[Metric]) -> None:
        for metric in metrics:
            if metric.name in NAMES and metric.column < len(self.table.titles):
                self.table.series(metric.name, metric.column).append(metric.step, metric.value)
        if any(metric.name in AT_END for metric in metrics):
            self.table.fit()
        self._redraw()

    def show_step(self, step: int) -> None:
        self.table.step = step
        self._redraw()

    def _redraw(self) -> None:
        shown = self.table.shown()
        if shown != self._drawn:
            self._drawn = shown
            self.table.refresh_calmly()
            if not self._judged.isActive():
                self._judged.start()

    def judge(self) -> None:
        """Let the lamps say what the curves say at the step that is looked at."""
        self._judged.stop()
        table = self.table
        dim = self.info.data.shape[1] if self.info is not None else 2
        verdicts = [
            judge({name: table.series(name, column) for name in JUDGED}, table.step, dim)
            for column in range(len(table.titles))
        ]
        self.lamps.show_verdicts(table.titles, tuple(verdicts))

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.table.apply_theme(theme)
        self.lamps.apply_theme(theme)

    def summary(self) -> str:
        table = self.table
        if not table.titles:
            return self.tr("Metrics: no run yet.")
        words = []
        for name in table.names():
            title = METRICS[name][0] if table.title_of(name) == NAMES[name] else table.title_of(name)
            known = [(t, table.value(name, c)) for c, t in enumerate(table.titles)]
            if any(value is not None for _, value in known):
                numbers = ", ".join(f"{t} {table.words(name, value, c)}" for c, (t, value) in enumerate(known))
                better = table.better(name)
                words.append(
                    f"{title}: {numbers}" + (f" ({table.titles[better]} is better)" if better is not None else "")
                )
            elif name in table.absent:
                words.append(f"{title}: {table.absent[name]}")
        lamps = f" Manifold overfitting: {self.lamps.told()}."
        return "Metrics. " + ("; ".join(words) if words else self.tr("Nothing measured yet")) + "." + lamps

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the whole table on `painter`."""
        height = max(self.height(), self.table.minimumHeight() + (self.lamps.height() if self.lamps.titles else 0))
        scale = min(size.width() / max(1, self.width()), size.height() / height)
        painter.save()
        painter.scale(scale, scale)
        whole = QSizeF(size.width() / scale, size.height() / scale)
        if self.lamps.titles:
            self.lamps.paint_all(painter, QSizeF(whole.width(), float(self.lamps.height())), overlay=False)
            painter.translate(0, self.lamps.height())
            whole -= QSizeF(0, self.lamps.height())
        self.table.paint_all(painter, whole)
        painter.restore()


PANELS: tuple[type[Panel], ...] = (MetricsPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(MetricsPanel)
