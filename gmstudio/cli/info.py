"""`gmstudio info`: versions, devices and paths; components; the runs of a project."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gmstudio import __version__
from gmstudio.cli.command import Command


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--components", action="store_true", help="list every data set, model, objective, …")
    parser.add_argument("--runs", type=Path, metavar="PROJECT", help="list the runs of a project")


def run(options: argparse.Namespace) -> int:
    """List what is asked for."""
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
    from gmstudio.projects.project import Project

    with Project.open(path, read_only=True) as project:
        records = [
            {"run": r.id, "created": r.created, "state": r.state, "step": r.step, "title": r.title}
            for r in project.runs()
        ]
    for record in records:
        print("  ".join(f"{value}" for value in record.values()), file=sys.stderr)
    print(json.dumps(records))
    return 0


COMMAND = Command("info", "versions, devices, paths", configure, run)
