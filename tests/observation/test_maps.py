"""Maps of vector fields."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from gmstudio.observation import maps


def turned(vectors: np.ndarray, by: float) -> np.ndarray:
    c, s = np.cos(by), np.sin(by)
    return (vectors @ np.array([[c, s], [-s, c]])).astype("f4")


VECTORS = np.random.default_rng(1).normal(size=(6, 7, 2)).astype("f4")


@pytest.mark.parametrize("by", [0.0, 0.3, -2.0, np.pi / 2, 3.1])
def test_the_angle_error_is_the_turn_between_two_fields(by: float) -> None:
    assert np.allclose(maps.angle_error(turned(VECTORS, by) * 7.0, VECTORS), abs(by), atol=1e-5)


def test_opposite_vectors_are_off_by_pi() -> None:
    assert np.allclose(maps.angle_error(-VECTORS, VECTORS), np.pi, atol=1e-5)


def test_a_vector_of_no_length_is_a_guess() -> None:
    nothing = np.zeros((1, 2), dtype="f4")
    assert maps.angle_error(nothing, VECTORS[0, :1]) == pytest.approx(np.pi / 2)
    assert maps.angle_error(VECTORS[0, :1], nothing) == pytest.approx(np.pi / 2)


def test_angles_run_counter_clockwise_from_the_right() -> None:
    vectors = np.array([[1, 0], [0, 2], [-3, 0], [0, -1]], dtype="f4")
    assert maps.angle(vectors) == pytest.approx([0, np.pi / 2, np.pi, -np.pi / 2])


def test_norm_errors_are_lengths_of_differences() -> None:
    assert np.allclose(maps.norm_error(VECTORS + np.array([3, 4], dtype="f4"), VECTORS), 5, atol=1e-5)


def test_shortened_arrows_keep_directions_and_never_exceed_the_longest() -> None:
    vectors = VECTORS.copy()
    vectors[0, 0] = (1e6, 0)
    short = maps.shortened(vectors, longest=0.5)
    assert maps.norm(short).max() == pytest.approx(0.5, rel=1e-5)
    assert np.allclose(maps.angle(short), maps.angle(vectors), atol=1e-5)
    assert not maps.shortened(np.zeros((2, 2, 2), dtype="f4"), 0.5).any()


def test_maps_frames_and_summaries_need_no_torch() -> None:
    code = "import sys, gmstudio.observation.maps, gmstudio.observation.summary; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
