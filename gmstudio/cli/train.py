"""`gmstudio train`: training without a window."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from gmstudio.cli.command import Command, InputError, find_run

if TYPE_CHECKING:
    from gmstudio.projects.project import Project
    from gmstudio.runs import Experiment
    from gmstudio.sessions import Outcome, Session, Status


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = "Train a run or an experiment."
    parser.add_argument("spec", help="JSON file of a run or an experiment; - for standard input")
    parser.add_argument("--project", type=Path, help="project file to record in; made where it is missing")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)")
    parser.add_argument("--steps", type=int, help="train for so many steps instead of the specification's")
    parser.add_argument("--seed", type=int, help="use this seed instead of the specification's")
    parser.add_argument("--twin", action="store_true", help="train vanilla beside mollified")
    parser.add_argument("--resume", metavar="ID", help="go on with this run of the project ('last' for the newest)")
    parser.add_argument(
        "--features",
        type=Path,
        metavar="FILE",
        help="of images: find FID and KID in the features of Inception-v3, whose weights are in this safetensors file "
        "(default: those of a classifier that is trained on the same images)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> int:
    """Train, and tell the figures."""
    from gmstudio.sessions import Session

    if options.features is not None:
        from gmstudio.observation import inception

        # A session would go on without it.
        inception.read(options.features)
    if options.resume and options.project is None:
        raise InputError("--resume needs --project.")
    with _project(options.project) as project:
        run = find_run(project, options.resume) if project is not None and options.resume else None
        experiment = project.run(run).experiment if project is not None and run is not None else _experiment(options)
        session = Session(experiment, project=project, run=run, device=options.device, features=options.features)
        outcome = _follow(session, quiet=options.quiet)
    told = session.infos.take()
    return _tell(outcome, experiment, options.project, told[0].features if told is not None else "")


def _project(path: Path | None) -> AbstractContextManager[Project | None]:
    from gmstudio.projects.project import Project

    if path is None:
        return nullcontext()
    return Project.open(path) if path.exists() else Project.create(path)


def _experiment(options: argparse.Namespace) -> Experiment:
    from gmstudio import runs
    from gmstudio.registry import SpecError

    try:
        source = sys.stdin.buffer.read(runs.MAX_BYTES + 1) if options.spec == "-" else _read(Path(options.spec))
    except OSError as error:
        raise InputError(f"{options.spec}: {error.strerror or error}.") from error
    try:
        experiment = runs.from_json(source)
    except SpecError as error:
        raise InputError(f"{options.spec}: {error}") from error
    if options.twin:
        experiment = runs.twins(experiment.run)
    changes = {name: getattr(options, name) for name in ("steps", "seed") if getattr(options, name) is not None}
    if changes:
        training = experiment.run.training.changed(**changes)
        experiment = experiment.changed(run=experiment.run.changed(training=training))
    return experiment


def _read(path: Path) -> bytes:
    from gmstudio import runs

    with path.open("rb") as file:
        return file.read(runs.MAX_BYTES + 1)


def _follow(session: Session, quiet: bool) -> Outcome:
    """Train in a thread of its own, so that Ctrl-C ends the run cleanly and progress is drawn while it steps."""
    import threading

    from gmstudio.training.commands import Stop

    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(session.run()), name="training")

    def stop(signum: int, frame: FrameType | None) -> None:
        session.post(Stop())

    before = signal.signal(signal.SIGINT, stop), signal.signal(signal.SIGTERM, stop)
    bar = _Bar(sys.stderr.isatty() and not quiet)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.1)
            status = session.status.take()
            session.metrics()
            if status is not None:
                bar.show(status)
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
        bar.end()
    return outcomes[0]


class _Bar:
    """A progress bar on a terminal; nothing elsewhere."""

    WIDTH = 30

    def __init__(self, on: bool) -> None:
        self.on = on

    def show(self, status: Status) -> None:
        """Draw the bar."""
        if not self.on or not status.steps:
            return
        share = status.step / status.steps
        done = "█" * round(share * self.WIDTH)
        left = "" if status.seconds_left is None else f" · {status.seconds_left:.0f} s left"
        line = f"{done:·<{self.WIDTH}} {share:4.0%} {status.step:,}/{status.steps:,} · {status.rate:.0f} steps/s"
        print(f"\r{line}{left} · {status.device}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self.on:
            print(file=sys.stderr)


def _tell(outcome: Outcome, experiment: Experiment, project: Path | None, features: str) -> int:
    if outcome.problem is not None:
        print(f"gmstudio: {outcome.problem.title}. {outcome.problem.what} {outcome.problem.remedy}", file=sys.stderr)
    result: dict[str, Any] = {
        "run": outcome.run,
        "state": outcome.state,
        "step": outcome.step,
        "project": None if project is None else str(project),
        "columns": [
            {"title": column.title, **{name: values[i] for name, values in outcome.metrics.items()}}
            for i, column in enumerate(experiment.columns)
        ],
    }
    if features and any("fid" in column for column in result["columns"]):
        result["features"] = features
    if outcome.problem is not None:
        result["problem"] = outcome.problem.title
    print(json.dumps(result))
    return {"finished": 0, "stopped": 130}.get(outcome.state, 1)


COMMAND = Command("train", "train without a window", configure, run)
