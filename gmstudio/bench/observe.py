"""`gmstudio bench observe`: points a second of densities and samples, against the same models in other libraries.

Each comparison is made twice: against the peers as written, with all points in one call under `torch.no_grad`, and
against the peers in chunks of 2,048 points, which fit the caches.  This project computes as its observer does: a
copy of the weights, chunks of a few milliseconds, finite arrays.  What reaches the processor's memory counts.

The ratios have a limit, which is measured beside them: the products of the networks' hidden layers and nothing else,
as this torch computes them (BLAS) and as oneDNN does, which torch has behind a private name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from gmstudio.bench import ours, peers, products, settings
from gmstudio.bench.architecture import Architecture
from gmstudio.bench.race import Clock, Work
from gmstudio.bench.settings import Settings, Skipped
from gmstudio.bench.table import Row, compare
from gmstudio.observation.frame import F32, View

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.bench.peers.model import PeerModel
    from gmstudio.observation.pace import Pace
    from gmstudio.observation.shadow import Shadow

Kind = Literal["density", "picture", "samples"]
#: Rows of a peer's call, where it is called for chunks.
CHUNK = 2048
#: Steps of training before anything is evaluated.
STEPS = 20


@dataclass(frozen=True, slots=True)
class Config:
    """What is computed of a model.

    Attributes:
        kind: ``density`` at points in a row, a ``picture`` of a density with its interlaced passes, or ``samples``.
        architecture: the model.
        side: there are side x side points.
        bars: the least ratio to the peers as written, and in chunks.
    """

    kind: Kind
    architecture: Architecture
    side: int = 256
    bars: tuple[float, float] | None = None

    def __str__(self) -> str:
        what = {
            "density": f"density of {self.side**2:,} points",
            "picture": f"density picture {self.side} x {self.side}",
            "samples": f"{self.side**2:,} samples",
        }
        return f"{what[self.kind]}, {self.architecture}"


_NVP, _MAF = Architecture("real-nvp", 8, 128), Architecture("maf", 5, 128)

CONFIGS = (
    *(Config("density", one, bars=(4.0, 1.5)) for one in (_NVP, _MAF)),
    *(Config("samples", one) for one in (_NVP, _MAF)),
    *(Config("picture", one, 512) for one in (Architecture("real-nvp", 6, 64), _NVP)),
)


def main(arguments: list[str]) -> int:
    """Measure, print and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gmstudio bench observe", description=__doc__)
    how, _ = settings.parse(parser, arguments, rounds=7, seconds=0.1)
    settings.say_missing()
    width = max(len(str(config)) for config in CONFIGS) + len(", peers in chunks")
    return how.go(CONFIGS, lambda config: measure(config, how), lambda row: row.line(width))


def measure(config: Config, how: Settings) -> list[Row]:
    """The rows of a configuration: peers as written, and in chunks.

    Raises:
        Skipped: when every library lacks the model.
    """
    work, points = _ours(config, how)
    rivals = _peers(config, points)
    if not rivals:
        raise Skipped(f"None of the installed libraries has it. To install them: {peers.INSTALL}")
    calls = {f"{name}, {way}": work for name, ways in rivals.items() for way, work in ways.items()}
    limits = products.limits(config.architecture, points) if config.kind == "density" else {}
    entrants = {"observer": work, **limits, **calls}
    rates = {name: [len(points) * rate for rate in found] for name, found in how.race(entrants).items()}
    bars = config.bars if config.bars and not how.cuda else (None, None)
    return [
        compare(
            f"{config}, peers {way}",
            name,
            "points/s",
            rates[name],
            {rival: rates[f"{rival}, {way}"] for rival in rivals},
            bar=bar if name == "observer" else None,
        )
        for way, bar in zip(("as written", "in chunks"), bars, strict=True)
        for name in ("observer", *limits)
    ]


def _ours(config: Config, how: Settings) -> tuple[Work, Tensor]:
    """What the observer computes of a trained model, once for each unit of work, and the points that there are."""
    from gmstudio.observation.observer import Observer
    from gmstudio.observation.shadow import Shadow

    trained = ours.experiment(config.architecture, batch=256)
    training = ours.Training(trained, ours.dataset(2), engine="eager", device=how.device)
    training.run(STEPS)
    trainer = training.trainer
    view = View(trainer.dataset.bounds, grid=config.side)
    shadow = Shadow(trainer.model, trainer.dataset, trainer.device)
    points = shadow.tensor(view.points(config.side))
    clock = Clock(how.device)
    # The observer's own, because how large its chunks are belongs to what is measured; but by this clock, since
    # others who load the machine would make them smaller.
    pace = Observer("bench", trainer, view)._pace()
    if config.kind == "picture":
        return _picture(shadow, view, pace, clock), points
    if config.kind == "density":
        return _chunks(shadow.density_picture, points, pace, clock), points
    return _chunks(shadow.sample_picture, shadow.noise(len(points), seed=1), pace, clock), points


def _chunks(compute: Callable[[Tensor], F32], rows: Tensor, pace: Pace, clock: Clock) -> Work:
    """Rows of the input in chunks, gathered in one array, as the parts of a frame do it."""
    values: list[F32] = []

    def work(times: int) -> None:
        for _ in range(times):
            values.clear()
            for portion in pace.portions(len(rows)):
                began = clock.now()
                values.append(compute(rows[portion]))
                pace.note(clock.now() - began)
            np.concatenate(values, axis=1)

    return work


def _picture(shadow: Shadow, view: View, pace: Pace, clock: Clock) -> Work:
    """All passes of a picture, as if the weights had changed."""
    from gmstudio.observation.parts import DensityPart

    part = DensityPart(shadow, view, view.grid, pace)

    def work(times: int) -> None:
        for _ in range(times):
            shadow.step += 1
            while not part.fresh(shadow.step):
                began = clock.now()
                for chunk in part.refresh():
                    chunk.note(clock.now() - began)
                    began = clock.now()
            part.picture()

    return work


def _peers(config: Config, points: Tensor) -> dict[str, dict[str, Work]]:
    """Of every library that has the model: its work as written and in chunks."""
    found = {}
    for library in peers.installed():
        model = peers.build(library, config.architecture)
        if model is None or model.log_prob is None or model.sample is None:
            continue
        model.module.to(points.device).eval()
        chunks = _calls(config.kind, model, points, CHUNK)
        if settings.works(library, chunks):
            found[library] = {"as written": _calls(config.kind, model, points, len(points)), "in chunks": chunks}
    return found


def _calls(kind: Kind, model: PeerModel, points: Tensor, rows: int) -> Work:
    """What another library's model gives in calls for so many rows, once for each unit of work."""
    import torch

    log_prob, sample = model.log_prob, model.sample
    assert log_prob is not None and sample is not None

    def work(times: int) -> None:
        for _ in range(times):
            with torch.no_grad():
                if kind == "samples":
                    sizes = [len(part) for part in torch.split(points, rows)]
                    found = [sample(size).cpu().numpy() for size in sizes]
                else:
                    found = [log_prob(part).cpu().numpy() for part in torch.split(points, rows)]
            np.concatenate(found)

    return work


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
