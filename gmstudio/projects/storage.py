"""Connections to project files: made, checked and set up the same way everywhere."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path

from gmstudio.durable import beside, put_in_place
from gmstudio.projects import schema
from gmstudio.projects.errors import EARLIER, DamagedProject, named

#: Largest text or blob that is read or written, in bytes.
MAX_BLOB = 2**29
#: Seconds to wait for another connection of this program.
PATIENCE = 5.0


def create(path: Path) -> None:
    """Make an empty project where no file is.

    Raises:
        FileExistsError: when there is one.
        sqlite3.Error, OSError: when it cannot be written.
    """
    if path.exists():
        raise FileExistsError(path)
    fresh = beside(path)
    try:
        connection = connect(fresh, "rwc")
        try:
            # The mark goes into the file itself, where it is read before SQLite is let near it; hence before WAL.
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            schema.migrate(connection)
        finally:
            connection.close()
        put_in_place(fresh, path)
    finally:
        remove(fresh)


def open_writable(path: Path) -> sqlite3.Connection:
    """Check a file and open it for writing, upgrading an older one.

    Raises:
        ProjectError: when it is not a project, is newer, or is damaged.
        sqlite3.Error, OSError: when it cannot be opened or written.
    """
    schema.check_header(path)
    connection = connect(path, "rw")
    try:
        _check(connection, path)
        schema.migrate(connection)
        schema.check_tables(connection, path)
        # Not every file system can share the memory that WAL needs; the older way works everywhere.
        with contextlib.suppress(sqlite3.DatabaseError):
            connection.execute("PRAGMA journal_mode = WAL")
        wal = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if wal else 'FULL'}")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def open_readable(path: Path) -> tuple[sqlite3.Connection, Path | None]:
    """Check a file and open it for reading alone.

    Returns:
        The connection, and a temporary folder to remove afterwards where the file had to be copied: an older one,
        which is upgraded in the copy, or one with unfinished business in a folder that must not be written.
    """
    schema.check_header(path)
    try:
        connection = connect(path, "ro")
        try:
            _check(connection, path)
            if connection.execute("PRAGMA user_version").fetchone()[0] == schema.version():
                schema.check_tables(connection, path)
                return connection, None
        except BaseException:
            connection.close()
            raise
        connection.close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
    return _open_copy(path)


def _open_copy(path: Path) -> tuple[sqlite3.Connection, Path]:
    folder = Path(tempfile.mkdtemp(prefix="gmstudio-"))
    try:
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, folder / source.name)
        return open_writable(folder / path.name), folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a connection with the precautions for files from strangers.

    Args:
        path: the file.
        mode: ``ro``, ``rw`` or ``rwc``, as in SQLite's URIs.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )
    # Text from strangers need not be UTF-8.
    connection.text_factory = _text
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BLOB)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    return connection


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    with named(path, "read"):
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
        schema.check_version(path, found)
        if found < 0:
            raise DamagedProject(f"“{path.name}” has an impossible version ({found}).", EARLIER)
        report = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if report != "ok":
        raise DamagedProject(f"“{path.name}” is damaged: {report}.", EARLIER)


def copy(connection: sqlite3.Connection, path: Path) -> None:
    """Write everything that was committed into the file `path`, whole or not at all; an older file is replaced.

    Raises:
        sqlite3.Error, OSError: when it cannot be written; an older file is then left as it was.
    """
    fresh = beside(path)
    try:
        target = connect(fresh, "rwc")
        try:
            connection.backup(target)
        finally:
            target.close()
        _settle(path)
        put_in_place(fresh, path)
    finally:
        remove(fresh)


def _settle(path: Path) -> None:
    """Bring what waits in the write-ahead log of the file to be replaced into it, lest the log meets the new file."""
    if not path.with_name(path.name + "-wal").exists():
        return
    _execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def touch(path: Path) -> None:
    """Open and close a file for writing: SQLite removes what it keeps beside it when nobody else has it open."""
    _execute(path, "SELECT count(*) FROM sqlite_master")


def _execute(path: Path, statement: str) -> None:
    """Open a file for writing, execute a statement and close it, as far as that can be done."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(connect(path, "rw")) as connection:
        connection.execute(statement)


def remove(path: Path) -> None:
    """Remove a database and what SQLite keeps beside it, as far as that is possible."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
