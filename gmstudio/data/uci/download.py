"""Fetching a data set, or taking a person's own file for it: checked and prepared before it counts as there.

Nothing here runs unless a person asks for it; opening a project or a specification never downloads anything.
What arrives is checked against a known hash, or against the hash noted at the first download where none is known; then
the members are unpacked, prepared as in the papers and stored (`store`).  Only then is the data set there, and the
archive is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gmstudio import durable
from gmstudio.data.uci import archives, preparations, store, transfer
from gmstudio.data.uci.catalogue import MB, Entry, Member, sharing, size_in_words
from gmstudio.data.uci.errors import OWN_FILE, DownloadCancelled, DownloadError
from gmstudio.data.uci.transfer import Asked, Progress, Rules

__all__ = ["DownloadCancelled", "DownloadError", "adopt", "fetch"]

#: Shares of the progress that the download and the unpacking have; the preparation has the rest.
ARRIVED: Final = 0.8
UNPACKED: Final = 0.95
#: A server's file may be larger than the catalogue says, but not by much.
MARGIN: Final = 1.5
MOST_OWN: Final = 4000 * MB
UNPACKING: Final = ".unpacked-"
DAY: Final = 86_400


def fetch(
    entry: Entry,
    *,
    progress: Progress = lambda share: None,
    cancelled: Asked = lambda: False,
    rules: Rules | None = None,
) -> Path:
    """Download a data set, check it, prepare it and store it; the others in the same archive, too.

    Args:
        entry: from the catalogue.
        progress: called with a share from 0 to 1, never a smaller one than before.
        cancelled: asked several times a second.
        rules: hosts and time-outs, where they are not the usual ones.

    Returns:
        The stored table. One that is there already is not fetched again.

    Raises:
        DownloadError: naming what went wrong and what to do; nothing is stored then.
        DownloadCancelled: when `cancelled` says so; what has arrived is kept, and the next download goes on there.
    """
    if entry.bundled:
        raise DownloadError(f"{entry.title} comes with scikit-learn.", "It can be used at once.")
    if store.load(entry) is not None:
        progress(1.0)
        return store.path_of(entry)
    told = _Monotone(progress)
    archive = store.folder() / f"{entry.archive}.part"
    transfer.receive(
        entry.url,
        archive,
        limit=int(entry.size * MARGIN) + MB,
        expected=entry.size,
        rules=rules,
        progress=lambda share: told(ARRIVED * share),
        cancelled=cancelled,
    )
    try:
        sha256, known = _check_archive(entry, archive, cancelled)
        _unpack(entry, archive, entry.url, sha256, known, told, cancelled)
    except DownloadCancelled:
        raise
    except DownloadError:
        # What is wrong in a file does not get right by going on with it.
        transfer.forget(archive)
        raise
    _note(entry, sha256)
    transfer.forget(archive)
    told(1.0)
    return store.path_of(entry)


def adopt(
    entry: Entry,
    path: Path,
    *,
    progress: Progress = lambda share: None,
    cancelled: Asked = lambda: False,
) -> Path:
    """Take a file that a person has: the archive, the file in it, or the table that the MAF paper distributes.

    Where the archive has two files for a data set, the second one is looked for beside the first.

    Args:
        entry: from the catalogue.
        path: the file; it is only read.
        progress: called with a share from 0 to 1.
        cancelled: asked now and then.

    Returns:
        The stored table.

    Raises:
        DownloadError: when the file is not that data set: another hash, another shape, other numbers, or not readable.
    """
    if entry.bundled:
        raise DownloadError(f"{entry.title} comes with scikit-learn.", "It can be used at once.")
    told = _Monotone(progress)
    try:
        if not path.is_file():
            raise DownloadError(f"{path} is no file.", _own(entry))
        if path.stat().st_size > MOST_OWN:
            raise DownloadError(f"{path.name} has {size_in_words(path.stat().st_size)}.", _own(entry))
        sha256, _ = _hashes(path, cancelled)
        if archives.is_archive(path):
            _unpack(entry, path, path.name, sha256, False, told, cancelled, alone=True)
        else:
            files = {member.name: path for member in entry.members}
            if len(entry.members) > 1:
                files = {member.name: path.with_name(member.name) for member in entry.members}
                missing = [name for name, one in files.items() if not one.is_file()]
                if missing:
                    raise DownloadError(f"{missing[0]} is not beside {path.name}.", _own(entry))
            told(UNPACKED)
            _keep(entry, files, path.name, sha256, False, cancelled)
    except OSError as error:
        raise DownloadError(f"{path} cannot be read: {error.strerror or error}.", _own(entry)) from error
    told(1.0)
    return store.path_of(entry)


def _unpack(
    entry: Entry,
    archive: Path,
    source: str,
    sha256: str,
    known: bool,
    told: Progress,
    cancelled: Asked,
    *,
    alone: bool = False,
) -> None:
    """Take everything of use out of an archive and store it; `alone` where the archive may lack the others' members."""
    wanted = [entry] if alone else [entry, *(one for one in sharing(entry) if one != entry and not store.load(one))]
    members = list(dict.fromkeys(member for one in wanted for member in one.members))
    _sweep()
    with _disk(entry), tempfile.TemporaryDirectory(prefix=UNPACKING, dir=store.folder()) as folder:
        files = archives.extract(
            archive,
            members,
            Path(folder),
            progress=lambda share: told(ARRIVED + (UNPACKED - ARRIVED) * share),
            cancelled=cancelled,
        )
        for one in wanted:
            _keep(one, files, source, sha256, known, cancelled)


def _sweep() -> None:
    """Remove what a program that was killed while it unpacked has left behind; another one may be unpacking now."""
    for left in store.folder().glob(f"{UNPACKING}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > DAY:
                shutil.rmtree(left)


def _keep(entry: Entry, files: preparations.Files, source: str, sha256: str, known: bool, cancelled: Asked) -> None:
    """Check the members, prepare the table and store it."""
    exact = all(_right(member, files[member.name], cancelled) for member in entry.members)
    prepared = preparations.prepare(entry, files, cancelled)
    same = bool(entry.content) and prepared.content() == entry.content
    if entry.content and not (exact or same):
        raise DownloadError(
            f"{source} has the shape of {entry.title}, but not its numbers.", f"Download it, or {OWN_FILE}."
        )
    with _disk(entry):
        store.save(entry, prepared, source, sha256, "known" if known or exact or same else "first use")


def _right(member: Member, path: Path, cancelled: Asked) -> bool:
    return bool(member.sha256) and _hashes(path, cancelled)[0] == member.sha256


def _check_archive(entry: Entry, archive: Path, cancelled: Asked) -> tuple[str, bool]:
    """The archive's SHA-256, and whether it was checked against a known value.

    Raises:
        DownloadError: when it is another one than the known or the noted one.
    """
    sha256, md5 = _hashes(archive, cancelled)
    for known, found in ((entry.sha256, sha256), (entry.md5, md5)):
        if known and known != found:
            raise DownloadError(
                f"{entry.url} is not the file that was expected: its hash is {found}, and should be {known}.",
                f"It was not kept. Download it again, or {OWN_FILE}.",
            )
    noted = _noted(entry)
    if noted and noted != sha256:
        raise DownloadError(
            f"{entry.url} has changed since it was first downloaded: its hash is {sha256}, and was {noted}.",
            f"It was not kept. If the change is meant to be, remove {_note_path(entry)} and download it again.",
        )
    return sha256, bool(entry.sha256 or entry.md5)


def _note_path(entry: Entry) -> Path:
    return store.folder() / f"{entry.archive}.sha256"


def _noted(entry: Entry) -> str:
    try:
        return _note_path(entry).read_text("ascii")[:64]
    except (OSError, UnicodeDecodeError):
        return ""


def _note(entry: Entry, sha256: str) -> None:
    with _disk(entry):
        durable.replace(_note_path(entry), f"{sha256}  {entry.archive}\n".encode())


def _hashes(path: Path, cancelled: Asked) -> tuple[str, str]:
    """SHA-256 and MD5 in hexadecimal."""
    both: Sequence[hashlib._Hash] = (hashlib.sha256(), hashlib.md5(usedforsecurity=False))
    with path.open("rb") as file:
        while block := file.read(2**22):
            if cancelled():
                raise DownloadCancelled(path.name)
            for one in both:
                one.update(block)
    return both[0].hexdigest(), both[1].hexdigest()


@contextlib.contextmanager
def _disk(entry: Entry) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DownloadError(
            f"{entry.title} cannot be written to {store.folder()}: {error.strerror or error}.",
            "Make room, or move the folder with the environment variable GMSTUDIO_HOME.",
        ) from error


def _own(entry: Entry) -> str:
    names = " or ".join([entry.archive, *(member.name for member in entry.members)])
    return f"Choose {names} as it can be downloaded from {entry.page}."


class _Monotone:
    """Progress that never goes back."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._last = progress, -1.0

    def __call__(self, share: float) -> None:
        if share > self._last:
            self._last = share
            self._progress(share)
