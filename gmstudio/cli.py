"""The command line: `gmstudio`, `gmstudio train`, `gmstudio export`, `gmstudio info`, `gmstudio bench`.

Messages and progress go to the standard error stream; a command's result is the last line of standard output, in JSON.
Exit status: 0 done, 1 failed while working, 2 wrong arguments or input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from gmstudio import __version__

if TYPE_CHECKING:
    from gmstudio.runs import Experiment
    from gmstudio.sessions import Outcome, Session, Status

BENCHMARKS = ("gui", "start", "close", "method", "learn")
COMMANDS = ("train", "export", "info", "bench")


class InputError(Exception):
    """What the person gave cannot be used; the text says what and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0] not in COMMANDS and given[0] not in ("-h", "--help", "--version")):
        return _window(given)
    if given[0] == "bench" and len(given) > 1 and given[1] in BENCHMARKS:
        return _bench(given[1], given[2:])
    options = _parser().parse_args(given)
    try:
        status: int = options.action(options)
        return status
    except InputError as error:
        print(f"gmstudio: {error}", file=sys.stderr)
        return 2


def _window(arguments: list[str]) -> int:
    try:
        from gmstudio.gui.app import main as open_window
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("PySide6", "pyqtgraph", "qasync", "shiboken6"):
            raise
        print('gmstudio: The window needs Qt. Install it with: pip install "gmstudio[gui]"', file=sys.stderr)
        return 2
    return open_window(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gmstudio",
        description="Draw data, choose a generative model and a mollification schedule, and watch it train live.",
        epilog="Without a command, or with the name of a project file, the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"gmstudio {__version__}")
    commands = parser.add_subparsers(title="commands", required=True)

    train = commands.add_parser("train", help="train without a window", description="Train a run or an experiment.")
    train.add_argument("spec", help="JSON file of a run or an experiment; - for standard input")
    train.add_argument("--project", type=Path, help="project file to record in; made where it is missing")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)")
    train.add_argument("--steps", type=int, help="train for so many steps instead of the specification's")
    train.add_argument("--seed", type=int, help="use this seed instead of the specification's")
    train.add_argument("--twin", action="store_true", help="train vanilla beside mollified")
    train.add_argument("--resume", metavar="ID", help="go on with this run of the project ('last' for the newest)")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    train.set_defaults(action=_train)

    export = commands.add_parser("export", help="take a trained model, script or table away")
    export.add_argument("project", type=Path, help="project file")
    export.add_argument("--run", default="last", help="id of the run (default: last, the newest)")
    export.add_argument("--format", choices=("folder", "script", "csv", "spec"), default="folder")
    export.add_argument("--column", type=int, help="column, counted from 1 (default: the last)")
    export.add_argument("--weights", choices=("last", "best"), default="last", help="last, or best on validation")
    export.add_argument("--out", type=Path, required=True, help="where to write")
    export.set_defaults(action=_export)

    info = commands.add_parser("info", help="versions, devices, paths")
    info.add_argument("--components", action="store_true", help="list every data set, model, objective, …")
    info.add_argument("--runs", type=Path, metavar="PROJECT", help="list the runs of a project")
    info.set_defaults(action=_info)

    bench = commands.add_parser("bench", help="measure: " + ", ".join(BENCHMARKS))
    bench.add_argument("which", choices=(*BENCHMARKS, "all"))
    bench.add_argument("--json", type=Path, help="write the figures there")
    bench.set_defaults(action=_bench_all)
    return parser


# train


def _train(options: argparse.Namespace) -> int:
    from gmstudio.projects.project import ProjectError
    from gmstudio.registry import SpecError
    from gmstudio.sessions import Session

    try:
        project, run = _open_project(options)
        if run is not None:
            assert project is not None
            experiment = project.run(run).experiment
        else:
            experiment = _experiment(options)
    except (SpecError, ProjectError) as error:
        raise InputError(str(error)) from error
    session = Session(experiment, project=project, run=run, device=options.device)
    try:
        outcome = _follow(session, quiet=options.quiet)
    finally:
        if project is not None:
            project.close()
    return _tell(outcome, experiment, options.project)


def _open_project(options: argparse.Namespace) -> tuple[Any, str | None]:
    from gmstudio.projects.project import Project

    if options.project is None:
        if options.resume:
            raise InputError("--resume needs --project.")
        return None, None
    project = Project.open(options.project) if options.project.exists() else Project.create(options.project)
    return project, _find_run(project, options.resume) if options.resume else None


def _find_run(project: Any, run: str) -> str:
    records = project.runs()
    if not records:
        raise InputError(f"{project.path} has no runs. Train one first.")
    if run == "last":
        return str(records[-1].id)
    if run not in [record.id for record in records]:
        known = ", ".join(record.id for record in records)
        raise InputError(f"{project.path} has no run {run!r}. Its runs are: {known}.")
    return run


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


def _tell(outcome: Outcome, experiment: Experiment, project: Path | None) -> int:
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
    if outcome.problem is not None:
        result["problem"] = outcome.problem.title
    print(json.dumps(result))
    return {"finished": 0, "stopped": 130}.get(outcome.state, 1)


# export


def _export(options: argparse.Namespace) -> int:
    from gmstudio.exporting.folder import FolderError
    from gmstudio.projects.project import Project, ProjectError
    from gmstudio.registry import SpecError

    try:
        project = Project.open(options.project, read_only=True)
        try:
            written = _write(project, _find_run(project, options.run), options)
        finally:
            project.close()
    except (ProjectError, FolderError, SpecError) as error:
        raise InputError(str(error)) from error
    except OSError as error:
        raise InputError(f"{options.out}: {error.strerror or error}.") from error
    print(json.dumps({"format": options.format, "out": str(written)}))
    return 0


def _write(project: Any, run: str, options: argparse.Namespace) -> Path:
    from gmstudio import runs

    record = project.run(run)
    out: Path = options.out
    columns = len(record.experiment.columns)
    column = columns - 1 if options.column is None else options.column - 1
    if not 0 <= column < columns:
        raise InputError(f"There is no column {options.column}. The run has {columns}, counted from 1.")
    if options.format == "folder":
        from gmstudio.exporting import folder

        checkpoint = project.checkpoint(run)
        if checkpoint is None:
            raise InputError(f"The run {run} has no checkpoint yet. Train it for a while first.")
        return folder.export(checkpoint, record.experiment, column, out, which=options.weights)
    if options.format == "script":
        from gmstudio.exporting import script

        out.write_text(script.script(record.experiment, column, name=out.name), encoding="utf-8")
    elif options.format == "csv":
        from gmstudio.exporting import tables

        titles = [c.title for c in record.experiment.columns]
        out.write_text(tables.metrics_csv(project.metrics(run), titles), encoding="utf-8")
    else:
        out.write_text(runs.to_json(record.experiment), encoding="utf-8")
    return out


# info


def _info(options: argparse.Namespace) -> int:
    if options.components:
        return _list_components()
    if options.runs is not None:
        return _list_runs(options.runs)
    import importlib.metadata as metadata
    import platform

    from gmstudio.paths import resource, user_data
    from gmstudio.training import devices

    packages = ("torch", "numpy", "msgspec", "safetensors", "scikit-learn", "PySide6-Essentials", "pyqtgraph", "qasync")
    versions: dict[str, str | None] = {}
    for name in packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    result = {
        "gmstudio": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions,
        "devices": devices.available(),
        "user_data": str(user_data()),
        "resources": str(resource("")),
    }
    width = max(map(len, (*result, *versions)))
    for key, value in result.items():
        if key == "packages":
            for name, version in versions.items():
                print(f"{name:<{width}}  {version or 'not installed'}", file=sys.stderr)
        else:
            print(f"{key:<{width}}  {', '.join(value) if isinstance(value, list) else value}", file=sys.stderr)
    print(json.dumps(result))
    return 0


def _list_components() -> int:
    from gmstudio import registry

    listed = {
        room: [{"kind": c.name, "title": c.title, "summary": c.summary} for c in registry.components(room)]
        for room in registry.PACKAGES
    }
    for room, found in listed.items():
        print(f"\n{room}", file=sys.stderr)
        for entry in found:
            print(f"  {entry['kind']:<22} {entry['summary']}", file=sys.stderr)
    print(json.dumps(listed))
    return 0


def _list_runs(path: Path) -> int:
    from gmstudio.projects.project import Project, ProjectError

    try:
        project = Project.open(path, read_only=True)
    except ProjectError as error:
        raise InputError(str(error)) from error
    try:
        records = [
            {"run": r.id, "created": r.created, "state": r.state, "step": r.step, "title": r.title}
            for r in project.runs()
        ]
    finally:
        project.close()
    for record in records:
        print("  ".join(f"{value}" for value in record.values()), file=sys.stderr)
    print(json.dumps(records))
    return 0


# bench


def _bench(which: str, arguments: list[str]) -> int:
    module = importlib.import_module(f"gmstudio.bench.{which}")
    status: int = module.main(arguments)
    return status


def _bench_all(options: argparse.Namespace) -> int:
    import tempfile

    figures: dict[str, Any] = {}
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        for which in BENCHMARKS if options.which == "all" else (options.which,):
            out = Path(folder) / f"{which}.json"
            status = max(status, _bench(which, ["--json", str(out)]))
            if out.exists():
                figures[which] = json.loads(out.read_text(encoding="utf-8"))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return status
