"""Many small images on one sheet: how large and how many fit, and their pixels, each a sharp square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

Bytes = NDArray[np.uint8]

#: As many images as are shown at least, where that leaves each of them `SMALL` pixels a side.
MANY, SMALL = 60, 28
#: Pixels between two images, and between an image and what it is shown with.
GAP, INNER = 3, 1
#: With partners beside them, what belongs together must be seen.
WIDE_GAP = 8


@dataclass(frozen=True, slots=True)
class Sheet:
    """How images stand on a sheet, all in pixels of the screen.

    Attributes:
        size: width and height of an image, in pixels of its own.
        scale: how large such a pixel is drawn; -k where k x k of them become one.
        parts: 2 where each image has a partner at its right, 1 otherwise.
        gap: between two of them, partners included.
        inner: between an image and its partner.
        across, down: how many stand side by side and below each other.
    """

    size: tuple[int, int]
    scale: int
    parts: int
    gap: int
    inner: int
    across: int
    down: int

    @property
    def count(self) -> int:
        """How many have room."""
        return self.across * self.down

    @property
    def side(self) -> tuple[int, int]:
        """Width and height of one as it is drawn, without its partner."""
        wide, high = (scaled(side, self.scale) for side in self.size)
        return wide, high

    @property
    def tile(self) -> tuple[int, int]:
        """Width and height of one with its partner."""
        wide, high = self.side
        return wide * self.parts + self.inner * (self.parts - 1), high

    def place(self, number: int) -> tuple[int, int]:
        """Left and top of the one with that number."""
        wide, high = self.tile
        return number % self.across * (wide + self.gap), number // self.across * (high + self.gap)

    def at(self, x: float, y: float) -> int | None:
        """Which one is at a point of the sheet; None between them and beyond."""
        wide, high = self.tile
        column, row = int(x // (wide + self.gap)), int(y // (high + self.gap))
        inside = x - column * (wide + self.gap) < wide and y - row * (high + self.gap) < high
        if not inside or not (0 <= column < self.across and 0 <= row < self.down):
            return None
        return row * self.across + column


def scaled(side: int, scale: int) -> int:
    """Pixels that so many pixels take at a scale."""
    return side * scale if scale > 0 else max(1, side // -scale)


def sheet(size: tuple[int, int], room: tuple[float, float], scale: int, parts: int, ratio: float) -> Sheet:
    """As many images as fit into a room, at least one.

    Args:
        size: width and height of an image in pixels of its own.
        room: width and height in pixels of the screen.
        scale: as in `Sheet`.
        parts: as in `Sheet`.
        ratio: pixels of the screen in one of the window's units.
    """
    gap = round((WIDE_GAP if parts > 1 else GAP) * ratio)
    inner = max(1, round(INNER * ratio))
    one = Sheet(size, scale, parts, gap, inner, 1, 1)
    wide, high = one.tile
    across, down = (max(1, int((side + gap) // (own + gap))) for side, own in zip(room, (wide, high), strict=True))
    return Sheet(size, scale, parts, gap, inner, across, down)


def best_scale(size: tuple[int, int], room: tuple[float, float], count: int, parts: int, ratio: float) -> int:
    """The largest scale at which `MANY` or all images fit, but none at which they are too small to be seen.

    Args:
        size, room, parts, ratio: as in `sheet`.
        count: how many there are.
    """
    wanted, longer = min(count, MANY // parts), max(size)
    scale = 1
    while True:
        larger = sheet(size, room, scale + 1, parts, ratio)
        if larger.count < wanted and longer * scale >= SMALL * ratio:
            break
        if larger.tile[0] > room[0] or larger.tile[1] > room[1]:
            break
        scale += 1
    if scale > 1:
        return scale
    one = sheet(size, room, 1, parts, ratio)
    shrink = max(
        -(-one.tile[axis] // max(1, int(room[axis]))) if one.tile[axis] > room[axis] else 1 for axis in range(2)
    )
    return 1 if shrink == 1 else -shrink


def drawn(sheet: Sheet, images: Bytes, partners: Bytes | None = None) -> QImage:
    """The sheet with images on it, transparent between them.

    Args:
        sheet: how they stand.
        images: (N, C, H, W), the first `sheet.count` of which are drawn.
        partners: of the same shape; where the sheet has two parts.
    """
    count = min(len(images), sheet.count)
    across = min(count, sheet.across)
    down = -(-count // across)
    wide, high = sheet.tile
    tiles = np.zeros((across * down, high + sheet.gap, wide + sheet.gap), dtype=np.uint32)
    side = sheet.side[0]
    tiles[:count, :high, :side] = _enlarged(_packed(images[:count], sheet.scale), sheet.scale)
    if partners is not None:
        tiles[:count, :high, side + sheet.inner : wide] = _enlarged(_packed(partners[:count], sheet.scale), sheet.scale)
    ordered = tiles.reshape(down, across, high + sheet.gap, wide + sheet.gap).transpose(0, 2, 1, 3)
    pixels = ordered.reshape(down * (high + sheet.gap), across * (wide + sheet.gap))
    pixels = np.ascontiguousarray(pixels[: pixels.shape[0] - sheet.gap, : pixels.shape[1] - sheet.gap])
    form = QImage.Format.Format_ARGB32_Premultiplied
    return QImage(pixels.tobytes(), pixels.shape[1], pixels.shape[0], 4 * pixels.shape[1], form).copy()


def _packed(images: Bytes, scale: int) -> NDArray[np.uint32]:
    """Images (N, C, H, W) as Qt's pixels (N, h, w); with a negative scale, means of squares."""
    if scale < 0:
        images = _averaged(images, -scale)
    wide = images.astype(np.uint32)
    red, green, blue = (wide[:, c % wide.shape[1]] for c in range(3))
    return np.asarray(np.uint32(0xFF000000) | (red << 16) | (green << 8) | blue, dtype=np.uint32)


def _averaged(images: Bytes, k: int) -> Bytes:
    high, wide = (scaled(side, -k) for side in images.shape[2:])
    rows, columns = min(k, images.shape[2]), min(k, images.shape[3])
    cut = images[:, :, : high * rows, : wide * columns].reshape(*images.shape[:2], high, rows, wide, columns)
    return np.asarray(cut.mean((3, 5)).round(), dtype=np.uint8)


def _enlarged(pixels: NDArray[np.uint32], scale: int) -> NDArray[np.uint32]:
    return pixels.repeat(scale, axis=1).repeat(scale, axis=2) if scale > 1 else pixels
