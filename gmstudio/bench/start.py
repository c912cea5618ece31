"""`gmstudio bench start`: seconds from process start to the visible window, and to the first training step."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gmstudio.bench import report


def main(arguments: list[str]) -> int:
    """Start the window several times; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gmstudio bench start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="counted starts after one warm-up (default: 5)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    rounds = [_start() for _ in range(options.rounds + 1)][1:]
    figures: dict[str, Any] = {
        "window_s": statistics.median(r["window"] for r in rounds),
        "first_step_s": statistics.median(r["first_step"] for r in rounds),
        "torch_before_window": any(r["torch"] for r in rounds),
        "rounds": rounds,
    }
    print(f"window visible   {figures['window_s']:.2f} s   (bar: 0.7, torch not imported: {not rounds[0]['torch']})")
    print(f"first step       {figures['first_step_s']:.2f} s   (bar: 3.5)")
    report.write(options.json, figures)
    return 0


def _start() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        environment = report.window_environment(Path(folder), trace)
        began = time.time()
        process = subprocess.Popen([sys.executable, "-m", "gmstudio", "--play"], env=environment)
        try:
            marks = _wait(trace, process, "first_step", 60)
        finally:
            process.terminate()
            process.wait(30)
    return {
        "window": marks["window"]["time"] - began,
        "torch": marks["window"]["torch"],
        "first_step": marks["first_step"]["time"] - began,
    }


def _wait(trace: Path, process: subprocess.Popen[bytes], event: str, seconds: float) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if trace.exists():
            marks = {m["event"]: m for m in map(json.loads, trace.read_text(encoding="utf-8").splitlines())}
            if event in marks:
                return marks
        if process.poll() is not None:
            raise RuntimeError(f"the window ended with status {process.returncode} before its first step")
        time.sleep(0.02)
    raise RuntimeError(f"no {event} within {seconds:.0f} s")
