"""`gmstudio data`: the data sets of the catalogue, and fetching one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmstudio.cli.command import Command

if TYPE_CHECKING:
    from gmstudio.data.uci.catalogue import Entry

WIDTH = 28


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    verbs = parser.add_subparsers(title="commands", dest="verb")
    fetch = verbs.add_parser("fetch", help="download a data set, or take a file that you have")
    fetch.add_argument("name", help="as the list shows it; capitals, spaces and hyphens do not matter")
    fetch.add_argument("--file", type=Path, metavar="PATH", help="a file that you already have, instead of a download")
    fetch.add_argument("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> int:
    """List the data sets, or fetch one; the result is the last line, in JSON."""
    return _fetch(options) if options.verb == "fetch" else _list()


def _list() -> int:
    from gmstudio.data.uci.catalogue import CATALOGUE, size_in_words

    listed = [_described(entry) for entry in CATALOGUE.values()]
    for entry, about in zip(CATALOGUE.values(), listed, strict=True):
        shape = f"{entry.rows:,} × {entry.columns or '…'}"
        state = "there" if about["available"] else f"download, {size_in_words(entry.size)}"
        print(f"  {entry.name:<14} {shape:>14}  {state:<18} {entry.title}", file=sys.stderr)
    print(json.dumps(listed))
    return 0


def _described(entry: Entry) -> dict[str, Any]:
    from gmstudio.data.uci import store

    kept = None if entry.bundled else store.origin(entry)
    return {
        "name": entry.name,
        "title": entry.title,
        "rows": entry.rows,
        "columns": entry.columns or None,
        "available": entry.bundled or kept is not None,
        "checked": "bundled" if entry.bundled else kept and kept.check,
        "size": entry.size,
        "url": entry.url,
        "licence": entry.licence,
        "citation": entry.citation,
        "preparation": entry.preparation,
    }


def _fetch(options: argparse.Namespace) -> int:
    from gmstudio.data.uci import catalogue, download, store

    entry = catalogue.find(options.name)
    print(f"{entry.title}: {entry.licence}. {entry.citation}", file=sys.stderr)
    bar = _Bar(sys.stderr.isatty() and not options.quiet)
    try:
        if options.file is not None:
            path = download.adopt(entry, options.file, progress=bar)
        else:
            path = download.fetch(entry, progress=bar)
    except KeyboardInterrupt:
        bar.end()
        print("gmstudio: Stopped. The next download goes on where this one stopped.", file=sys.stderr)
        return 130
    except download.DownloadError:
        bar.end()
        raise
    bar.end()
    kept = store.origin(entry)
    assert kept is not None, "what was stored can be read"
    print(kept.in_words, file=sys.stderr)
    about = {"sha256": kept.sha256, "fingerprint": kept.fingerprint, "path": str(path)}
    print(json.dumps(_described(entry) | about))
    return 0


class _Bar:
    """A progress bar on a terminal; nothing elsewhere."""

    def __init__(self, shown: bool) -> None:
        self._shown, self._last = shown, -1

    def __call__(self, share: float) -> None:
        percent = int(100 * share)
        if self._shown and percent != self._last:
            self._last = percent
            full = WIDTH * percent // 100
            print(f"\r{'█' * full}{'░' * (WIDTH - full)} {percent:3d} %\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._shown and self._last >= 0:
            print(file=sys.stderr)


COMMAND = Command("data", "data sets that can be chosen by name; download one", configure, run)
