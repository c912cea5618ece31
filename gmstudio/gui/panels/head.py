"""The line over a plot over time: the columns in their colours, and what the kinds of line mean."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QToolButton, QWidget

from gmstudio.gui.panels.layered import small_font, write
from gmstudio.gui.theme import Theme, themes

#: Kind of line -> what it is.
KINDS = (("solid", "training"), ("dash", "validation"), ("ring", "best"))
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def paint_legend(painter: QPainter, rect: QRectF, theme: Theme, titles: tuple[str, ...], kinds: bool) -> None:
    """Write the columns' titles, then the kinds of line where there are several and room is left.

    Args:
        painter: its font is the base of the letters.
        rect: where; what does not fit is left out.
        theme: for the colours.
        titles: of the columns.
        kinds: whether there are several kinds of line.
    """
    base = painter.font()
    painter.setFont(small_font(base, 1.0, bold=True))
    x = rect.left()
    most = max(40.0, min(130.0, (rect.width() - 12 * len(titles)) / max(1, len(titles))))
    for column, title in enumerate(titles):
        painter.setPen(theme.colour(theme.column(column)))
        wide = min(float(painter.fontMetrics().horizontalAdvance(title)), most)
        if x + wide > rect.right() + 1:
            break
        write(painter, QRectF(x, rect.top(), wide + 1, rect.height()), title, _LEFT)
        x += wide + 12
    painter.setFont(small_font(base))
    middle = round(rect.center().y()) + 0.5
    for kind, word in KINDS if kinds else ():
        wide = float(painter.fontMetrics().horizontalAdvance(word))
        if x + wide + 24 > rect.right():
            break
        pen = theme.pen("muted")
        if kind == "dash":
            pen.setDashPattern([4, 3])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        if kind == "ring":
            painter.drawEllipse(QPointF(x + 13, middle), 3.5, 3.5)
        else:
            painter.drawLine(QPointF(x, middle), QPointF(x + 18, middle))
        painter.setPen(theme.colour("muted"))
        write(painter, QRectF(x + 22, rect.top(), wide + 1, rect.height()), word, _LEFT)
        x += wide + 34
    painter.setFont(base)


def head_button(parent: QWidget, height: int, text: str, name: str, help: str) -> QToolButton:
    """A button of the line, not yet shown."""
    button = QToolButton(parent)
    button.setText(text)
    button.setToolTip(help)
    button.setAccessibleName(name)
    button.setFont(small_font(parent.font(), 0.5))
    button.setMaximumHeight(height - 2)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.hide()
    return button


class Legend(QWidget):
    """The legend as a widget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = themes().current
        self.titles: tuple[str, ...] = ()
        self.kinds = True

    def show_titles(self, titles: tuple[str, ...], kinds: bool) -> None:
        """Show these columns, and whether there are several kinds of line."""
        if (titles, kinds) != (self.titles, self.kinds):
            self.titles, self.kinds = titles, kinds
            self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Change colours."""
        self.theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(60, 18)

    def minimumSizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(0, 14)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setFont(self.font())
            paint_legend(painter, QRectF(self.rect()), self.theme, self.titles, self.kinds)
