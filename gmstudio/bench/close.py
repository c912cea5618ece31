"""`gmstudio bench close`: close the window at random moments of training; each must end with status 0."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gmstudio.bench import report


def main(arguments: list[str]) -> int:
    """Close many windows; returns 0 when every one of them ended with status 0."""
    parser = argparse.ArgumentParser(prog="gmstudio bench close", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="how many windows (default: 50)")
    parser.add_argument(
        "--latest", type=float, default=6.0, help="seconds after which a window is closed at the latest"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    moments = random.Random(options.seed)
    rounds = [_close(moments.uniform(0.0, options.latest)) for _ in range(options.rounds)]
    slowest = max(r["seconds"] for r in rounds)
    bad = [r for r in rounds if r["status"] != 0]
    print(f"{len(rounds)} windows closed, {len(bad)} with a status other than 0, slowest: {slowest:.2f} s (bar: 2)")
    report.write(options.json, {"closed": len(rounds), "failed": len(bad), "slowest_s": slowest, "rounds": rounds})
    return 1 if bad else 0


def _close(moment: float) -> dict[str, Any]:
    """Open a window that trains, and close it `moment` seconds after it became visible."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        environment = report.window_environment(Path(folder), trace)
        command = [sys.executable, "-m", "gmstudio", "--play", "--close-after", f"{moment:.3f}"]
        process = subprocess.run(command, env=environment, capture_output=True, timeout=120)
        ended = time.time()
        closing = [line for line in trace.read_text(encoding="utf-8").splitlines() if '"close"' in line]
    began = float(closing[0].partition('"time": ')[2].partition(",")[0]) if closing else float("nan")
    return {"moment": moment, "status": process.returncode, "seconds": ended - began, "errors": process.stderr.decode()}
