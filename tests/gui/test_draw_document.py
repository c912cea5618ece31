"""Drawings as values: commands, their inverses, merging, limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmstudio.data.sets.drawing import Drawing
from gmstudio.gui.drawing.document import (
    AddPoints,
    Clear,
    DrawingCommand,
    DrawingDocument,
    RemovePoints,
    Replace,
    Sequence,
    inside,
    merged,
)

coordinates = st.floats(-6, 6, width=32)
clouds = st.lists(st.tuples(coordinates, coordinates), max_size=20).map(
    lambda rows: np.array(rows, dtype=np.float32).reshape(-1, 2)
)


def removal(document: DrawingDocument, mask: list[bool]) -> RemovePoints:
    chosen = [i for i in range(len(document)) if mask[i % len(mask)]]
    return RemovePoints.of(document, np.array(chosen, dtype=np.int64))


@st.composite
def histories(draw: st.DrawFn) -> tuple[DrawingDocument, list[DrawingCommand]]:
    start = DrawingDocument(inside(draw(clouds), (-4, 4, -4, 4)), limit=25)
    document, commands = start, list[DrawingCommand]()
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["add", "remove", "replace", "clear"]))
        command: DrawingCommand
        if kind == "add":
            command = AddPoints(draw(clouds))
        elif kind == "remove":
            command = removal(document, draw(st.lists(st.booleans(), min_size=1, max_size=7)))
        else:
            command = Replace(draw(clouds)) if kind == "replace" else Clear()
        commands.append(command)
        document = command.apply(document)
    return start, commands


@given(histories())
@settings(max_examples=150, deadline=None)
def test_every_command_is_undone_to_the_bit_by_its_inverse(
    history: tuple[DrawingDocument, list[DrawingCommand]],
) -> None:
    document, commands = history
    for command in commands:
        after = command.apply(document)
        inverse = command.inverse(document)
        assert inverse.apply(after) == document
        assert inverse.inverse(after).apply(document) == after
        document = after


@given(histories())
@settings(max_examples=150, deadline=None)
def test_merged_commands_do_the_same_as_one_after_another(
    history: tuple[DrawingDocument, list[DrawingCommand]],
) -> None:
    start, commands = history
    whole: DrawingCommand = Sequence(())
    end = start
    for command in commands:
        whole = merged(whole, command)
        end = command.apply(end)
    assert whole.apply(start) == end
    assert whole.inverse(start).apply(end) == start


@given(clouds, st.lists(st.booleans(), min_size=1, max_size=5), st.lists(st.booleans(), min_size=1, max_size=5))
def test_two_removals_merge_into_one(points: np.ndarray, one: list[bool], other: list[bool]) -> None:
    document = DrawingDocument.of(points)
    first = removal(document, one)
    second = removal(first.apply(document), other)
    both = merged(first, second)
    assert isinstance(both, RemovePoints)
    assert both.apply(document) == second.apply(first.apply(document))
    np.testing.assert_array_equal(document.points[both.indices], both.points)


def test_points_outside_are_dropped_not_moved_to_the_border() -> None:
    points: list[list[float]] = [[0, 0], [4.01, 0], [0, -9], [4, -4], [np.nan, 0], [np.inf, 0], [-4.001, 4.001]]
    kept = inside(points, (-4, 4, -4, 4))
    np.testing.assert_array_equal(kept, [[0, 0], [4, -4]])


def test_no_more_points_than_the_limit_are_kept_and_undo_is_still_exact() -> None:
    document = DrawingDocument(limit=10)
    ten = AddPoints(np.linspace(-1, 1, 24, dtype=np.float32).reshape(-1, 2))
    full = ten.apply(document)
    assert len(full) == 10
    assert full.full
    more = AddPoints(np.ones((3, 2), dtype=np.float32))
    assert more.apply(full) == full
    assert ten.inverse(document).apply(full) == document


def test_the_limit_is_the_one_of_the_specification() -> None:
    document = DrawingDocument.of(np.zeros((120_000, 2)))
    assert len(document) == 100_000
    assert len(Drawing(points=document.as_tuple).points) == 100_000


@given(clouds)
def test_a_drawing_survives_the_way_through_its_specification(points: np.ndarray) -> None:
    document = DrawingDocument.of(points)
    spec = Drawing(points=document.as_tuple)
    assert DrawingDocument.of(spec.points) == document


def test_documents_cannot_be_changed_in_place() -> None:
    document = DrawingDocument.of([[0, 0]])
    with pytest.raises(ValueError, match="read-only"):
        document.points[0] = 1
