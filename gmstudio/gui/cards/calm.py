"""Small pieces that all editors share: calm boxes and sliders, the arrow head, states for the style sheet."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import (
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QComboBox,
    QListView,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from gmstudio.gui.icons import icon
from gmstudio.gui.theme import themes


def set_state(widget: QWidget, name: str, value: object) -> None:
    """Set a dynamic property that the style sheet looks at, and have the sheet applied again."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def draw_chevron(painter: QPainter, x: float, y: float, *, up: bool, token: str) -> None:
    """Draw a small arrow head with its middle at (x, y)."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = themes().current.pen(token, 1.4)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    rise = 1.6 if up else -1.6
    path = QPainterPath(QPointF(x - 3.2, y + rise))
    path.lineTo(x, y - rise)
    path.lineTo(x + 3.2, y + rise)
    painter.drawPath(path)


def is_override(event: QKeyEvent, key: Qt.Key) -> bool:
    """Whether the window asks if a widget needs `key` itself before a shortcut takes it."""
    return event.type() == QEvent.Type.ShortcutOverride and event.key() == key


class IconButton(QToolButton):
    """A small button with an icon that follows the theme.

    Args:
        name: of the icon.
        hint: its tooltip and accessible name.
        size: of the icon, in pixels.
    """

    def __init__(self, name: str, hint: str, size: int = 16) -> None:
        super().__init__()
        self._name = name
        self.setIconSize(QSize(size, size))
        self.setToolTip(hint)
        self.setAccessibleName(hint)
        self._paint_icon()
        themes().changed.connect(self._paint_icon)

    def _paint_icon(self) -> None:
        self.setIcon(icon(self._name))


class CalmSlider(QSlider):
    """A horizontal slider that scrolling past does not move."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(40)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move only with the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class CalmCombo(QComboBox):
    """A combo box that scrolling past does not change, and that may be narrower than its longest item."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        # The style sheet reaches the items of a view that is set, not those of the style's own.
        self.setView(QListView())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change only with the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The style's box with a chevron in the theme's colour."""
        super().paintEvent(event)
        painter = QPainter(self)
        draw_chevron(painter, self.width() - 13.0, self.height() / 2, up=False, token="muted")
        painter.end()
