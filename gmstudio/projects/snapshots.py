"""Frames, truths and run infos as blobs.

A frame is kept in float16: positions relative to the view, or to the columns' spreads where the view is a plane
through more than two, and scores times the view's size, so that any unit of the data fits; log-densities clamped to
+-1e4.  Outliers are kept in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Bounds
from gmstudio.observation.frame import F32, ColumnFrame, Frame, RunInfo, Truth, View
from gmstudio.observation.plane import MOST_COLUMNS
from gmstudio.projects.packing import Array, PackingError, Unpacked, pack, unpack
from gmstudio.projects.planes import PLANE, SPACE, PlanePlain, plane_array, plane_of, plane_plain, space_array, space_of

LOG_DENSITY_LIMIT = 1e4
FLOAT16_LIMIT = 6e4
#: Points of a plan that are kept; a longer plan is interpolated between them when it is read.
PLAN_POINTS = 2**16
MAX_COLUMNS = 32
MAX_STEPS = 10_000_000
MAX_PLAN = 2**27
MAX_BASELINES = 16
_Title = Annotated[str, msgspec.Meta(max_length=100)]
_PARTS = ("log_density", "score", "samples", "batch", "path", "outliers")


class _View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bounds: tuple[float, float, float, float]
    grid: int
    arrows: int
    samples: int
    batch: int
    probe: tuple[float, float] | None
    # Only where the data have more than two columns.
    plane: PlanePlain | None = None


class _Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    view: _View
    sigma2: tuple[float, ...]
    age: int


class _Truth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    view: _View
    # Projects of before have none.
    baselines: tuple[tuple[_Title, float], ...] = ()


class _Info(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    titles: tuple[str, ...]
    steps: int
    device: str
    bounds: tuple[float, float, float, float]
    manifold: str
    path_titles: tuple[str, ...]
    # Only where the data have more than two columns.
    columns: tuple[_Title, ...] = ()
    log_volume: float = 0.0
    # Only where log-densities are estimated.
    estimator: _Title = ""
    # Only where a column is mollified by a blur.
    by: tuple[Literal["noise", "blur"], ...] = ()


def frame_to_bytes(frame: Frame) -> bytes:
    """The blob of a frame; its run and step are kept beside it."""
    arrays: dict[str, Array] = {}
    for index, column in enumerate(frame.columns):
        for part in _PARTS:
            value = getattr(column, part)
            if value is not None:
                arrays[f"{index}.{part}"] = _halved(part, value, frame.view)
    _with_plane(arrays, frame.view)
    sigma2 = [float(column.sigma2) for column in frame.columns]
    return pack({"view": _view_to_plain(frame.view), "sigma2": sigma2, "age": frame.age}, arrays)


def frame_from_bytes(blob: bytes, run: str, step: int) -> Frame:
    """The frame of a blob.

    Raises:
        PackingError: when the blob is not that of a frame.
    """
    meta, arrays = _read(blob, _Frame)
    view = _view(meta.view, arrays)
    if not 1 <= len(meta.sigma2) <= MAX_COLUMNS:
        raise PackingError("a frame has 1 to 32 columns")
    columns = tuple(_column(arrays, index, sigma2, view) for index, sigma2 in enumerate(meta.sigma2))
    return Frame(run=run, step=step, view=view, columns=columns, age=max(0, meta.age))


def truth_to_bytes(truth: Truth) -> bytes:
    """The blob of a truth."""
    parts = {"log_density": truth.log_density, "score": truth.score}
    arrays: dict[str, Array] = {
        name: value.astype(np.float32, copy=False) for name, value in parts.items() if value is not None
    }
    _with_plane(arrays, truth.view)
    baselines = [[title, float(level)] for title, level in truth.baselines]
    return pack({"view": _view_to_plain(truth.view), "baselines": baselines}, arrays)


def truth_from_bytes(blob: bytes) -> Truth:
    """The truth of a blob.

    Raises:
        PackingError: when the blob is not that of a truth.
    """
    meta, arrays = _read(blob, _Truth)
    if len(meta.baselines) > MAX_BASELINES or not all(math.isfinite(level) for _, level in meta.baselines):
        raise PackingError("a truth has at most 16 baselines, and they are finite")
    return Truth(
        view=_view(meta.view, arrays),
        log_density=_part(arrays, "log_density", _square),
        score=_part(arrays, "score", _arrows),
        baselines=meta.baselines,
    )


def info_to_bytes(info: RunInfo) -> bytes:
    """The blob of a run's info; the run's id is kept beside it."""
    meta: dict[str, Any] = {
        "titles": list(info.titles),
        "steps": info.steps,
        "device": info.device,
        "bounds": [float(side) for side in info.bounds],
        "manifold": info.manifold,
        "path_titles": list(info.path_titles),
    }
    plans = np.asarray(info.plans, dtype=np.float64)
    if plans.shape[1] > PLAN_POINTS:
        plans = plans[:, _kept(plans.shape[1])]
    arrays: dict[str, Array] = {"data": info.data.astype(np.float32, copy=False), "plans": plans}
    if info.estimator:
        meta["estimator"] = info.estimator
    if "blur" in info.by:
        meta["by"] = list(info.by)
    if info.space is not None:
        meta["columns"], meta["log_volume"] = list(info.space.names), info.space.log_volume
        arrays[SPACE] = space_array(info.space)
    if info.mode_centres is not None:
        arrays["mode_centres"] = info.mode_centres.astype(np.float32, copy=False)
    return pack(meta, arrays)


def info_from_bytes(blob: bytes, run: str) -> RunInfo:
    """The run info of a blob.

    Raises:
        PackingError: when the blob is not that of a run's info.
    """
    meta, arrays = _read(blob, _Info)
    columns = len(meta.titles)
    if not (1 <= columns <= MAX_COLUMNS and 1 <= meta.steps <= MAX_STEPS and columns * meta.steps <= MAX_PLAN):
        raise PackingError("a run has 1 to 32 columns and at most ten million steps")
    if meta.by and len(meta.by) != columns:
        raise PackingError("what mollifies does not fit the columns")
    plans = arrays.get("plans")
    if plans is None or plans.shape != (columns, min(meta.steps, PLAN_POINTS)) or plans.dtype != np.float64:
        raise PackingError("the planned noise does not fit the steps")
    if meta.steps > PLAN_POINTS:
        kept, steps = _kept(meta.steps), np.arange(meta.steps)
        plans = np.stack([np.interp(steps, kept, plan) for plan in plans])
    space = space_of(meta.columns, meta.log_volume, arrays.get(SPACE))
    data = _part(arrays, "data", _rows(1, 2) if space is None else _rows(len(space.names)))
    if data is None:
        raise PackingError("the points are missing")
    return RunInfo(
        run=run,
        titles=meta.titles,
        steps=meta.steps,
        device=meta.device,
        data=data,
        bounds=_bounds(meta.bounds),
        plans=cast(NDArray[np.float64], plans),
        mode_centres=_part(arrays, "mode_centres", _points),
        manifold=meta.manifold,
        path_titles=meta.path_titles,
        space=space,
        estimator=meta.estimator,
        by=meta.by,
    )


def _kept(steps: int) -> NDArray[np.int64]:
    """Which steps of a long plan are kept: evenly spread, first and last among them."""
    return np.round(np.linspace(0, steps - 1, PLAN_POINTS)).astype(np.int64)


def _read(blob: bytes, kind: type[Any]) -> tuple[Any, dict[str, Array]]:
    found: Unpacked = unpack(blob)
    try:
        return msgspec.convert(found.meta, kind), found.arrays
    except msgspec.ValidationError as error:
        raise PackingError(f"its description cannot be read ({error})") from error


def _view_to_plain(view: View) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "bounds": [float(side) for side in view.bounds],
        "grid": view.grid,
        "arrows": view.arrows,
        "samples": view.samples,
        "batch": view.batch,
        "probe": None if view.probe is None else [float(at) for at in view.probe],
    }
    if view.plane is not None:
        plain["plane"] = plane_plain(view.plane)
    return plain


def _with_plane(arrays: dict[str, Array], view: View) -> None:
    if view.plane is not None:
        arrays[PLANE] = plane_array(view.plane)


def _view(plain: _View, arrays: dict[str, Array]) -> View:
    counts = (plain.grid, plain.arrows, plain.samples, plain.batch)
    if any(not 0 <= count <= 10_000_000 for count in counts):
        raise PackingError("a view has an impossible size")
    plane = plane_of(plain.plane, arrays.get(PLANE))
    return View(_bounds(plain.bounds), *counts, probe=plain.probe, plane=plane)


def _bounds(bounds: Bounds) -> Bounds:
    left, right, bottom, top = bounds
    if not (left < right and bottom < top and max(map(abs, bounds)) < 1e30):
        raise PackingError("a view has no area")
    return bounds


def _frame_of(bounds: Bounds) -> tuple[F32, F32]:
    """Centre and half size of the view."""
    left, right, bottom, top = np.asarray(bounds, dtype=np.float64)
    centre = np.array([(left + right) / 2, (bottom + top) / 2])
    half = np.maximum(np.array([(right - left) / 2, (top - bottom) / 2]), 1e-30)
    return centre.astype(np.float32), half.astype(np.float32)


def _halved(part: str, value: F32, view: View) -> Array:
    if part == "outliers":
        return value.astype(np.float32, copy=False)
    centre, half = _unit(view, value.shape[-1]) if part in ("samples", "batch") else _frame_of(view.bounds)
    if part == "log_density":
        scaled, limit = value, LOG_DENSITY_LIMIT
    elif part == "path":
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


def _column(arrays: dict[str, Array], index: int, sigma2: float, view: View) -> ColumnFrame:
    _, half = _frame_of(view.bounds)
    widths = (1, 2) if view.plane is None else (min(view.plane.dim, MOST_COLUMNS),)
    centre, unit = _unit(view, widths[-1])
    score = _part(arrays, f"{index}.score", _arrows)
    samples = _part(arrays, f"{index}.samples", _rows(*widths))
    batch = _part(arrays, f"{index}.batch", _rows(*widths))
    outliers = _part(arrays, f"{index}.outliers", _rows(*(3 + width for width in widths)))
    if outliers is not None and not np.isfinite(outliers).all():
        raise PackingError("the outliers are not finite")
    return ColumnFrame(
        log_density=_part(arrays, f"{index}.log_density", _square),
        score=None if score is None else score / half,
        samples=None if samples is None else samples * unit[: samples.shape[1]] + centre[: samples.shape[1]],
        batch=None if batch is None else batch * unit[: batch.shape[1]] + centre[: batch.shape[1]],
        path=_part(arrays, f"{index}.path", _points),
        sigma2=sigma2,
        outliers=outliers,
    )


def _part(arrays: dict[str, Array], name: str, fits: Callable[[tuple[int, ...]], bool]) -> F32 | None:
    value = arrays.get(name)
    if value is None:
        return None
    if not fits(value.shape):
        raise PackingError(f"the array {name!r} has the shape {value.shape}")
    return value.astype(np.float32)


def _square(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[0] == shape[1] > 0


def _arrows(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] == shape[1] > 0 and shape[2] == 2


def _points(shape: tuple[int, ...]) -> bool:
    return _rows(2)(shape)


def _rows(*widths: int) -> Callable[[tuple[int, ...]], bool]:
    return lambda shape: len(shape) == 2 and shape[1] in widths
