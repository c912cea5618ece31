"""Choosing two axes of a latent space."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QFrame, QWidget

from gmstudio.gui.panels.giving_button import GivingButton

Axes = tuple[int, int]


def axis_name(axis: int) -> str:
    """What a latent dimension is called: they are counted from 1."""
    return f"z{axis + 1}"


class AxesButton(GivingButton):
    """Says which latent axes are shown, and offers others; hidden where there are no more than two.

    Signals:
        chosen(Axes or None): other axes, None for those that say most.

    Attributes:
        axes: that the person has chosen; None for those that say most.
        shown: that are shown now, where the choice is not the person's.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.count = 0
        self.axes: Axes | None = None
        self.shown: Axes = (0, 1)
        self.chooser: AxesChooser | None = None
        self.setToolTip(
            self.tr("Which two latent axes are shown: those that say most of the data, or two of your own.")
        )
        self.clicked.connect(self.choose)
        self._tell()

    def offer(self, count: int) -> None:
        """Offer the axes of a latent space of so many dimensions; a choice that still fits stays."""
        self.count = count
        self.setVisible(count > 2)
        if self.axes is not None and max(self.axes) >= count > 0:
            self.take(None)

    def take(self, axes: Axes | None) -> None:
        """Show these axes from now on."""
        if axes != self.axes:
            self.axes = axes
            self._tell()
            self.chosen.emit(axes)

    def _tell(self) -> None:
        own = self.axes is not None
        words = " × ".join(axis_name(axis) for axis in self.axes) if self.axes else self.tr("Highest KL")
        self.say(words)
        self.setAccessibleName(self.tr("Latent axes: {}").format(words if own else self.tr("the two of highest KL")))

    def choose(self) -> None:
        """Open the chooser below the button."""
        self.chooser = AxesChooser(self)
        self.chooser.adjustSize()
        self.chooser.move(self.mapToGlobal(QPoint(self.width() - self.chooser.width(), self.height() + 2)))
        self.chooser.show()


class AxesChooser(QFrame):
    """Which axis runs across and which up; every change is shown at once."""

    def __init__(self, button: AxesButton) -> None:
        super().__init__(button, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("commands")
        self._button = button
        self.most = QCheckBox(self.tr("The two of highest KL"))
        self.across, self.up = self._combo(), self._combo()
        form = QFormLayout(self)
        form.addRow(self.most)
        for words, box in ((self.tr("Across"), self.across), (self.tr("Up"), self.up)):
            box.setAccessibleName(words)
            form.addRow(words, box)
        across, up = button.axes or button.shown
        self.most.setChecked(button.axes is None)
        self.across.setCurrentIndex(across)
        self.up.setCurrentIndex(up)
        self._enable()
        self.most.toggled.connect(self._changed)
        self.across.currentIndexChanged.connect(self._changed)
        self.up.currentIndexChanged.connect(self._changed)

    def _combo(self) -> QComboBox:
        box = QComboBox()
        box.addItems([axis_name(axis) for axis in range(self._button.count)])
        box.setMaxVisibleItems(18)
        return box

    def _enable(self) -> None:
        for box in (self.across, self.up):
            box.setEnabled(not self.most.isChecked())

    def _changed(self, _value: object) -> None:
        self._enable()
        axes = (self.across.currentIndex(), self.up.currentIndex())
        if self.most.isChecked():
            self._button.take(None)
        elif axes[0] != axes[1]:
            self._button.take(axes)
