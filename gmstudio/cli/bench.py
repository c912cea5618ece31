"""`gmstudio bench`: measuring this machine."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

from gmstudio.cli.command import Command

BENCHMARKS = (
    "gui",
    "start",
    "close",
    "react",
    "method",
    "learn",
    "gamma",
    "train",
    "vaes",
    "observe",
    "scale",
    "tables",
    "table1",
    "table2",
    "recipe",
)
#: What takes hours is not among all.
LONG = frozenset({"table1", "table2", "recipe"})


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("which", choices=(*BENCHMARKS, "all"))
    parser.add_argument("--json", type=Path, help="write the figures there")


def measure(which: str, arguments: list[str]) -> int:
    """Run one benchmark with arguments of its own; returns the exit status."""
    module = importlib.import_module(f"gmstudio.bench.{which}")
    status: int = module.main(arguments)
    return status


def run(options: argparse.Namespace) -> int:
    """Run benchmarks one after the other; returns the worst exit status."""
    import tempfile

    figures: dict[str, Any] = {}
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        every = tuple(name for name in BENCHMARKS if name not in LONG)
        for which in every if options.which == "all" else (options.which,):
            out = Path(folder) / f"{which}.json"
            status = max(status, measure(which, ["--json", str(out)]))
            if out.exists():
                figures[which] = json.loads(out.read_text(encoding="utf-8"))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return status


COMMAND = Command("bench", "measure: " + ", ".join(BENCHMARKS), configure, run)
