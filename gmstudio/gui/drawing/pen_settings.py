"""The settings under the canvas: radius, density, spread, symmetry."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gmstudio import registry
from gmstudio.data.sets.drawing import Drawing
from gmstudio.gui.cards.calm import CalmCombo, set_state
from gmstudio.gui.cards.editors import NumberEditor
from gmstudio.gui.cards.form import tooltip
from gmstudio.gui.drawing.canvas import MAX_RADIUS, MIN_RADIUS
from gmstudio.gui.drawing.tools import SYMMETRIES, Pen
from gmstudio.registry import FieldInfo

RADIUS = FieldInfo(
    name="radius",
    label="Radius",
    kind="float",
    default=Pen().radius,
    help="Size of the brush and the eraser, half the width of lines and rings; also by the keys [ and ].",
    minimum=MIN_RADIUS,
    maximum=MAX_RADIUS,
    log=True,
)
DENSITY = FieldInfo(
    name="density",
    label="Density",
    kind="float",
    default=Pen().density,
    help="How many points a stroke leaves on each unit of area.",
    minimum=1.0,
    maximum=2000.0,
    log=True,
)


class PenSettings(QWidget):
    """Sliders and the number of points."""

    #: The new `Pen`.
    pen_changed = Signal(object)
    spread_changed = Signal(float)
    #: Of `SYMMETRIES`.
    folds_chosen = Signal(int)
    #: What is wrong with a number; empty when nothing is any more.
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        spread = next(info for info in registry.fields(Drawing) if info.name == "spread")
        self.radius = self._row(grid, 0, RADIUS)
        self.density = self._row(grid, 1, DENSITY)
        self.spread = self._row(grid, 2, spread)
        self.radius.edited.connect(self._pen_changed)
        self.density.edited.connect(self._pen_changed)
        self.spread.edited.connect(self._spread_changed)
        self.symmetry = CalmCombo()
        self.symmetry.setAccessibleName("Symmetry")
        self.symmetry.setToolTip("Mirror or turn every stroke around the middle")
        for title, folds in SYMMETRIES:
            self.symmetry.addItem(title, folds)
        self.symmetry.activated.connect(self._symmetry_chosen)
        self.count = QLabel()
        self.count.setObjectName("pointcount")
        grid.addWidget(self.count, 3, 0)
        grid.addWidget(self.symmetry, 3, 1)
        grid.setColumnMinimumWidth(0, 88)
        grid.setColumnStretch(1, 1)

    def _row(self, grid: QGridLayout, row: int, info: FieldInfo) -> NumberEditor:
        label, editor = QLabel(info.label), NumberEditor(info)
        label.setToolTip(tooltip(info))
        editor.setToolTip(tooltip(info))
        label.setBuddy(editor)
        editor.show_value(info.default)
        editor.refused.connect(self.refused)
        grid.addWidget(label, row, 0)
        grid.addWidget(editor, row, 1)
        return editor

    @property
    def pen(self) -> Pen:
        """Radius and density."""
        return Pen(radius=float(self.radius.box.value), density=float(self.density.box.value))

    def set_radius(self, radius: float) -> None:
        """Change the radius as if the person had."""
        self.radius.show_value(float(f"{radius:.3g}"))
        self._pen_changed()

    def show_spread(self, spread: float) -> None:
        """Show a spread without a signal."""
        self.spread.show_value(spread)

    def show_count(self, count: int, limit: int) -> None:
        """Show how many points there are."""
        self.count.setText(f"{count:,} point{'' if count == 1 else 's'}")
        self.count.setToolTip(f"At most {limit:,}." + (" No more fit." if count >= limit else ""))
        set_state(self.count, "full", count >= limit)

    def _pen_changed(self) -> None:
        self.pen_changed.emit(self.pen)

    def _spread_changed(self, spread: float) -> None:
        self.spread_changed.emit(spread)

    def _symmetry_chosen(self, index: int) -> None:
        self.folds_chosen.emit(SYMMETRIES[index][1])
