"""Latent spaces, reconstructions and images, on record and back; what is not theirs is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gmstudio.data.base import Picture
from gmstudio.observation.frame import ColumnFrame, Frame, RunInfo, View
from gmstudio.observation.plane import Space
from gmstudio.projects.packing import PackingError, pack, unpack
from gmstudio.projects.snapshots import frame_from_bytes, frame_to_bytes, info_from_bytes, info_to_bytes

RNG = np.random.default_rng(4)
PICTURE = Picture((1, 3, 4), levels=17, alpha=0.05)
DIM, LATENT = 12, 3
BOUNDS = (-3.0, 3.0, -3.0, 3.0)


def rows(*shape: int) -> np.ndarray:
    return (100 + 20 * RNG.normal(size=(*shape, DIM))).astype(np.float32)


def space_() -> Space:
    principal, _ = np.linalg.qr(RNG.normal(size=(DIM, 2)))
    names = tuple(f"x{k + 1}" for k in range(DIM))
    return Space(names, np.full(DIM, 100.0), np.full(DIM, 99.0), np.full(DIM, 20.0), principal.T)


SPACE = space_()
VIEW = View(BOUNDS, plane=SPACE.principal_plane(), codes=40, rebuilt=9, warp=5, latent=(2, 0), neighbours=6)


def frame_() -> Frame:
    column = ColumnFrame(
        samples=rows(30),
        codes=RNG.normal(size=(40, 3, LATENT)).astype(np.float32),
        prior=RNG.normal(size=(40, LATENT)).astype(np.float32),
        rebuilt=rows(9),
        warp=rows(5, 5),
        warp_axes=np.array([2, 0], np.float32),
        neighbours=np.concatenate((np.array([[0.0], [16_777_216], [70_001], [3], [4], [5]]), rows(6)), 1).astype("f4"),
    )
    return Frame("r", 5, VIEW, (column, ColumnFrame()))


def info_() -> RunInfo:
    return RunInfo(
        "r",
        ("Vanilla",),
        20,
        "cpu",
        rows(30),
        BOUNDS,
        np.zeros((1, 20)),
        space=SPACE,
        latent=LATENT,
        picture=PICTURE,
        labels=RNG.integers(-1, 10, 30),
        label_names=tuple("0123456789"),
        features="pixels",
        estimator="importance sampling, 32 draws",
        pictured="importance sampling, 8 draws",
    )


def test_a_frame_keeps_what_it_shows_of_a_latent_space() -> None:
    frame = frame_()
    found = frame_from_bytes(frame_to_bytes(frame), "r", 5)
    assert found.view == VIEW
    kept, given = found.columns[0], frame.columns[0]
    for part in ("samples", "rebuilt", "warp"):
        assert np.abs(getattr(kept, part) - getattr(given, part)).max() < 20 * 0.002, part
    for part in ("codes", "prior"):
        assert np.allclose(getattr(kept, part), getattr(given, part), atol=2e-3), part
    assert kept.warp_axes is not None and kept.warp_axes.tolist() == [2, 0]
    assert kept.neighbours is not None and given.neighbours is not None
    assert np.array_equal(kept.neighbours[:, 0], given.neighbours[:, 0]), "numbers of rows are exact"
    assert np.abs(kept.neighbours - given.neighbours).max() < 20 * 0.002
    assert found.columns[1] == ColumnFrame()


def test_extreme_codes_are_clamped_and_stay_finite() -> None:
    frame = frame_()
    wild = replace(frame.columns[0], codes=np.full((2, 3, LATENT), 1e6, "f4"), prior=np.full((2, LATENT), -1e6, "f4"))
    kept = frame_from_bytes(frame_to_bytes(replace(frame, columns=(wild,))), "r", 5).columns[0]
    assert kept.codes is not None and np.allclose(kept.codes, 6e4) and kept.prior is not None
    assert np.allclose(kept.prior, -6e4)


def test_a_view_of_before_asks_for_the_usual() -> None:
    kept = unpack(frame_to_bytes(frame_()))
    for field in ("codes", "rebuilt", "warp", "latent", "neighbours"):
        del kept.meta["view"][field]
    found = frame_from_bytes(pack(kept.meta, kept.arrays), "r", 5).view
    usual = View(BOUNDS)
    assert (found.codes, found.rebuilt, found.warp) == (usual.codes, usual.rebuilt, usual.warp)
    assert found.latent is None and found.neighbours == usual.neighbours


def test_an_info_keeps_picture_classes_and_latent_space_and_one_of_before_has_none() -> None:
    info = info_()
    found = info_from_bytes(info_to_bytes(info), "r")
    assert (found.latent, found.picture, found.features) == (LATENT, PICTURE, "pixels")
    assert found.label_names == info.label_names and found.labels is not None and found.labels.dtype == np.int64
    assert np.array_equal(found.labels, info.labels)  # type: ignore[arg-type]
    assert (found.estimator, found.pictured) == (info.estimator, info.pictured)
    kept = unpack(info_to_bytes(info))
    for field in ("latent", "picture", "label_names", "features", "pictured"):
        del kept.meta[field]
    del kept.arrays["labels"]
    old = info_from_bytes(pack(kept.meta, kept.arrays), "r")
    assert (old.latent, old.picture, old.labels, old.label_names, old.features) == (0, None, None, (), "")


@pytest.mark.parametrize("dim", [400, 3072])
def test_images_of_many_pixels_keep_all_of_them_and_tables_of_before_their_first_columns(dim: int) -> None:
    directions = np.zeros((2, dim))
    directions[0, 0] = directions[1, 1] = 1.0
    for kept in (dim, 256):
        names = tuple(f"x{k + 1}" for k in range(kept))
        space = Space(names, np.zeros(dim), np.zeros(dim), np.ones(dim), directions)
        samples = RNG.normal(size=(5, kept)).astype(np.float32)
        frame = Frame("r", 1, View(BOUNDS, plane=space.principal_plane()), (ColumnFrame(samples=samples),))
        found = frame_from_bytes(frame_to_bytes(frame), "r", 1).columns[0].samples
        assert found is not None and np.allclose(found, samples, atol=5e-3)
        info = RunInfo("r", ("a",), 2, "cpu", samples, BOUNDS, np.zeros((1, 2)), space=space)
        assert np.array_equal(info_from_bytes(info_to_bytes(info), "r").data, samples)


def test_the_ages_of_parts_are_kept_and_frames_of_before_have_none() -> None:
    frame = replace(frame_(), age=9, ages=(("log_density", 9), ("samples", 2)))
    found = frame_from_bytes(frame_to_bytes(frame), "r", 5)
    assert (found.ages, found.age_of("samples"), found.age_of("codes")) == (frame.ages, 2, 0)
    assert frame_from_bytes(frame_to_bytes(frame_()), "r", 5).ages == ()


@pytest.mark.parametrize(
    "ages", [[["samples", -1]], [["samples", 10**12]], [["a" * 200, 1]], [["a", 1]] * 100, [[1, 1]]]
)
def test_a_frame_of_impossible_ages_is_refused(ages: list[Any]) -> None:
    with pytest.raises(PackingError):
        frame_from_bytes(spoiled(frame_to_bytes(frame_()), {"ages": ages}), "r", 5)


def spoiled(blob: bytes, meta: dict[str, Any] | None = None, **arrays: Any) -> bytes:
    kept = unpack(blob)
    changed = {**kept.arrays, **arrays}
    return pack({**kept.meta, **(meta or {})}, {name: array for name, array in changed.items() if array is not None})


def with_nan(*shape: int) -> np.ndarray:
    array = np.zeros(shape, "f2")
    array.flat[-1] = np.nan
    return array


@pytest.mark.parametrize(
    ("part", "array"),
    [
        ("codes", np.zeros((4, 2, LATENT), "f2")),
        ("codes", np.zeros((4, 3, 0), "f2")),
        ("codes", np.zeros((4, 3, 257), "f2")),
        ("codes", with_nan(4, 3, LATENT)),
        ("prior", np.zeros(4, "f2")),
        ("prior", with_nan(4, LATENT)),
        ("rebuilt", np.zeros((4, DIM + 1), "f2")),
        ("rebuilt", with_nan(4, DIM)),
        ("warp", np.zeros((4, 5, DIM), "f2")),
        ("warp", np.zeros((0, 0, DIM), "f2")),
        ("warp", with_nan(4, 4, DIM)),
        ("warp_axes", np.zeros(3, "f4")),
        ("warp_axes", np.array([0.5, 1], "f4")),
        ("warp_axes", np.array([-1, 1], "f4")),
        ("warp_axes", np.array([np.nan, 1], "f4")),
        ("neighbours", np.zeros((6, DIM + 1), "f2")),
        ("neighbours", with_nan(6, DIM)),
        ("neighbour_numbers", None),
        ("neighbour_numbers", np.zeros(5, "f4")),
        ("neighbour_numbers", np.full(6, -1, "f4")),
        ("neighbour_numbers", np.full(6, np.nan, "f4")),
    ],
)
def test_a_frame_with_impossible_parts_is_refused(part: str, array: np.ndarray | None) -> None:
    with pytest.raises(PackingError):
        frame_from_bytes(spoiled(frame_to_bytes(frame_()), **{f"0.{part}": array}), "r", 5)


@pytest.mark.parametrize("field", ["codes", "rebuilt", "warp", "neighbours"])
@pytest.mark.parametrize("value", [-1, 10**9, "many"])
def test_a_view_that_asks_for_the_impossible_is_refused(field: str, value: Any) -> None:
    kept = unpack(frame_to_bytes(frame_()))
    kept.meta["view"][field] = value
    with pytest.raises(PackingError):
        frame_from_bytes(pack(kept.meta, kept.arrays), "r", 5)


@pytest.mark.parametrize("latent", [[-1, 0], [0, 10**9], [0], [0.5, 1]])
def test_a_view_of_impossible_axes_is_refused(latent: list[float]) -> None:
    kept = unpack(frame_to_bytes(frame_()))
    kept.meta["view"]["latent"] = latent
    with pytest.raises(PackingError):
        frame_from_bytes(pack(kept.meta, kept.arrays), "r", 5)


@pytest.mark.parametrize(
    "meta",
    [
        {"latent": -1},
        {"latent": 10**9},
        {"picture": {"shape": [1, 3, 5], "levels": 17, "alpha": 0.0}},
        {"picture": {"shape": [-1, -3, 4], "levels": 17, "alpha": 0.0}},
        {"picture": {"shape": [3, 4], "levels": 17, "alpha": 0.0}},
        {"picture": {"shape": [1, 3, 4], "levels": 1, "alpha": 0.0}},
        {"picture": {"shape": [1, 3, 4], "levels": 17, "alpha": 0.5}},
        {"picture": {"shape": [1, 3, 4], "levels": 17, "alpha": -0.1}},
        {"label_names": ["a" * 200]},
        {"label_names": ["a"] * 20_000},
        {"features": "a" * 400},
    ],
)
def test_an_info_with_impossible_words_is_refused(meta: dict[str, Any]) -> None:
    with pytest.raises(PackingError):
        info_from_bytes(spoiled(info_to_bytes(info_()), meta), "r")


@pytest.mark.parametrize("labels", [np.zeros(29, "f4"), np.full(30, 0.5), np.full(30, -2.0), np.full(30, np.nan)])
def test_an_info_with_impossible_classes_is_refused(labels: np.ndarray) -> None:
    with pytest.raises(PackingError):
        info_from_bytes(spoiled(info_to_bytes(info_()), labels=labels), "r")
