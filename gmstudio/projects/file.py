"""The file of a project: opened and checked, locked, written in transactions, saved under another name."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from gmstudio import runs
from gmstudio.projects import schema, storage, untitled
from gmstudio.projects.errors import DamagedProject, ProjectError, ReadOnlyProject, named
from gmstudio.projects.lock import Lock
from gmstudio.projects.packing import PackingError
from gmstudio.registry import SpecError


class ProjectFile:
    """An open project file with named values in it.  Any thread may call it.

    Make one with `create`, `open` or `untitled_project`.

    Attributes:
        path: its file.
        untitled: whether it lies in the user's data folder, without a name of its own.
        read_only: whether it refuses to be written.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._mutex = threading.RLock()
        self._depth = 0
        self._lock: Lock | None = None
        self._folder: Path | None = None
        self._connection: sqlite3.Connection | None = None
        self._attach(path, read_only)

    @contextmanager
    def unless_busy(self) -> Iterator[bool]:
        """Hold the project for a moment if no other thread does; gives whether it is held.

        A window reads within it, so as not to wait while a training saves.
        """
        held = self._mutex.acquire(blocking=False)
        try:
            yield held
        finally:
            if held:
                self._mutex.release()

    def _attach(self, path: Path, read_only: bool, lock: Lock | None = None) -> None:
        """Hold the file `path` from now on, under a lock that may have been taken before."""
        if lock is None and not read_only:
            lock = Lock(path)
        folder: Path | None = None
        try:
            with named(path, "opened"):
                if read_only:
                    connection, folder = storage.open_readable(path)
                else:
                    connection = storage.open_writable(path)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        self.path = path
        self.read_only = read_only
        self.untitled = not read_only and untitled.is_untitled(path)
        self._connection, self._lock, self._folder = connection, lock, folder

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Make an empty project.

        Raises:
            ProjectError: when there is such a file, or it cannot be written.
        """
        path = Path(path).absolute()
        with named(path, "written"):
            _check_place(path)
            try:
                storage.create(path)
            except FileExistsError as error:
                raise ProjectError(
                    f"There is a file “{path.name}” already.", "Open it, or choose another name."
                ) from error
        return cls(path)

    @classmethod
    def open(cls, path: str | Path, read_only: bool = False) -> Self:
        """Open a project, upgrading an older one.

        Raises:
            NotAProject: when the file is something else.
            NewerProject: when a newer version of the program wrote it.
            LockedProject: when another process has it open for writing and `read_only` is not asked for.
            ProjectError: when it is damaged or cannot be read or written.
        """
        path = Path(path).absolute()
        with named(path, "read"):
            # Before the lock, lest a lock file appears beside a file that is no project of ours.
            schema.check_header(path)
        return cls(path, read_only=read_only)

    @classmethod
    def untitled_project(cls) -> Self:
        """Make an empty project in the user's data folder; it goes when it is closed empty or saved elsewhere."""
        return cls.create(untitled.new_path())

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it that a person made: no run, no sweep, no drawing and no picture."""
        made = self._rows("SELECT 1 FROM run UNION ALL SELECT 1 FROM sweep LIMIT 1")
        if made or self.value("drawing"):
            return False
        return not _handmade(self.value("cards"))

    def close(self, discard: bool = False) -> None:
        """Close the file and let others have it; an untitled project is removed if it is empty.

        Args:
            discard: whether to remove an untitled project that is not empty too.
        """
        with self._mutex:
            if self._connection is None:
                return
            gone = self.untitled and (discard or self._surely_empty())
            self._detach(gone)

    def _surely_empty(self) -> bool:
        try:
            return self.empty
        except ProjectError:
            return False

    def _detach(self, remove: bool) -> None:
        connection, lock, folder = self._connection, self._lock, self._folder
        self._connection = self._lock = self._folder = None
        if connection is not None:
            connection.close()
        if self.read_only and folder is None:
            _tidy(self.path)
        if remove:
            storage.remove(self.path)
        if lock is not None:
            lock.release()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def save_as(self, path: str | Path) -> None:
        """Write everything into another file, whole or not at all, and go on with that file.

        A file that is there is replaced. An untitled project's own file is removed. A read-only project becomes a
        writable one.

        Raises:
            LockedProject: when another process has the file `path` open.
            ProjectError: when it cannot be written; the project then stays with its old file.
        """
        path = Path(path).absolute()
        with self._mutex:
            connection = self._open_connection()
            if self._depth:
                raise ProjectError("A batch of changes is under way.", "Save when it is done.")
            if _same(path, self.path):
                self._require_writable()
                return
            with named(path, "written"):
                _check_place(path)
            guard = Lock(path)
            try:
                with named(path, "written"):
                    storage.copy(connection, path)
            except BaseException:
                guard.release()
                raise
            old, old_lock, old_folder = self.path, self._lock, self._folder
            was_untitled = self.untitled
            self._attach(path, read_only=False, lock=guard)
            connection.close()
            if was_untitled:
                storage.remove(old)
            if old_lock is not None:
                old_lock.release()
            if old_folder is not None:
                shutil.rmtree(old_folder, ignore_errors=True)

    # Transactions.

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Everything saved inside becomes durable together, or not at all."""
        with self._mutex:
            connection = self._open_connection()
            self._require_writable()
            if self._depth:
                yield
                return
            with named(self.path, "written"), schema.transaction(connection):
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ProjectError(f"“{self.path.name}” is closed.", "Open it again.")
        return self._connection

    def _require_writable(self) -> None:
        if self.read_only:
            raise ReadOnlyProject(f"“{self.path.name}” is open read-only.", "Save it under another name to go on.")

    def _write(self, statement: str, values: tuple[Any, ...] = ()) -> int:
        """Do one statement in a transaction; returns how many rows it changed."""
        with self.batch():
            return self._open_connection().execute(statement, values).rowcount

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._mutex:
            connection = self._open_connection()
            with named(self.path, "read"):
                return connection.execute(statement, values).fetchall()

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        try:
            yield
        except (PackingError, SpecError, msgspec.ValidationError, ValueError) as error:
            raise DamagedProject(
                f"The {what} in “{self.path.name}” cannot be read: {error}.", "The rest of the project can be used."
            ) from error

    # Values.

    def set_value(self, key: str, value: Any) -> None:
        """Keep any JSON value under a name: the window's state, the cards, the drawing."""
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        self._write(
            "INSERT INTO value (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, text),
        )

    def value(self, key: str, default: Any = None) -> Any:
        """The JSON value kept under a name, or `default`."""
        rows = self._rows("SELECT value FROM value WHERE key = ?", (key,))
        if not rows:
            return default
        with self._reading(f"value {key!r}"):
            return runs.plain_from_json(rows[0][0])


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other


def _check_place(path: Path) -> None:
    """Refuse places that cannot hold a file before anything is written."""
    if path.is_dir():
        raise ProjectError(f"“{path.name}” is a folder.", "Choose a file name in it.")
    if not path.parent.is_dir():
        raise ProjectError(f"There is no folder “{path.parent}”.", "Make it first, or choose another folder.")
    if path.exists() and not path.is_file():
        raise ProjectError(f"“{path.name}” is not an ordinary file.", "Choose another name.")


def _tidy(path: Path) -> None:
    """Have the empty log removed that a reading connection leaves, unless somebody writes."""
    log = path.with_name(path.name + "-wal")
    try:
        if not log.exists() or log.stat().st_size:
            return
        lock = Lock(path)
    except (ProjectError, OSError):
        return
    try:
        storage.touch(path)
    finally:
        lock.release()


def _handmade(plain: Any) -> bool:
    """Whether a specification holds points or pixels that somebody has given: a drawing, a picture, a curve."""
    if isinstance(plain, dict):
        return any((key in ("points", "pixels") and bool(value)) or _handmade(value) for key, value in plain.items())
    return isinstance(plain, list) and any(map(_handmade, plain[:1000]))
