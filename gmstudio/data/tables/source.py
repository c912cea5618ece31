"""The bytes of a file from a stranger: checked before they are read, hashed, counted and unpacked as they come."""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from gmstudio.data.tables.errors import TableCancelledError, TableError

#: Bytes of a file.
MOST_BYTES = 2**34
#: Bytes that are read at once.
BLOCK = 2**23
#: From so many unpacked bytes on, more than `MOST_RATIO` of them for each packed one are refused.
BOMB_FROM = 2**26
MOST_RATIO = 200
GZIP = b"\x1f\x8b"

T = TypeVar("T")


class Source:
    """A regular file, open for reading.

    Args:
        path: the file, or a link to one.
        progress: called with the share that has been read, from 0 to 1.
        cancelled: asked between two blocks.

    Raises:
        TableError: for what is not a regular file, cannot be opened, is empty or too large.
    """

    def __init__(
        self,
        path: Path,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.path = path
        self._progress = progress
        self._cancelled = cancelled
        self._hash = hashlib.sha256()
        self.file, self.size = _open(path)
        self.done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    @property
    def share(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return min(1.0, self.done / self.size)

    @property
    def sha256(self) -> str:
        """Of what `blocks` gave, in hexadecimal."""
        return self._hash.hexdigest()

    def report(self, share: float) -> None:
        """Tell how much is done.

        Raises:
            TableCancelledError: when somebody wants to stop.
        """
        if self._cancelled is not None and self._cancelled():
            raise TableCancelledError
        if self._progress is not None:
            self._progress(share)

    def check(self) -> None:
        """Raise `TableCancelledError` when somebody wants to stop."""
        if self._cancelled is not None and self._cancelled():
            raise TableCancelledError

    def peek(self, count: int = 8192) -> bytes:
        """The first bytes; the place in the file stays."""
        self.file.seek(0)
        found = self.file.read(count)
        self.file.seek(0)
        return found

    def blocks(self) -> Iterator[bytes]:
        """The bytes of the file, in order, hashed as they come."""
        self.file.seek(0)
        while block := self.file.read(BLOCK):
            self.check()
            self.done += len(block)
            if self.done > MOST_BYTES:
                raise _too_large(self.path)
            self._hash.update(block)
            yield block

    def unpacked(self) -> Iterator[bytes]:
        """As `blocks`, of what a file holds that gzip has packed.

        Raises:
            TableError: when it is damaged, cut off, or unpacks to absurdly much.
        """
        packed, made = 0, 0
        stream = zlib.decompressobj(wbits=31)
        for block in self.blocks():
            rest, part = block, b""
            # A full part may leave more in the stream although all of the block has gone in.
            while rest or len(part) == BLOCK:
                if stream.eof:
                    # The next member of the file; what is no member is padding, as of tapes.
                    if not rest.startswith(GZIP):
                        break
                    stream = zlib.decompressobj(wbits=31)
                try:
                    part = stream.decompress(rest, BLOCK)
                except zlib.error as error:
                    raise TableError(f"“{self.path.name}” is damaged: gzip cannot unpack it.", _WHOLE) from error
                left = stream.unused_data if stream.eof else stream.unconsumed_tail
                packed, made = packed + len(rest) - len(left), made + len(part)
                rest = left
                check_unpacked(self.path.name, made, packed)
                self.check()
                yield part
        if not stream.eof:
            raise TableError(f"“{self.path.name}” is cut off: its packed data do not end.", _WHOLE)


_WHOLE = "Get the whole file again."


def check_unpacked(name: str, made: int, packed: int) -> None:
    """Raise `TableError` where so many bytes come out of so few that it is an attack rather than a table."""
    if made > MOST_BYTES or (made > BOMB_FROM and made > MOST_RATIO * packed):
        raise TableError(
            f"“{name}” unpacks to {made // 2**20:,} MiB or more, from {-(-packed // 1024):,} KiB.",
            "Data are not like that: if you trust it, unpack it yourself and open what comes out.",
        )


def _too_large(path: Path) -> TableError:
    return TableError(
        f"“{path.name}” is larger than {MOST_BYTES // 2**30:,} GiB.", "Use a part of it, or Parquet for a table."
    )


def _open(path: Path) -> tuple[BinaryIO, int]:
    """The file and its size. What is not a regular file is never waited for: a pipe would keep us for ever."""
    # The flags exist only on some systems.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a folder" if path.is_dir() else "not a file, but a device or a pipe"
            raise TableError(f"“{path.name or path}” is {what}.", "Choose a file.")
        handle = os.open(path, flags)
    except FileNotFoundError as error:
        gone = "points to a file that is not there" if path.is_symlink() else "is not there"
        raise TableError(f"“{path}” {gone}.", "Choose the file again.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise TableError(f"“{path}” cannot be opened: {why}.", "Check its name and its permissions.") from error
    file = os.fdopen(handle, "rb")
    info = os.fstat(handle)
    try:
        if not stat.S_ISREG(info.st_mode):
            raise TableError(f"“{path.name}” is not a file, but a device or a pipe.", "Choose a file.")
        if info.st_size == 0:
            raise TableError(f"“{path.name}” is empty.", "Choose another file.")
        if info.st_size > MOST_BYTES:
            raise _too_large(path)
    except TableError:
        file.close()
        raise
    return file, info.st_size


def ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """The same items, the next of them made in a thread while the last is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="table") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
