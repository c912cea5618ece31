"""A server on this computer that behaves well or badly, and made files like those of the repository."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import numpy as np

from gmstudio.data.uci.transfer import Rules

ROWS = 400
HEADER = [f"acid {i}" for i in range(11)] + ["quality"]


def wine_numbers(rows: int = ROWS, seed: int = 1) -> np.ndarray:
    """Numbers like those of the wines, (rows, 12)."""
    return np.random.default_rng(seed).normal(5, 2, (rows, len(HEADER))).round(4)


def as_text(header: list[str], values: np.ndarray, delimiter: str = ";") -> str:
    """A table as UCI writes it: names in quotes."""
    lines = [delimiter.join(f'"{name}"' for name in header)]
    lines += [delimiter.join(repr(float(x)) for x in row) for row in values]
    return "\n".join(lines) + "\n"


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


@dataclass
class Server:
    """What is served, how, and what was asked for."""

    body: bytes
    respond: Callable[[BaseHTTPRequestHandler, Server], None]
    etag: str = '"first"'
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def rules(self) -> Rules:
        return Rules(hosts=(f"127.0.0.1:{self.port}",), schemes=("http",), timeout=0.6)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/static/public/186/wine+quality.zip"


def well(handler: BaseHTTPRequestHandler, server: Server) -> None:
    """As a server should: parts on demand, unless the file has changed."""
    start = 0
    wanted = handler.headers.get("Range", "")
    if wanted and handler.headers.get("If-Range") == server.etag:
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(server.body):
            handler.send_error(416)
            return
    handler.send_response(206 if start else 200)
    handler.send_header("ETag", server.etag)
    handler.send_header("Content-Length", str(len(server.body) - start))
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}/{len(server.body)}")
    handler.end_headers()
    handler.wfile.write(server.body[start:])
