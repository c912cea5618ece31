"""Base of the panels that draw the plane: a strip of switches over a row of linked plots."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, QSizeF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.gui.panels.age import joined, lacking, step_shown
from gmstudio.gui.panels.note import Note
from gmstudio.gui.panels.plane_choice import PlaneButton
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.plane_row import Heading, PlaneRow, Plot
from gmstudio.gui.panels.strip_panel import StripPanel
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import F32, Frame, RunInfo, Truth
from gmstudio.observation.plane import Plane


class PlanePanel(StripPanel):
    """A panel that draws every column on its own plot of the plane."""

    #: Whether the panel can draw before the first frame.
    before_frames = False
    #: Whether it draws grids of the frame's own plane, and not points that can be seen on any plane.
    on_grids = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame: Frame | None = None
        self.truth: Truth | None = None
        self.row = self.make_row()
        self.row.setAccessibleName(self.title)
        self.row.menu_wanted.connect(self.extend_menu)
        self.row.hint = self.empty_hint
        self._had = False
        self._lagged = ""
        self._flat: dict[str, tuple[F32, Plane | None, F32]] = {}
        self.plane_button = PlaneButton(self)
        self.strip.addWidget(self.plane_button)
        self.strip_note: Note | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self.strip)
        column.addWidget(self.row, 1)
        self.setFocusProxy(self.row)
        self.plane_button.set_link(self.link)
        self.link.plane_changed.connect(self._turned)

    # What subclasses draw

    def make_row(self) -> PlaneRow:
        """The plots, made once."""
        return PlaneRow(self.draw, self.draw_legend, self)

    def draw(self, painter: QPainter, index: int, plot: Plot) -> None:
        """Draw the contents of one plot, clipped to it."""

    def draw_legend(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the legend at the right, where `row.side` keeps room for one."""

    def note(self, index: int) -> str:
        """What stands at the right over the plot of a column, before the step of a picture that lags."""
        return self.tr("untrained") if self.frame is not None and self.frame.step == 0 else ""

    def whole_note(self, index: int) -> str:
        """The note of a column, and of which step the picture is where it lags behind the run."""
        return joined(self.note(index), self.lag(self.frame))

    def lag(self, frame: Frame | None) -> str:
        """Of which step the picture is, where it lags; empty elsewhere."""
        return "" if frame is None or self.missing(frame) else step_shown(frame, self.wants, self.now)

    def show_now(self, step: int) -> None:
        before = self.lag(self.frame)
        super().show_now(step)
        if self.lag(self.frame) != before:
            self.changed()

    def extra_headings(self) -> tuple[Heading, ...]:
        """Further plots after those of the columns."""
        return ()

    def add_note(self, text: str, help: str) -> None:
        """Put a muted line at the left end of the strip; it gives way where there is no room."""
        self.strip_note = Note((text,), help, self)
        self.strip.setStretch(0, 0)
        self.strip.insertWidget(0, self.strip_note, 1)

    # What the window says

    @property
    def link(self) -> PlaneLink:
        """The view that this panel shares."""
        return self.row.link

    def set_link(self, link: PlaneLink) -> None:
        """Share the view, the crosshair and the home view with the other plane panels of the window."""
        self.link.plane_changed.disconnect(self._turned)
        self.row.set_link(link)
        self.plane_button.set_link(link)
        link.plane_changed.connect(self._turned)
        if self.info is not None:
            link.begin(self.info)

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.frame = None
        self.truth = None
        self._had = False
        self._flat.clear()
        self.link.begin(info)
        self.plane_button.show_info(info)
        self.row.hint = "" if self.before_frames else self.tr("Waiting for the first picture…")
        self.reset()
        self.changed()

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.frame = None
        self.truth = None
        self._flat.clear()
        self.plane_button.show_info(None)
        self.row.hint = hint or self.empty_hint
        self.reset()
        self.changed()

    def reset(self) -> None:
        """Forget what was kept of the last run."""

    def show_truth(self, truth: Truth) -> None:
        self.truth = truth
        self.changed()

    def show_frame(self, frame: Frame) -> None:
        if self.info is None or frame.run != self.info.run:
            return
        before = self.frame
        self.frame = frame
        self.row.hint = self.hint_of(frame)
        if before is None or self.differs(before, frame):
            self.changed()

    def hint_of(self, frame: Frame) -> str:
        """What to say over the plots of a frame; empty where there is nothing to say."""
        if self.on_grids and not self.suits(frame):
            seen = frame.view.plane
            return self.tr("Waiting for the picture of this plane.") + (
                "" if seen is None else self.tr(" What was kept shows {}.").format(" × ".join(seen.names))
            )
        lacking = "" if self.before_frames else self.missing(frame)
        if lacking and self._had and frame.view.plane is not None:
            # It is there, but on this plane not computed yet.
            return self.tr("Waiting for the picture of this plane.")
        self._had = self._had or not lacking
        return lacking

    def suits(self, frame: Frame) -> bool:
        """Whether the grids of a frame were computed on the plane that is shown."""
        return frame.view.plane == self.link.plane

    def flat(self, name: str, points: F32) -> F32:
        """Points as they fall on the plane that is shown: (N, 2).

        Args:
            name: whose points they are; for each the last result is kept.
            points: (N, 2), which stay as they are, or (N, C) of more columns.
        """
        plane = self.link.plane
        if points.shape[1] == 2 and plane is None:
            return points
        kept = self._flat.get(name)
        if kept is None or kept[0] is not points or kept[1] is not plane:
            if plane is not None and not plane.takes(points.shape[1]):
                # The panel still has the run of before, while others show one of other columns.
                found = np.empty((0, 2), dtype=np.float32)
            elif plane is not None:
                found = plane.project(points)
            else:
                found = np.pad(points[:, :2], ((0, 0), (0, max(0, 2 - points.shape[1]))))
            kept = self._flat[name] = (points, plane, found)
        return kept[2]

    def turned(self) -> None:
        """Another plane is shown: forget what belonged to the one before."""

    def _turned(self, _plane: object) -> None:
        self.turned()
        if self.frame is not None:
            self.row.hint = self.hint_of(self.frame)
        self.changed()

    def missing(self, frame: Frame) -> str:
        """What to say where the frame lacks what this panel draws; empty where it has it."""
        return ""

    def none_of(self, frame: Frame, never: str) -> str:
        """Why a frame has nothing of what is drawn: `never` only where all that can be had of the model is in it."""
        last = self.info is not None and frame.step >= self.info.steps
        return never if not frame.age and (self.live or last) else lacking(self.live)

    def differs(self, before: Frame, frame: Frame) -> bool:
        """Whether a frame shows other things than the one before; observers keep arrays that did not change."""
        return (
            before.view.bounds != frame.view.bounds
            or before.view.plane != frame.view.plane
            or self._lagged != self.lag(frame)
            or any(
                getattr(old, part) is not getattr(new, part) or old.sigma2 != new.sigma2
                for old, new in zip(before.columns, frame.columns, strict=False)
                for part in self.wants
            )
        )

    def changed(self) -> None:
        """Something to draw has changed: redraw at the next turn, if the panel is on the screen."""
        titles = self.info.titles if self.info is not None else ()
        headings = tuple(Heading(title, self.theme.column(i), self.whole_note(i)) for i, title in enumerate(titles))
        self._lagged = self.lag(self.frame)
        self.row.set_headings(headings + (self.extra_headings() if headings else ()))
        self.row.refresh()

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        if self.strip_note is not None:
            self.strip_note.apply_theme(theme)
        self.reset()
        self.row.apply_theme(theme)
        self.changed()

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the plots, without the switches, on `painter`."""
        scale = size.width() / max(1, self.row.width())
        painter.save()
        painter.scale(scale, scale)
        self.row.paint_all(painter, QSizeF(size.width() / scale, size.height() / scale), overlay=False)
        painter.restore()
