"""Planes and columns of data with more than two, beside the frames and infos that they belong to, and back with checks.

Lengths are those of the data's columns: so they are arrays, and only words stand in the description.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.observation.plane import MOST_LETTERS, Plane, Space, widths
from gmstudio.projects.packing import Array, PackingError

#: Names of the arrays.
PLANE, SPACE = "plane", "space"
MOST_DIM = 2**16
_LARGEST = 1e30
_Words = Annotated[str, msgspec.Meta(max_length=MOST_LETTERS)]


class PlanePlain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of a plane in words."""

    names: tuple[_Words, _Words]
    through: _Words


def plane_plain(plane: Plane) -> dict[str, Any]:
    """The words of a plane."""
    return {"names": list(plane.names), "through": plane.through[:MOST_LETTERS]}


def plane_array(plane: Plane) -> NDArray[np.float64]:
    """The numbers of a plane: (5, D)."""
    return np.array([plane.shift, plane.scale, plane.offset, *plane.directions], dtype=np.float64)


def plane_of(plain: PlanePlain | None, array: Array | None) -> Plane | None:
    """The plane of words and numbers; None where there is none.

    Raises:
        PackingError: when they are not those of a plane.
    """
    if plain is None:
        return None
    rows = _checked(array, "plane")
    shift, scale, offset = (tuple(row.tolist()) for row in rows[:3])
    directions = rows[3:]
    if not np.allclose(directions @ directions.T, np.eye(2), atol=1e-6):
        raise PackingError("the directions of a plane are not orthonormal")
    return Plane(
        plain.names, shift, scale, offset, (tuple(directions[0].tolist()), tuple(directions[1].tolist())), plain.through
    )


def space_array(space: Space) -> NDArray[np.float64]:
    """The numbers of a space: (5, D)."""
    return np.array([space.mean, space.spread, space.median, *space.principal], dtype=np.float64)


def space_of(names: tuple[str, ...], log_volume: float, array: Array | None) -> Space | None:
    """The space of words and numbers; None where there is none.

    Raises:
        PackingError: when they are not those of a space.
    """
    if not names and array is None:
        return None
    rows = _checked(array, "space")
    if len(names) not in widths(rows.shape[1]) or not math.isfinite(log_volume):
        raise PackingError("the names do not fit the columns")
    return Space(names, mean=rows[0], median=rows[2], spread=rows[1], principal=rows[3:], log_volume=log_volume)


def _checked(array: Array | None, name: str) -> NDArray[np.float64]:
    """Five rows of finite numbers, the second positive."""
    if array is None or array.ndim != 2 or array.shape[0] != 5 or not 2 < array.shape[1] <= MOST_DIM:
        raise PackingError(f"the array {name!r} is missing or has an impossible shape")
    rows = array.astype(np.float64)
    # Written so that what is not a number fails, too.
    if not (np.abs(rows) < _LARGEST).all() or not (rows[1] > 0).all():
        raise PackingError(f"the array {name!r} has impossible numbers")
    return rows
