"""`gmstudio bench react`: milliseconds from the command to pause until the training holds, on every engine.

A session trains vanilla and mollified side by side and is observed, as in the window.  At random moments it is told to
pause, and is asked when its last step was made and when it has told the person so, its picture up to date.
"""

from __future__ import annotations

import argparse
import random
import statistics
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmstudio.bench import ours, report
from gmstudio.bench.architecture import Architecture

if TYPE_CHECKING:
    from gmstudio.sessions.session import Session

#: Milliseconds after which the training should hold at the latest.
BAR = 100.0
#: What is trained: the window's default, and the largest model of the other benchmarks; each with its batch.
MODELS = ((Architecture("real-nvp", 6, 64), 128), (Architecture("real-nvp", 8, 128), 256))


def main(arguments: list[str]) -> int:
    """Pause many times; returns 0 when every pause took effect in time."""
    parser = argparse.ArgumentParser(prog="gmstudio bench react", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="pauses of each training (default: 30)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    moments = random.Random(options.seed)
    rows = []
    for architecture, batch in MODELS:
        for engine in ours.engines(options.device):
            row = _measure(architecture, batch, engine, options.device, options.rounds, moments)
            print(
                f"{row['config']:<40} {row['engine']:<9} holds after {row['holds_median_ms']:5.1f} ms, at most "
                f"{row['holds_max_ms']:5.1f} (bar: {BAR:g}); picture complete after {row['told_median_ms']:5.1f}, "
                f"at most {row['told_max_ms']:5.1f}"
            )
            rows.append(row)
    report.write_rows(options.json, rows, device=options.device)
    return int(any(row["holds_max_ms"] > BAR for row in rows))


def _measure(
    architecture: Architecture, batch: int, engine: str, device: str, rounds: int, moments: random.Random
) -> dict[str, Any]:
    """Train in a thread, and pause it `rounds` times."""
    from gmstudio.sessions.session import Session
    from gmstudio.training.commands import Stop

    trained = ours.experiment(architecture, batch=batch, columns="twins", engine=engine)
    session = Session(trained, device=device)
    thread = threading.Thread(target=session.run)
    thread.start()
    try:
        _await(session, "running")
        time.sleep(1.0)
        pauses = [_pause(session, moments.uniform(0.05, 0.4)) for _ in range(rounds)]
    finally:
        session.post(Stop())
        thread.join()
    holds, told = zip(*pauses, strict=True)
    return {
        "config": f"{architecture}, batch {batch}, twins",
        "engine": engine,
        "holds_median_ms": statistics.median(holds),
        "holds_max_ms": max(holds),
        "told_median_ms": statistics.median(told),
        "told_max_ms": max(told),
    }


def _pause(session: Session, wait: float) -> tuple[float, float]:
    """Let it train for `wait` seconds and pause it; milliseconds until its last step, and until it said so."""
    from gmstudio.training.commands import Pause, Play

    time.sleep(wait)
    step, last = -1, 0.0
    began = time.perf_counter()
    session.post(Pause())
    while True:
        now = time.perf_counter()
        # Looked at from outside, since a session tells its steps only every now and then.
        if session._trainer.step != step:
            step, last = session._trainer.step, now
        status = session.status.take()
        if status is not None and status.state == "paused":
            break
        time.sleep(2e-4)
    session.post(Play())
    _await(session, "running")
    return 1e3 * max(0.0, last - began), 1e3 * (now - began)


def _await(session: Session, state: str) -> None:
    """Wait until the session is in this state.

    Raises:
        RuntimeError: when it ends before.
    """
    while True:
        status = session.status.take()
        if status is not None and status.state == state:
            return
        if status is not None and status.state in ("failed", "finished", "stopped"):
            raise RuntimeError(f"the training has {status.state} before it was {state}")
        time.sleep(1e-3)
