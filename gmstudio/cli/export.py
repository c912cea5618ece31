"""`gmstudio export`: a trained model, a script or a table of a project."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gmstudio.cli.command import Command, InputError, find_run

if TYPE_CHECKING:
    from gmstudio.projects.project import Project


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("project", type=Path, help="project file")
    parser.add_argument("--run", default="last", help="id of the run (default: last, the newest)")
    parser.add_argument("--format", choices=("folder", "script", "csv", "spec"), default="folder")
    parser.add_argument("--column", type=int, help="column, counted from 1 (default: the last)")
    parser.add_argument("--weights", choices=("last", "best"), default="last", help="last, or best on validation")
    parser.add_argument("--out", type=Path, required=True, help="where to write")


def run(options: argparse.Namespace) -> int:
    """Write it, and tell where."""
    from gmstudio.projects.project import Project

    try:
        with Project.open(options.project, read_only=True) as project:
            written = _write(project, find_run(project, options.run), options)
    except OSError as error:
        raise InputError(f"{options.out}: {error.strerror or error}.") from error
    print(json.dumps({"format": options.format, "out": str(written)}))
    return 0


def _write(project: Project, run: str, options: argparse.Namespace) -> Path:
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


COMMAND = Command("export", "take a trained model, script or table away", configure, run)
