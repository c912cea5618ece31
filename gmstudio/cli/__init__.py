"""The command line: `gmstudio` alone opens the window, `gmstudio train` and its like do without one.

Messages and progress go to the standard error stream; a command's result is the last line of standard output, in JSON.
Exit status: 0 done, 1 failed while working, 2 wrong arguments or input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gmstudio import __version__
from gmstudio.errors import RefusedError

COMMANDS = ("train", "sweep", "export", "info", "data", "bench")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0] not in COMMANDS and given[0] not in ("-h", "--help", "--version")):
        return _window(given)
    # The commands are read after it is known that it is not the window that is asked for.
    from gmstudio.cli import bench

    if given[0] == "bench" and len(given) > 1 and given[1] in bench.BENCHMARKS:
        return bench.measure(given[1], given[2:])
    options = _parser().parse_args(given)
    try:
        status: int = options.action(options)
        return status
    except RefusedError as error:
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
    from gmstudio.cli import bench, data, export, info, sweep, train

    parser = argparse.ArgumentParser(
        prog="gmstudio",
        description="Draw data, choose a generative model and a mollification schedule, and watch it train live.",
        epilog="Without a command, or with the name of a project file, the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"gmstudio {__version__}")
    commands = parser.add_subparsers(title="commands", required=True)
    for command in (train.COMMAND, sweep.COMMAND, export.COMMAND, info.COMMAND, data.COMMAND, bench.COMMAND):
        added = commands.add_parser(command.name, help=command.summary)
        command.configure(added)
        added.set_defaults(action=command.run)
    return parser
