"""Keeping a project, without a window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gmstudio.gui import keeper as keeping
from gmstudio.gui.keeper import Keeper
from gmstudio.projects.project import Project


@pytest.fixture
def keeper(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    monkeypatch.setattr(keeping, "SAVE_AFTER", 10)
    keeper = Keeper()
    keeper.project = Project.create(tmp_path / "kept.gmstudio")
    yield keeper
    project = keeper.let_go()
    if project is not None:
        project.close()


def test_what_changes_again_and_again_is_written_once(qtbot: Any, keeper: Keeper) -> None:
    written: list[int] = []
    for number in range(5):
        keeper.keep("number", lambda number=number: written.append(number) or number)  # type: ignore[misc]
    assert keeper.value("number") is None
    qtbot.waitUntil(lambda: keeper.value("number") == 4, timeout=10_000)
    assert written == [4]


def test_a_save_waits_until_the_training_has_saved(qtbot: Any, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    @contextmanager
    def unless_busy() -> Iterator[bool]:
        asked.append(len(asked) == 3)
        yield asked[-1]

    monkeypatch.setattr(keeper.project, "unless_busy", unless_busy)
    written: list[int] = []
    keeper.keep("number", lambda: written.append(len(asked)) or 1)  # type: ignore[func-returns-value]
    qtbot.waitUntil(lambda: bool(written), timeout=10_000)
    assert written == [4]
    assert keeper.value("number") == 1


def test_a_settled_project_counts_as_open_until_it_is_closed_with_something_in_it(keeper: Keeper) -> None:
    keeper.keep("number", lambda: 1)
    keeper.settle()
    keeper.save_now()
    assert keeper.value("number") is None
    assert keeper.value("ended") is False
    keeper.close()
    assert keeper.value("ended") is False
    keeper.keep("drawing", lambda: {"kind": "drawing"})
    keeper.save_now()
    keeper.close()
    assert keeper.value("ended") is True


def test_nothing_is_written_between_two_projects(keeper: Keeper, tmp_path: Path) -> None:
    first = keeper.let_go()
    assert first is not None
    keeper.keep("number", lambda: 1)
    keeper.save_now()
    with first:
        assert first.value("number") is None
    keeper.project = Project.create(tmp_path / "second.gmstudio")
    keeper.save_now()
    assert keeper.value("number") is None


def test_what_cannot_be_used_is_said_and_counts_as_nothing(keeper: Keeper) -> None:
    said: list[Any] = []
    keeper.failed.connect(said.append)
    assert keeper.experiment("cards") is None
    assert keeper.drawing() is None
    assert keeper.last_run() == (None, None)
    assert not said
    keeper.keep("cards", lambda: {"data": "nonsense"})
    keeper.keep("drawing", lambda: {"kind": "no such data"})
    keeper.save_now()
    assert keeper.experiment("cards") is None
    assert keeper.drawing() is None
    assert len(said) == 2
