"""`gmstudio bench recipe`: how the recipe `best` was chosen, by validation points alone.

Every set is trained with every model, with normal and with heavy tails, and with several schedules, as one ensemble of
one seed, which Table 1 does not use.  What counts is the mean over the validation points, without the worst 2 %, of
the log-likelihood at the end of the training, averaged over sets and models: a handful of outliers decides the whole
mean on Parkinsons, and a median does not see how badly a model fails.  Test points are never looked at.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any, Literal, NamedTuple

from gmstudio import recipes, runs
from gmstudio.bench import report, table1
from gmstudio.data.base import DataSpec

#: No seed of the table.
SEED = 5
#: Share of the validation points, the worst ones, that the trimmed mean leaves out.
TRIMMED = 0.02


class Candidate(NamedTuple):
    """One way to train.

    Attributes:
        tails: of the flow.
        until: share of the training at which the noise has fallen to its floor.
        floor: lowest noise variance.
    """

    tails: Literal["normal", "heavy"]
    until: float
    floor: float

    def __str__(self) -> str:
        return f"{self.tails} tails, until {self.until:g}, floor {self.floor:g}"


#: Ends and floors of the noise to choose from.
SCHEDULES = ((0.6, 0.003), (0.6, 0.01), (0.8, 0.003), (0.8, 0.01), (1.0, 0.003))


def main(arguments: list[str]) -> int:
    """Train, print and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="gmstudio bench recipe", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {', '.join(table1.SETS.values())}")
    parser.add_argument("--epochs", type=int, default=0, help="another length than the recipe's, to try it")
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 for all but one (default)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    _use_threads(options.threads)
    rows: list[dict[str, Any]] = []
    for name in table1.SETS:
        for kind in recipes.MODELS:
            found = measure(kind, table1.prepared(options.data, name), options.epochs)
            rows.append({"set": name, "model": kind, "candidates": found})
            best = max(found, key=lambda candidate: found[candidate]["trimmed"])
            print(f"{name:<11} {kind:<9} best: {best}, {found[best]['trimmed']:.3f}", flush=True)
            report.write(options.json, {"rows": rows})
    means = averages(rows)
    print("\nTrimmed mean over the validation points, averaged over sets and models:")
    for candidate, value in sorted(means.items(), key=lambda pair: -pair[1]):
        print(f"{value:8.3f}  {candidate}")
    report.write(options.json, {"rows": rows, "average": means})
    return 0


def _use_threads(threads: int) -> None:
    import torch

    from gmstudio.training import devices

    torch.set_num_threads(devices.threads(threads))


def averages(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What each candidate reaches on average over the rows."""
    names = rows[0]["candidates"]
    return {name: statistics.fmean(row["candidates"][name]["trimmed"] for row in rows) for name in names}


def measure(kind: str, data: DataSpec, epochs: int = 0) -> dict[str, dict[str, float]]:
    """Train a model on a set in every way.

    Returns:
        by candidate median, mean and trimmed mean of the validation points' log-likelihoods, standardised, at the end.
    """
    found: dict[str, dict[str, float]] = {}
    for tails in ("normal", "heavy"):
        candidates = [Candidate(tails, *schedule) for schedule in SCHEDULES]
        found |= dict(zip(map(str, candidates), _train(kind, data, candidates, epochs), strict=True))
    return found


def _train(kind: str, data: DataSpec, candidates: list[Candidate], epochs: int) -> list[dict[str, float]]:
    """Train candidates of equal tails as one ensemble."""
    import torch

    from gmstudio.training.trainer import Trainer

    changes: dict[str, Any] = {"engine": "eager", **({"epochs": epochs} if epochs else {})}
    run = recipes.run("best", kind, data, **changes)
    run = run.changed(model=run.model.changed(tails=candidates[0].tails))
    columns = tuple(
        runs.Column(
            title=str(each), mollification=run.mollification.changed(until=each.until, floor=each.floor), seed=SEED
        )
        for each in candidates
    )
    trainer = Trainer(runs.Experiment(run=run, columns=columns))
    while not trainer.finished:
        trainer.advance(1000)
        trainer.drain()
    points = trainer.dataset.to_model(trainer.dataset.validation)
    trainer.model.eval()
    with torch.no_grad():
        values = trainer.model.log_prob(points.expand(len(columns), -1, -1)).double().sort(dim=1).values
    worst = max(1, int(TRIMMED * values.shape[1]))
    return [
        {"median": float(own.median()), "mean": float(own.mean()), "trimmed": float(own[worst:].mean())}
        for own in values
    ]
