"""`gmstudio bench table1`: the paper's table on UCI data, vanilla beside mollified, and simpler models beside both.

The seeds of a cell, vanilla and mollified, train as one ensemble.  Every number is a mean test log-likelihood in nats
per row, in the space in which the columns have mean 0 and variance 1.  What is in the JSON file already is not trained
again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from gmstudio import recipes, runs
from gmstudio.bench import report
from gmstudio.data.base import Dataset, DataSpec
from gmstudio.errors import RefusedError

if TYPE_CHECKING:
    from gmstudio.training.trainer import Trainer

#: The sets by name, with the files that the folder has to hold.
SETS = {"red": "paper_redwine.npy", "white": "paper_whitewine.npy", "parkinsons": "paper_parkinsons.npy"}
COLUMNS = ("vanilla", "mollified")
#: Tran et al. 2023, Table 1: mean and deviation, vanilla and mollified.
PAPER: dict[str, dict[str, tuple[tuple[float, float], tuple[float, float]]]] = {
    "red": {
        "maf": ((-16.32, 1.88), (-11.51, 0.44)),
        "real-nvp": ((-27.83, 2.56), (-12.51, 0.40)),
        "glow": ((-18.21, 1.14), (-12.37, 0.33)),
    },
    "white": {
        "maf": ((-14.87, 0.24), (-11.96, 0.17)),
        "real-nvp": ((-18.34, 2.77), (-12.30, 0.16)),
        "glow": ((-15.24, 0.69), (-12.44, 0.36)),
    },
    "parkinsons": {
        "maf": ((-8.27, 0.24), (-6.17, 0.17)),
        "real-nvp": ((-14.21, 0.97), (-7.74, 0.27)),
        "glow": ((-8.29, 1.18), (-6.90, 0.24)),
    },
}
#: How many of the paper's deviations a mean may be away.
WITHIN = 2.0
#: Steps between two words on the progress.
STEPS = 50


class Prepared(DataSpec, frozen=True, kw_only=True, tag="prepared"):
    """Rows of a NumPy file, cut and standardised as in the paper."""

    title: str
    path: str

    @property
    def name(self) -> str:
        """As in the table."""
        return self.title

    def build(self, seed: int) -> Dataset:
        """Read and cut; nothing is random."""
        return cut(self.title, np.load(self.path, allow_pickle=False))


def cut(name: str, rows: np.ndarray[Any, Any]) -> Dataset:
    """The paper's parts of rows (N, D): the last tenth tests, the last tenth of the rest validates.

    Mean and deviation are those of the rows that do not test.
    """
    from gmstudio.data.tables.preparing import Preparation, prepare

    return prepare(rows, [f"column {place + 1}" for place in range(rows.shape[1])], Preparation(), name=name)


def experiment(protocol: recipes.Name, kind: str, data: DataSpec, seeds: int, epochs: int) -> runs.Experiment:
    """Vanilla and mollified columns of all seeds, the vanilla ones first."""
    changes: dict[str, Any] = {"engine": "eager", **({"epochs": epochs} if epochs else {})}
    twins = runs.twins(recipes.run(protocol, kind, data, **changes))
    columns = tuple(
        msgspec.structs.replace(column, title=f"{name}, seed {seed}", seed=seed)
        for name, column in zip(COLUMNS, twins.columns, strict=True)
        for seed in range(1, seeds + 1)
    )
    return twins.changed(columns=columns)


def measure(
    trainer: Trainer, seeds: int, between: Callable[[Trainer], None] = lambda trainer: None
) -> dict[str, dict[str, list[float]]]:
    """Train to the end.

    Args:
        trainer: of an `experiment`.
        seeds: how many there are.
        between: called every `STEPS` steps.

    Returns:
        for vanilla and mollified the standardised test likelihoods of the last and of the best weights by the
        validation likelihood, the best validation likelihood and its epoch, of each seed.
    """
    while not trainer.finished:
        trainer.advance(STEPS)
        trainer.drain()
        between(trainer)
    values = {(metric.name, metric.column): metric.value for metric in trainer.test()}
    epoch = trainer.training.epoch(len(trainer.dataset.train))
    found: dict[str, dict[str, list[float]]] = {}
    for i, name in enumerate(COLUMNS):
        own = range(i * seeds, (i + 1) * seeds)
        found[name] = {
            "last": [values.get(("test_standardised", column), float("-inf")) for column in own],
            "best": [values.get(("test_best_standardised", column), float("-inf")) for column in own],
            "best_validation": [float(trainer.best.likelihood[column]) for column in own],
            "best_epoch": [float(trainer.best_step[column] / epoch) for column in own],
        }
    return found


def main(arguments: list[str]) -> int:
    """Train what is missing and print the table; returns 0 when every cell of the paper's protocol agrees with it."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except RefusedError as error:
        print(f"gmstudio: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gmstudio bench table1", description=__doc__)
    parser.add_argument("--data", type=Path, help=f"folder with {', '.join(SETS.values())} (default: $GMSTUDIO_DATA)")
    parser.add_argument("--protocol", choices=recipes.NAMES, default="paper", help="which recipe (default: paper)")
    parser.add_argument("--sets", type=_names(SETS), default=list(SETS), help=f"of {', '.join(SETS)} (default: all)")
    parser.add_argument(
        "--models", type=_names(recipes.MODELS), default=list(recipes.MODELS), help="of maf, real-nvp, glow"
    )
    parser.add_argument("--seeds", type=int, choices=range(1, 17), default=4, metavar="N", help="runs a cell (4)")
    parser.add_argument("--epochs", type=int, default=0, help="another length than the recipe's, to try it; no bar")
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 for all but one (default)")
    parser.add_argument("--json", type=Path, help="write the figures there, and train only what it lacks")
    return parser


def _names(known: Any) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        given = text.split(",")
        unknown = [name for name in given if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"there is no {unknown[0]!r}; choose of: {', '.join(known)}")
        return given

    return names


def _run(options: argparse.Namespace) -> int:
    folder = options.data or (Path(os.environ["GMSTUDIO_DATA"]) if "GMSTUDIO_DATA" in os.environ else None)
    if folder is None:
        raise RefusedError("The benchmark needs data.", "Give --data FOLDER or set GMSTUDIO_DATA.")
    figures = _read(options.json)
    for name in options.sets:
        data = prepared(folder, name)
        if name not in figures["baselines"]:
            figures["baselines"][name] = baseline(data)
        for kind in options.models:
            made = experiment(options.protocol, kind, data, options.seeds, options.epochs)
            wanted = identity(options, name, kind, made)
            if not any(cell.items() >= wanted.items() for cell in figures["cells"]):
                figures["cells"].append({**wanted, **_train(made, options, name, kind)})
                report.write(options.json, figures)
    report.write(options.json, figures)
    print(table(figures, options.protocol))
    own = [cell for cell in figures["cells"] if cell["protocol"] == options.protocol]
    return 0 if options.epochs or options.protocol != "paper" or all(map(agrees, own)) else 1


def identity(options: argparse.Namespace, name: str, kind: str, made: runs.Experiment) -> dict[str, Any]:
    """By what a cell is known again."""
    return {
        "protocol": options.protocol,
        "set": name,
        "model": kind,
        "seeds": options.seeds,
        "epochs": made.run.training.epochs,
    }


def prepared(folder: Path, name: str) -> Prepared:
    """The data of a set.

    Raises:
        RefusedError: when the folder does not hold them.
    """
    path = folder / SETS[name]
    if not path.is_file():
        raise RefusedError(f"There is no {path}.", "Put the set's rows there: a NumPy array (rows, columns).")
    return Prepared(title=name, path=str(path))


def _read(path: Path | None) -> dict[str, Any]:
    if path is None or not path.exists():
        return {"baselines": {}, "cells": []}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {"baselines": kept["baselines"], "cells": kept["cells"]}


def _train(made: runs.Experiment, options: argparse.Namespace, name: str, kind: str) -> dict[str, Any]:
    import torch

    from gmstudio.training import devices, heap
    from gmstudio.training.trainer import Trainer

    heap.keep_pages()
    torch.set_num_threads(devices.threads(options.threads))
    trainer, began = Trainer(made), time.process_time()

    def say(trainer: Trainer) -> None:
        spent = time.process_time() - began
        left = spent * (trainer.steps - trainer.step) / trainer.step
        print(
            f"\r{name}, {kind}: step {trainer.step:,} of {trainer.steps:,}, {left:.0f} s left\x1b[K", end="", file=err
        )

    err = sys.stderr
    found = measure(trainer, options.seeds, say if err.isatty() else lambda trainer: None)
    if err.isatty():
        print("\r\x1b[K", end="", file=err)
    return {"steps": trainer.steps, "processor_seconds": round(time.process_time() - began, 1), **found}


def baseline(data: DataSpec) -> dict[str, Any]:
    """A Gaussian, and the mixture of Gaussians that the validation points choose, on the standardised test points."""
    from gmstudio.sweeps import classical

    found = classical.measure(data.build(1))
    volume = found["log_volume"]
    return {
        "gaussian": found["gaussian"] + volume,
        "mixture": found["mixture"] + volume,
        "components": found["components"],
    }


def agrees(cell: dict[str, Any]) -> bool:
    """Whether both last-epoch means of a cell are within two of the paper's deviations of the paper's."""
    published = PAPER[cell["set"]][cell["model"]]
    means = [statistics.mean(cell[name]["last"]) for name in COLUMNS]
    return all(abs(mean - centre) <= WITHIN * spread for mean, (centre, spread) in zip(means, published, strict=True))


def kept(cell: dict[str, Any]) -> list[float]:
    """Of every seed the test likelihood of the weights, of either column and any epoch, that validate best."""
    columns = [cell[name] for name in COLUMNS]
    chosen = (max(columns, key=lambda column: column["best_validation"][i]) for i in range(cell["seeds"]))
    return [column["best"][i] for i, column in enumerate(chosen)]


def table(figures: dict[str, Any], protocol: str) -> str:
    """The cells of a protocol, the paper's and the simpler models' beside them, as text.

    ``kept`` are the weights that a person would keep: of both columns those that validate best.
    """
    head = ("set", "model", "", "paper", "last epoch", "best validation", "")
    rows = [head]
    for cell in figures["cells"]:
        if cell["protocol"] != protocol:
            continue
        for name, (centre, spread) in zip(COLUMNS, PAPER[cell["set"]][cell["model"]], strict=True):
            last, best = (_shown(cell[name][when]) for when in ("last", "best"))
            rows.append(
                (cell["set"], cell["model"], name, f"{centre:.2f} ± {spread:.2f}", last, best, _word(cell, name))
            )
        values = kept(cell)
        above = statistics.mean(values) > PAPER[cell["set"]][cell["model"]][1][0]
        word = f"{'above' if above else 'not above'} the paper's mollified"
        rows.append((cell["set"], cell["model"], "kept", "", "", _shown(values), word))
    for name, level in figures["baselines"].items():
        rows.append((name, "Gaussian", "", "", f"{level['gaussian']:.2f}", "", ""))
        rows.append((name, "Mixture", f"of {level['components']}", "", f"{level['mixture']:.2f}", "", ""))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    title = f"Test log-likelihood, nats per row of standardised columns; recipe {protocol!r}"
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([title, *lines])


def _shown(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.2f} ± {deviation:.2f}"


def _word(cell: dict[str, Any], name: str) -> str:
    """How a mean of the last epoch stands to the paper's."""
    centre, spread = PAPER[cell["set"]][cell["model"]][COLUMNS.index(name)]
    away = (statistics.mean(cell[name]["last"]) - centre) / spread
    if cell["protocol"] == "paper":
        return f"{away:+.1f} deviations{'' if abs(away) <= WITHIN else ': disagrees'}"
    return "better" if away > 0 else "worse"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
