"""Base of the panels that draw the plane: a strip of switches over a row of linked plots."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.layered import small_font
from gmstudio.gui.panels.note import Note
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.plane_row import Heading, PlaneRow, Plot
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import Frame, RunInfo, Truth

STRIP = 24


class PlanePanel(Panel):
    """A panel that draws every column on its own plot of the plane."""

    #: Whether the panel can draw before the first frame.
    before_frames = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame: Frame | None = None
        self.truth: Truth | None = None
        self.row = PlaneRow(self.draw, self.draw_legend, self)
        self.row.setAccessibleName(self.title)
        self.row.menu_wanted.connect(self._extend_menu)
        self.row.hint = self.empty_hint
        self.strip = QHBoxLayout()
        self.strip.setContentsMargins(6, 1, 6, 1)
        self.strip.setSpacing(4)
        self.strip.addStretch(1)
        self.strip_note: Note | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self.strip)
        column.addWidget(self.row, 1)
        self.setFocusProxy(self.row)

    # What subclasses draw

    def draw(self, painter: QPainter, index: int, plot: Plot) -> None:
        """Draw the contents of one plot, clipped to it."""

    def draw_legend(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the legend at the right, where `row.side` keeps room for one."""

    def note(self, index: int) -> str:
        """What stands at the right over the plot of a column."""
        return self.tr("untrained") if self.frame is not None and self.frame.step == 0 else ""

    def extra_headings(self) -> tuple[Heading, ...]:
        """Further plots after those of the columns."""
        return ()

    # Switches

    def add_switch(self, text: str, help: str, on: bool, changed: Callable[[bool], None]) -> QToolButton:
        """Put a switch into the strip."""
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(help)
        button.setAccessibleName(text)
        button.setAccessibleDescription(help)
        button.setCheckable(True)
        button.setChecked(on)
        button.setAutoRaise(True)
        button.setFont(small_font(self.font(), 0.5))
        button.setMaximumHeight(STRIP - 2)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.toggled.connect(changed)
        self.strip.addWidget(button)
        return button

    def add_choice(self, name: str, help: str, items: tuple[str, ...], changed: Callable[[int], None]) -> QComboBox:
        """Put a list of alternatives into the strip."""
        box = QComboBox(self)
        box.addItems(items)
        box.setAccessibleName(name)
        box.setToolTip(help)
        box.setFont(small_font(self.font(), 0.5))
        box.setMaximumHeight(STRIP - 2)
        box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.currentIndexChanged.connect(changed)
        self.strip.addWidget(box)
        return box

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
        self.row.set_link(link)
        if self.info is not None:
            link.set_home(self.info.bounds)

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.frame = None
        self.truth = None
        self.link.set_home(info.bounds)
        self.row.hint = "" if self.before_frames else self.tr("Waiting for the first picture…")
        self.reset()
        self.changed()

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.frame = None
        self.truth = None
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
        self.row.hint = "" if self.before_frames else self.missing(frame)
        if before is None or self.differs(before, frame):
            self.changed()

    def missing(self, frame: Frame) -> str:
        """What to say where the frame lacks what this panel draws; empty where it has it."""
        return ""

    def differs(self, before: Frame, frame: Frame) -> bool:
        """Whether a frame shows other things than the one before; observers keep arrays that did not change."""
        return before.view.bounds != frame.view.bounds or any(
            getattr(old, part) is not getattr(new, part) or old.sigma2 != new.sigma2
            for old, new in zip(before.columns, frame.columns, strict=False)
            for part in self.wants
        )

    def changed(self) -> None:
        """Something to draw has changed: redraw at the next turn, if the panel is on the screen."""
        titles = self.info.titles if self.info is not None else ()
        headings = tuple(Heading(title, self.theme.column(i), self.note(i)) for i, title in enumerate(titles))
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

    def _extend_menu(self, menu: QMenu) -> None:
        menu.addSeparator()
        for index in range(self.strip.count()):
            item = self.strip.itemAt(index)
            widget = item.widget() if item is not None else None
            if isinstance(widget, QToolButton) and widget.isCheckable() and widget.isEnabled():
                action = menu.addAction(widget.text())
                action.setCheckable(True)
                action.setChecked(widget.isChecked())
                action.toggled.connect(widget.setChecked)
