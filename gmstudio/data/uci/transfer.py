"""One file over https, with rules: listed hosts, time-outs that hold, a limit on the size, and going on after a break.

This is written on urllib, and not with pooch or requests, because what is asked for is what those leave out: pooch
cannot go on after a break, follows redirects to any host, and has a time-out for each read only, so that a slow name
server or a server that sends a header byte by byte holds it up for as long as it likes.  urllib brings proxies and
certificates; the rules are here.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import queue
import shutil
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

from gmstudio import durable
from gmstudio.data.uci.catalogue import HOSTS, MB, size_in_words
from gmstudio.data.uci.errors import OWN_FILE, DownloadCancelled, DownloadError

Progress = Callable[[float], None]
Asked = Callable[[], bool]

CHUNK: Final = 2**18
#: Kept free on the disk beside what is downloaded.
SPARE: Final = 64 * MB


@dataclass(frozen=True, slots=True)
class Rules:
    """What a download may do.

    Attributes:
        hosts: the only hosts, with their port where it is not the usual one.
        schemes: https, and nothing else outside tests.
        timeout: seconds without a byte after which the person is told, names and connections included.
    """

    hosts: tuple[str, ...] = HOSTS
    schemes: tuple[str, ...] = ("https",)
    timeout: float = 8.0


def receive(
    url: str,
    target: Path,
    *,
    limit: int,
    expected: int = 0,
    rules: Rules | None = None,
    progress: Progress = lambda share: None,
    cancelled: Asked = lambda: False,
) -> Path:
    """Fetch a file into `target`, going on where an earlier try stopped.

    The file is complete on return, but nobody has checked what is in it: that is for the caller.

    Args:
        url: on one of the rules' hosts.
        target: where it goes; what is known of the server's copy is kept beside it, with the ending ``.json``.
        limit: the most bytes.
        expected: about how many bytes, for the progress where the server does not say.
        rules: hosts and time-outs.
        progress: called with the share that has arrived, from 0 to 1.
        cancelled: asked several times a second.

    Raises:
        DownloadError: with what is wrong in words; what has arrived stays for the next try where it is of use.
        DownloadCancelled: when `cancelled` says so.
    """
    rules = rules or Rules()
    host = _permitted(url, rules)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        have, began = _begun(target)
        if began.total and have == began.total:
            return target
        _check_space(target.parent, max(expected - have, 0))
        with _Reader(url, _headers(have, began.validator), rules) as reader:
            items = reader.items(host, cancelled, url)
            head = next(items)
            assert isinstance(head, _Head)
            if head.status == 416 or (head.status == 206 and head.start != have):
                forget(target)
                if not have:
                    raise DownloadError(f"{host} sends a part of the file, although all of it was asked for.")
                again: dict[str, Any] = {"rules": rules, "progress": progress, "cancelled": cancelled}
                return receive(url, target, limit=limit, expected=expected, **again)
            have, total = _begin(target, head, have)
            if total > limit:
                forget(target)
                raise _too_large(host, url, limit)
            _check_space(target.parent, (total or expected) - have)
            got = _store(items, target, have, total or expected, limit, host, progress)
    except OSError as error:
        raise _disk(error, target) from error
    if total and got != total:
        raise DownloadError(
            f"The connection to {host} broke after {size_in_words(got)} of {size_in_words(total)}.",
            f"Download it again, it goes on where it stopped; or {OWN_FILE}.",
        )
    return target


def forget(target: Path) -> None:
    """Remove what has arrived, so that the next try starts anew."""
    for path in (target, _beside(target)):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Began:
    """What is known of a file that was begun: the server's name for these bytes, and how many they are, or 0."""

    validator: str = ""
    total: int = 0


@dataclass(frozen=True, slots=True)
class _Head:
    """What the server says before the bytes: `start` is the first byte of a part, `length` of what follows."""

    status: int
    start: int
    length: int | None
    validator: str


def _begin(target: Path, head: _Head, have: int) -> tuple[int, int]:
    """Note what the server says of a file that starts anew; returns how many bytes are there, and of how many, or 0."""
    if head.status == 206:
        return have, 0 if head.length is None else have + head.length
    forget(target)
    total = head.length or 0
    durable.replace(_beside(target), json.dumps({"validator": head.validator, "total": total}).encode())
    return 0, total


def _store(
    items: Iterator[_Head | bytes], target: Path, have: int, total: int, limit: int, host: str, progress: Progress
) -> int:
    """Write what arrives; returns how many bytes the file has."""
    # Unbuffered, so that what is on the disk after a failure is a beginning of the file and nothing else.
    with target.open("ab" if have else "wb", buffering=0) as file:
        if file.seek(0, os.SEEK_END) != have:
            raise _twice(target)
        for item in items:
            assert isinstance(item, bytes)
            if have + len(item) > limit:
                file.close()
                forget(target)
                raise _too_large(host, target.name, limit)
            rest = memoryview(item)
            while rest:
                rest = rest[file.write(rest) :]
            have += len(item)
            if os.fstat(file.fileno()).st_size != have:
                raise _twice(target)
            progress(min(1.0, have / max(total, 1)))
    return have


class _Reader:
    """Reads in a thread of its own, so that neither a slow name server nor an endless header can hold the caller up."""

    def __init__(self, url: str, headers: dict[str, str], rules: Rules) -> None:
        self._request = urllib.request.Request(url, headers=headers)
        self._rules = rules
        self._queue: queue.Queue[_Head | bytes | BaseException | None] = queue.Queue(maxsize=16)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="download", daemon=True)

    def __enter__(self) -> _Reader:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()

    def items(self, host: str, cancelled: Asked, name: str) -> Iterator[_Head | bytes]:
        """The head, then the bytes as they come.

        Raises:
            DownloadError: when nothing comes for too long, or something fails.
        """
        last = time.monotonic()
        while True:
            if cancelled():
                raise DownloadCancelled(name.rpartition("/")[2])
            try:
                item = self._queue.get(timeout=0.05)
            except queue.Empty:
                if time.monotonic() - last > self._rules.timeout:
                    raise DownloadError(f"{host} has not answered for {self._rules.timeout:g} seconds.") from None
                continue
            last = time.monotonic()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise _in_words(item, host, self._rules.timeout) from item
            yield item

    def _run(self) -> None:
        try:
            opener = urllib.request.build_opener(_SameHost(self._rules))
            with opener.open(self._request, timeout=self._rules.timeout) as response:
                self._put(_head(response))
                while not self._stop.is_set() and (chunk := response.read1(CHUNK)):
                    self._put(chunk)
            self._put(None)
        except BaseException as error:
            if isinstance(error, urllib.error.HTTPError) and error.code == 416:
                self._put(_Head(416, -1, None, ""))
            else:
                self._put(error)

    def _put(self, item: _Head | bytes | BaseException | None) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=0.1)
                return


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect within the host, and refuses one that leads elsewhere."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        # Not `req.host`, which is the proxy's where there is one.
        host, there = urlsplit(req.full_url).netloc, urlsplit(newurl)
        if there.netloc != host or there.scheme not in self._rules.schemes:
            raise DownloadError(f"{host} sends us to another place, {newurl[:120]}, which is not followed.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _permitted(url: str, rules: Rules) -> str:
    parts = urlsplit(url)
    if parts.scheme not in rules.schemes or parts.netloc not in rules.hosts:
        raise DownloadError(
            f"{url[:120]} is not fetched: only {', '.join(rules.hosts)} over {' or '.join(rules.schemes)} are."
        )
    return parts.netloc


def _headers(have: int, validator: str) -> dict[str, str]:
    headers = {"User-Agent": "gmstudio", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    return headers


def _head(response: Any) -> _Head:
    headers = response.headers
    if headers.get("Content-Encoding", "identity") != "identity":
        raise DownloadError("The server sends the file in an encoding that was not asked for.")
    length = headers.get("Content-Length", "")
    # "bytes 200-1000/1001"; where it cannot be read the part is not used.
    start = headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    etag = headers.get("ETag", "")
    return _Head(
        status=response.status,
        start=int(start) if start.isdecimal() else -1,
        length=int(length) if length.isdecimal() else None,
        # A weak tag does not promise the same bytes.
        validator=headers.get("Last-Modified", "") if not etag or etag.startswith("W/") else etag,
    )


def _begun(target: Path) -> tuple[int, _Began]:
    """How many bytes of an earlier try are of use, and what is known of the file."""
    try:
        known = json.loads(_beside(target).read_bytes()[:4096])
        began = _Began(str(known["validator"]), int(known["total"]))
        have = target.stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return 0, _Began()
    # Without a name for the file there is no telling whether the rest belongs to the same one.
    return (have, began) if have and began.validator else (0, _Began())


def _beside(target: Path) -> Path:
    return target.with_name(target.name + ".json")


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise DownloadError(
            f"The disk has {size_in_words(free)} free in {folder}, and {size_in_words(needed + SPARE)} are needed.",
            "Make room, or move the folder with the environment variable GMSTUDIO_HOME.",
        )


def _too_large(host: str, name: str, limit: int) -> DownloadError:
    return DownloadError(
        f"{host} sends more than {size_in_words(limit)} for {name.rpartition('/')[2]}, which is more than it can be.",
        f"It is not kept. Instead, {OWN_FILE}.",
    )


def _twice(target: Path) -> DownloadError:
    return DownloadError(f"Another program is downloading {target.stem}, too.", "Wait until it is done.")


def _disk(error: OSError, target: Path) -> DownloadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(
            f"The disk is full: {target.parent}.", "Make room; the download then goes on where it stopped."
        )
    return DownloadError(f"{target} cannot be written: {error.strerror or error}.", "Check the folder's permissions.")


def _in_words(error: BaseException, host: str, timeout: float) -> BaseException:
    """What a failure of the network means for a person; other errors stay as they are."""
    if isinstance(error, DownloadError):
        return error
    if isinstance(error, urllib.error.HTTPError):
        if error.code == 404:
            return DownloadError(f"{host} no longer has this file (404 {error.reason}).", f"Please {OWN_FILE}.")
        return DownloadError(f"{host} answered with {error.code} {error.reason}.")
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, socket.gaierror):
        return DownloadError(
            f"There is no network, or no name server that knows {host}.", f"Check the connection, or {OWN_FILE}."
        )
    if isinstance(cause, TimeoutError):
        return DownloadError(f"{host} has not answered for {timeout:g} seconds.")
    if isinstance(cause, ssl.SSLError):
        return DownloadError(f"{host} could not prove who it is ({cause.reason or cause}).", f"Please {OWN_FILE}.")
    if isinstance(cause, http.client.IncompleteRead):
        return DownloadError(
            f"The connection to {host} broke.", f"Download it again, it goes on where it stopped; or {OWN_FILE}."
        )
    if isinstance(cause, (OSError, http.client.HTTPException)):
        return DownloadError(f"{host} cannot be reached: {cause}.", f"Check the connection, or {OWN_FILE}.")
    return error
