"""Frames and infos of data with more than two columns, on record and back; what is not theirs is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gmstudio.observation.frame import ColumnFrame, Frame, RunInfo, Truth, View
from gmstudio.observation.plane import Space
from gmstudio.projects.packing import PackingError, pack, unpack
from gmstudio.projects.snapshots import (
    frame_from_bytes,
    frame_to_bytes,
    info_from_bytes,
    info_to_bytes,
    truth_from_bytes,
    truth_to_bytes,
)

DIM = 4
RNG = np.random.default_rng(6)
SPREAD = np.array([1e-6, 1.0, 1e4, 3.0])
MEAN = np.array([1.0, -2.0, 5e5, 0.0])


def space_() -> Space:
    principal, _ = np.linalg.qr(RNG.normal(size=(DIM, 2)))
    return Space(tuple("abcd"), MEAN, MEAN + 0.1 * SPREAD, SPREAD, principal.T, log_volume=-2.5)


SPACE = space_()
VIEW = View((-3.0, 3.0, -2.0, 4.0), grid=6, arrows=3, samples=40, batch=10, plane=SPACE.principal_plane(MEAN, "row 3"))


def rows(size: int) -> np.ndarray:
    return (MEAN + SPREAD * RNG.normal(size=(size, DIM))).astype(np.float32)


def frame_() -> Frame:
    column = ColumnFrame(
        log_density=RNG.normal(size=(6, 6)).astype(np.float32),
        score=RNG.normal(size=(3, 3, 2)).astype(np.float32),
        samples=rows(40),
        batch=rows(10),
        outliers=np.concatenate([RNG.integers(0, 9_000_000, (7, 1)), np.ones((7, 2)), rows(7)], axis=1).astype("f4"),
    )
    return Frame("r", 5, VIEW, (column, replace(column, outliers=None)))


ESTIMATOR = "importance sampling, 32 draws"


def info_() -> RunInfo:
    return RunInfo(
        "r",
        ("Vanilla",),
        20,
        "cpu",
        rows(30),
        (-3.0, 3.0, -3.0, 3.0),
        np.zeros((1, 20)),
        space=SPACE,
        estimator=ESTIMATOR,
    )


def test_a_frame_keeps_its_plane_and_all_columns_whatever_their_units() -> None:
    frame = frame_()
    found = frame_from_bytes(frame_to_bytes(frame), "r", 5)
    assert found.view == frame.view
    for kept, given in zip(found.columns, frame.columns, strict=True):
        for part in ("samples", "batch"):
            assert np.abs((getattr(kept, part) - getattr(given, part)) / SPREAD).max() < 0.1
        assert np.allclose(kept.score, given.score, atol=5e-3)
    assert np.array_equal(found.columns[0].outliers, frame.columns[0].outliers), "row numbers are exact"
    assert found.columns[1].outliers is None


def test_an_info_and_a_truth_keep_columns_and_plane() -> None:
    info = info_()
    found = info_from_bytes(info_to_bytes(info), "r")
    assert found.space is not None and found.space.same(SPACE) and found.plane == info.plane
    assert np.array_equal(found.space.median, SPACE.median) and found.space.log_volume == -2.5
    assert np.array_equal(found.data, info.data)
    assert found.estimator == info.estimator == "importance sampling, 32 draws"
    assert found.by == ()
    truth = Truth(VIEW, baselines=(("Gaussian", -1.5),))
    assert truth_from_bytes(truth_to_bytes(truth)) == truth


def test_an_info_keeps_what_each_column_is_mollified_by() -> None:
    info = replace(info_(), titles=("Noise", "Blur"), plans=np.zeros((2, 20)), by=("noise", "blur"))
    assert info_from_bytes(info_to_bytes(info), "r").by == ("noise", "blur")
    with pytest.raises(PackingError, match="what mollifies does not fit"):
        info_from_bytes(info_to_bytes(replace(info, by=("blur",))), "r")


def test_what_is_kept_of_the_plane_alone_has_not_changed() -> None:
    view = View((-1.0, 1.0, -1.0, 1.0), grid=2)
    blob = frame_to_bytes(Frame("r", 1, view, (ColumnFrame(log_density=np.zeros((2, 2), "f4")),)))
    kept = unpack(blob)
    assert set(kept.meta["view"]) == {"bounds", "grid", "arrows", "samples", "batch", "probe"}
    assert set(kept.arrays) == {"0.log_density"}


def spoiled(blob: bytes, **arrays: Any) -> bytes:
    kept = unpack(blob)
    changed = {**kept.arrays, **arrays}
    return pack(kept.meta, {name: array for name, array in changed.items() if array is not None})


def plane_with(row: int, value: float) -> np.ndarray:
    array = unpack(frame_to_bytes(frame_())).arrays["plane"].copy()
    array[row, 1] = value
    return array


@pytest.mark.parametrize(
    "plane",
    [
        None,
        np.zeros((5, 2)),
        np.zeros((4, DIM)),
        np.ones((5, DIM)),
        np.ones((5, 70_000), "f4"),
        plane_with(1, 0.0),
        plane_with(1, -1.0),
        plane_with(0, np.nan),
        plane_with(2, np.inf),
        plane_with(3, 1e6),
    ],
)
def test_a_frame_with_an_impossible_plane_is_refused(plane: np.ndarray | None) -> None:
    with pytest.raises(PackingError):
        frame_from_bytes(spoiled(frame_to_bytes(frame_()), plane=plane), "r", 5)


@pytest.mark.parametrize(
    ("part", "array"),
    [
        ("0.samples", np.zeros((5, 2), "f2")),
        ("0.batch", np.zeros((5, DIM + 1), "f2")),
        ("0.outliers", np.zeros((5, DIM), "f4")),
        ("0.outliers", np.full((5, DIM + 3), np.nan, "f4")),
        ("0.score", np.zeros((3, 3, DIM), "f2")),
    ],
)
def test_a_frame_whose_points_do_not_fit_its_plane_is_refused(part: str, array: np.ndarray) -> None:
    with pytest.raises(PackingError):
        frame_from_bytes(spoiled(frame_to_bytes(frame_()), **{part: array}), "r", 5)


def test_an_info_whose_columns_do_not_fit_is_refused() -> None:
    blob = info_to_bytes(info_())
    for array in (None, np.ones((5, DIM + 1)), np.zeros((5, DIM))):
        with pytest.raises(PackingError):
            info_from_bytes(spoiled(blob, space=array), "r")
    with pytest.raises(PackingError):
        info_from_bytes(spoiled(blob, data=np.zeros((3, 2), "f4")), "r")


def test_a_view_with_words_beyond_measure_is_refused() -> None:
    kept = unpack(frame_to_bytes(frame_()))
    kept.meta["view"]["plane"]["names"] = ["a" * 10_000, "b"]
    with pytest.raises(PackingError):
        frame_from_bytes(pack(kept.meta, kept.arrays), "r", 5)
