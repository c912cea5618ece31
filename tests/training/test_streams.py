"""Batches: whole epochs, shared by equal seeds, and to be had again at any place."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gmstudio.training.streams import BLOCK, Batches, generator


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 200), st.integers(1, 70))
def test_the_stream_is_made_of_whole_permutations(points: int, batch: int) -> None:
    if batch > points:
        batch, points = points, batch
    batches = Batches([1], points, batch, 2)
    stream = torch.cat([batches.draw(block)[0].flatten() for block in range(3)])
    whole = len(stream) // points
    epochs = stream[: whole * points].view(whole, points)
    assert torch.equal(epochs.sort(dim=1).values, torch.arange(points).expand(whole, -1))


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 300), st.integers(1, 400), st.integers(0, 9))
def test_a_block_is_the_same_whether_the_ones_before_were_drawn_or_not(points: int, batch: int, block: int) -> None:
    going = Batches([3, 4, 3], points, batch, 2)
    for before in range(block):
        going.draw(before)
    for drawn, again in zip(going.draw(block), Batches([3, 4, 3], points, batch, 2).draw(block), strict=True):
        assert torch.equal(drawn, again)


def test_equal_seeds_share_a_stream_and_a_seed_has_the_same_stream_in_any_company() -> None:
    together, alone = Batches([3, 4, 3], 100, 8, 2), Batches([4], 100, 8, 2)
    assert together.members == [0, 1, 0]
    for drawn, single in zip(together.draw(2), alone.draw(2), strict=True):
        assert drawn.shape[1] == 2
        assert torch.equal(drawn[:, 1], single[:, 0])
        assert not torch.equal(drawn[:, 0], drawn[:, 1])


def test_a_batch_larger_than_the_data_reaches_every_point() -> None:
    index, _ = Batches([1], 7, 50, 2).draw(0)
    assert index.shape == (BLOCK, 1, 50)
    assert index.unique().tolist() == list(range(7))


def test_the_noise_is_standard_normal_and_differs_from_block_to_block() -> None:
    batches = Batches([1], 1000, 256, 2)
    noise = torch.cat([batches.draw(block)[1].flatten() for block in range(4)])
    assert noise.mean().item() == pytest.approx(0.0, abs=0.015)
    assert noise.std().item() == pytest.approx(1.0, abs=0.015)
    assert len(noise.unique()) > 0.99 * len(noise)


def test_other_data_get_another_stream() -> None:
    first, second = Batches([1], 100, 8, 2), Batches([1], 100, 8, 2, segment=1)
    for before, after in zip(first.draw(0), second.draw(0), strict=True):
        assert not torch.equal(before, after)


def test_large_batches_come_in_smaller_blocks() -> None:
    assert Batches([1], 10, 256, 2).steps == BLOCK
    assert Batches([1], 10, 65_536, 2).steps == 8
    assert Batches([1], 10, 65_536, 500).steps == 1


def test_generators_of_different_names_differ() -> None:
    draws = {float(torch.rand(1, generator=generator(*key))) for key in [(1, "a"), (1, "b"), (2, "a"), (1, "a", 1)]}
    assert len(draws) == 4


# Whole epochs: the last batch is smaller.


def steps_of(batches: Batches, steps: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Indices (U, B) and noise of each of the first steps."""
    found = []
    for step in range(steps):
        number, first = batches.place(step)
        index, noise = batches.draw(number)
        assert first <= step < first + len(index)
        found.append((index[step - first], noise[step - first]))
    return found


@pytest.mark.parametrize(("points", "batch"), [(100, 30), (90, 30), (20, 30), (200, 1), (131, 2)])
def test_whole_epochs_end_with_what_is_left(points: int, batch: int) -> None:
    length = -(-points // batch)
    found = steps_of(Batches([1, 2], points, batch, 2, whole=True), 2 * length)
    for epoch in (found[:length], found[length:]):
        order = torch.cat([index for index, _ in epoch], dim=1)
        assert torch.equal(order.sort(dim=1).values, torch.arange(points).expand(2, -1))
        assert [index.shape[1] for index, _ in epoch[:-1]] == [batch] * (length - 1)
    assert not torch.equal(found[0][0], found[length][0])
    assert all(noise.shape == (*index.shape, 2) for index, noise in found)
    numbers = torch.cat([noise.flatten() for _, noise in found])
    assert len(numbers.unique()) > 0.99 * len(numbers)


def test_a_block_of_a_whole_epoch_is_the_same_whether_the_ones_before_were_drawn_or_not() -> None:
    going = Batches([3, 4], 200, 2, 2, whole=True)
    for step in (0, 70, 100, 170, 250, 30):
        number, _ = going.place(step)
        for drawn, again in zip(going.draw(number), Batches([3, 4], 200, 2, 2, whole=True).draw(number), strict=True):
            assert torch.equal(drawn, again)
