"""Projects without a name: where they are, and which of them a killed program left behind."""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path

from gmstudio import paths
from gmstudio.projects import storage
from gmstudio.projects.errors import ProjectError, named
from gmstudio.projects.lock import Lock, left_behind
from gmstudio.projects.schema import SUFFIX


def folder() -> Path:
    """The folder of untitled projects; made where it is missing."""
    found = paths.user_data() / "untitled"
    with named(found, "written"):
        found.mkdir(parents=True, exist_ok=True)
    return found


def new_path() -> Path:
    """A name that no project has."""
    now = datetime.datetime.now().strftime("%Y-%m-%d %H.%M")
    return folder() / f"Untitled {now} {uuid.uuid4().hex[:6]}{SUFFIX}"


def is_untitled(path: Path) -> bool:
    """Whether a project has no name of its own."""
    return path.parent.resolve() == (paths.user_data() / "untitled").resolve()


def abandoned() -> list[Path]:
    """Untitled projects with content that no living process holds, oldest first; empty ones are removed."""
    from gmstudio.projects.project import Project

    found = []
    for path in sorted(folder().glob(f"*{SUFFIX}"), key=_age):
        try:
            lock = Lock(path)
        except ProjectError:
            continue
        try:
            with Project.open(path, read_only=True) as project:
                empty = project.empty
            if empty:
                storage.remove(path)
            else:
                found.append(path)
        except ProjectError:
            # Not ours to throw away; opening it by hand says what is wrong with it.
            continue
        finally:
            lock.release(keep=lock.inherited and path.exists())
    return found


def killed(path: Path) -> bool:
    """Whether the process that had an abandoned project open last was killed, and did not close it."""
    return left_behind(path)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
