"""Files that are there whole or not at all, whatever happens to the disk or the power while they are written."""

from __future__ import annotations

import contextlib
import os
import sys
import uuid
from pathlib import Path


def beside(path: Path) -> Path:
    """A new name in the same folder, for what is on its way to `path`."""
    return path.with_name(f".{path.name[:80]}.{uuid.uuid4().hex[:8]}.part")


def write(path: Path, content: bytes) -> None:
    """Write a file, and wait until the disk has it.

    Raises:
        OSError: when it cannot be written.
    """
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves either the old one or the new one whole.

    Raises:
        OSError: when it cannot be written; the old file is untouched then.
    """
    fresh = beside(path)
    try:
        write(fresh, content)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def put_in_place(fresh: Path, path: Path) -> None:
    """Give a complete file its name, so that after a power failure there is the old one or the new one."""
    with fresh.open("rb+") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
