"""`gmstudio bench learn`: a spline flow on eight Gaussians, by its true Kullback-Leibler divergence over the steps."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmstudio.bench import report

if TYPE_CHECKING:
    from gmstudio.training.trainer import Trainer

#: The divergence that the run has to reach.
BAR_NATS = 0.05
#: Seed of the draws of the truth.
DRAW_SEED = 4_051


def main(arguments: list[str]) -> int:
    """Train and measure; returns 0 when the divergence at the last step is at most 0.05 nats."""
    parser = argparse.ArgumentParser(prog="gmstudio bench learn", description=__doc__)
    parser.add_argument("--steps", type=int, default=4000, help="length of the training (default: 4000)")
    parser.add_argument("--batch", type=int, default=512, help="points in one step (default: 512)")
    parser.add_argument("--size", type=int, default=20_000, help="training points (default: 20,000)")
    parser.add_argument("--seed", type=int, default=1, help="of data, weights and batches")
    parser.add_argument("--points", type=int, default=20_000, help="draws of the truth that the divergence is taken on")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that it works; no bar")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    if options.quick:
        options.steps, options.points = min(options.steps, 20), min(options.points, 500)
    figures = measure(options.steps, options.batch, options.size, options.seed, options.points)
    _print(figures)
    report.write(options.json, figures)
    return 0 if options.quick or figures["kl_nats"] <= BAR_NATS else 1


def measure(steps: int, batch: int, size: int, seed: int, points: int) -> dict[str, Any]:
    """Train a spline flow by plain maximum likelihood and follow KL(truth || model).

    Args:
        steps: length of the training.
        batch: points in one step.
        size: training points.
        seed: of data, weights and batches.
        points: draws of the truth, which the model never sees.

    Returns:
        the recipe, the curve of (step, nats, standard error), and the last value.
    """
    import torch

    from gmstudio import runs
    from gmstudio.training import devices
    from gmstudio.training.trainer import Trainer

    plain = {
        "data": {"kind": "eight-gaussians", "size": size},
        "model": {"kind": "spline"},
        "training": {"steps": steps, "batch": batch, "rate": 2e-3, "decay": "cosine", "seed": seed},
    }
    torch.set_num_threads(devices.threads(0))
    trainer = Trainer(runs.single(runs.run_from_plain(plain)))
    density = trainer.dataset.density
    assert density is not None
    x = density.sample(points, torch.Generator().manual_seed(DRAW_SEED)).float()
    curve = []
    training = 0.0
    while True:
        curve.append((trainer.step, *_kl(trainer, x)))
        if trainer.finished:
            break
        began = time.perf_counter()
        trainer.advance(max(1, steps // 10))
        training += time.perf_counter() - began
    return {
        "recipe": plain,
        "curve": curve,
        "kl_nats": curve[-1][1],
        "kl_error_nats": curve[-1][2],
        "steps_per_second": steps / training,
    }


def _kl(trainer: Trainer, x: Any) -> tuple[float, float]:
    import torch

    from gmstudio.observation import metrics
    from gmstudio.observation.shadow import Shadow

    shadow = Shadow(trainer.model, trainer.dataset, trainer.device)
    assert trainer.dataset.density is not None
    log_q = torch.cat([shadow.log_prob(rows.to(trainer.device)).cpu() for rows in x.split(2048)], dim=1)
    estimate = metrics.kl(trainer.dataset.density.log_prob(x.double()), log_q)
    return float(estimate.value[0]), float(estimate.error[0])


def _print(figures: dict[str, Any]) -> None:
    print("Eight Gaussians, neural spline flow, maximum likelihood, without mollification.")
    print(f"{'step':>6}  {'KL(truth || model), nats':>26}")
    for step, value, error in figures["curve"]:
        print(f"{step:6d}  {value:18.4f} ± {error:.4f}")
    print(f"At the end {figures['kl_nats']:.4f} nats (bar: {BAR_NATS}); {figures['steps_per_second']:.0f} steps/s.")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
