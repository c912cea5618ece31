"""`gmstudio bench scale`: what a step costs against batch, width, depth, dimension, rows and ensemble size.

One of them is changed at a time, the others stay at the default; all values of one run in turns in this process.
Without --engine the plainest is measured: every size would have to be compiled for itself.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gmstudio.bench import ours, settings
from gmstudio.bench.architecture import Architecture
from gmstudio.bench.race import Work
from gmstudio.bench.settings import Settings


@dataclass(frozen=True, slots=True)
class Size:
    """A Real-NVP in training, in the sizes of the window's default."""

    batch: int = 256
    width: int = 64
    depth: int = 6
    dimension: int = 2
    rows: int = 8192
    ensemble: int = 1

    def work(self, engine: str, device: str) -> Work:
        """Steps of training at this size."""
        architecture = Architecture("real-nvp", self.depth, self.width, self.dimension)
        trained = ours.experiment(architecture, batch=self.batch, columns=self.ensemble, engine=engine)
        return ours.Training(trained, ours.dataset(self.dimension, self.rows), engine=engine, device=device).run


#: Values of each quantity; each has the default among them.
AXES: Mapping[str, tuple[int, ...]] = {
    "batch": (64, 128, 256, 512, 1024, 2048, 4096),
    "width": (16, 32, 64, 128, 256, 512),
    "depth": (1, 2, 4, 6, 8, 16),
    "dimension": (2, 4, 8, 16, 32, 64),
    "rows": (1024, 8192, 65_536, 524_288),
    "ensemble": (1, 2, 4, 8, 16, 32),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step costs at one value.

    Attributes:
        axis: what is changed.
        value: to what.
        engine: which engine.
        ms: milliseconds of a step, median over the rounds.
        relative: to the default's.
    """

    axis: str
    value: int
    engine: str
    ms: float
    relative: float

    def plain(self) -> dict[str, Any]:
        """The row as it is written."""
        return {"config": f"{self.axis} {self.value}", **asdict(self)}

    def line(self) -> str:
        """The row as it is printed."""
        own = getattr(Size(), self.axis)
        return (
            f"{self.axis:<10} {self.value:>9,}  {self.engine:<9} {self.ms:9.3f} ms  x{self.relative:7.2f}"
            f"  (x{self.value / own:g} of the default)"
        )


def main(arguments: list[str]) -> int:
    """Measure, print and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gmstudio bench scale", description=__doc__)
    how, given = settings.parse(parser, arguments, rounds=11, seconds=0.1)
    if not given.engine:
        how = replace(how, engines=how.engines[:1])
    print("Around Real-NVP, " + ", ".join(f"{name} {value:,}" for name, value in asdict(Size()).items()))
    return how.go(AXES, lambda axis: measure(axis, AXES[axis], how), Cost.line)


def measure(axis: str, values: tuple[int, ...], how: Settings) -> list[Cost]:
    """The cost of a step at each of the values of a quantity, the default's among them, for each engine."""
    default = getattr(Size(), axis)
    found = []
    for engine in how.engines:
        entrants = {str(value): replace(Size(), **{axis: value}).work(engine, how.device) for value in values}
        ms = {name: 1e3 / statistics.median(rates) for name, rates in how.race(entrants).items()}
        found += [Cost(axis, value, engine, ms[str(value)], ms[str(value)] / ms[str(default)]) for value in values]
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
