"""What every panel is: a widget that draws one thing for every column, shows frames and knows no training."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QPoint, QRectF, QSize
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from gmstudio.gui.theme import Theme, themes
from gmstudio.observation.frame import Frame, Metric, RunInfo, Truth


class Panel(QWidget):
    """Base of every panel. Subclasses are found by being in `gmstudio.gui.panels` and listing themselves in `PANELS`.

    All calls come from the window's thread.  A hidden panel gets no frames; it gets the newest when it is shown.
    """

    #: Name in settings and menus.
    name: ClassVar[str] = ""
    #: What stands in the dock's title bar.
    title: ClassVar[str] = ""
    #: One sentence, shown on hover over the title.
    help: ClassVar[str] = ""
    #: Which parts of a frame it draws: ``log_density``, ``score``, ``samples``, ``batch``, ``path``, ``outliers``,
    #: ``codes``, ``rebuilt``, ``warp``, ``neighbours``.
    wants: ClassVar[frozenset[str]] = frozenset()
    #: Where its dock stands at first: ``stage``, ``bottom``, ``right`` or ``hidden``; and its place there.
    place: ClassVar[tuple[str, int]] = ("stage", 100)
    #: The same for runs on data of more than two columns: also ``aside``, beside the stage's first panel, and ``tabs``,
    #: one of the tabs below that; None for as `place`.
    table_place: ClassVar[tuple[str, int] | None] = None
    #: The same for runs on images; None for as `table_place`.
    image_place: ClassVar[tuple[str, int] | None] = None
    #: For a panel on the stage that only some runs have anything for (`fits`): it is a tab of the first of these panels
    #: that is on the stage.
    behind: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme: Theme = themes().current
        self.info: RunInfo | None = None
        #: Whether what it shows is still computed; records of the past stay as they are.
        self.live = True
        #: The step that the run has reached, where it goes on for long without a frame; else 0.
        self.now = 0
        self.setObjectName(self.name)
        self.setAccessibleName(self.title)
        #: What it says before the first run.
        self.empty_hint = self.tr("Press Space to train")

    @classmethod
    def fits(cls, info: RunInfo | None) -> bool:
        """Whether it has anything to show of a run; one that is `behind` others is put away where it has not."""
        return True

    @property
    def wanted(self) -> frozenset[str]:
        """Which of these it draws now; all, unless the person chooses among them."""
        return self.wants

    def begin(self, info: RunInfo) -> None:
        """A run is about to be shown: forget the last one. Call the base's."""
        self.info = info

    def clear(self, hint: str = "") -> None:
        """Nothing is to be shown: be as before the first run. Call the base's.

        Args:
            hint: why, for panels with room for it, instead of their own words.
        """
        self.info = None

    def show_truth(self, truth: Truth) -> None:
        """What is known exactly of the data."""

    def show_frame(self, frame: Frame) -> None:
        """Draw a frame of the run of `begin`."""

    def show_metrics(self, metrics: list[Metric]) -> None:
        """More measured numbers of the run of `begin`, oldest first."""

    def show_step(self, step: int) -> None:
        """The step that the window looks at (also while scrubbing)."""

    def show_now(self, step: int) -> None:
        """The run has reached a step, and there is no newer frame than that which is shown. Call the base's."""
        self.now = step

    def apply_theme(self, theme: Theme) -> None:
        """Change colours. Call the base's."""
        self.theme = theme

    def summary(self) -> str:
        """What the panel shows, in a sentence or two with numbers, for those who cannot see it."""
        return self.title

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the panel as it is on `painter`; used for PNG and SVG."""
        painter.save()
        painter.scale(size.width() / max(1, self.width()), size.height() / max(1, self.height()))
        painter.setClipRect(QRectF(self.rect()))
        self.render(painter, QPoint())
        painter.restore()
