"""What can go wrong with a project file, each with what a person can do about it."""

# The names say what is the matter; "Error" at their ends would add nothing.
# ruff: noqa: N818
from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gmstudio.errors import RefusedError


class ProjectError(RefusedError):
    """A project cannot be read or written."""


class NotAProject(ProjectError):
    """The file is something else."""


class NewerProject(ProjectError):
    """A newer version of the program wrote the file."""


class DamagedProject(ProjectError):
    """The file was a project, or pretends to be one, but its content does not hold together."""


class DiskFull(ProjectError):
    """The disk has no room left."""


class ReadOnlyProject(ProjectError):
    """The file or its folder must not be written."""


class LockedProject(ProjectError):
    """Another process has the project open.

    Args:
        path: the project.
        holder: who holds it, in words, such as ``process 4711 on this computer``.
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"“{path.name}” is open in another GM Studio ({holder}).",
            "Close it there, open it here read-only, or open a copy.",
        )
        self.path = path
        self.holder = holder


#: What to do when the disk is full, wherever that is noticed.
ROOM = "Free some space, or save the project on another disk."
EARLIER = "Open an earlier copy of it."


@contextmanager
def named(path: Path, doing: str) -> Iterator[None]:
    """Turn errors of SQLite and of the system into `ProjectError`.

    Args:
        path: the project that messages name.
        doing: ``read`` or ``written``.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _of_sqlite(error, path, doing) from error
    except UnicodeDecodeError as error:
        # Of SQLite's own message, which quotes what it has found in the file.
        raise DamagedProject(f"“{path.name}” is damaged: its text cannot be read.", EARLIER) from error
    except OSError as error:
        raise _of_system(error, path, doing) from error


def _of_sqlite(error: sqlite3.Error, path: Path, doing: str) -> ProjectError:
    # The low byte is the primary code; the others tell variants apart.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    name = f"“{path.name}”"
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(f"There is no room left on the disk for {name}; nothing that was saved is lost.", ROOM)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return ReadOnlyProject(
            f"{name} cannot be {doing}: the file or its folder is read-only or gone.",
            "Save the project in a folder of yours, or open it read-only.",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedProject(f"{name} is damaged: {error}.", EARLIER)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LockedProject(path, "another program")
    if code == sqlite3.SQLITE_TOOBIG:
        return ProjectError(f"Something is too large for {name}.", "Use a smaller model or fewer points.")
    if code == sqlite3.SQLITE_IOERR:
        return ProjectError(f"{name} cannot be {doing}: the disk reports an error ({error}).", ROOM)
    return ProjectError(f"{name} cannot be {doing}: {error}.", "Save the project under another name.")


def _of_system(error: OSError, path: Path, doing: str) -> ProjectError:
    name = f"“{path.name}”"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(f"There is no room left on the disk for {name}.", ROOM)
    if error.errno == errno.ENOENT:
        return ProjectError(f"There is no file or folder “{path}”.", "Choose another place.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReadOnlyProject(f"{name} cannot be {doing}: {error.strerror}.", "Choose a folder that you may write to.")
    return ProjectError(f"{name} cannot be {doing}: {error.strerror or error}.", "Choose another place.")
