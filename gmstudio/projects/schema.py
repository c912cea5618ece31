"""What is in a project file: its marks, its tables, and the migrations that bring older files up to date."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gmstudio.projects.errors import EARLIER, DamagedProject, NewerProject, NotAProject

#: "GMSt" in SQLite's field for the application that a file belongs to.
APPLICATION_ID = 0x474D5374
SUFFIX = ".gmstudio"

#: Migration i brings a file of version i to version i + 1.  Never change one that was released; add another.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE run (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created TEXT NOT NULL, title TEXT NOT NULL,
            device TEXT NOT NULL, state TEXT NOT NULL, step INTEGER NOT NULL, experiment TEXT NOT NULL,
            info BLOB, truth BLOB) STRICT""",
        """CREATE TABLE metric (
            number INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
            step INTEGER NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, value REAL) STRICT""",
        "CREATE INDEX metric_step ON metric (run, step)",
        """CREATE TABLE frame (
            number INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
            step INTEGER NOT NULL, data BLOB NOT NULL) STRICT""",
        "CREATE UNIQUE INDEX frame_step ON frame (run, step)",
        """CREATE TABLE checkpoint (
            run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, kind TEXT NOT NULL, step INTEGER NOT NULL,
            data BLOB NOT NULL, PRIMARY KEY (run, kind)) STRICT""",
        """CREATE TABLE edit (
            number INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
            step INTEGER NOT NULL, edit TEXT NOT NULL) STRICT""",
        "CREATE INDEX edit_step ON edit (run, step)",
        "CREATE TABLE value (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    ),
    (
        """CREATE TABLE sweep (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created TEXT NOT NULL, title TEXT NOT NULL,
            state TEXT NOT NULL, spec TEXT NOT NULL) STRICT""",
        """CREATE TABLE result (
            key TEXT PRIMARY KEY, run INTEGER REFERENCES run ON DELETE SET NULL, place INTEGER NOT NULL,
            data TEXT NOT NULL) STRICT""",
        "CREATE INDEX result_run ON result (run)",
    ),
)


def version() -> int:
    """The version of the files that this program writes."""
    return len(MIGRATIONS)


def check_header(path: Path) -> None:
    """Look at the first bytes of a file, before SQLite opens it.

    Raises:
        NotAProject: when it is something else.
        NewerProject: when a newer version of the program wrote it.
        OSError: when it cannot be read.
    """
    if path.is_dir():
        raise NotAProject(f"“{path.name}” is a folder.", "Choose a file that ends in .gmstudio.")
    if path.exists() and not path.is_file():
        raise NotAProject(f"“{path.name}” is not an ordinary file.", "Choose a file that ends in .gmstudio.")
    with path.open("rb") as file:
        head = file.read(100)
    if not head:
        raise NotAProject(f"“{path.name}” is empty.", "Remove it, or choose another file.")
    if len(head) < 100 or not head.startswith(b"SQLite format 3\0"):
        raise NotAProject(
            f"“{path.name}” is not a GM Studio project, although it may be called one.",
            "Choose another file; points and specifications are imported, not opened.",
        )
    found, application = struct.unpack_from(">I", head, 60)[0], struct.unpack_from(">I", head, 68)[0]
    if application != APPLICATION_ID:
        raise NotAProject(f"“{path.name}” is the database of another program.", "Choose a GM Studio project.")
    check_version(path, found)


def check_version(path: Path, found: int) -> None:
    """Refuse a file of a newer version.

    Raises:
        NewerProject: when it is one.
    """
    if found > version():
        raise NewerProject(
            f"“{path.name}” was written by a newer GM Studio (file version {found}; this one reads up to {version()}).",
            "Update GM Studio; the file was left as it is.",
        )


def migrate(connection: sqlite3.Connection) -> int:
    """Bring the tables up to date in one transaction; returns the version that they had."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found >= version():
        return found
    with transaction(connection):
        for statements in MIGRATIONS[found:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version()}")
    return found


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """What is executed inside is committed together, or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Compare every table, index, view and trigger with what the migrations make.

    Raises:
        DamagedProject: when one is missing, is another, or does not belong there.
    """
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(fresh)
        expected = _objects(fresh)
    finally:
        fresh.close()
    if _objects(connection) != expected:
        raise DamagedProject(f"The tables of “{path.name}” are not those of a GM Studio project.", EARLIER)


def _objects(connection: sqlite3.Connection) -> set[tuple[str, str, str, str]]:
    rows = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master LIMIT 1000")
    return {(str(kind), str(name), str(table), " ".join(str(sql).split())) for kind, name, table, sql in rows}
