"""What is measured of every column, plotted over the steps: likelihoods first, any other metric by choice."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPoint, QRectF, QSize, QSizeF, Qt, QTimer
from PySide6.QtGui import QPainter, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.chart import Chart
from gmstudio.gui.panels.courses import LIKELIHOOD, QUANTITIES, Courses, Span, calm
from gmstudio.gui.panels.head import Legend, head_button, paint_legend
from gmstudio.gui.panels.layered import for_svg, small_font, write
from gmstudio.gui.panels.metric_words import foreign, unknowns
from gmstudio.gui.panels.quantity_choice import QuantityChoice
from gmstudio.gui.panels.ticks import short
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import Metric, RunInfo, Truth
from gmstudio.observation.mollified import heading

if TYPE_CHECKING:
    from gmstudio.gui.panels.plotting.overlay import Reading
    from gmstudio.gui.panels.plotting.step_plot import StepPlot

HEAD = 22
#: Seconds between two redraws while numbers arrive.
CALM = 0.1
#: Milliseconds after the panel is first shown until pyqtgraph is loaded: the window stands on the screen by then.
LOAD_AFTER = 150


class EmptyPlot(Chart):
    """What stands there before anything is plotted: a hint, and axes without numbers."""

    def _paint_axes(self, painter: QPainter) -> None:
        """No numbers, since nothing is measured."""


class CurvesPanel(Panel):
    """One quantity of every column over the steps, with limits that one spike cannot flatten.

    The plot follows the run until the person zooms or pans; Home or a double click follows again.
    """

    name: ClassVar[str] = "curves"
    title: ClassVar[str] = "Over time"
    help: ClassVar[str] = (
        "Log-likelihoods in nats or any other measured quantity over the steps. The wheel zooms, dragging pans, "
        "a double click or Home follows the run again."
    )
    wants: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[tuple[str, int]] = ("bottom", 1)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.courses = Courses()
        self.plot: StepPlot | None = None
        self.quantity = LIKELIHOOD
        self.smoothed, self.log_steps, self.log_values = True, False, True
        self.step: int | None = None
        self.absent: dict[str, str] = {}
        self._shown: dict[tuple[str, bool], Span] = {}
        self._drawn = 0.0
        self._calm = QTimer(self, singleShot=True)
        self._calm.timeout.connect(self.redraw)
        self._load = QTimer(self, singleShot=True, interval=LOAD_AFTER)
        self._load.timeout.connect(self._make_plot)
        self.empty = EmptyPlot()
        self.empty.setAccessibleName(self.title)
        self.empty.hint = self.empty_hint
        self.choice = QuantityChoice(HEAD - 2, self.help, self)
        self.choice.currentIndexChanged.connect(self._chosen)
        self.legend = Legend(self)
        self.follow = self._make_follow()
        self.standardised = self._make_standardised()
        self._arrange()
        self._offer()

    def _make_follow(self) -> QToolButton:
        help = self.tr("Show the whole run again, and what comes (Home, or a double click)")
        button = head_button(self, HEAD, self.tr("Follow"), self.tr("Follow the run"), help)
        button.clicked.connect(self.follow_run)
        return button

    def _make_standardised(self) -> QToolButton:
        help = self.tr(
            "Likelihoods of the standardised columns, as papers report them. Off: in the units of the data. "
            "The two differ by the logarithms of the columns' scales."
        )
        button = head_button(self, HEAD, self.tr("Standardised"), self.tr("Likelihoods in standardised units"), help)
        button.setCheckable(True)
        button.toggled.connect(self._units)
        return button

    def _units(self, _on: bool) -> None:
        """Show likelihoods in the units that are chosen, from another limit on."""
        space = self.info.space if self.info is not None else None
        on = self.standardised.isChecked() and space is not None
        self.courses.offset = space.log_volume if on and space is not None else 0.0
        self._shown = {}
        self.redraw()

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(6, 1, 6, 1)
        head.setSpacing(10)
        head.addWidget(self.choice)
        head.addWidget(self.legend, 1)
        head.addWidget(self.standardised)
        head.addWidget(self.follow)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addLayout(self._pages, 1)
        self.setFocusProxy(self.empty)

    def _make_plot(self) -> StepPlot:
        """Load pyqtgraph, which takes a third of a second, and make the plot, once."""
        self._load.stop()
        if self.plot is None:
            os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
            from gmstudio.gui.panels.plotting.step_plot import StepPlot

            self.plot = StepPlot(self.theme)
            self.plot.setAccessibleName(self.title)
            self.plot.setAccessibleDescription(self.help)
            self.plot.read = self.read
            self.plot.following_changed.connect(self._following)
            self.plot.menu_wanted.connect(self._show_menu)
            self._pages.addWidget(self.plot)
        return self.plot

    # What is plotted.

    def show_metric(self, name: str) -> None:
        """Plot the quantity to which a metric belongs, such as ``kl`` or ``validation``."""
        self.choice.choose(name)

    def _chosen(self) -> None:
        self.quantity = self.choice.quantity
        self.choice.explain()
        self.follow_run()
        self.redraw()

    def _offer(self) -> None:
        self.choice.offer(self.courses.measured, self.absent, foreign(self.info))

    # What the window says.

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.courses.start(info.titles, info.steps)
        self.absent = unknowns(info, None)
        self.choice.estimator = info.estimator
        self.choice.mollifier = heading(info, "") and self.tr("{}, how far").format(heading(info, ""))
        self.standardised.setVisible(info.space is not None)
        self._units(True)
        self.step = None
        self._offer()
        plot = self._make_plot()
        plot.show_step(None)
        plot.follow()
        if self._pages.currentWidget() is not plot:
            self._pages.setCurrentWidget(plot)
            self.setFocusProxy(plot)
        self.redraw()

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.courses.start((), 0)
        self.absent, self.step, self.choice.estimator = {}, None, ""
        self.legend.show_titles((), True)
        self._offer()
        self._pages.setCurrentWidget(self.empty)
        self.setFocusProxy(self.empty)

    def show_truth(self, truth: Truth) -> None:
        self.absent = unknowns(self.info, truth)
        self.courses.baselines = {name: value for name, value in truth.baselines if math.isfinite(value)}
        self._offer()
        self._redraw_calmly()

    def show_metrics(self, metrics: list[Metric]) -> None:
        known = {name for name in QUANTITIES if self.courses.measured(name)}
        changed = self.courses.add(metrics)
        if changed - known and self.absent:
            self._offer()
        if self.quantity in changed:
            self._redraw_calmly()

    def show_step(self, step: int) -> None:
        if step == self.step:
            return
        self.step = step
        if self.plot is None:
            return
        if not self._calm.isActive():
            (_, high), _ = self.plot.spans
            if self.plot.following and (math.log10(max(step, 1)) if self.log_steps else step) > high:
                self._redraw_calmly()
            self.plot.show_step(step)

    # Drawing.

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.plot is None:
            self._load.start()
        else:
            self.redraw()

    def _redraw_calmly(self) -> None:
        left = self._drawn + CALM - time.monotonic()
        if left <= 0:
            self.redraw()
        elif not self._calm.isActive():
            self._calm.start(max(1, round(1000 * left)))

    def redraw(self) -> None:
        """Bring the plot up to date; costs nothing while it is hidden."""
        self._calm.stop()
        if self.plot is not None and self.info is not None and self.isVisible():
            self._drawn = time.monotonic()
            self._fill(self.plot)

    def _fill(self, plot: StepPlot) -> None:
        from gmstudio.gui.panels.plotting.overlay import Level, Ring

        courses, quantity = self.courses, self.quantity
        likelihood = quantity == LIKELIHOOD
        logarithmic = self.log_values and courses.logarithmic(quantity)
        bests = [(c, courses.best(c)) for c in range(len(courses.titles) if likelihood else 0)]
        reason = self.absent.get(quantity, "")
        note = "" if courses.measured(quantity) else (reason.capitalize() or self.tr("Not measured yet"))
        span = calm(self._shown.get((quantity, logarithmic)), courses.y_span(quantity, logarithmic))
        self._shown[quantity, logarithmic] = span
        plot.show_marks(
            [Level(name, value) for name, value in courses.levels(quantity).items()],
            [Ring(column, *best) for column, best in bests if best is not None],
            note,
        )
        first = self.tr("training bound") if self.choice.estimator else self.tr("training")
        plot.overlay.heads = (first, self.tr("validation")) if likelihood else ("",)
        plot.show_step(self.step)
        plot.show_lines(
            courses.lines(quantity, self.smoothed),
            (0.0, courses.x_end(quantity, self.step)),
            span,
            (self.log_steps, logarithmic),
            courses.steps,
        )
        self.legend.show_titles(courses.titles, likelihood)

    def read(self, step: float) -> list[Reading]:
        """The values of every column at or before a step, as they are drawn."""
        from gmstudio.gui.panels.plotting.overlay import Reading

        found = []
        for column, title in enumerate(self.courses.titles):
            parts = [self.courses.series(self.quantity, column)]
            if self.quantity == LIKELIHOOD:
                train = self.courses.smooth(column) if self.smoothed else self.courses.series("train", column)
                parts = [train, self.courses.series("validation", column)]
            likelihood = self.quantity == LIKELIHOOD
            values = [self.courses.at(part, step + 0.5) if likelihood else part.at(step + 0.5) for part in parts]
            words = tuple(f"{v:.0%}" if self.quantity == "modes" and v is not None else short(v) for v in values)
            found.append(Reading(column, title, words))
        return found

    # What the person does.

    def follow_run(self) -> None:
        """Show the whole run again, and what comes."""
        if self.plot is not None:
            self.plot.follow()

    def _following(self, following: bool) -> None:
        self.follow.setVisible(not following)

    def menu(self) -> QMenu:
        """The menu of the right button."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        follow = menu.addAction(self.tr("Follow the run\tHome"), self.follow_run)
        follow.setEnabled(self.plot is not None and not self.plot.following)
        menu.addSeparator()
        switches = (
            (self.tr("Smooth training"), "smoothed", self.quantity == LIKELIHOOD),
            (self.tr("Logarithmic values"), "log_values", self.courses.logarithmic(self.quantity)),
            (self.tr("Logarithmic steps"), "log_steps", True),
        )
        for text, name, possible in switches:
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(possible and bool(getattr(self, name)))
            action.setEnabled(possible)
            action.setData(name)
        menu.triggered.connect(self._switched)
        return menu

    def _switched(self, action: object) -> None:
        name = action.data()  # type: ignore[attr-defined]
        if name:
            setattr(self, name, not getattr(self, name))
            self.redraw()

    def _show_menu(self, at: QPoint) -> None:
        self.menu().popup(at)

    # Look, words, files.

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.empty.apply_theme(theme)
        self.legend.apply_theme(theme)
        if self.plot is not None:
            self.plot.apply_theme(theme)

    def summary(self) -> str:
        title = self.choice.title_of(self.quantity)
        if not self.courses.titles:
            return f"{title}: no run yet."
        words = []
        for column, name in enumerate(self.courses.titles):
            words.append(f"{name}: {self._words(column) or 'nothing measured yet'}")
        levels = self.courses.levels(self.quantity)
        if levels:
            words.append("to compare with: " + ", ".join(f"{name} {value:.3f} nats" for name, value in levels.items()))
        return f"{title} over {self.courses.steps:,} steps. " + "; ".join(words) + "."

    def _words(self, column: int) -> str:
        courses = self.courses
        if self.quantity != LIKELIHOOD:
            series = courses.series(self.quantity, column)
            if not len(series):
                return ""
            return f"from {short(float(series.values[0]))} to {short(float(series.values[-1]))}"
        train, best = courses.smooth(column), courses.best(column)
        unit = "nats, standardised" if courses.offset else "nats"
        parts = [f"training {train.values[-1] + courses.offset:.3f} {unit}"] if len(train) else []
        if best is not None:
            last = float(courses.series("validation", column).values[-1]) + courses.offset
            parts.append(f"validation {last:.3f}, best {best[1]:.3f} at step {int(best[0]):,}")
        return ", ".join(parts)

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the plot under its title and legend on `painter`."""
        scale = size.width() / max(1, self.width())
        whole = QSizeF(size.width() / scale, size.height() / scale)
        painter.save()
        painter.scale(scale, scale)
        painter.fillRect(QRectF(0, 0, whole.width(), whole.height()), self.theme.colour("panel"))
        if self.plot is None or self.info is None:
            painter.setFont(self.font())
            self.empty.paint_all(painter, whole)
        else:
            self._fill(self.plot)
            self._paint_head(painter, whole.width())
            target = QRectF(0, HEAD, whole.width(), whole.height() - HEAD)
            self.plot.paint_plot(painter, target, for_svg(painter))
        painter.restore()

    def _paint_head(self, painter: QPainter, width: float) -> None:
        painter.setFont(small_font(self.font(), 0.5))
        painter.setPen(self.theme.colour("text"))
        title = self.choice.title_of(self.quantity)
        wide = painter.fontMetrics().horizontalAdvance(title)
        write(painter, QRectF(8, 2, wide + 1, HEAD - 4), title)
        painter.setFont(self.font())
        rect = QRectF(wide + 22, 2, width - wide - 30, HEAD - 4)
        paint_legend(painter, rect, self.theme, self.courses.titles, self.quantity == LIKELIHOOD)


PANELS: tuple[type[Panel], ...] = (CurvesPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(CurvesPanel)
