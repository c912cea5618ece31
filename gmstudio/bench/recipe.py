"""`gmstudio bench recipe`: how the recipe `best` was chosen, by validation points alone.

Every set is trained with every model and four floors under the noise, as one ensemble of one seed, which Table 1 does
not use.  What counts is the median over the validation points of the log-likelihood at the end of the training,
averaged over sets and models: the median, since a handful of outliers decides the mean on Parkinsons.  Test points
are never looked at.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from gmstudio import recipes, runs
from gmstudio.bench import report, table1
from gmstudio.data.base import DataSpec

#: Lowest noise variances to choose from.
FLOORS = (0.0, 0.003, 0.01, 0.03)
#: No seed of the table.
SEED = 5


def main(arguments: list[str]) -> int:
    """Train, print and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gmstudio bench recipe", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {', '.join(table1.SETS.values())}")
    parser.add_argument("--epochs", type=int, default=0, help="another length than the recipe's, to try it")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    for name in table1.SETS:
        for kind in recipes.MODELS:
            found = measure(kind, table1.prepared(options.data, name), options.epochs)
            rows.append({"set": name, "model": kind, **found})
            print(f"{name:<11} {kind:<9} " + "  ".join(_words(*each) for each in found["median"].items()), flush=True)
            report.write(options.json, {"rows": rows})
    means = {str(floor): statistics.fmean(row["median"][str(floor)] for row in rows) for floor in FLOORS}
    print(f"{'average':<21} " + "  ".join(_words(*each) for each in means.items()))
    report.write(options.json, {"rows": rows, "average": means})
    return 0


def _words(floor: str, value: float) -> str:
    return f"floor {floor}: {value:.3f}"


def measure(kind: str, data: DataSpec, epochs: int = 0) -> dict[str, dict[str, float]]:
    """Train a model on a set with each floor.

    Returns:
        by floor the median and the mean log-likelihood of the validation points, standardised, at the last step.
    """
    import torch

    from gmstudio.training.trainer import Trainer

    changes: dict[str, Any] = {"engine": "eager", **({"epochs": epochs} if epochs else {})}
    run = recipes.run("best", kind, data, **changes)
    schedule = run.mollification
    columns = tuple(
        runs.Column(title=f"Floor {floor}", mollification=schedule.changed(floor=floor), seed=SEED) for floor in FLOORS
    )
    trainer = Trainer(runs.Experiment(run=run, columns=columns))
    while not trainer.finished:
        trainer.advance(1000)
    points = trainer.dataset.to_model(trainer.dataset.validation)
    trainer.model.eval()
    with torch.no_grad():
        values = trainer.model.log_prob(points.expand(len(FLOORS), -1, -1)).double()
    return {
        "median": {str(floor): float(value) for floor, value in zip(FLOORS, values.median(1).values, strict=True)},
        "mean": {str(floor): float(value) for floor, value in zip(FLOORS, values.mean(1), strict=True)},
    }
