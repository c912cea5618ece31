"""`gmstudio bench train`: steps a second against the same models in other libraries, and two columns against one.

All entrants of a configuration run in turns in this process, on one thread, by processor time (on CUDA by the wall,
from an idle device to an idle device); medians over the rounds.  The peers have networks of the same widths, as many
blocks, the same dimension and batch, and a training loop as people write it.  This project has its trainer as the
program uses it, looks at the validation points included, with nothing observed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from gmstudio.bench import ours, peers, settings
from gmstudio.bench.architecture import Architecture
from gmstudio.bench.race import Work
from gmstudio.bench.settings import Settings, Skipped
from gmstudio.bench.table import Row, compare

if TYPE_CHECKING:
    from gmstudio.data.base import Dataset


@dataclass(frozen=True, slots=True)
class Config:
    """A model that is trained.

    Attributes:
        architecture: the model.
        batch: B, points in one step.
        members: runs in one pass; their rate is in steps of single models.
        twins: vanilla and mollified in one pass, compared with one run alone.
        bars: the ratio's least (for twins its most) by engine; ``cuda`` stands for every engine there.
        cuda: measured on CUDA only.
    """

    architecture: Architecture
    batch: int
    members: int = 1
    twins: bool = False
    bars: Mapping[str, float] = field(default_factory=dict)
    cuda: bool = False

    def __str__(self) -> str:
        text = f"{self.architecture}, batch {self.batch}"
        if self.twins:
            return f"{text}, vanilla and mollified"
        return f"{text}, {self.members} runs" if self.members > 1 else text

    def bar(self, engine: str, cuda: bool) -> float | None:
        """What the ratio should reach: nothing should be behind any peer."""
        return self.bars.get("cuda" if cuda else engine, None if self.twins else 1.0)


_NVP, _NVP_11 = Architecture("real-nvp", 8, 128), Architecture("real-nvp", 8, 128, 11)
_MAF, _MAF_11 = Architecture("maf", 5, 128), Architecture("maf", 5, 128, 11)
_SPLINE, _GLOW = Architecture("spline", 5, 128), Architecture("glow", 8, 128)
_SMALL = Architecture("real-nvp", 6, 64)
_AFFINE = {"eager": 1.5, "compiled": 1.9, "cuda": 8.0}

CONFIGS = (
    *(Config(one, 256, bars=_AFFINE) for one in (_NVP, _NVP_11, _MAF, _MAF_11)),
    Config(_SPLINE, 256, bars={"eager": 1.35, "compiled": 3.3, "cuda": 20.0}),
    Config(_GLOW, 256),
    Config(_SMALL, 128, bars={"eager": 1.6, "compiled": 4.5}),
    Config(_SMALL, 128, members=8, bars={"eager": 3.5, "compiled": 6.0}),
    Config(_SMALL, 128, members=32, bars={"cuda": 100.0}, cuda=True),
    Config(_SMALL, 128, twins=True, bars={"eager": 1.4, "cuda": 1.15}),
    Config(_NVP, 256, twins=True, bars={"eager": 1.9, "cuda": 1.15}),
    *(Config(one, batch) for one in (_NVP, _MAF, _SPLINE, _GLOW) for batch in (128, 1024, 2048, 4096)),
    Config(Architecture("energy", 1, 128), 256),
)


def main(arguments: list[str]) -> int:
    """Measure, print and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gmstudio bench train", description=__doc__)
    parser.add_argument(
        "--peer-adam",
        choices=("fused", "default"),
        default="fused",
        help="the peers' optimiser: Adam(fused=True), or without that argument (default: fused)",
    )
    how, given = settings.parse(parser, arguments, rounds=31, seconds=0.1)
    settings.say_missing()
    configs = [config for config in CONFIGS if how.cuda or not config.cuda]
    width = max(len(str(config)) for config in configs)
    fused = given.peer_adam == "fused"
    return how.go(configs, lambda config: measure(config, how, fused=fused), lambda row: row.line(width))


def measure(config: Config, how: Settings, *, fused: bool = True) -> list[Row]:
    """The rows of a configuration, one for each engine.

    Args:
        config: what is trained.
        how: engines, device, rounds.
        fused: whether the peers' Adam is asked for its fused kernel.

    Raises:
        Skipped: when this project or every library lacks the model.
    """
    if config.architecture.plain() is None:
        raise Skipped(f"This project has no model to set against {_rivals(config.architecture)} yet.")
    return _twins(config, how) if config.twins else _against_peers(config, how, fused)


def _rivals(architecture: Architecture) -> str:
    found = [name for name in peers.installed() if peers.build(name, architecture) is not None]
    return ", ".join(found) or "others"


def _trainings(config: Config, data: Dataset, how: Settings) -> dict[str, ours.Training]:
    """A trainer for each engine; an engine that cannot be had is named with the reason.

    Raises:
        Skipped: when none can be had.
    """
    from gmstudio.registry import SpecError

    columns: int | Literal["twins"] = "twins" if config.twins else config.members
    found = {}
    for engine in how.engines:
        try:
            trained = ours.experiment(config.architecture, batch=config.batch, columns=columns, engine=engine)
            found[engine] = ours.Training(trained, data, engine=engine, device=how.device)
        except SpecError as error:
            print(f"{config}: {engine} skipped. {error}", flush=True)
    if not found:
        raise Skipped("No engine can train it.")
    return found


def _against_peers(config: Config, how: Settings, fused: bool) -> list[Row]:
    from gmstudio.bench.peers.model import Loop

    data = ours.dataset(config.architecture.dim)
    mine = _trainings(config, data, how)
    plan = next(iter(mine.values())).trainer.plans[0].tolist()
    points = data.to_model(data.train).to(how.device)
    theirs: dict[str, Work] = {}
    for library in peers.installed():
        model = peers.build(library, config.architecture)
        if model is not None:
            model.module.to(how.device)
            loop = Loop(model, points, config.batch, plan, fused=fused)
            if settings.works(library, loop.run):
                theirs[library] = loop.run
    if not theirs:
        raise Skipped(f"None of the installed libraries has it. To install them: {peers.INSTALL}")
    rates = how.race({**{f"ours {engine}": training.run for engine, training in mine.items()}, **theirs})
    unit = "model-steps/s" if config.members > 1 else "steps/s"
    return [
        compare(
            str(config),
            engine,
            unit,
            [config.members * rate for rate in rates[f"ours {engine}"]],
            {library: rates[library] for library in theirs},
            bar=config.bar(engine, how.cuda),
        )
        for engine in mine
    ]


def _twins(config: Config, how: Settings) -> list[Row]:
    data = ours.dataset(config.architecture.dim)
    both, one = _trainings(config, data, how), _trainings(replace(config, twins=False), data, how)
    rates = how.race(
        {
            **{f"{engine}, both": training.run for engine, training in both.items()},
            **{f"{engine}, one": training.run for engine, training in one.items()},
        }
    )
    times = {name: [1e3 / rate for rate in found] for name, found in rates.items()}
    return [
        compare(
            str(config),
            engine,
            "ms/step",
            times[f"{engine}, both"],
            {"one run alone": times[f"{engine}, one"]},
            bar=config.bar(engine, how.cuda),
            less=True,
        )
        for engine in both
    ]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
