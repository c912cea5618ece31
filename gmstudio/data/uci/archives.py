"""Files out of archives from others: by name, into names of our own, within limits."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from gmstudio.data.uci.catalogue import MB, Member, size_in_words
from gmstudio.data.uci.errors import OWN_FILE, DownloadCancelled, DownloadError
from gmstudio.data.uci.transfer import SPARE, Asked, Progress

CHUNK: Final = 2**20
MOST_FILES: Final = 10_000
#: An archive that unpacks to more than this is not one of the catalogue's.
MOST_BYTES: Final = 8000 * MB

_BROKEN = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError)


def is_archive(path: Path) -> bool:
    """Whether a file begins as a zip or a gzipped tar archive does."""
    with path.open("rb") as file:
        return file.read(4)[:2] in (b"PK", b"\x1f\x8b")


def extract(
    archive: Path,
    members: Sequence[Member],
    folder: Path,
    *,
    progress: Progress = lambda share: None,
    cancelled: Asked = lambda: False,
) -> dict[str, Path]:
    """Take members out of a zip or a gzipped tar archive.

    The files get folders and names of our own, whatever they are called in the archive, and nothing else is unpacked.

    Args:
        archive: the file.
        members: what is wanted.
        folder: an existing folder.
        progress: called with a share from 0 to 1.
        cancelled: asked before each megabyte.

    Returns:
        The paths by the members' own names (`Member.name`).

    Raises:
        DownloadError: for a damaged archive, a missing or ambiguous member, one that is too large or a link.
    """
    found: dict[str, Path] = {}
    try:
        with contextlib.ExitStack() as stack:
            size = max(1, archive.stat().st_size)
            file = stack.enter_context(_Watched(archive, size, progress, cancelled))
            for member, source, declared in _wanted(file, members, archive.name, stack):
                if member.name in found:
                    raise DownloadError(f"{archive.name} holds {member.path} twice.", _remedy())
                path = folder / str(len(found)) / member.name
                path.parent.mkdir()
                _copy(source, path, member, declared, archive.name)
                found[member.name] = path
    except (*_BROKEN, NotImplementedError, RuntimeError, ValueError) as error:
        raise DownloadError(f"{archive.name} is damaged or no archive: {error}.", _remedy()) from error
    missing = [member.path for member in members if member.name not in found]
    if missing:
        raise DownloadError(f"{archive.name} does not hold {' and '.join(missing)}.", _remedy())
    return found


def _wanted(
    file: _Watched, members: Sequence[Member], name: str, stack: contextlib.ExitStack
) -> Iterator[tuple[Member, IO[bytes], int]]:
    """Each member that is in the archive, with its bytes and the size that the archive says it has."""
    stream = cast(IO[bytes], file)
    if file.peek() == b"PK":
        whole = stack.enter_context(zipfile.ZipFile(stream))
        if len(whole.infolist()) > MOST_FILES:
            raise DownloadError(f"{name} holds {len(whole.infolist()):,} files.", _remedy())
        for info in whole.infolist():
            for member in members:
                if _is(info.filename, member):
                    with whole.open(info) as source:
                        yield member, source, info.file_size
        return
    plain = _Limited(stack.enter_context(gzip.GzipFile(fileobj=stream)), name)
    # As a stream: forwards only, and nothing is kept of what is not wanted.
    tar = stack.enter_context(tarfile.TarFile.open(fileobj=cast(IO[bytes], plain), mode="r|"))
    left = {member.name for member in members}
    for count, one in enumerate(tar):
        if count >= MOST_FILES:
            raise DownloadError(f"{name} holds more than {MOST_FILES:,} files.", _remedy())
        for member in members:
            if _is(one.name, member):
                bytes_of = tar.extractfile(one) if one.isreg() else None
                if bytes_of is None:
                    raise DownloadError(f"{member.path} in {name} is no plain file.", _remedy())
                yield member, bytes_of, one.size
                left.discard(member.name)
        if not left:
            return


def _is(path: str, member: Member) -> bool:
    """Whether a path in an archive is the member's, perhaps below another folder; never one that leads elsewhere."""
    parts = PurePosixPath(path).parts
    wanted = PurePosixPath(member.path).parts
    return parts[-len(wanted) :] == wanted and ".." not in parts and not path.startswith("/")


def _copy(source: IO[bytes], path: Path, member: Member, declared: int, name: str) -> None:
    if declared > member.limit:
        raise _bomb(name, member)
    if declared + SPARE > shutil.disk_usage(path.parent).free:
        raise DownloadError(f"The disk has no room for {size_in_words(declared)} in {path.parent}.", "Make room.")
    written = 0
    with path.open("wb") as file:
        while block := source.read(CHUNK):
            written += len(block)
            # What an archive says of a size need not be so.
            if written > member.limit:
                raise _bomb(name, member)
            file.write(block)
    if written != declared:
        raise DownloadError(f"{member.path} in {name} is cut off.", _remedy())


def _bomb(name: str, member: Member) -> DownloadError:
    return DownloadError(
        f"{member.path} in {name} has more than the {size_in_words(member.limit)} that it can have.", _remedy()
    )


def _remedy() -> str:
    return f"Download it again, or {OWN_FILE}."


class _Watched:
    """A file that tells how far it has been read and stops when it is asked to."""

    def __init__(self, path: Path, size: int, progress: Progress, cancelled: Asked) -> None:
        self._name, self._size, self._progress, self._cancelled = path.name, size, progress, cancelled
        self._file = path.open("rb")

    def __enter__(self) -> _Watched:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def peek(self) -> bytes:
        """The first two bytes."""
        start = self._file.read(2)
        self._file.seek(0)
        return start

    def read(self, size: int = -1) -> bytes:
        if self._cancelled():
            raise DownloadCancelled(self._name)
        self._progress(min(1.0, self._file.tell() / self._size))
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


class _Limited:
    """What an archive unpacks to, and no more than any of the catalogue's does."""

    def __init__(self, stream: gzip.GzipFile, name: str) -> None:
        self._stream, self._name, self._read = stream, name, 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._read += len(block)
        if self._read > MOST_BYTES:
            raise DownloadError(f"{self._name} unpacks to more than {size_in_words(MOST_BYTES)}.", _remedy())
        return block
