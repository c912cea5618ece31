"""The lamp that warns of manifold overfitting: a shape and a word for every column, and the reasons on a click."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from gmstudio.gui.panels.layered import Layered, small_font, write
from gmstudio.gui.panels.series import Series
from gmstudio.observation.overfitting import THEOREMS, Verdict, verdict

HEIGHT = 20
#: The metrics that are judged.
JUDGED = ("train", "validation", "gamma", "sigma2", "sliced_wasserstein", "mmd")
#: State -> the token of its colour, and its words from the longest to the shortest.
LOOKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "quiet": ("muted", ("quiet",)),
    "watch": ("warning", ("watch",)),
    "overfitting": ("danger", ("manifold overfitting", "overfitting", "overfits")),
}
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def _tr(words: str) -> str:
    return QCoreApplication.translate("Lamp", words)


def judge(series: Mapping[str, Series], step: int | None, dim: int) -> Verdict:
    """What the curves of a column say at a step.

    Args:
        series: by the metrics' names.
        step: that is looked at; None for the last.
        dim: columns of the data.
    """
    cut = {}
    for name, one in series.items():
        count = len(one) if step is None else int(np.searchsorted(one.steps, step, side="right"))
        if count:
            cut[name] = one.steps[:count], one.values[:count]
    return verdict(cut, dim)


def reasons(titles: tuple[str, ...], verdicts: tuple[Verdict, ...]) -> str:
    """Why the lamps are as they are, what is known of it and what helps, as rich text."""
    lines = []
    for title, one in zip(titles, verdicts, strict=True):
        word = LOOKS[one.state][1][0]
        reason = one.reason or _tr("Nothing to be seen yet of a likelihood that outruns the samples.")
        lines.append(f"<p><b>{escape(title)}: {escape(word)}.</b> {escape(reason)}</p>")
    if THEOREMS:
        lines.append(f"<p>{escape(_tr('What is known of likelihoods where data fill a manifold only:'))}</p><ul>")
        lines += [f"<li><b>{escape(name)}.</b> {escape(statement)}</li>" for name, statement in THEOREMS]
        lines.append("</ul>")
    remedy = _tr(
        "What helps: mollify, so that the data fill the space until the noise has gone, best to a small floor; or "
        "learn with a two-stage VAE how the data lie on the manifold. Judge by samples, not by the likelihood."
    )
    return "".join(lines) + f"<p>{escape(remedy)}</p>"


class Lamps(Layered):
    """A line with a lamp for every column, over the columns of the metrics' table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        #: The table over which it stands; it may be narrower, for its scroll bar.
        self.over: QWidget = self
        self.titles: tuple[str, ...] = ()
        self.verdicts: tuple[Verdict, ...] = ()
        self.words: QFrame | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(_tr("Manifold overfitting"))

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(120, max(HEIGHT, self.fontMetrics().height() + 4))

    def minimumSizeHint(self) -> QSize:
        """One line."""
        return QSize(60, self.sizeHint().height())

    def show_verdicts(self, titles: tuple[str, ...], verdicts: tuple[Verdict, ...]) -> None:
        """Show these; nothing at all for no columns."""
        if (titles, verdicts) == (self.titles, self.verdicts):
            return
        self.titles, self.verdicts = titles, verdicts
        self.setAccessibleDescription(self.told())
        self.refresh()

    def told(self) -> str:
        """All lamps in words."""
        pairs = zip(self.titles, self.verdicts, strict=True)
        return "; ".join(f"{t}: {LOOKS[v.state][1][0]}" + (f", {v.reason}" if v.reason else "") for t, v in pairs)

    def cells(self, size: QSizeF) -> list[QRectF]:
        """Where the lamps are: over the columns of the table."""
        whole = min(size.width(), float(self.over.width()))
        first = min(150.0, whole * 0.38)
        width = (whole - first - 8) / max(1, len(self.titles))
        return [QRectF(first + k * width, 0, width - 6, size.height()) for k in range(len(self.titles))]

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        if not self.titles:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cells = self.cells(size)
        painter.setFont(small_font(self.font(), 0.5))
        painter.setPen(self.theme.colour("text"))
        room = (cells[0].left() if cells else size.width()) - 8
        wide = painter.fontMetrics().horizontalAdvance
        names = (_tr("Manifold overfitting"), _tr("On a manifold"), _tr("Manifold"))
        write(painter, QRectF(6, 0, room, size.height()), next((n for n in names if wide(n) < room), names[-1]), _LEFT)
        for cell, one in zip(cells, self.verdicts, strict=True):
            self._paint_lamp(painter, cell, one)

    def _paint_lamp(self, painter: QPainter, cell: QRectF, one: Verdict) -> None:
        token, choices = LOOKS[one.state]
        painter.setFont(small_font(self.font(), 0.5, bold=one.state != "quiet"))
        wide = painter.fontMetrics().horizontalAdvance
        words = next((w for w in choices if wide(w) + 15 <= cell.width()), choices[-1])
        left = max(cell.left(), cell.right() - wide(words) - 15)
        middle = QPointF(left + 5, cell.center().y() + 0.5)
        painter.setPen(QPen(self.theme.colour(token), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # Each state has a shape of its own: colours alone are not for everybody.
        if one.state == "quiet":
            painter.drawEllipse(middle, 3.5, 3.5)
        else:
            painter.setBrush(self.theme.colour(token))
            if one.state == "watch":
                corners = [QPointF(0, -4.5), QPointF(4.5, 3.5), QPointF(-4.5, 3.5)]
                painter.drawPolygon(QPolygonF([middle + corner for corner in corners]))
            else:
                painter.drawRect(QRectF(middle.x() - 4, middle.y() - 4, 8, 8))
        painter.setPen(self.theme.colour("muted" if one.state == "quiet" else token))
        write(painter, QRectF(left + 14, cell.top(), cell.right() - left - 13, cell.height()), words, _LEFT)

    # What the person does.

    def open(self) -> None:
        """Show the reasons below the line."""
        if not self.titles:
            return
        self.words = Reasons(reasons(self.titles, self.verdicts), self)
        self.words.adjustSize()
        below = self.mapToGlobal(QPoint(0, self.height() + 2))
        screen = self.screen().availableGeometry()
        left = max(screen.left(), min(below.x(), screen.right() - self.words.width()))
        top = below.y()
        if top + self.words.height() > screen.bottom():
            top = max(screen.top(), self.mapToGlobal(QPoint(0, 0)).y() - self.words.height() - 2)
        self.words.move(left, top)
        self.words.show()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.open()
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.open()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = QPointF(event.pos())
            cells = zip(self.cells(QSizeF(self.size())), self.titles, self.verdicts, strict=True)
            under = [f"{t}: {LOOKS[v.state][1][0]}. {v.reason}".strip() for cell, t, v in cells if cell.contains(at)]
            help = _tr("Whether the likelihood grows without limit while the samples get no better. Click for more.")
            QToolTip.showText(event.globalPos(), " ".join([*under, help]), self)
            return True
        return super().event(event)


class Reasons(QFrame):
    """The words of the lamp.

    Args:
        text: rich text.
    """

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("commands")
        self.label = QLabel(text)
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.RichText)
        self.label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.label.setFixedWidth(min(560, 44 * self.fontMetrics().averageCharWidth() * 2))
        self.label.setAccessibleName(_tr("Manifold overfitting, in words"))
        box = QVBoxLayout(self)
        box.addWidget(self.label)
