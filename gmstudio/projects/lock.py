"""One writer for a project: a lock of the operating system on a small file beside it.

The system drops such a lock when its process ends, however it ends, so that no stale lock keeps anyone out.  Where a
file system has no locks, the process id and the computer's name written in the file decide.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

from gmstudio.projects.errors import LockedProject, named

#: The byte that is locked on Windows, where locks keep others from reading: far behind what is written.
_WINDOWS_BYTE = 1 << 30


class Lock:
    """The lock on a project, held from the start until `release`.

    A process that is killed leaves the file behind, unlocked; this tells it from one that has ended properly.

    Args:
        project: the project's file, which need not exist.

    Attributes:
        inherited: whether a process that was killed had left the file.

    Raises:
        LockedProject: when another holder is alive.
        ProjectError: when the lock file cannot be written.
    """

    def __init__(self, project: Path) -> None:
        self.path = project.with_name(project.name + ".lock")
        self.inherited = False
        with named(project, "written"):
            self._file: int | None = self._acquire(project)

    def _acquire(self, project: Path) -> int:
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
            try:
                taken = _take(file)
                holder = _holder(file)
                if taken is False or (taken is None and holder is not None and _alive(*holder)):
                    raise LockedProject(project, _words(holder))
                if not self._current(file):
                    # The holder before us removed the file between our opening and our locking it.
                    os.close(file)
                    continue
                self.inherited = holder is not None
                os.lseek(file, 0, os.SEEK_SET)
                os.ftruncate(file, 0)
                os.write(file, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
            except BaseException:
                with contextlib.suppress(OSError):
                    os.close(file)
                raise
            return file

    def _current(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self.path.stat())
        except FileNotFoundError:
            return False

    def release(self, keep: bool = False) -> None:
        """Let others in; harmless when done twice.

        Args:
            keep: whether to leave the file behind, as a killed process does.
        """
        if self._file is None:
            return
        file, self._file = self._file, None
        if keep:
            os.close(file)
            return
        if sys.platform == "win32":
            os.close(file)
            with contextlib.suppress(OSError):
                self.path.unlink()
        else:
            # While it is still locked, lest the file of the next holder is removed.
            with contextlib.suppress(OSError):
                self.path.unlink()
            os.close(file)


def left_behind(project: Path) -> bool:
    """Whether a lock file is there; if nobody holds it, its process was killed."""
    return project.with_name(project.name + ".lock").exists()


def _take(file: int) -> bool | None:
    """Lock the open file: True when it is ours, False when another has it, None where there are no locks."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, _WINDOWS_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    else:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True


def _holder(file: int) -> tuple[int, str] | None:
    """Process id and computer written in the lock file."""
    os.lseek(file, 0, os.SEEK_SET)
    try:
        plain = json.loads(os.read(file, 4096))
        pid, host = plain["pid"], plain["host"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return (pid, host[:100]) if isinstance(pid, int) and isinstance(host, str) else None


def _alive(pid: int, host: str) -> bool:
    """Whether that process lives; on another computer nobody can tell, so it counts as living."""
    if host != socket.gethostname():
        return True
    if pid == os.getpid() or pid <= 0:
        return pid > 0
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _words(holder: tuple[int, str] | None) -> str:
    if holder is None:
        return "another process"
    pid, host = holder
    return f"process {pid} on {'this computer' if host == socket.gethostname() else host}"
