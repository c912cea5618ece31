"""`gmstudio bench method`: vanilla beside mollified, where the method should matter: low density, and a manifold.

Both columns of a pair have the same data, initial weights, batches and rate; they differ in the schedule alone.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmstudio.bench import report

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.data.base import DataSpec
    from gmstudio.observation.shadow import Shadow
    from gmstudio.training.trainer import Trainer

COLUMNS = ("vanilla", "mollified")
#: A point between the modes counts where each component's density is below this share of its own maximum.
LOW = 0.01
#: Half the width of the strip between the modes, in standard deviations of a mode.
HALF_WIDTH = 1.0
#: Samples from which the angles on the circle are judged.
SAMPLES = 20_000
#: Rows that are evaluated at once.
CHUNK = 2048
#: Seed of the samples' noise.
NOISE_SEED = 909


def main(arguments: list[str]) -> int:
    """Run both comparisons; returns 0 when mollification wins as often as it should."""
    parser = argparse.ArgumentParser(prog="gmstudio bench method", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds (default: 5)")
    parser.add_argument("--steps", type=int, default=4000, help="length of each training (default: 4000)")
    parser.add_argument("--only", choices=("low-density", "circle"), help="one of the two comparisons")
    parser.add_argument("--quick", action="store_true", help="two seeds and a few steps, to see that it works; no bar")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    if options.quick:
        options.seeds, options.steps = min(options.seeds, 2), min(options.steps, 30)
    figures: dict[str, Any] = {}
    if options.only != "circle":
        figures["low_density"] = low_density(options.seeds, options.steps)
        _print_low_density(figures["low_density"])
    if options.only != "low-density":
        figures["circle"] = circle(options.seeds, options.steps)
        _print_circle(figures["circle"])
    report.write(options.json, figures)
    return 0 if options.quick or all(part["holds"] for part in figures.values()) else 1


def _recipe(data: dict[str, Any], steps: int, seed: int) -> dict[str, Any]:
    return {
        "data": data,
        "model": {"kind": "real-nvp"},
        "mollification": {"kind": "sigmoid"},
        "training": {"steps": steps, "batch": 256, "rate": 1e-3, "decay": "cosine", "seed": seed},
    }


def _pair(plain: dict[str, Any]) -> Trainer:
    import torch

    from gmstudio import runs
    from gmstudio.training import devices
    from gmstudio.training.trainer import Trainer

    torch.set_num_threads(devices.threads(0))
    return Trainer(runs.twins(runs.run_from_plain(plain)))


def low_density(seeds: int, steps: int) -> dict[str, Any]:
    """Score error between the two modes of Song and Ermon's mixture.

    The region follows from the truth: a strip of one standard deviation to either side of the segment between the
    means, where each component's density is below one hundredth of its own maximum; points are spread evenly over it.
    The error is the mean of |s_model - s_truth|^2 there, in the units of the data.

    Args:
        seeds: how many pairs.
        steps: length of each training.

    Returns:
        the recipe, one row for each seed, and whether the mollified error is lower in four fifths of them.
    """
    from gmstudio.observation import metrics
    from gmstudio.observation.shadow import Shadow

    rows = []
    for seed in range(1, seeds + 1):
        trainer = _pair(_recipe({"kind": "song-ermon"}, steps, seed))
        trainer.advance(steps)
        dataset = trainer.dataset
        assert dataset.density is not None and dataset.modes is not None
        points = between(dataset.modes.centres.double().cpu(), _spread(trainer.experiment.run.data))
        truth = dataset.density.score(points)
        shadow = Shadow(trainer.model, dataset, trainer.device)
        scores = _scores(shadow, points)
        error = metrics.fisher(truth, scores).value
        cosine = (scores * truth).sum(-1) / (scores.norm(dim=-1) * truth.norm(dim=-1)).clamp(min=1e-12)
        angle = cosine.clamp(-1, 1).acos().mean(dim=-1) * (180 / math.pi)
        everywhere = dataset.density.sample(SAMPLES, _generator())
        whole = metrics.fisher(dataset.density.score(everywhere), _scores(shadow, everywhere)).value
        row: dict[str, Any] = {"seed": seed}
        for index, name in enumerate(COLUMNS):
            row[name] = {"score_error": float(error[index]), "angle_error_degrees": float(angle[index])}
            row[name]["fisher"] = float(whole[index])
        rows.append(row)
    wins = sum(row["mollified"]["score_error"] < row["vanilla"]["score_error"] for row in rows)
    recipe = _recipe({"kind": "song-ermon"}, steps, 1)
    return {"recipe": recipe, "rows": rows, "wins": wins, "holds": wins >= math.ceil(0.8 * seeds)}


def _scores(shadow: Shadow, points: Tensor) -> Tensor:
    import torch

    x = points.float().to(shadow.device)
    return torch.cat([shadow.score(x[i : i + CHUNK]) for i in range(0, len(x), CHUNK)], dim=1).double().cpu()


def between(means: Tensor, spread: float, along: int = 401, across: int = 41) -> Tensor:
    """Points of the low-density strip between two round Gaussians.

    Args:
        means: (2, 2).
        spread: standard deviation of both.
        along, across: points of the grid before its ends are cut off.

    Returns:
        (N, 2) float64, evenly spread.
    """
    import torch

    step = means[1] - means[0]
    length: Tensor = torch.linalg.vector_norm(step)
    normal = torch.stack([-step[1], step[0]]) / length
    t = torch.linspace(0, 1, along, dtype=torch.float64)
    w = torch.linspace(-HALF_WIDTH * spread, HALF_WIDTH * spread, across, dtype=torch.float64)
    points: Tensor = (means[0] + t[:, None, None] * step + w[None, :, None] * normal).reshape(-1, 2)
    # exp(-d^2 / 2 spread^2) < LOW for the distance d to either mean.
    far: Tensor = torch.cdist(points, means).amin(dim=1) > spread * math.sqrt(-2 * math.log(LOW))
    return points[far]


def circle(seeds: int, steps: int) -> dict[str, Any]:
    """Angles of samples on the von Mises circle, and the likelihood that does not tell of them.

    Args:
        seeds: how many pairs.
        steps: length of each training.

    Returns:
        the recipe, one row for each seed, the likelihoods of the first seed over the steps, and whether the vanilla
        likelihood climbed and the mollified angle density is better in four fifths of the pairs.
    """
    import torch

    from gmstudio.data import circle as law
    from gmstudio.data.sets.von_mises import VonMises
    from gmstudio.observation.shadow import Shadow

    data = {"kind": "von-mises", "size": 1000}
    rows, curves = [], []
    for seed in range(1, seeds + 1):
        trainer = _pair(_recipe(data, steps, seed))
        trainer.advance(steps)
        curves.append(_curves(trainer))
        spec = trainer.experiment.run.data
        assert isinstance(spec, VonMises)
        shadow = Shadow(trainer.model, trainer.dataset, trainer.device)
        noise = shadow.noise(SAMPLES, NOISE_SEED)
        parts = [shadow.samples(noise[i : i + CHUNK]) for i in range(0, len(noise), CHUNK)]
        samples = torch.cat(parts, dim=1).cpu().double()
        centre = math.radians(spec.direction)
        row: dict[str, Any] = {"seed": seed}
        for index, name in enumerate(COLUMNS):
            found = curves[-1][name]
            row[name] = {
                "angle_kl_nats": law.divergence(samples[index], spec.kappa, centre),
                "distance": float((samples[index].norm(dim=-1) - 1).abs().mean()),
                "train": found["train"][-1][1],
                "validation": found["validation"][-1][1],
                "climbed": _climb(found["validation"]),
            }
        rows.append(row)
    wins = sum(row["mollified"]["angle_kl_nats"] < row["vanilla"]["angle_kl_nats"] for row in rows)
    climbs = sum(row["vanilla"]["climbed"] > 0 for row in rows)
    enough = math.ceil(0.8 * seeds)
    return {
        "recipe": _recipe(data, steps, 1),
        "rows": rows,
        "curves": curves[0],
        "wins": wins,
        "climbs": climbs,
        "holds": wins >= enough and climbs >= enough,
    }


def _curves(trainer: Trainer) -> dict[str, dict[str, list[tuple[int, float]]]]:
    found: dict[str, dict[str, list[tuple[int, float]]]] = {name: {"train": [], "validation": []} for name in COLUMNS}
    for metric in trainer.drain():
        if metric.name in ("train", "validation"):
            found[COLUMNS[metric.column]][metric.name].append((metric.step, metric.value))
    return found


def _climb(curve: list[tuple[int, float]]) -> float:
    """How much a likelihood rose from a quarter of the training to its end, in nats."""
    quarter = curve[-1][0] / 4
    early = min(curve, key=lambda one: abs(one[0] - quarter))
    return curve[-1][1] - early[1]


def _spread(spec: DataSpec) -> float:
    from gmstudio.data.sets.song_ermon import SongErmon

    assert isinstance(spec, SongErmon)
    return spec.spread


def _generator() -> Any:
    import torch

    return torch.Generator().manual_seed(NOISE_SEED)


def _print_low_density(figures: dict[str, Any]) -> None:
    print("Song & Ermon's mixture, Real-NVP: mean squared score error between the modes")
    print(f"{'seed':>6} {'vanilla':>12} {'mollified':>12} {'angle, vanilla':>16} {'angle, mollified':>18}")
    for row in figures["rows"]:
        a, b = row["vanilla"], row["mollified"]
        print(
            f"{row['seed']:6d} {a['score_error']:12.4g} {b['score_error']:12.4g} "
            f"{a['angle_error_degrees']:15.1f}° {b['angle_error_degrees']:17.1f}°"
        )
    medians = (statistics.median(row[name]["score_error"] for row in figures["rows"]) for name in COLUMNS)
    print("median " + " ".join(f"{value:12.4g}" for value in medians))
    print(f"Mollified is better with {figures['wins']} of {len(figures['rows'])} seeds.\n")


def _print_circle(figures: dict[str, Any]) -> None:
    print("Von Mises on the circle, 1,000 points, Real-NVP: the likelihood climbs, but are the angles right?")
    first = figures["curves"]["vanilla"]["validation"]
    picked = first[:: max(1, len(first) // 8)]
    print("Validation log-likelihood, vanilla, seed 1: " + ", ".join(f"{s}: {v:.2f}" for s, v in picked) + " nats")
    head = ("KL of the angle, nats", "mean ||x| - 1|", "validation, nats", "its climb, nats")
    print(f"{'seed':>6} " + " ".join(f"{title:>26}" for title in head) + "   (vanilla / mollified)")
    for row in figures["rows"]:
        a, b = row["vanilla"], row["mollified"]
        cells = [
            f"{a[key]:.{digits}f} / {b[key]:.{digits}f}"
            for key, digits in (("angle_kl_nats", 4), ("distance", 4), ("validation", 2), ("climbed", 2))
        ]
        print(f"{row['seed']:6d} " + " ".join(f"{cell:>26}" for cell in cells))
    medians = ", ".join(
        f"{name} {statistics.median(row[name]['distance'] for row in figures['rows']):.4f}" for name in COLUMNS
    )
    print(f"Median distance of samples to the circle: {medians}.")
    print(
        f"Vanilla's likelihood climbs with {figures['climbs']}, mollified has the better angle density with "
        f"{figures['wins']} of {len(figures['rows'])} seeds.\n"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
