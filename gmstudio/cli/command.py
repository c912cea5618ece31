"""What a command of the command line is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from gmstudio.errors import RefusedError

if TYPE_CHECKING:
    from gmstudio.projects.project import Project


class InputError(RefusedError):
    """What the person gave cannot be used; the text says what and why."""


class Command(NamedTuple):
    """A command, such as `gmstudio train`.

    Attributes:
        name: as it is typed.
        summary: one line for the list of commands.
        configure: adds the command's arguments to its parser.
        run: does it and returns the exit status; raises `RefusedError` for what the person can mend.
    """

    name: str
    summary: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def find_run(project: Project, run: str) -> str:
    """The id of a run of the project; ``last`` is the newest.

    Raises:
        InputError: where there is none.
    """
    records = project.runs()
    if not records:
        raise InputError(f"{project.path} has no runs. Train one first.")
    if run == "last":
        return records[-1].id
    if run not in [record.id for record in records]:
        known = ", ".join(record.id for record in records)
        raise InputError(f"{project.path} has no run {run!r}. Its runs are: {known}.")
    return run
