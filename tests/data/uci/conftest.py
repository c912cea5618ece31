"""A small wine and the server that has it."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gmstudio.data.uci.catalogue import CATALOGUE, Entry, Member

sys.path.insert(0, str(Path(__file__).parent))
from serving import HEADER, ROWS, Server, as_text, well, wine_numbers, zipped


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    content = as_text(HEADER, wine_numbers()).encode()
    served = Server(zipped({"winequality-red.csv": content, "winequality.names": b"about\n" * 50}), well)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(dict(self.headers))
            served.respond(self, served)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        served.port = running.server_address[1]
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield served
        running.shutdown()
        thread.join()


@pytest.fixture
def entry(server: Server) -> Entry:
    """A small red wine, without a known hash."""
    return dataclasses.replace(
        CATALOGUE["red wine"],
        url=server.url,
        size=len(server.body),
        rows=ROWS,
        members=(Member("winequality-red.csv", 10**6),),
        content="",
    )
