"""The arguments that the benchmarks of speed have in common, and how they go through their configurations."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gmstudio.bench import ours, peers, report
from gmstudio.bench.race import Clock, Work, race

C = TypeVar("C")


class Skipped(Exception):  # noqa: N818 - nothing went wrong
    """A configuration that cannot be measured here; the text says why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure.

    Attributes:
        device: such as ``cpu`` or ``cuda:0``.
        engines: of this project.
        rounds: how many times each entrant has its turn.
        seconds: of a turn.
        only: part of the names of the configurations that are measured.
        json: where the rows are written, or None.
    """

    device: str
    engines: tuple[str, ...]
    rounds: int
    seconds: float
    only: str
    json: Path | None

    @property
    def cuda(self) -> bool:
        """Whether the device is an NVIDIA one."""
        return self.device.startswith("cuda")

    def race(self, entrants: dict[str, Work]) -> dict[str, list[float]]:
        """Units a second of every entrant in every round."""
        return race(entrants, Clock(self.device), rounds=self.rounds, seconds=self.seconds)

    def go(self, configs: Iterable[C], measure: Callable[[C], Sequence[Any]], line: Callable[[Any], str]) -> int:
        """Measure the configurations one after the other, print their rows as they come, and write them all.

        Args:
            configs: those whose text holds `only` are measured.
            measure: gives the rows of one; raises `Skipped`.
            line: how a row is printed.

        Returns:
            The exit status: 2 when nothing is named like `only`.
        """
        chosen = [config for config in configs if self.only.casefold() in str(config).casefold()]
        if not chosen:
            print(f"Nothing is named like {self.only!r}. There are:", *configs, sep="\n  ")
            return 2
        rows: list[Any] = []
        for config in chosen:
            try:
                found = measure(config)
            except Skipped as reason:
                print(f"{config}: skipped. {reason}", flush=True)
                continue
            for row in found:
                print(line(row), flush=True)
            rows += found
            # After each, because a whole table takes long and may be interrupted.
            report.write_rows(self.json, [row.plain() for row in rows], device=self.device)
        return 0


def parse(
    parser: argparse.ArgumentParser, arguments: list[str], *, rounds: int, seconds: float
) -> tuple[Settings, argparse.Namespace]:
    """Add the common arguments to a parser's own, read them, and let torch use as many threads as asked for.

    Args:
        parser: of one benchmark.
        arguments: of the command line.
        rounds, seconds: what they are where none are given.
    """
    parser.add_argument("--only", default="", metavar="TEXT", help="only configurations with this in their name")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"turns of each entrant (default: {rounds})")
    parser.add_argument("--seconds", type=float, default=seconds, help=f"length of a turn (default: {seconds})")
    parser.add_argument("--engine", action="append", metavar="NAME", help="only this engine; may be given again")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default: 1)")
    parser.add_argument("--json", type=Path, help="write the rows there")
    given = parser.parse_args(arguments)
    if given.rounds < 1 or given.seconds <= 0 or given.threads < 1:
        parser.error("--rounds and --threads are at least 1, --seconds is above 0")

    import torch

    from gmstudio.registry import SpecError
    from gmstudio.training import devices

    torch.set_num_threads(given.threads)
    try:
        device = devices.choose(given.device)
    except SpecError as error:
        parser.error(str(error))
    known = ours.engines(device)
    for name in given.engine or ():
        if name not in known:
            parser.error(f"there is no engine {name!r} on {device}; there are: {', '.join(known)}")
    engines = tuple(name for name in known if name in (given.engine or known))
    return Settings(device, engines, given.rounds, given.seconds, given.only, given.json), given


def say_missing() -> None:
    """Name the libraries that are not installed, and the command that installs them."""
    if gone := peers.missing():
        print(f"Not installed, and left out: {', '.join(gone)}. To install: {peers.INSTALL}")


def works(library: str, work: Work) -> bool:
    """Whether a library can do the work here; where it cannot, it is named with the reason, to be left out."""
    try:
        work(1)
    except RuntimeError as error:
        print(f"{library} fails here and is left out: {str(error).splitlines()[0]}", flush=True)
        return False
    return True
