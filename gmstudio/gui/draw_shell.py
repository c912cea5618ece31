"""The place of the drawing panel, which is made when it is first looked at: starting does not pay for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent, QUndoStack
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.data.sets.drawing import Drawing

if TYPE_CHECKING:
    from gmstudio.gui.drawing.draw_panel import DrawPanel


class DrawShell(QWidget):
    """Holds the drawing, and the panel once there is one.

    Signals:
        changed(Drawing): the person draws.
        picture(Picture): the person wants a picture as the data.
    """

    changed = Signal(object)
    picture = Signal(object)

    def __init__(self, undo: QUndoStack) -> None:
        super().__init__()
        self.setAccessibleName("Drawing")
        self._undo, self._spec = undo, Drawing()
        self._panel: DrawPanel | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._make)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)

    @property
    def panel(self) -> DrawPanel:
        """The drawing panel; made now if there is none."""
        if self._panel is None:
            from gmstudio.gui.drawing.draw_panel import DrawPanel

            self._panel = DrawPanel(self._undo)
            self._panel.set_spec(self._spec)
            self._panel.changed.connect(self.changed)
            self._panel.picture.connect(self.picture)
            self._box.addWidget(self._panel)
            self.setFocusProxy(self._panel)
        return self._panel

    @property
    def spec(self) -> Drawing:
        """The drawing."""
        return self._panel.spec if self._panel is not None else self._spec

    def set_spec(self, spec: Drawing) -> None:
        """Show a drawing."""
        if self._panel is not None:
            self._panel.set_spec(spec)
        else:
            self._spec = spec

    def showEvent(self, event: QShowEvent) -> None:
        """Make the panel, unless this is but a moment while docks are being arranged."""
        super().showEvent(event)
        self._soon.start()

    def _make(self) -> None:
        if self.isVisible():
            self.panel.show()
