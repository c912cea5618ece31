"""What a project holds of its sweeps, and of one that has not ended."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gmstudio.gui.loop import Progress
from gmstudio.registry import SpecError
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps.plan import Plan
from gmstudio.sweeps.spec import SweepSpec
from gmstudio.sweeps.store import Store

if TYPE_CHECKING:
    from gmstudio.projects.project import Project


#: Sweeps of a project that are offered, at most.
MOST = 20


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A sweep of a project with runs that are missing.

    Attributes:
        spec: the sweep.
        runs, missing: how many it has, and how many are not done.
    """

    spec: SweepSpec
    runs: int
    missing: int


def sweeps_of(project: Project) -> list[SweepSpec]:
    """The sweeps of a project that this version can read, newest first.

    Raises:
        ProjectError: when the project cannot be read.
    """
    found = []
    for record in reversed(project.sweeps()[-MOST:]):
        with contextlib.suppress(SpecError):
            found.append(specs.from_json(record.spec))
    return found


def unfinished(project: Project, progress: Progress) -> Unfinished | None:
    """The newest sweep of a project if runs of it are missing; called in a job's thread."""
    records = project.sweeps()
    if not records or records[-1].state == "finished":
        return None
    try:
        spec = specs.from_json(records[-1].spec)
    except SpecError:
        # Of another version: there is nothing that could go on.
        return None
    progress.check()
    results = Store(project, Plan(spec)).results()
    missing = len(spec) - sum(result.state == "done" for result in results.values())
    return Unfinished(spec, len(spec), missing) if missing else None
