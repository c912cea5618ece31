"""Downloads, from servers that fail in every way: nothing wrong is ever kept, and every failure has words."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serving import HEADER, Server, as_text, well, wine_numbers, zipped

from gmstudio.data.uci import download, store, transfer
from gmstudio.data.uci.catalogue import CATALOGUE, Entry, Member
from gmstudio.data.uci.errors import DownloadCancelled, DownloadError
from gmstudio.data.uci.transfer import Rules


def nothing_is_there(entry: Entry) -> bool:
    return store.load(entry) is None and not store.path_of(entry).exists()


def partial(entry: Entry) -> Path:
    return store.folder() / f"{entry.archive}.part"


def half(handler: BaseHTTPRequestHandler, server: Server) -> None:
    """Promises the whole file and sends half of what was asked for."""
    handler.send_response(200)
    handler.send_header("ETag", server.etag)
    handler.send_header("Content-Length", str(len(server.body)))
    handler.end_headers()
    handler.wfile.write(server.body[: len(server.body) // 2])


def refused(entry: Entry, server: Server, match: str) -> DownloadError:
    with pytest.raises(DownloadError, match=match) as caught:
        download.fetch(entry, rules=server.rules)
    assert caught.value.remedy
    assert nothing_is_there(entry)
    return caught.value


def test_a_data_set_is_fetched_prepared_and_kept(entry: Entry, server: Server) -> None:
    shares: list[float] = []
    path = download.fetch(entry, progress=shares.append, rules=server.rules)
    table = store.load(entry)
    assert table is not None and path == store.path_of(entry)
    assert np.array_equal(table.values, wine_numbers()[:, :11]) and table.columns == tuple(HEADER[:11])
    assert shares == sorted(shares) and shares[-1] == 1
    assert sorted(p.name for p in store.folder().iterdir()) == ["red-wine.safetensors", "wine-quality.zip.sha256"]


def test_what_is_there_is_not_fetched_again(entry: Entry, server: Server) -> None:
    download.fetch(entry, rules=server.rules)
    download.fetch(entry, rules=server.rules)
    assert len(server.asked) == 1


def test_the_first_download_without_a_known_hash_says_so_and_notes_the_hash(entry: Entry, server: Server) -> None:
    download.fetch(entry, rules=server.rules)
    origin = store.origin(entry)
    assert origin is not None and origin.check == "first use"
    assert origin.sha256 == hashlib.sha256(server.body).hexdigest()
    assert "no known hash" in origin.in_words and origin.sha256[:16] in origin.in_words


def test_another_file_than_the_one_noted_at_first_is_refused(entry: Entry, server: Server) -> None:
    download.fetch(entry, rules=server.rules)
    store.path_of(entry).unlink()
    server.body = zipped({"winequality-red.csv": as_text(HEADER, wine_numbers(seed=2)).encode()})
    refused(entry, server, "has changed since it was first downloaded")


def test_a_known_hash_is_checked(entry: Entry, server: Server) -> None:
    known = dataclasses.replace(entry, sha256=hashlib.sha256(server.body).hexdigest())
    download.fetch(known, rules=server.rules)
    origin = store.origin(known)
    assert origin is not None and origin.check == "known"


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_wrong_hash_is_refused_and_nothing_is_kept(entry: Entry, server: Server, kind: str) -> None:
    wrong = hashlib.new(kind, b"something else").hexdigest()
    error = refused(dataclasses.replace(entry, **{kind: wrong}), server, "not the file that was expected")  # type: ignore[arg-type]
    assert wrong in str(error)
    assert not partial(entry).exists()


def test_numbers_that_are_not_the_papers_are_refused(entry: Entry, server: Server) -> None:
    refused(dataclasses.replace(entry, content="0" * 64), server, "but not its numbers")


def test_a_truncated_file_is_not_kept_and_the_next_try_goes_on(entry: Entry, server: Server) -> None:
    server.respond = half
    error = refused(entry, server, "broke after")
    assert "goes on where it stopped" in error.remedy
    server.respond = well
    download.fetch(entry, rules=server.rules)
    assert server.asked[1]["Range"] == f"bytes={len(server.body) // 2}-"
    assert server.asked[1]["If-Range"] == server.etag
    origin = store.origin(entry)
    assert origin is not None and origin.sha256 == hashlib.sha256(server.body).hexdigest()


def test_a_file_without_a_length_that_breaks_off_is_not_kept(entry: Entry, server: Server) -> None:
    def silent(handler: BaseHTTPRequestHandler, server: Server) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(server.body[:-30])

    server.respond = silent
    refused(entry, server, "damaged or no archive")


def test_a_file_that_changed_in_between_is_fetched_from_the_start(entry: Entry, server: Server) -> None:
    server.respond = half
    refused(entry, server, "broke after")
    server.respond, server.etag = well, '"second"'
    server.body = zipped({"winequality-red.csv": as_text(HEADER, wine_numbers(seed=3)).encode()})
    download.fetch(entry, rules=server.rules)
    table = store.load(entry)
    assert table is not None and np.array_equal(table.values, wine_numbers(seed=3)[:, :11])


def test_a_server_that_ignores_ranges_is_read_from_the_start(entry: Entry, server: Server) -> None:
    def whole(handler: BaseHTTPRequestHandler, server: Server) -> None:
        del handler.headers["Range"]
        well(handler, server)

    server.respond = half
    refused(entry, server, "broke after")
    server.respond = whole
    download.fetch(entry, rules=server.rules)
    origin = store.origin(entry)
    assert origin is not None and origin.sha256 == hashlib.sha256(server.body).hexdigest()


def test_a_server_that_sends_another_part_is_asked_for_everything(entry: Entry, server: Server) -> None:
    def shifted(handler: BaseHTTPRequestHandler, server: Server) -> None:
        if "Range" not in handler.headers:
            well(handler, server)
            return
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 3-{len(server.body) - 1}/{len(server.body)}")
        handler.send_header("Content-Length", str(len(server.body) - 3))
        handler.end_headers()
        handler.wfile.write(server.body[3:])

    server.respond = half
    refused(entry, server, "broke after")
    server.respond = shifted
    download.fetch(entry, rules=server.rules)
    origin = store.origin(entry)
    assert origin is not None and origin.sha256 == hashlib.sha256(server.body).hexdigest()


@pytest.mark.parametrize("code", [206, 416])
def test_a_server_that_never_sends_all_of_it_is_given_up(entry: Entry, server: Server, code: int) -> None:
    def never(handler: BaseHTTPRequestHandler, server: Server) -> None:
        handler.send_response(code)
        handler.send_header("Content-Range", "bytes 5-9/10")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.respond = half
    refused(entry, server, "broke after")
    server.respond = never
    refused(entry, server, "sends a part of the file")
    assert len(server.asked) == 3


def test_what_a_killed_program_left_unpacked_is_removed_after_a_day(entry: Entry, server: Server) -> None:
    old, new = store.folder() / ".unpacked-old", store.folder() / ".unpacked-new"
    for left in (old, new):
        left.mkdir()
        (left / "0-data.csv").write_text("1")
    os.utime(old, (1, 1))
    download.fetch(entry, rules=server.rules)
    assert not old.exists() and new.exists()


def test_a_part_that_is_longer_than_the_file_is_thrown_away(entry: Entry, server: Server) -> None:
    server.respond = half
    refused(entry, server, "broke after")
    server.respond = well
    with partial(entry).open("ab") as file:
        file.write(bytes(len(server.body)))
    download.fetch(entry, rules=server.rules)
    origin = store.origin(entry)
    assert origin is not None and origin.sha256 == hashlib.sha256(server.body).hexdigest()


@pytest.mark.parametrize("code, words", [(502, "502 Bad Gateway"), (503, "503"), (404, "no longer has"), (403, "403")])
def test_a_failing_server_is_named_with_what_it_said(entry: Entry, server: Server, code: int, words: str) -> None:
    server.respond = lambda handler, _: handler.send_error(code)
    assert "127.0.0.1" in refused(entry, server, words).message


def hang_at_once(handler: BaseHTTPRequestHandler, server: Server) -> None:
    time.sleep(3)


def hang_in_the_middle(handler: BaseHTTPRequestHandler, server: Server) -> None:
    half(handler, server)
    handler.wfile.flush()
    time.sleep(3)


def drip_a_header(handler: BaseHTTPRequestHandler, server: Server) -> None:
    """Every read gets a byte in time, and the answer never begins."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
    for _ in range(30):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("respond", [hang_at_once, hang_in_the_middle, drip_a_header])
def test_a_server_that_hangs_is_given_up(entry: Entry, server: Server, respond: Any) -> None:
    server.respond = respond
    refused(entry, server, "has not answered for 0.6 seconds")


def test_a_name_server_that_hangs_is_given_up(entry: Entry, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: asleep.wait(20))
    refused(entry, server, "has not answered for 0.6 seconds")
    asleep.set()


def test_the_usual_time_out_leaves_a_message_within_ten_seconds() -> None:
    assert Rules().timeout <= 9


def test_without_a_network_a_file_of_ones_own_is_offered() -> None:
    nowhere = Rules(hosts=("no-such-host.invalid",), timeout=5)
    entry = dataclasses.replace(CATALOGUE["red wine"], url="https://no-such-host.invalid/wine+quality.zip")
    with pytest.raises(DownloadError, match="no network") as caught:
        download.fetch(entry, rules=nowhere)
    assert "choose a file that you already have" in caught.value.remedy
    assert nothing_is_there(entry)


def test_a_port_that_nobody_listens_on_is_said(entry: Entry, server: Server) -> None:
    closed = dataclasses.replace(entry, url="http://127.0.0.1:9/wine+quality.zip")
    with pytest.raises(DownloadError, match="cannot be reached"):
        download.fetch(closed, rules=Rules(hosts=("127.0.0.1:9",), schemes=("http",), timeout=2))


@pytest.mark.parametrize(
    "elsewhere",
    ["http://example.org/a.zip", "file:///etc/hostname", "http://127.0.0.1:1/a.zip", "https://127.0.0.1:{port}/a"],
)
def test_a_redirect_to_another_place_is_not_followed(entry: Entry, server: Server, elsewhere: str) -> None:
    def redirect(handler: BaseHTTPRequestHandler, server: Server) -> None:
        handler.send_response(302)
        handler.send_header("Location", elsewhere.format(port=server.port))
        handler.end_headers()

    server.respond = redirect
    refused(entry, server, "another place|302")
    assert len(server.asked) == 1


def test_a_redirect_within_the_host_is_followed_and_keeps_the_part(entry: Entry, server: Server) -> None:
    def moved(handler: BaseHTTPRequestHandler, server: Server) -> None:
        if handler.path.startswith("/new"):
            well(handler, server)
            return
        handler.send_response(301)
        handler.send_header("Location", "/new/wine.zip")
        handler.end_headers()

    server.respond = half
    refused(entry, server, "broke after")
    server.respond = moved
    download.fetch(entry, rules=server.rules)
    assert server.asked[-1]["Range"].startswith("bytes=")


@pytest.mark.parametrize(
    "url", ["http://archive.ics.uci.edu/a.zip", "https://example.org/a.zip", "https://archive.ics.uci.edu:81/a", "x"]
)
def test_only_listed_hosts_over_https_are_asked(url: str) -> None:
    with pytest.raises(DownloadError, match="is not fetched"):
        download.fetch(dataclasses.replace(CATALOGUE["red wine"], url=url))


def test_every_address_of_the_catalogue_is_permitted() -> None:
    for entry in CATALOGUE.values():
        assert entry.bundled or transfer._permitted(entry.url, Rules())


def test_a_file_that_never_ends_is_given_up(entry: Entry, server: Server) -> None:
    def endless(handler: BaseHTTPRequestHandler, server: Server) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(bytes(10**5))

    server.respond = endless
    refused(entry, server, "sends more than")
    assert not partial(entry).exists()


def test_a_file_that_says_it_is_huge_is_not_begun(entry: Entry, server: Server) -> None:
    def huge(handler: BaseHTTPRequestHandler, server: Server) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()

    server.respond = huge
    refused(entry, server, "sends more than")
    assert not partial(entry).exists()


def test_a_cancelled_download_goes_on_where_it_stopped(entry: Entry, server: Server) -> None:
    gone_on = threading.Event()

    def slow(handler: BaseHTTPRequestHandler, server: Server) -> None:
        half(handler, server)
        handler.wfile.flush()
        gone_on.wait(5)

    server.respond = slow
    arrived: list[float] = []
    with pytest.raises(DownloadCancelled):
        download.fetch(entry, progress=arrived.append, cancelled=lambda: bool(arrived), rules=server.rules)
    gone_on.set()
    assert nothing_is_there(entry)
    have = partial(entry).stat().st_size
    assert 0 < have < len(server.body)
    server.respond = well
    download.fetch(entry, rules=server.rules)
    assert server.asked[-1]["Range"] == f"bytes={have}-"
    origin = store.origin(entry)
    assert origin is not None and origin.sha256 == hashlib.sha256(server.body).hexdigest()


def test_a_download_that_arrived_before_a_crash_is_not_fetched_again(
    entry: Entry, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(download, "_unpack", crash)
        download.fetch(entry, rules=server.rules)
    assert nothing_is_there(entry) and partial(entry).exists()
    download.fetch(entry, rules=server.rules)
    assert len(server.asked) == 1


def test_a_full_disk_is_said_before_the_download(entry: Entry, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 5000, 5000))
    refused(entry, server, "The disk has 5 kB free")
    assert not server.asked


def test_a_disk_that_fills_up_keeps_what_has_arrived(
    entry: Entry, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(transfer, "_store", write)
        refused(entry, server, "The disk is full")
    download.fetch(entry, rules=server.rules)


def test_a_disk_that_fills_up_while_the_table_is_kept_leaves_none(
    entry: Entry, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gmstudio.durable.write", write)
    monkeypatch.setattr(transfer, "receive", lambda _, target, **__: target.write_bytes(server.body))
    refused(entry, server, "No space left")


def test_two_sets_of_one_archive_come_together(entry: Entry, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    white = dataclasses.replace(
        CATALOGUE["white wine"], url=entry.url, rows=100, content="", members=(Member("winequality-white.csv", 10**6),)
    )
    red_text, white_text = (as_text(HEADER, wine_numbers(rows)).encode() for rows in (400, 100))
    server.body = zipped({"winequality-red.csv": red_text, "winequality-white.csv": white_text})
    monkeypatch.setattr(download, "sharing", lambda _: (entry, white))
    download.fetch(entry, rules=server.rules)
    table = store.load(white)
    assert table is not None and table.values.shape == (100, 11)
    download.fetch(white, rules=server.rules)
    assert len(server.asked) == 1


def test_what_scikit_learn_brings_along_is_not_downloaded() -> None:
    with pytest.raises(DownloadError, match="comes with scikit-learn"):
        download.fetch(CATALOGUE["iris"])
