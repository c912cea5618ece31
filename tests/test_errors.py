"""What the errors of all rooms have in common."""

from __future__ import annotations

import pytest

from gmstudio.errors import RefusedError
from gmstudio.exporting.reading import FolderError
from gmstudio.projects.errors import ProjectError
from gmstudio.registry import SpecError
from gmstudio.training.errors import CheckpointError
from gmstudio.training.problems import problem_of


@pytest.mark.parametrize("kind", [SpecError, CheckpointError, ProjectError, FolderError])
def test_errors_of_all_rooms_say_what_is_wrong_and_then_what_to_do(kind: type[RefusedError]) -> None:
    error = kind("The file is damaged.", "Use another.")
    assert str(error) == "The file is damaged. Use another."
    assert str(kind("The file is damaged.")) == "The file is damaged."
    problem = problem_of(error)
    assert (problem.what, problem.remedy) == ("The file is damaged.", "Use another.")


def test_the_errors_of_values_can_be_caught_as_such() -> None:
    assert issubclass(SpecError, ValueError)
    assert issubclass(CheckpointError, ValueError)
