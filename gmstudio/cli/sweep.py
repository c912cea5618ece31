"""`gmstudio sweep`: every data set with every model, schedule and seed, and the table of it."""

from __future__ import annotations

import argparse
import json
import queue
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from gmstudio.cli.command import Command, InputError

if TYPE_CHECKING:
    from gmstudio.projects.project import Project
    from gmstudio.sweeps.events import Event, Progress
    from gmstudio.sweeps.spec import SweepSpec
    from gmstudio.sweeps.sweep import Sweep


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = "Train every data set with every model, schedule and seed; what a project holds is not redone."
    parser.add_argument("spec", help="JSON file of a sweep; - for standard input")
    parser.add_argument("--project", type=Path, required=True, help="project to keep results in; made where missing")
    parser.add_argument("--out", type=Path, help="write the table here: .csv, .tex or .md")
    parser.add_argument(
        "--units", choices=("standardised", "data"), default="standardised", help="of the table's likelihoods"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, default=0, help="processes (default: one for each GPU, or each core)")
    where.add_argument("--cluster", default="", help="address of a Dask scheduler, or 'local' for one on loopback")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--estimate", action="store_true", help="tell how many runs there are and how long they take")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> int:
    """Train what is missing, and write the table."""
    from gmstudio.projects.project import Project
    from gmstudio.sweeps import workers, writing
    from gmstudio.sweeps.sweep import Sweep

    if not 0 <= options.workers <= workers.MOST_WORKERS:
        raise InputError(f"--workers is {options.workers}.", f"Use 1 to {workers.MOST_WORKERS}.")
    if options.cluster:
        workers.check_address(options.cluster)
    if options.out is not None:
        writing.form(options.out)
    spec = _spec(options.spec)
    with Project.open(options.project) if options.project.exists() else Project.create(options.project) as project:
        sweep = Sweep(spec, project, number=options.workers, cluster=options.cluster, device=options.device)
        told = _follow(sweep, only_measure=options.estimate, quiet=options.quiet)
        table = sweep.table(options.units)
        if options.out is not None:
            try:
                writing.write(options.out, table)
            except OSError as error:
                raise InputError(f"{options.out}: {error.strerror or error}.") from error
        return _tell(sweep, project, told, options)


def _spec(name: str) -> SweepSpec:
    from gmstudio import runs
    from gmstudio.registry import SpecError
    from gmstudio.sweeps import spec

    try:
        if name == "-":
            source = sys.stdin.buffer.read(runs.MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                source = file.read(runs.MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}.") from error
    try:
        return spec.from_json(source)
    except SpecError as error:
        raise InputError(f"{name}: {error}") from error


class _Told:
    """What the sweep has said that is told at the end.

    Attributes:
        reason: why it ended early; empty where it did not.
        estimate: seconds that it was thought to take; None where unknown.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.estimate: float | None = None


def _follow(sweep: Sweep, *, only_measure: bool, quiet: bool) -> _Told:
    """Sweep in a thread of its own, so that Ctrl-C ends it cleanly and progress is drawn while it goes on."""
    from gmstudio.sweeps.events import ENDS, State

    told, bar = _Told(), _Bar(sweep, sys.stderr.isatty() and not quiet)

    def stop(signum: int, frame: FrameType | None) -> None:
        sweep.stop()

    before = signal.signal(signal.SIGINT, stop), signal.signal(signal.SIGTERM, stop)
    sweep.start(only_measure=only_measure)
    try:
        while True:
            try:
                event = sweep.events.get(timeout=0.1)
            except queue.Empty:
                bar.show()
                continue
            _hear(event, told, bar)
            if isinstance(event, State) and event.state in ENDS:
                break
        while not sweep.join(0.1):
            pass
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
        bar.end()
    return told


def _hear(event: Event, told: _Told, bar: _Bar) -> None:
    """Keep or say what a person wants to know of an event."""
    from gmstudio.sweeps.events import Counted, Estimated, Finished, Progress, Retried, State

    if isinstance(event, Counted):
        bar.say(f"{event.runs:,} runs, {event.done:,} of them done before; {event.tasks:,} passes to do")
    elif isinstance(event, Estimated):
        told.estimate = event.seconds
        bar.say(f"about {_time(event.seconds)} on {event.workers} worker{'s' if event.workers > 1 else ''}")
    elif isinstance(event, Progress):
        bar.follow(event)
    elif isinstance(event, Retried):
        bar.say(f"{len(event.keys)} of the runs are tried once more: {event.reason}")
    elif isinstance(event, Finished):
        bar.finished(event.results)
        for reason in {result.reason for result in event.results.values() if result.state == "failed"}:
            bar.say(f"{len(event.results)} of the runs failed: {reason}")
    elif isinstance(event, State):
        told.reason = event.reason


class _Bar:
    """A progress bar on a terminal; elsewhere only what is said."""

    WIDTH = 30

    def __init__(self, sweep: Sweep, on: bool) -> None:
        self.on = on
        self._sweep = sweep
        self._ended = sum(result.state == "done" for result in sweep.results.values())
        self._shares: dict[int, tuple[frozenset[str], float]] = {}
        self._next = 0.0

    def follow(self, progress: Progress) -> None:
        """Some runs are further."""
        share = progress.step / progress.steps if progress.steps else 0.0
        self._shares[progress.task] = (frozenset(progress.keys), share)
        self.show()

    def finished(self, results: dict[str, Any]) -> None:
        """Some runs have ended."""
        self._ended += len(results)
        self._shares = {task: shares for task, shares in self._shares.items() if shares[0].isdisjoint(results)}
        self.show()

    def show(self) -> None:
        """Draw the bar, a few times a second."""
        now = time.monotonic()
        if not self.on or now < self._next:
            return
        self._next = now + 0.2
        runs = len(self._sweep.plan.runs)
        share = min(1.0, (self._ended + sum(len(keys) * part for keys, part in self._shares.values())) / runs)
        left = self._sweep.seconds_left
        text = "" if left is None else f" · {_time(left)} left"
        done = "█" * round(share * self.WIDTH)
        line = f"{done:·<{self.WIDTH}} {share:4.0%} {self._ended:,}/{runs:,} runs{text}"
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """A line of its own."""
        print(f"\r\x1b[K{text}" if self.on else f"gmstudio: {text}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self.on:
            print(file=sys.stderr)


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _tell(sweep: Sweep, project: Project, told: _Told, options: argparse.Namespace) -> int:
    if told.reason:
        print(f"gmstudio: {told.reason}", file=sys.stderr)
    results = sweep.results.values()
    failed = sum(result.state == "failed" for result in results)
    result: dict[str, Any] = {
        "state": sweep.state,
        "runs": len(sweep.plan.runs),
        "done": sweep.done(),
        "failed": failed,
        "project": str(project.path),
        "out": None if options.out is None else str(options.out),
    }
    if told.estimate is not None:
        result["estimated_seconds"] = round(told.estimate, 1)
    print(json.dumps(result))
    if sweep.state == "finished":
        return 1 if failed and not options.estimate else 0
    return 130 if sweep.state == "stopped" else 1


COMMAND = Command("sweep", "train all combinations and write the table", configure, run)
