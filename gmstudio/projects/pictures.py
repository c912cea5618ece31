"""How the columns of data are the pixels of images, and their classes, beside a run's info, and back with checks."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Picture
from gmstudio.observation.frame import RunInfo
from gmstudio.projects.packing import Array, PackingError

#: Name of the array of classes.
LABELS = "labels"
MOST_LABELS = 2**14
_Side = Annotated[int, msgspec.Meta(ge=1, le=2**16)]


class PicturePlain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of a picture."""

    shape: tuple[_Side, _Side, _Side]
    levels: Annotated[int, msgspec.Meta(ge=2, le=2**16)]
    alpha: Annotated[float, msgspec.Meta(ge=0.0, lt=0.5)]


def picture_plain(picture: Picture) -> dict[str, Any]:
    """The words and numbers of a picture."""
    return {"shape": list(picture.shape), "levels": picture.levels, "alpha": picture.alpha}


def picture_of(plain: PicturePlain | None, columns: int) -> Picture | None:
    """The picture of its words, whose columns are so many; None where there is none.

    Raises:
        PackingError: when it has another number of pixels.
    """
    if plain is None:
        return None
    if math.prod(plain.shape) != columns:
        raise PackingError("the pixels of the picture are not as many as the columns")
    return Picture(plain.shape, plain.levels, plain.alpha)


def labels_array(info: RunInfo) -> dict[str, Array]:
    """The classes of a run's rows, where they are known."""
    return {} if info.labels is None else {LABELS: info.labels.astype(np.float32)}


def labels_of(array: Array | None, rows: int) -> NDArray[np.int64] | None:
    """The classes of so many rows; None where they are not known.

    Raises:
        PackingError: when they are not as many, or no whole numbers from -1 on.
    """
    if array is None:
        return None
    if array.shape != (rows,) or not ((array >= -1) & (array < MOST_LABELS) & (array == np.floor(array))).all():
        raise PackingError("the classes do not fit the rows")
    return array.astype(np.int64)
