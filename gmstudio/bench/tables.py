"""`gmstudio bench tables`: opening a large table, each time in a process of its own."""

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

#: Format: the most seconds that opening may take.
BARS = {"csv": 3.0, "parquet": 1.0}
MOST_MB = 2_000

#: Run in the fresh process: the time starts before anything of the project is imported.
_OPEN = """
import json, sys, time
began = time.perf_counter()
from pathlib import Path
from gmstudio.data.tables.reading import read
looks, marks = [0], []
def stop():
    looks[0] += 1
    return False
table = read(Path(sys.argv[1]), progress=marks.append, cancelled=stop)
seconds = time.perf_counter() - began
from gmstudio.bench.tables import peak_mb
print(json.dumps({
    "seconds": seconds, "peak_mb": peak_mb(), "rows": table.rows, "columns": len(table.columns),
    "progress_marks": len(marks), "looks_at_cancel": looks[0],
}))
"""


def main(arguments: list[str]) -> int:
    """Open a table several times; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gmstudio bench tables", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows (default: 1,000,000)")
    parser.add_argument("--columns", type=int, default=43, help="columns (default: 43)")
    parser.add_argument("--rounds", type=int, default=3, help="openings of each file (default: 3)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, path in _files(Path(folder), options.rows, options.columns).items():
            rounds = [_open(path) for _ in range(options.rounds)]
            seconds = statistics.median(r["seconds"] for r in rounds)
            peak = max(r["peak_mb"] for r in rounds)
            megabytes = path.stat().st_size / 1e6
            figures[kind] = {"seconds": seconds, "peak_mb": peak, "file_mb": megabytes, "rounds": rounds}
            print(
                f"{kind:<8} {megabytes:6.0f} MB   {seconds:5.2f} s (bar: {BARS[kind]:g})   "
                f"peak {peak:5.0f} MB (bar: {MOST_MB:,})   {rounds[0]['progress_marks']} steps of the progress bar"
            )
    report.write(options.json, figures)
    return 0


def _files(folder: Path, rows: int, columns: int) -> dict[str, Path]:
    """The same numbers, normal with six digits, in both formats."""
    import numpy as np
    import polars as pl

    generator = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{place}": generator.normal(size=rows).round(6) for place in range(1, columns + 1)})
    paths = {"csv": folder / "table.csv", "parquet": folder / "table.parquet"}
    frame.write_csv(paths["csv"])
    frame.write_parquet(paths["parquet"])
    return paths


def _open(path: Path) -> dict[str, Any]:
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _OPEN, str(path)], capture_output=True, text=True, check=True)
    return {**json.loads(done.stdout), "process_s": time.perf_counter() - began}


def peak_mb() -> float:
    """The most memory that this process has held, in megabytes; NaN where the system does not say."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kibibytes, but bytes on a Mac.
    return float(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)
