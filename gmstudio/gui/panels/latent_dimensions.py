"""What each latent dimension says of the data: its KL in nats, and whether it is active."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QSize, QSizeF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.gui.panels.age import lacking, step_shown
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.dimension_bars import Bars, DimensionBars
from gmstudio.gui.panels.latent_axes import axis_name
from gmstudio.gui.panels.latent_codes import Dimensions
from gmstudio.gui.panels.strip_panel import StripPanel
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import F32, Frame, RunInfo

#: Seconds between two pictures: numbers are read, not watched.
CALM = 0.15


class LatentDimensionsPanel(StripPanel):
    """Bars of the KL of every latent dimension of every column."""

    name: ClassVar[str] = "latent_dimensions"
    title: ClassVar[str] = "Latent dimensions"
    help: ClassVar[str] = (
        "How many nats each latent dimension tells of a data point, KL(q(z|x) ‖ p(z)). A dimension is active, and "
        "underlined, where the mean of its posterior varies with the data by more than 0.01."
    )
    wants: ClassVar[frozenset[str]] = frozenset({"codes"})
    place: ClassVar[tuple[str, int]] = ("stage", 11)
    behind: ClassVar[tuple[str, ...]] = ("marginals", "score")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame: Frame | None = None
        self.view = DimensionBars()
        self.view.setAccessibleName(self.title)
        self.view.hint = self.empty_hint
        self._read_of: dict[int, F32] = {}
        self._found: dict[int, Dimensions] = {}
        self.sorted = self.add_switch(
            self.tr("Sorted"), self.tr("The dimensions that say most first; off: in their own order."), True, self._turn
        )
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(self.strip)
        box.addWidget(self.view, 1)
        self.setFocusProxy(self.view)

    @classmethod
    def fits(cls, info: RunInfo | None) -> bool:
        return info is not None and info.latent > 0

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.frame, self._read_of, self._found = None, {}, {}
        self.view.forget()
        self._show(self.tr("Waiting for the first picture…"))

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.frame, self._read_of, self._found = None, {}, {}
        self.view.forget()
        self._show(self.empty_hint)

    def show_frame(self, frame: Frame) -> None:
        if self.info is None or frame.run != self.info.run:
            return
        first, self.frame = self.frame is None, frame
        changed = False
        for index, column in enumerate(frame.columns):
            codes = column.codes
            if codes is not None and codes.ndim == 3 and self._read_of.get(index) is not codes:
                self._read_of[index], self._found[index] = codes, Dimensions.of(codes)
                changed = True
            elif codes is None and self._read_of.pop(index, None) is not None:
                del self._found[index]
                changed = True
        lag = step_shown(frame, self.wants, self.now)
        if changed or first or lag != self.view.lag:
            self.view.lag = lag
            self._show(self._lacking(), calm=not first)

    def show_now(self, step: int) -> None:
        super().show_now(step)
        lag = step_shown(self.frame, self.wants, step)
        if self.frame is not None and lag != self.view.lag:
            self.view.lag = lag
            self.view.refresh()

    def _lacking(self) -> str:
        if self._found:
            return ""
        none = self.info is not None and not self.info.latent
        return self.tr("This model has no latent space.") if none else lacking(self.live)

    def _show(self, hint: str, calm: bool = False) -> None:
        titles = self.info.titles if self.info is not None else ()
        bars = [Bars(title, k, self._found[k]) for k, title in enumerate(titles) if k in self._found]
        latent = self.info.latent if self.info is not None else 0
        self.view.show_bars(tuple(bars), self.sorted.isChecked(), latent, hint)
        if calm:
            self.view.refresh_calmly(CALM)
        else:
            self.view.refresh()

    def _turn(self, _on: bool) -> None:
        if self.frame is not None:
            self._show(self._lacking())

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.view.apply_theme(theme)

    def summary(self) -> str:
        if self.info is None or self.frame is None or not self._found:
            return f"Latent dimensions: {self.view.hint or 'no picture yet'}."
        words = []
        for bars in self.view.bars:
            found = bars.found
            most = [f"{axis_name(k)} {found.kl[k]:.2f}" for k in bars.order(True)[:4]]
            words.append(f"{bars.title}: {found.words()}; most is said by {', '.join(most)}")
        return f"Latent dimensions at step {self.frame.step:,}. " + ". ".join(words) + "."

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the bars, without the switches, on `painter`."""
        scale = size.width() / max(1, self.view.width())
        painter.save()
        painter.scale(scale, scale)
        self.view.paint_all(painter, QSizeF(size.width() / scale, size.height() / scale), overlay=False)
        painter.restore()


PANELS: tuple[type[Panel], ...] = (LatentDimensionsPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo import main

    main(LatentDimensionsPanel)
