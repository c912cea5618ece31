"""Which index of an array of images counts what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.images.errors import ImagesError

_CHANNELS = (1, 3)
N = TypeVar("N", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where height, width and channels are.

    Attributes:
        axis: of the channels, from 1; 0 where there is none.
        sides: height and width.
        notes: what a person should know of it.
    """

    axis: int
    sides: tuple[int, int]
    notes: tuple[str, ...] = ()

    def turned(self, block: NDArray[N]) -> NDArray[N]:
        """The same images as (n, C, H, W)."""
        return block[:, None] if not self.axis else np.moveaxis(block, self.axis, 1)


def channels_first(shape: tuple[int, ...], name: str) -> Layout:
    """Find the channels of (N, H, W), (N, H, W, C) or (N, C, H, W): the index that counts 1 or 3.

    Args:
        shape: of the whole array.
        name: for messages.

    Raises:
        ImagesError: for any other shape.
    """
    sides = " × ".join(f"{side:,}" for side in shape)
    if len(shape) == 3:
        return Layout(0, (shape[1], shape[2]))
    if len(shape) != 4:
        raise ImagesError(
            f"“{name}” is an array of {sides}, which are no images.",
            "Images are count × height × width, with 1 or 3 channels before or after height and width. "
            "Rows of numbers can be opened as a table.",
        )
    first, last = shape[1] in _CHANNELS, shape[3] in _CHANNELS
    if last:
        both = f"The channels of an array of {sides} were taken to be the last index." if first else ""
        return Layout(3, (shape[1], shape[2]), (both,) if both else ())
    if first:
        return Layout(1, (shape[2], shape[3]))
    raise ImagesError(
        f"“{name}” is an array of {sides}: neither the second nor the last index counts 1 or 3 channels.",
        "Save grey or red, green and blue only; leave out transparency.",
    )
