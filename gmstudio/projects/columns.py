"""What panels draw of one column of a frame as arrays of few bytes, and back with checks.

Float16: positions relative to the view, or to the columns' spreads where the view is a plane through more than two, and
scores times the view's size, so that any unit of the data fits; log-densities clamped to +-1e4.  Outliers and numbers
of rows are kept in float32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gmstudio.data.base import Bounds
from gmstudio.observation.frame import F32, ColumnFrame, View
from gmstudio.observation.plane import widths
from gmstudio.projects.packing import Array, PackingError

LOG_DENSITY_LIMIT = 1e4
FLOAT16_LIMIT = 6e4
MAX_LATENT, MAX_SHOWN_LATENT = 2**16, 256
_POINTS = ("samples", "batch", "rebuilt", "warp", "neighbours")
_PARTS = ("log_density", "score", *_POINTS, "path", "outliers", "codes", "prior", "warp_axes")
#: Of each neighbour, the number of its row is kept apart from the row itself.
_NUMBERS = "neighbour_numbers"
#: Whether a shape is one that an array may have.
Fits = Callable[[tuple[int, ...]], bool]


def column_arrays(index: int, column: ColumnFrame, view: View) -> dict[str, Array]:
    """The arrays of a column, by names that begin with its number."""
    arrays: dict[str, Array] = {}
    for name in _PARTS:
        value: F32 | None = getattr(column, name)
        if value is None:
            continue
        if name == "neighbours":
            arrays[f"{index}.{_NUMBERS}"], value = value[:, 0].astype(np.float32), value[:, 1:]
        arrays[f"{index}.{name}"] = _halved(name, value, view)
    return arrays


def column_of(arrays: dict[str, Array], index: int, sigma2: float, view: View) -> ColumnFrame:
    """The column of its arrays.

    Raises:
        PackingError: when they are not those of a column.
    """
    _, half = _frame_of(view.bounds)
    fitting = (1, 2) if view.plane is None else widths(view.plane.dim)

    def placed(name: str, fits: Fits | None = None) -> F32 | None:
        found = part(arrays, f"{index}.{name}", fits or rows(*fitting))
        if found is None:
            return None
        centre, unit = _unit(view, found.shape[-1])
        return found * unit + centre

    score = part(arrays, f"{index}.score", arrows)
    outliers = _finite(part(arrays, f"{index}.outliers", rows(*(3 + width for width in fitting))), "outliers")
    return ColumnFrame(
        log_density=part(arrays, f"{index}.log_density", square),
        score=None if score is None else score / half,
        samples=placed("samples"),
        batch=placed("batch"),
        path=part(arrays, f"{index}.path", points),
        sigma2=sigma2,
        outliers=outliers,
        codes=_finite(part(arrays, f"{index}.codes", _codes), "codes"),
        prior=_finite(part(arrays, f"{index}.prior", rows(*range(1, MAX_SHOWN_LATENT + 1))), "prior"),
        rebuilt=_finite(placed("rebuilt"), "reconstructions"),
        warp=_finite(placed("warp", _grid(*fitting)), "decoded grid"),
        warp_axes=_axes(part(arrays, f"{index}.warp_axes", lambda shape: shape == (2,))),
        neighbours=_neighbours(_finite(placed("neighbours"), "neighbours"), arrays.get(f"{index}.{_NUMBERS}")),
    )


def _finite(values: F32 | None, name: str) -> F32 | None:
    if values is not None and not np.isfinite(values).all():
        raise PackingError(f"the {name} are not finite")
    return values


def _axes(axes: F32 | None) -> F32 | None:
    if axes is not None and not ((axes >= 0) & (axes < MAX_LATENT) & (axes == np.floor(axes))).all():
        raise PackingError("the axes of the decoded grid are impossible")
    return axes


def _neighbours(rows: F32 | None, numbers: Array | None) -> F32 | None:
    """The rows with their numbers before them."""
    if rows is None:
        return None
    if numbers is None or numbers.shape != rows.shape[:1] or not ((numbers >= 0) & (numbers < 2**31)).all():
        raise PackingError("the numbers of the neighbours do not fit their rows")
    return np.concatenate((numbers[:, None].astype(np.float32), rows), axis=1)


def part(arrays: dict[str, Array], name: str, fits: Fits) -> F32 | None:
    """The array of that name as float32; None where there is none.

    Raises:
        PackingError: when its shape does not fit.
    """
    value = arrays.get(name)
    if value is None:
        return None
    if not fits(value.shape):
        raise PackingError(f"the array {name!r} has the shape {value.shape}")
    return value.astype(np.float32)


def square(shape: tuple[int, ...]) -> bool:
    """A grid of points."""
    return len(shape) == 2 and shape[0] == shape[1] > 0


def arrows(shape: tuple[int, ...]) -> bool:
    """A grid of vectors of the plane."""
    return len(shape) == 3 and shape[0] == shape[1] > 0 and shape[2] == 2


def _codes(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[1] == 3 and 1 <= shape[2] <= MAX_SHOWN_LATENT


def _grid(*columns: int) -> Fits:
    return lambda shape: len(shape) == 3 and shape[0] == shape[1] > 0 and shape[2] in columns


def points(shape: tuple[int, ...]) -> bool:
    """Points of the plane."""
    return rows(2)(shape)


def rows(*columns: int) -> Fits:
    """Any number of rows of one of these numbers of columns."""
    return lambda shape: len(shape) == 2 and shape[1] in columns


def _frame_of(bounds: Bounds) -> tuple[F32, F32]:
    """Centre and half size of the view."""
    left, right, bottom, top = np.asarray(bounds, dtype=np.float64)
    centre = np.array([(left + right) / 2, (bottom + top) / 2])
    half = np.maximum(np.array([(right - left) / 2, (top - bottom) / 2]), 1e-30)
    return centre.astype(np.float32), half.astype(np.float32)


def _halved(part: str, value: F32, view: View) -> Array:
    if part in ("outliers", "warp_axes"):
        return value.astype(np.float32, copy=False)
    centre, half = _unit(view, value.shape[-1]) if part in _POINTS else _frame_of(view.bounds)
    if part == "log_density":
        scaled, limit = value, LOG_DENSITY_LIMIT
    elif part in ("path", "codes", "prior"):
        scaled, limit = value, FLOAT16_LIMIT
    else:
        scaled, limit = value * half if part == "score" else (value - centre) / half, FLOAT16_LIMIT
    return np.clip(scaled, -limit, limit).astype(np.float16)


def _unit(view: View, width: int) -> tuple[F32, F32]:
    """What points are kept relative to: centre and half size of the view, or centres and spreads of the columns."""
    if view.plane is None:
        centre, half = _frame_of(view.bounds)
        return centre[:width], half[:width]
    shift, scale = np.array(view.plane.shift[:width]), np.array(view.plane.scale[:width])
    return shift.astype(np.float32), np.maximum(scale, 1e-30).astype(np.float32)
