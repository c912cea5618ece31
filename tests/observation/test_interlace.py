"""The interlaced grid: everything once a round, coarse at first, exact in the end."""

from __future__ import annotations

import numpy as np
import pytest

from gmstudio.observation.interlace import InterlacedGrid


def picture(side: int, phase: float = 0.0) -> np.ndarray:
    x = np.linspace(0, 3, side, dtype=np.float32)
    return np.stack([np.sin(x + phase)[:, None] * np.cos(x)[None, :], np.add.outer(x, 2 * x) + phase]).astype("f4")


def whole_round(grid: InterlacedGrid, values: np.ndarray, step: int, passes: int = 99) -> int:
    done = 0
    while done < passes and (index := grid.due(step)) is not None:
        grid.put(index, values.reshape(2, -1)[:, grid.pixels(index)], step)
        done += 1
    return done


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 8, 23, 200])
def test_a_round_covers_every_pixel_exactly_once(side: int) -> None:
    grid = InterlacedGrid(2, side)
    seen = np.concatenate([grid.pixels(i) for i in range(len(grid.offsets))])
    assert sorted(seen.tolist()) == list(range(side * side))


@pytest.mark.parametrize("side", [1, 3, 8, 23])
def test_after_a_round_the_picture_is_exact_to_the_bit(side: int) -> None:
    grid, values = InterlacedGrid(2, side), picture(side)
    assert whole_round(grid, values, step=5) == len(grid.offsets)
    assert np.array_equal(grid.values, values)
    assert grid.oldest == 5 and grid.due(5) is None


def test_the_first_pass_shows_the_whole_picture_coarsely() -> None:
    grid, values = InterlacedGrid(2, 40), picture(40)
    assert not grid.shown
    whole_round(grid, values, step=0, passes=1)
    assert grid.shown and grid.oldest == -1
    inner = np.s_[:, :37, :37]
    assert np.abs(grid.values[inner] - values[inner]).max() < 0.03, "interpolated between exact pixels"
    assert np.abs(grid.values - values).max() < 0.8, "constant beyond the last"


def test_a_pass_moves_the_rest_of_the_picture_with_it() -> None:
    grid = InterlacedGrid(2, 40)
    whole_round(grid, picture(40), step=0)
    later = picture(40, phase=0.5)
    before = np.abs(grid.values - later).mean()
    whole_round(grid, later, step=1, passes=1)
    assert np.abs(grid.values - later).mean() < 0.1 * before


def test_moved_pixels_never_leave_the_range_of_old_and_new_values() -> None:
    rng = np.random.default_rng(0)
    grid = InterlacedGrid(2, 30)
    old = rng.normal(-1000, 500, (2, 30, 30)).astype("f4")
    new = rng.normal(0, 3, (2, 30, 30)).astype("f4")
    whole_round(grid, old, step=0)
    whole_round(grid, new, step=1, passes=5)
    assert grid.values.max() <= max(old.max(), new.max())
    assert grid.values.min() >= min(old.min(), new.min())


def test_rounds_go_on_where_they_stopped() -> None:
    grid = InterlacedGrid(2, 8)
    whole_round(grid, picture(8), step=0, passes=3)
    assert grid.due(1) == 3
    whole_round(grid, picture(8), step=1)
    assert set(grid.steps.tolist()) == {1}
