"""Sheets of images side by side, one for each column, and one below another for each kind that is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QCursor, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QMenu, QToolTip

from gmstudio.data.base import Picture
from gmstudio.gui.panels.images_sheet import Sheet, best_scale, drawn, scaled, sheet
from gmstudio.gui.panels.layered import Layered, small_font, write
from gmstudio.observation.frame import F32

#: Heights of a column's title and of the words over a sheet; room between columns and at the rim.
HEAD, CAPTION, BETWEEN, RIM = 18.0, 15.0, 14.0, 6.0
#: Columns stand below each other where they would be narrower than this.
NARROW = 110.0
#: Larger and smaller by the keys, at most so often, and never smaller than so many pixels a side.
STEPS_OF_SIZE, TINY = 8, 6
_CENTRE = Qt.AlignmentFlag.AlignCenter.value | Qt.TextFlag.TextWordWrap.value
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_STRIDES = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


@dataclass(frozen=True, eq=False)
class Strip:
    """Images of one kind.

    Attributes:
        kind: what they are; the same kinds of several columns belong together, image by image.
        caption: what stands over them.
        rows: (N, D) in the units of the data; None where there are none.
        partners: (N, D) shown beside them, or None.
        hint: what is said where there are none.
    """

    kind: str
    caption: str
    rows: F32 | None = None
    partners: F32 | None = None
    hint: str = ""

    @property
    def count(self) -> int:
        """How many there are."""
        return 0 if self.rows is None else len(self.rows)


@dataclass(frozen=True, eq=False)
class Stack:
    """The strips of one column, from above."""

    title: str
    token: str
    strips: tuple[Strip, ...]
    note: str = ""


#: Which image: the stack, the strip in it, the number of the image.
Spot = tuple[int, int, int]


class ImagesView(Layered):
    """Draws stacks of images; hover or arrow keys name an image and mark its like in the other columns.

    Args:
        explain: what to say of an image: (stack, strip, number).

    Signals:
        menu_wanted(QMenu): somebody may add to the menu before it is shown.
    """

    menu_wanted = Signal(object)

    def __init__(self, explain: Callable[[Spot], str]) -> None:
        super().__init__()
        self._explain = explain
        self.picture: Picture | None = None
        self.stacks: tuple[Stack, ...] = ()
        self.hint = ""
        #: The image under the mouse, or where the arrow keys are.
        self.spot: Spot | None = None
        self.larger = 0
        self._images: dict[tuple[int, int], tuple[F32, F32 | None, Sheet, QImage]] = {}
        self.setMinimumSize(140, 110)

    def show_stacks(self, picture: Picture | None, stacks: tuple[Stack, ...], hint: str = "") -> None:
        """Show these, or words in their place."""
        if picture != self.picture:
            self._images.clear()
        self.picture, self.stacks, self.hint = picture, stacks, hint
        if self.spot is not None and self._place(self.spot) is None:
            self.spot = None
        self._images = {at: kept for at, kept in self._images.items() if at[0] < len(stacks)}
        self.refresh()

    # Where things are.

    def areas(self, size: QSizeF) -> list[QRectF]:
        """The rectangles of the stacks: side by side, or below each other where that would be too narrow."""
        count = len(self.stacks)
        if not count:
            return []
        whole = QRectF(RIM, 0, max(8.0, size.width() - 2 * RIM), max(8.0, size.height() - RIM))
        wide = (whole.width() - (count - 1) * BETWEEN) / count
        tall = whole.height() / count
        if wide < NARROW and tall > wide:
            return [QRectF(whole.left(), whole.top() + k * tall, whole.width(), tall) for k in range(count)]
        return [QRectF(whole.left() + k * (wide + BETWEEN), whole.top(), wide, whole.height()) for k in range(count)]

    def rooms(self, size: QSizeF) -> dict[tuple[int, int], QRectF]:
        """Where the images of each strip are, in steps of whole pixels of the screen; keys are stack and strip."""
        found = {}
        for k, area in enumerate(self.areas(size)):
            strips = self.stacks[k].strips
            each = (area.height() - HEAD) / max(1, len(strips))
            for n in range(len(strips)):
                # One strip alone has its words beside the title.
                head = CAPTION if len(strips) > 1 else 0.0
                top = area.top() + HEAD + n * each + head
                found[k, n] = self._sharp(QRectF(area.left(), top, area.width(), max(4.0, each - head - 2)))
        return found

    def _sharp(self, rect: QRectF) -> QRectF:
        ratio = self.devicePixelRatioF()
        left, top = (round(side * ratio) / ratio for side in (rect.left(), rect.top()))
        return QRectF(left, top, rect.width(), rect.height())

    def sheets(self, size: QSizeF) -> dict[tuple[int, int], Sheet]:
        """How the images of each strip stand, all at one scale."""
        if self.picture is None:
            return {}
        ratio, own = self.devicePixelRatioF(), (self.picture.shape[2], self.picture.shape[1])
        shown = {
            (k, n): ((room.width() * ratio, room.height() * ratio), self.stacks[k].strips[n])
            for (k, n), room in self.rooms(size).items()
            if self.stacks[k].strips[n].count
        }
        parts = {at: 1 if strip.partners is None else 2 for at, (_, strip) in shown.items()}
        scales = [best_scale(own, room, strip.count, parts[at], ratio) for at, (room, strip) in shown.items()]
        scale = self._resized(min(scales, default=1), own, [(room, parts[at]) for at, (room, _) in shown.items()])
        return {at: sheet(own, room, scale, parts[at], ratio) for at, (room, _) in shown.items()}

    def _resized(self, scale: int, own: tuple[int, int], rooms: list[tuple[tuple[float, float], int]]) -> int:
        """The scale, larger or smaller as the person wants it, as long as one image fits and can be seen."""
        ratio, wanted = self.devicePixelRatioF(), _next_scale(scale, self.larger)
        while wanted > scale and any(
            sheet(own, room, wanted, parts, ratio).tile[axis] > room[axis] for room, parts in rooms for axis in range(2)
        ):
            wanted = _next_scale(wanted, -1)
        while wanted < scale and max(scaled(side, wanted) for side in own) < TINY * ratio:
            wanted = _next_scale(wanted, 1)
        return wanted

    def shown(self, at: tuple[int, int]) -> int:
        """How many images of a strip are in sight."""
        found = self.sheets(QSizeF(self.size())).get(at)
        return 0 if found is None else min(found.count, self.stacks[at[0]].strips[at[1]].count)

    def under(self, position: QPointF) -> Spot | None:
        """The image at a position."""
        size, ratio = QSizeF(self.size()), self.devicePixelRatioF()
        rooms = self.rooms(size)
        for at, found in self.sheets(size).items():
            away = (position - rooms[at].topLeft()) * ratio
            if away.x() >= 0 and away.y() >= 0 and (number := found.at(away.x(), away.y())) is not None:
                return (*at, number) if number < self.stacks[at[0]].strips[at[1]].count else None
        return None

    def _place(self, spot: Spot) -> QRectF | None:
        """Where an image is; None where it is not in sight."""
        size, ratio = QSizeF(self.size()), self.devicePixelRatioF()
        at, number = spot[:2], spot[2]
        found = self.sheets(size).get(at)
        if found is None or number >= min(found.count, self.stacks[at[0]].strips[at[1]].count):
            return None
        x, y = found.place(number)
        corner = self.rooms(size)[at].topLeft()
        return QRectF(corner.x() + x / ratio, corner.y() + y / ratio, found.tile[0] / ratio, found.tile[1] / ratio)

    # Drawing.

    def paint_base(self, painter: QPainter, size: QSizeF) -> None:
        areas, rooms, sheets = self.areas(size), self.rooms(size), self.sheets(size)
        for k, (stack, area) in enumerate(zip(self.stacks, areas, strict=True)):
            self._paint_head(painter, stack, QRectF(area.left(), area.top(), area.width(), HEAD))
            for n, strip in enumerate(stack.strips):
                room = rooms[k, n]
                painter.setPen(self.theme.colour("muted"))
                if len(stack.strips) > 1:
                    painter.setFont(small_font(self.font(), 1.0))
                    over = QRectF(room.left(), room.top() - CAPTION, room.width(), CAPTION - 1)
                    write(painter, over, strip.caption, _LEFT)
                if (k, n) in sheets:
                    image = self._image((k, n), strip, sheets[k, n])
                    ratio = self.devicePixelRatioF()
                    target = QRectF(room.left(), room.top(), image.width() / ratio, image.height() / ratio)
                    painter.drawImage(target, image)
                elif not self.hint:
                    painter.setFont(self.font())
                    painter.drawText(room.adjusted(4, 2, -4, -2), _CENTRE, strip.hint)
        if self.hint:
            painter.setFont(self.font())
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(QRectF(0, 0, size.width(), size.height()).adjusted(12, 8, -12, -8), _CENTRE, self.hint)

    def _paint_head(self, painter: QPainter, stack: Stack, over: QRectF) -> None:
        painter.setFont(small_font(self.font(), 0.5, bold=True))
        painter.setPen(self.theme.colour(stack.token))
        wide = min(painter.fontMetrics().horizontalAdvance(stack.title) + 2.0, over.width())
        write(painter, QRectF(over.left(), over.top(), wide, over.height()), stack.title, _LEFT)
        words = stack.strips[0].caption if len(stack.strips) == 1 else stack.note
        left = over.width() - wide - 8
        painter.setFont(small_font(self.font(), 1.0))
        if words and left > 40:
            painter.setPen(self.theme.colour("muted"))
            write(painter, QRectF(over.left() + wide + 8, over.top(), left, over.height()), words, _RIGHT)

    def _image(self, at: tuple[int, int], strip: Strip, found: Sheet) -> QImage:
        """The sheet of a strip, made anew only where its images or its size have changed."""
        assert self.picture is not None and strip.rows is not None
        kept = self._images.get(at)
        if kept is None or kept[0] is not strip.rows or kept[1] is not strip.partners or kept[2] != found:
            rows = self.picture.to_bytes(strip.rows[: found.count])
            partners = None if strip.partners is None else self.picture.to_bytes(strip.partners[: found.count])
            kept = self._images[at] = (strip.rows, strip.partners, found, drawn(found, rows, partners))
        return kept[3]

    def paint_overlay(self, painter: QPainter, size: QSizeF) -> None:
        """Mark the image under the mouse, and those of the other columns that belong to it."""
        if self.spot is None or self.hint:
            return
        stack, strip, number = self.spot
        kind = self.stacks[stack].strips[strip].kind
        for k, other in enumerate(self.stacks):
            for n, one in enumerate(other.strips):
                place = self._place((k, n, number)) if one.kind == kind else None
                if place is not None:
                    painter.setPen(self.theme.pen("accent" if (k, n) == (stack, strip) else "marker", 1.5))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawRect(place.adjusted(-1.5, -1.5, 0.5, 0.5))

    # What the person does.

    def _point(self, spot: Spot | None) -> None:
        if spot != self.spot:
            self.spot = spot
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self.under(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self.under(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if found is None else self._explain(found), self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.resize_images(1)
        elif key == Qt.Key.Key_Minus:
            self.resize_images(-1)
        elif key in _STRIDES and self.sheets(QSizeF(self.size())):
            self._walk(*_STRIDES[key])
        elif key == Qt.Key.Key_Escape and self.spot is not None:
            self._point(None)
            QToolTip.hideText()
        else:
            super().keyPressEvent(event)

    def resize_images(self, by: int) -> None:
        """Show the images larger or smaller; 0 for as large as suits the room."""
        wanted = 0 if by == 0 else int(np.clip(self.larger + by, -STEPS_OF_SIZE, STEPS_OF_SIZE))
        if wanted != self.larger:
            self.larger = wanted
            self.spot = None
            self.refresh()

    def _walk(self, right: int, down: int) -> None:
        """Go to a neighbouring image: at the end of a line into the next column, at the foot into the next strip."""
        sheets = self.sheets(QSizeF(self.size()))
        if self.spot is None or self.spot[:2] not in sheets:
            spot: Spot = (*min(sheets), 0)
        else:
            spot = self._next(sheets, self.spot, right, down)
        self._point(spot)
        place = self._place(spot)
        if place is not None:
            words = self._explain(spot)
            self.setAccessibleDescription(words)
            foot = QPoint(round(place.left()), round(place.bottom()))
            QToolTip.showText(self.mapToGlobal(foot), words, self)

    def _next(self, sheets: dict[tuple[int, int], Sheet], spot: Spot, right: int, down: int) -> Spot:
        (stack, strip, number), found = spot, sheets[spot[:2]]
        column, row = number % found.across + right, number // found.across + down
        if not 0 <= column < found.across or (right > 0 and number + 1 >= self.shown((stack, strip))):
            beside = [at for at in sheets if at[1] == strip and (at[0] - stack) * right > 0]
            if not beside:
                return spot
            at = min(beside, key=lambda one: abs(one[0] - stack))
            new = row * sheets[at].across + (0 if right > 0 else min(sheets[at].across, self.shown(at)) - 1)
        elif not 0 <= row < found.down or row * found.across + column >= self.shown((stack, strip)):
            below = [at for at in sheets if at[0] == stack and (at[1] - strip) * down > 0]
            if not below:
                return spot
            at = min(below, key=lambda one: abs(one[1] - strip))
            last = (self.shown(at) - 1) // sheets[at].across
            new = (0 if down > 0 else last) * sheets[at].across + column
        else:
            at, new = (stack, strip), row * found.across + column
        return (*at, min(new, self.shown(at) - 1))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("Larger images"), lambda: self.resize_images(1))
        menu.addAction(self.tr("Smaller images"), lambda: self.resize_images(-1))
        menu.addAction(self.tr("Usual size"), lambda: self.resize_images(0)).setEnabled(self.larger != 0)
        self.menu_wanted.emit(menu)
        menu.popup(event.globalPos() if event.reason() == QContextMenuEvent.Reason.Mouse else QCursor.pos())


def _next_scale(scale: int, by: int) -> int:
    """So many steps further in …, -3, -2, 1, 2, …"""
    step = (scale - 1 if scale > 0 else scale + 1) + by
    return step + 1 if step >= 0 else step - 1
