"""Choosing the plane on which data of more than two columns are seen."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QFrame, QSpinBox, QWidget

from gmstudio.gui.panels.giving_button import GivingButton
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.observation.frame import RunInfo
from gmstudio.observation.plane import F64, Plane, Space, framing

PRINCIPAL, COLUMNS = range(2)
MEAN, MEDIAN, ROW = range(3)


def show_columns(link: PlaneLink, info: RunInfo, across: int, up: int) -> None:
    """Show the plane of two columns, through where the present one passes."""
    if info.space is None or across == up:
        return
    plane, centre, through = link.plane, None, "mean"
    if plane is not None and plane.through != "mean":
        centre, through = plane.base, plane.through
    show(link, info, info.space.columns_plane(across, up, centre, through))


def show_row(link: PlaneLink, info: RunInfo, row: F64, words: str) -> None:
    """Let the present plane pass through a row of the data.

    Args:
        link: the view.
        info: of the run.
        row: (C,) in the units of the data.
        words: what it is called, such as ``row 12``.
    """
    if info.space is not None and link.plane is not None:
        show(link, info, like(link.plane, info.space, row, words))


def like(plane: Plane, space: Space, centre: F64 | None, through: str) -> Plane:
    """The same axes as those of a plane, through another centre."""
    across, up = plane.column(0), plane.column(1)
    if across is None or up is None:
        return space.principal_plane(centre, through)
    return space.columns_plane(across, up, centre, through)


def show(link: PlaneLink, info: RunInfo, plane: Plane) -> None:
    """Show a plane of a run's data with nearly all of its rows in view."""
    link.show_plane(plane, framing(plane.project(info.data)))


class PlaneButton(GivingButton):
    """Says which plane is shown, and offers others; hidden where the data are points of the plane themselves."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.info: RunInfo | None = None
        self.link: PlaneLink | None = None
        self.chooser: PlaneChooser | None = None
        self._help = self.tr("The plane that is shown: two columns, or the principal plane, and where it passes.")
        self.setToolTip(self._help)
        self.clicked.connect(self.choose)

    def set_link(self, link: PlaneLink) -> None:
        """Choose for these plots."""
        if self.link is not None:
            self.link.plane_changed.disconnect(self._turned)
        self.link = link
        link.plane_changed.connect(self._turned)
        self._turned(link.plane)

    def show_info(self, info: RunInfo | None) -> None:
        """Offer the columns of a run; None for no run."""
        self.info = info
        self._turned(self.link.plane if self.link is not None else None)

    def _turned(self, plane: Plane | None) -> None:
        there = self.info is not None and self.info.space is not None and plane is not None
        self.setVisible(there)
        if not there or plane is None:
            return
        principal = plane.column(0) is None
        words = self.tr("Principal plane") if principal else " × ".join(plane.names)
        if plane.through != "mean":
            words += f" @ {plane.through}"
        self.say(words)
        # Names that are shortened in small plots stand here in full.
        self.setToolTip(self.tr("{0} Across: {1}; up: {2}.").format(self._help, *plane.names))
        self.setAccessibleName(self.tr("Plane: {}").format(words))

    def choose(self) -> None:
        """Open the chooser below the button."""
        if self.info is None or self.link is None:
            return
        self.chooser = PlaneChooser(self.info, self.link, self)
        self.chooser.adjustSize()
        at = self.mapToGlobal(QPoint(self.width() - self.chooser.width(), self.height() + 2))
        self.chooser.move(at)
        self.chooser.show()


class PlaneChooser(QFrame):
    """Which plane, of which columns, through what; every change is shown at once."""

    def __init__(self, info: RunInfo, link: PlaneLink, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("commands")
        self.info, self.link = info, link
        assert info.space is not None
        self.space: Space = info.space
        self.kind = self._combo((self.tr("Principal plane"), self.tr("Two columns")))
        self.across, self.up = self._combo(self.space.names), self._combo(self.space.names)
        self.through = self._combo((self.tr("Mean"), self.tr("Median"), self.tr("A row")))
        self.row = QSpinBox()
        self.row.setRange(0, max(0, len(info.data) - 1))
        self.row.setToolTip(self.tr("Number of the training row among those that are shown; the first is 0"))
        form = QFormLayout(self)
        for words, field in (
            (self.tr("Plane"), self.kind),
            (self.tr("Across"), self.across),
            (self.tr("Up"), self.up),
            (self.tr("Slice through"), self.through),
            (self.tr("Row"), self.row),
        ):
            form.addRow(words, field)
            field.setAccessibleName(words)
        self._read()
        for box in (self.kind, self.across, self.up, self.through):
            box.currentIndexChanged.connect(self._chosen)
        self.row.valueChanged.connect(self._chosen)

    def _combo(self, items: tuple[str, ...]) -> QComboBox:
        box = QComboBox()
        box.addItems(items)
        box.setMaxVisibleItems(18)
        box.setMinimumContentsLength(18)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return box

    def _read(self) -> None:
        """Show what is chosen now."""
        plane = self.link.plane
        across, up = (None, None) if plane is None else (plane.column(0), plane.column(1))
        self.kind.setCurrentIndex(PRINCIPAL if across is None else COLUMNS)
        self.across.setCurrentIndex(across or 0)
        self.up.setCurrentIndex(1 if up is None else up)
        words = "mean" if plane is None else plane.through
        self.through.setCurrentIndex({"mean": MEAN, "median": MEDIAN}.get(words, ROW))
        number = words.removeprefix("row ")
        self.row.setValue(int(number) if number.isdecimal() else 0)
        self._enable()

    def _enable(self) -> None:
        for box in (self.across, self.up):
            box.setEnabled(self.kind.currentIndex() == COLUMNS)
        self.row.setEnabled(self.through.currentIndex() == ROW)

    def centre(self) -> tuple[F64 | None, str]:
        """What the plane passes through, and what that is called."""
        chosen = self.through.currentIndex()
        if chosen == MEDIAN:
            return self.space.median, "median"
        if chosen == ROW and len(self.info.data):
            return self.info.data[self.row.value()].astype(np.float64), f"row {self.row.value()}"
        return None, "mean"

    def _chosen(self, _value: int) -> None:
        self._enable()
        across, up = self.across.currentIndex(), self.up.currentIndex()
        if self.kind.currentIndex() == PRINCIPAL:
            plane = self.space.principal_plane(*self.centre())
        elif across == up:
            return
        else:
            plane = self.space.columns_plane(across, up, *self.centre())
        show(self.link, self.info, plane)
