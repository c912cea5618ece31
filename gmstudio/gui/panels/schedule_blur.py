"""What schedules of blurs need: an axis in pixels, and images as training sees them along the schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from gmstudio.data.base import Picture
from gmstudio.gui.panels.images_sheet import drawn, sheet
from gmstudio.gui.panels.ticks import short
from gmstudio.mollification.widths import FINEST, gamma_of, smear, width
from gmstudio.observation.frame import F32, RunInfo

#: Shares of the training at which an image is shown.
TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Pixels between two marks of the axis.
APART = 15.0


def width_marks(side: int, height: float) -> list[tuple[float, str]]:
    """Where an axis of blurs in pixels has its marks, and their texts: logarithmic, but for no blur at its foot.

    Args:
        side: the longer side of the images.
        height: pixels of the axis.
    """
    rounds = [m * 10.0**k for k in range(-1, math.ceil(math.log10(side)) + 1) for m in (1, 2, 5)]
    # The most important first: where there is little room they alone are left.
    found = [(0.0, "0"), (1.0, f"{side} px")]
    for value in sorted((v for v in rounds if FINEST < v < side), key=lambda v: (math.log10(v) % 1 != 0, v)):
        place = gamma_of(value, side)
        if all(abs(place - other) * height >= APART for other, _ in found):
            found.append((place, f"{value:g}"))
    return sorted(found)


def told(gamma: float, side: int, digits: int) -> str:
    """How far a blur is, in letters: in pixels where the side of the images is known."""
    if not side:
        return f"blur {gamma:.0%}"
    return f"blur {short(float(width(gamma, side)), digits)} px"


@dataclass(frozen=True, eq=False)
class Preview:
    """One image of a run as training sees it, at any place of a schedule.

    Attributes:
        picture: how its columns are pixels.
        row: (D,), in the units of the data.
        noise: (D,) standard normal.
        shift, scale: of the standardisation, (D,) and a number for all pixels.
    """

    picture: Picture
    row: NDArray[np.float64]
    noise: NDArray[np.float64]
    shift: NDArray[np.float64]
    scale: float

    @classmethod
    def of(cls, info: RunInfo) -> Preview | None:
        """That of a run on images; None for others."""
        picture = info.picture
        if picture is None or info.space is None or not len(info.data) or info.data.shape[1] != picture.dim:
            return None
        # One number for all pixels: the volume tells it.
        scale = math.exp(info.space.log_volume / picture.dim)
        shift = np.zeros(picture.dim)
        if scale != 1.0:
            channels = info.data.reshape(len(info.data), picture.shape[0], -1).mean(axis=(0, 2), dtype=np.float64)
            shift = channels.repeat(picture.dim // picture.shape[0])
        noise = np.random.default_rng(1).standard_normal(picture.dim)
        return cls(picture, info.data[0].astype(np.float64), noise, shift, scale)

    def at(self, gamma: float, blur: bool) -> F32:
        """The image where a schedule stands at gamma, (D,) in the units of the data."""
        _, height, across = self.picture.shape
        if blur:
            pixels = float(width(gamma, max(height, across)))
            image = smear(height, pixels) @ self.row.reshape(self.picture.shape) @ smear(across, pixels).T
            return np.asarray(image.reshape(-1), dtype=np.float32)
        z = (self.row - self.shift) / self.scale
        z = math.sqrt(1 - gamma) * z + math.sqrt(gamma) * self.noise
        return np.asarray(z * self.scale + self.shift, dtype=np.float32)

    def image(self, gamma: float, blur: bool, room: float, ratio: float) -> QImage:
        """The image at gamma, as large as fits into a square.

        Args:
            room: side of the square in the window's units.
            ratio: pixels of the screen in one of them.
        """
        _, height, across = self.picture.shape
        pixels = max(1.0, room * ratio)
        longer = max(height, across)
        scale = int(pixels // longer) if pixels >= longer else -math.ceil(longer / pixels)
        found = sheet((across, height), (pixels, pixels), scale, 1, ratio)
        return drawn(found, self.picture.to_bytes(self.at(gamma, blur)[None]))
