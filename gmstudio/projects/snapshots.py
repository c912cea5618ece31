"""Frames, truths and run infos as blobs.

What panels draw of a column is kept as `gmstudio.projects.columns` says.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Bounds
from gmstudio.observation.frame import Frame, RunInfo, Truth, View
from gmstudio.projects.columns import MAX_LATENT, arrows, column_arrays, column_of, part, points, rows, square
from gmstudio.projects.packing import Array, PackingError, Unpacked, pack, unpack
from gmstudio.projects.pictures import (
    LABELS,
    MOST_LABELS,
    PicturePlain,
    labels_array,
    labels_of,
    picture_of,
    picture_plain,
)
from gmstudio.projects.planes import PLANE, SPACE, PlanePlain, plane_array, plane_of, plane_plain, space_array, space_of

#: Points of a plan that are kept; a longer plan is interpolated between them when it is read.
PLAN_POINTS = 2**16
MAX_COLUMNS = 32
MAX_STEPS = 10_000_000
MAX_PLAN = 2**27
MAX_BASELINES = 16
_Title = Annotated[str, msgspec.Meta(max_length=100)]
#: Fields of a view that say how much of a part is wanted; the later ones are kept where they are not the usual.
_COUNTS = ("grid", "arrows", "samples", "batch")
_LATER = ("codes", "rebuilt", "warp", "neighbours")
_USUAL = View((0.0, 1.0, 0.0, 1.0))


_Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_STEPS)]


class _View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bounds: tuple[float, float, float, float]
    grid: int
    arrows: int
    samples: int
    batch: int
    probe: tuple[float, float] | None
    # Only where the data have more than two columns.
    plane: PlanePlain | None = None
    # Only where they are not the usual ones.
    codes: int = _USUAL.codes
    rebuilt: int = _USUAL.rebuilt
    warp: int = _USUAL.warp
    latent: tuple[int, int] | None = None
    neighbours: int = _USUAL.neighbours


class _Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    view: _View
    sigma2: tuple[float, ...]
    age: int
    # Only where a part is older than the frame's step.
    ages: Annotated[tuple[tuple[_Title, _Count], ...], msgspec.Meta(max_length=64)] = ()


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
    pictured: _Title = ""
    # Only where a column is mollified by a blur.
    by: tuple[Literal["noise", "blur"], ...] = ()
    # Only where the model has a latent space.
    latent: Annotated[int, msgspec.Meta(ge=0, le=MAX_LATENT)] = 0
    # Only where the data are images.
    picture: PicturePlain | None = None
    label_names: Annotated[tuple[_Title, ...], msgspec.Meta(max_length=MOST_LABELS)] = ()
    features: Annotated[str, msgspec.Meta(max_length=300)] = ""


def frame_to_bytes(frame: Frame) -> bytes:
    """The blob of a frame; its run and step are kept beside it."""
    arrays: dict[str, Array] = {}
    for index, column in enumerate(frame.columns):
        arrays |= column_arrays(index, column, frame.view)
    _with_plane(arrays, frame.view)
    sigma2 = [float(column.sigma2) for column in frame.columns]
    meta: dict[str, Any] = {"view": _view_to_plain(frame.view), "sigma2": sigma2, "age": frame.age}
    if frame.ages:
        meta["ages"] = [list(age) for age in frame.ages]
    return pack(meta, arrays)


def frame_from_bytes(blob: bytes, run: str, step: int) -> Frame:
    """The frame of a blob.

    Raises:
        PackingError: when the blob is not that of a frame.
    """
    meta, arrays = _read(blob, _Frame)
    view = _view(meta.view, arrays)
    if not 1 <= len(meta.sigma2) <= MAX_COLUMNS:
        raise PackingError("a frame has 1 to 32 columns")
    columns = tuple(column_of(arrays, index, sigma2, view) for index, sigma2 in enumerate(meta.sigma2))
    return Frame(run=run, step=step, view=view, columns=columns, age=max(0, meta.age), ages=meta.ages)


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
        log_density=part(arrays, "log_density", square),
        score=part(arrays, "score", arrows),
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
    if info.pictured:
        meta["pictured"] = info.pictured
    if "blur" in info.by:
        meta["by"] = list(info.by)
    if info.space is not None:
        meta["columns"], meta["log_volume"] = list(info.space.names), info.space.log_volume
        arrays[SPACE] = space_array(info.space)
    if info.latent:
        meta["latent"] = info.latent
    if info.picture is not None:
        meta["picture"] = picture_plain(info.picture)
    if info.label_names:
        meta["label_names"] = [name[:100] for name in info.label_names]
    if info.features:
        meta["features"] = info.features
    arrays |= labels_array(info)
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
    data = part(arrays, "data", rows(1, 2) if space is None else rows(len(space.names)))
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
        mode_centres=part(arrays, "mode_centres", points),
        manifold=meta.manifold,
        path_titles=meta.path_titles,
        space=space,
        estimator=meta.estimator,
        pictured=meta.pictured,
        by=meta.by,
        latent=meta.latent,
        picture=picture_of(meta.picture, data.shape[1]),
        labels=labels_of(arrays.get(LABELS), len(data)),
        label_names=meta.label_names,
        features=meta.features,
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
        **{name: getattr(view, name) for name in _COUNTS},
        **{name: getattr(view, name) for name in _LATER if getattr(view, name) != getattr(_USUAL, name)},
        "probe": None if view.probe is None else [float(at) for at in view.probe],
    }
    if view.latent is not None:
        plain["latent"] = [int(axis) for axis in view.latent]
    if view.plane is not None:
        plain["plane"] = plane_plain(view.plane)
    return plain


def _with_plane(arrays: dict[str, Array], view: View) -> None:
    if view.plane is not None:
        arrays[PLANE] = plane_array(view.plane)


def _view(plain: _View, arrays: dict[str, Array]) -> View:
    counts = {name: getattr(plain, name) for name in (*_COUNTS, *_LATER)}
    if any(not 0 <= count <= 10_000_000 for count in (*counts.values(), *(plain.latent or ()))):
        raise PackingError("a view has an impossible size")
    plane = plane_of(plain.plane, arrays.get(PLANE))
    return View(_bounds(plain.bounds), **counts, probe=plain.probe, plane=plane, latent=plain.latent)


def _bounds(bounds: Bounds) -> Bounds:
    left, right, bottom, top = bounds
    if not (left < right and bottom < top and max(map(abs, bounds)) < 1e30):
        raise PackingError("a view has no area")
    return bounds
