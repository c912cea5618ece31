"""`gmstudio bench vaes`: steps a second against the same variational autoencoders in pythae.

Both train in turns in this process, on one thread, by processor time; medians over the rounds.  Both have MLPs of two
ReLU layers of 256 units each way, 8 latent dimensions, a Gaussian decoder of variance 1, the same batch, and Adam.
pythae has its own losses, which leave out constants, in a training loop as people write it; this project has its
trainer as the program uses it, but for looks at the validation points, which the other loop has not, with nothing
observed.  pythae's inverse autoregressive flow has no context; here the encoder tells each of its steps one number.
The row "limit" is the step's matrix products alone, by torch's BLAS library, which makes all of pythae's; a compiled
step has the large ones made by oneDNN, which can be faster.

pythae is no requirement of this project.  To have it beside: {install}.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gmstudio.bench import ours, settings
from gmstudio.bench.settings import Settings, Skipped
from gmstudio.bench.table import Row, compare

if TYPE_CHECKING:
    from gmstudio.bench.peers.pythae import Kind
    from gmstudio.bench.race import Work
    from gmstudio.data.base import Dataset
    from gmstudio.runs import Experiment

#: What the ratio has to be at least.
BAR = 1.2
#: Draws of the IWAE and steps of the posterior's flow.
DRAWS, FLOWS = 5, 2


@dataclass(frozen=True, slots=True)
class Config:
    """A model that is trained.

    Attributes:
        kind: of autoencoder.
        dim: D, columns of the data: 64 are the digits', 784 those of MNIST.
        batch: B.
        hidden: width of the two hidden layers of encoder and decoder.
        latent: L.
    """

    kind: Kind
    dim: int
    batch: int
    hidden: int = 256
    latent: int = 8

    def __str__(self) -> str:
        kind = {"IWAE": f"IWAE of {DRAWS} draws", "VAE-IAF": f"VAE-IAF of {FLOWS} steps"}.get(self.kind, self.kind)
        return f"{kind}, {self.hidden}^2, L {self.latent}, D {self.dim}, batch {self.batch}"


KINDS: tuple[Kind, ...] = ("VAE", "IWAE", "VAE-IAF")
CONFIGS = tuple(Config(kind, dim, batch) for kind in KINDS for dim in (64, 784) for batch in (128, 512))


def experiment(config: Config, engine: str) -> Experiment:
    """One run without mollification."""
    from gmstudio import runs

    model = {"latent": config.latent, "hidden": config.hidden, "activation": "relu"}
    chosen: dict[str, Any] = {**model, "gamma": "fixed", "gamma_start": 1.0, "kind": "vae"}
    if config.kind == "VAE-IAF":
        chosen |= {"kind": "vae-iaf", "steps": FLOWS, "context": 1}
    objective = {"kind": "iwae", "k": DRAWS} if config.kind == "IWAE" else {"kind": "elbo"}
    plain = {
        "data": {"kind": "two-moons"},
        "model": chosen,
        "objective": objective,
        "training": {"steps": ours.STEPS, "batch": config.batch, "engine": engine, "evaluate_every": 1_000_000},
    }
    return runs.single(runs.run_from_plain(plain))


def main(arguments: list[str]) -> int:
    """Measure, print and write; returns the exit status."""
    from gmstudio.bench.peers import pythae

    parser = argparse.ArgumentParser(
        prog="gmstudio bench vaes",
        description=(__doc__ or "").format(install=pythae.INSTALL),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    how, _ = settings.parse(parser, arguments, rounds=31, seconds=0.1)
    width = max(len(str(config)) for config in CONFIGS)
    return how.go(CONFIGS, lambda config: measure(config, how), lambda row: row.line(width))


def measure(config: Config, how: Settings) -> list[Row]:
    """The rows of a configuration, one for each engine.

    Raises:
        Skipped: when pythae is not installed.
    """
    from gmstudio.bench.peers import pythae

    if not pythae.installed():
        raise Skipped(f"pythae is not installed. To have it beside: {pythae.INSTALL}")
    data = ours.dataset(config.dim)
    mine = _trainings(config, data, how)
    widths = [config.hidden, config.hidden]
    model = pythae.build(config.kind, config.dim, config.latent, widths, draws=DRAWS, flows=FLOWS)
    points = data.to_model(data.train).to(how.device)
    work = pythae.loop(model.to(how.device), points, config.batch)
    entrants = {f"ours {engine}": training.run for engine, training in mine.items()}
    rates = how.race({**entrants, "pythae": work, "limit": limit(config, how.device)})
    peer = {"pythae": rates["pythae"]}
    rows = [compare(str(config), engine, "steps/s", rates[f"ours {engine}"], peer, bar=BAR) for engine in mine]
    return [*rows, compare(str(config), "limit", "steps/s", rates["limit"], peer)]


def limit(config: Config, device: str) -> Work:
    """The matrix products of a step, forward and back, and nothing else."""
    import torch

    width, latent, drawn = config.hidden, config.latent, config.batch * (DRAWS if config.kind == "IWAE" else 1)
    encoder = [(config.dim, width), (width, width), (width, 2 * latent)]
    decoder = [(latent, width), (width, width), (width, config.dim)]
    flow = [(latent, width), (width, 2 * latent)] * (FLOWS if config.kind == "VAE-IAF" else 0)
    sizes = [(*pair, config.batch) for pair in encoder] + [(*pair, drawn) for pair in flow + decoder]
    layers = [
        (torch.randn(out, own, device=device), torch.randn(n, own, device=device), torch.randn(n, out, device=device))
        for own, out, n in sizes
    ]

    def work(steps: int) -> None:
        for _ in range(steps):
            for place, (weight, x, slope) in enumerate(layers):
                torch.mm(x, weight.T)
                torch.mm(slope.T, x)
                if place:
                    # Nobody asks for the slopes of the data.
                    torch.mm(slope, weight)

    return work


def _trainings(config: Config, data: Dataset, how: Settings) -> dict[str, ours.Training]:
    """A trainer for each engine."""
    return {
        engine: ours.Training(experiment(config, engine), data, engine=engine, device=how.device)
        for engine in how.engines
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
