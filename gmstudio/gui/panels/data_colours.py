"""The choice of what gives data points their colours, with its legend."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QComboBox

from gmstudio.gui.panels.latent_legend import INSET, paint_classes, paint_inset
from gmstudio.gui.panels.legend import BAR_SIDE, colour_bar
from gmstudio.gui.panels.point_colours import Colouring, by_class, by_place, by_value, value_map
from gmstudio.gui.panels.ticks import short
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import RunInfo

#: What there is to choose, beside the columns of a table, which are named by their numbers.
CLASS, PLACE, AXIS = "class", "place", "axis"


def _tr(words: str) -> str:
    return QCoreApplication.translate("DataColours", words)


class DataColours:
    """Colours of the rows of a run's data, made when they are first needed.

    Args:
        box: the list of what can be chosen; hidden where there is only one thing.
    """

    def __init__(self, box: QComboBox) -> None:
        self._box = box
        self._info: RunInfo | None = None
        self._kinds: tuple[tuple[str, str], ...] = ()
        self._made: Colouring | None = None
        self._made_for = ("", "")
        box.hide()

    @property
    def kind(self) -> str:
        """What is chosen: ``class``, ``place``, ``axis``, or the number of a column; empty for nothing."""
        at = self._box.currentIndex()
        return self._kinds[at][0] if 0 <= at < len(self._kinds) else ""

    def choose(self, kind: str) -> None:
        """Colour by something else, if it is offered."""
        kinds = [one for one, _ in self._kinds]
        if kind in kinds:
            self._box.setCurrentIndex(kinds.index(kind))

    def offer(self, info: RunInfo | None) -> None:
        """Offer what the data of a run can be coloured by; the choice stays where the same is offered again."""
        self._info, self._made_for, kinds = info, ("", ""), []
        if info is not None and len(info.data):
            if info.labels is not None and bool((info.labels >= 0).any()):
                kinds.append((CLASS, _tr("Class")))
            if info.space is None:
                kinds.append((PLACE, _tr("Place in the data")))
            else:
                kinds.append((AXIS, _tr("Principal axis")))
                if info.picture is None:
                    kinds += [(str(k), name) for k, name in enumerate(info.space.names)]
        if tuple(kinds) != self._kinds:
            self._kinds = tuple(kinds)
            self._box.blockSignals(True)
            self._box.clear()
            self._box.addItems([words for _, words in kinds])
            self._box.blockSignals(False)
        self._box.setVisible(len(kinds) > 1)

    def of(self, theme: Theme) -> Colouring | None:
        """The colours in a theme; None where there are no data."""
        wanted = self.kind, theme.name
        if wanted != self._made_for:
            self._made_for, self._made = wanted, self._make(theme)
        return self._made

    def _make(self, theme: Theme) -> Colouring | None:
        info, kind = self._info, self.kind
        if info is None:
            return None
        if kind == CLASS and info.labels is not None:
            return by_class(info.labels, theme, info.label_names)
        if kind == PLACE:
            return by_place(info.data[:, :2], theme)
        if kind == AXIS and info.plane is not None:
            return by_value(info.plane.project(info.data)[:, 0], theme, _tr("axis 1"))
        if kind.isdecimal() and info.space is not None:
            return by_value(info.data[:, int(kind)], theme, info.space.names[int(kind)])
        return None

    def side(self, theme: Theme) -> float:
        """Width of the legend in pixels."""
        colouring = self.of(theme)
        if colouring is None:
            return 0.0
        return BAR_SIDE + 8 if colouring.limits is not None else 52.0 if colouring.names else INSET

    def paint(self, painter: QPainter, rect: QRectF, theme: Theme) -> None:
        """Draw the legend; its title stands in the line above the rectangle."""
        colouring = self.of(theme)
        if colouring is None or self._info is None:
            return
        if colouring.limits is not None:
            colour_bar(painter, rect, theme, value_map(theme), colouring.limits, colouring.title)
        elif colouring.names:
            paint_classes(painter, rect, theme, colouring)
        else:
            paint_inset(painter, rect, theme, colouring, self._info)

    def told(self, row: int) -> str:
        """What is known of a row of the data, in a line."""
        info, words = self._info, _tr("row {}").format(row)
        if info is None or row >= len(info.data):
            return words
        if info.labels is not None and info.labels[row] >= 0:
            number = int(info.labels[row])
            words += _tr(", class {}").format(info.label_names[number] if number < len(info.label_names) else number)
        if info.space is None:
            return f"{words}: ({', '.join(short(float(v)) for v in info.data[row, :2])})"
        if self.kind.isdecimal():
            words += f", {info.space.names[int(self.kind)]} {short(float(info.data[row, int(self.kind)]))}"
        return words
