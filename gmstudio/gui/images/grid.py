"""Images side by side, each pixel a square."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.gui.theme import themes

if TYPE_CHECKING:
    from gmstudio.data.images.stack import Images

GAP = 4


def picture_of(light: np.ndarray) -> QImage:
    """A picture of (C, H, W) bytes, grey or in colour."""
    channels, height, width = light.shape
    form = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_Grayscale8
    data = np.ascontiguousarray(light.transpose(1, 2, 0)).tobytes()
    return QImage(data, width, height, channels * width, form).copy()


def pictures_of(images: Images) -> list[QImage]:
    """Pictures of images, black for their least grey value and white for their largest."""
    scale = 255 / (images.levels - 1) if images.whole else 255
    light = np.rint(images.pixels.astype(np.float32) * scale).astype(np.uint8)
    return [picture_of(one) for one in light]


class ImageGrid(QWidget):
    """Shows images of one size, as large as all of them fit, and no smaller than can be seen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 200)
        self.setAccessibleName("Images")
        self.pictures: list[QImage] = []
        self.hint = ""

    def sizeHint(self) -> QSize:
        """Room for some rows."""
        return QSize(560, 420)

    def show_pictures(self, pictures: list[QImage]) -> None:
        """Show images of one size."""
        self.pictures, self.hint = pictures, ""
        self.setAccessibleDescription(f"The first {len(pictures)} images")
        self.update()

    def show_hint(self, hint: str) -> None:
        """Show words in place of images."""
        self.pictures, self.hint = [], hint
        self.setAccessibleDescription(hint)
        self.update()

    def places(self) -> list[QRect]:
        """Where each image is drawn; those for which there is no room are left out."""
        if not self.pictures:
            return []
        room, size = self.contentsRect(), self.pictures[0].size()
        across, scale = self._fit(room.size(), size)
        wide, tall = round(size.width() * scale), round(size.height() * scale)
        down = max(1, (room.height() + GAP) // (tall + GAP))
        return [
            QRect(room.x() + place % across * (wide + GAP), room.y() + place // across * (tall + GAP), wide, tall)
            for place in range(min(len(self.pictures), across * down))
        ]

    def _fit(self, room: QSize, size: QSize) -> tuple[int, float]:
        """How many fit side by side, and how large a pixel is then: the largest at which all images are seen."""
        count, best = len(self.pictures), (1, 0.0)
        for across in range(1, count + 1):
            down = -(-count // across)
            wide = (room.width() - GAP * (across - 1)) / across / size.width()
            tall = (room.height() - GAP * (down - 1)) / down / size.height()
            best = max(best, (across, min(wide, tall)), key=lambda found: found[1])
        across, scale = best
        # Whole pixels are sharp.
        return across, float(int(scale)) if scale >= 1 else max(scale, 0.05)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The images, or the hint."""
        painter = QPainter(self)
        if self.hint:
            painter.setPen(themes().current.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(20, 20, -20, -20), flags, self.hint)
        for picture, place in zip(self.pictures, self.places(), strict=False):
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, place.width() < picture.width())
            painter.drawImage(place, picture)
        painter.end()
