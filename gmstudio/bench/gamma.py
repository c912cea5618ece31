"""`gmstudio bench gamma`: what a learned decoder variance does where data lie on a manifold, and what two stages mend.

The cost is 2 x (-ELBO) of the first stage, in nats per point, as in Dai, Wipf, Diagnosing and enhancing VAE models,
ICLR 2019; gamma is the decoder's VARIANCE, of data whose columns have variance 1.  For d columns,

    2 x (-ELBO) = E_q |x - decode(z)|^2 / gamma  +  d log(2 pi gamma)  +  2 KL(q(z | x) || N(0, I)).

On a manifold of r dimensions the posterior's variance along r directions goes to 0 in proportion to gamma, which makes
of 2 KL -r log gamma + O(1), and the draws' error about r gamma: the cost is (d - r) log gamma + O(1) (theorem 4 there).
The slope is that of a straight line through (log gamma, cost) at all looks from the first at which gamma is below one
hundredth of the data's variance until the end of the training, on points that were never trained on.

Samples are compared with draws of the truth by the unbiased MMD^2 of the first stage alone, x = decode(z), z ~ N(0, I),
with the decoder's noise and without, and of both stages, x = decode(z), z from the second stage (the paper adds no
noise to x in either).  Both use the same first stage.  All seeds of a problem train as one ensemble.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gmstudio.bench import report
from gmstudio.data.base import Dataset, DataSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gmstudio.models.layers.two_stage import TwoStageModel
    from gmstudio.runs import Experiment
    from gmstudio.training.trainer import Trainer

#: The line is fitted from the first look on at which gamma is below this, of data with variance 1.
LATE = 0.01
#: How far the slope may be from d - r, and at most how large error and gamma may be at the end.
SLOPE_WITHIN, ERROR_BELOW, GAMMA_BELOW = 0.15, 1e-4, 1e-3
#: In what share of the seeds two stages have to be better.
WINS = 0.8
#: Points to train on, looks at the model, points of a look, and samples of which the distance is taken.
POINTS, LOOKS, LOOKED, SAMPLES = 18_000, 60, 2000, 3000
#: Seeds of the manifold's map, of the training points, of the truth's draws and of the numbers of looks and samples.
MAP_SEED, POINTS_SEED, TRUTH_SEED, NUMBERS_SEED = 0, 11, 77, 5


@dataclass(frozen=True, slots=True)
class Problem:
    """Data on a manifold, and how they are trained on.

    Attributes:
        title: as a person reads it.
        dim, own: d, and the manifold's r.
        latent, hidden, rate, batch, steps: of the model and its training.
        draw: so many points (N, d) float64 of the manifold.
        bar: whether the bars are for it.
    """

    title: str
    dim: int
    own: int
    latent: int
    hidden: int
    rate: float
    batch: int
    steps: int
    draw: Callable[[int, torch.Generator], Tensor]
    bar: bool = True


def _arc(size: int, generator: torch.Generator) -> Tensor:
    """Evenly spread in the parameter of a spiral's piece: 0.6 of a turn, the radius growing from 1 to 3."""
    import torch

    from gmstudio.data import circle

    place = torch.rand(size, generator=generator, dtype=torch.float64)
    return (1.0 + 2.0 * place).unsqueeze(1) * circle.points(1.2 * math.pi * place)


def _circle(size: int, generator: torch.Generator) -> Tensor:
    """The registered data set "von-mises", kappa 1."""
    from gmstudio.data.sets.von_mises import VonMises

    return VonMises(kappa=1.0).source().sample(size, generator)


def _bent(size: int, generator: torch.Generator) -> Tensor:
    """A mixture of four Gaussians in 5-D through a fixed smooth map to 20-D: a linear one and one through tanh."""
    import torch

    fixed = torch.Generator().manual_seed(MAP_SEED)

    def matrix(rows: int, columns: int) -> Tensor:
        return torch.randn(rows, columns, generator=fixed, dtype=torch.float64)

    centres, first, shift, second, linear = matrix(4, 5), matrix(5, 32), matrix(1, 32), matrix(32, 20), matrix(5, 20)
    which = torch.randint(4, (size,), generator=generator)
    own = 0.5 * centres[which] + 0.175 * torch.randn(size, 5, generator=generator, dtype=torch.float64)
    bent = torch.tanh(own @ first / math.sqrt(5) + 0.5 * shift) @ second / math.sqrt(32)
    return bent + 0.5 * own @ linear / math.sqrt(5)


PROBLEMS = {
    "curve": Problem("A 1-D curve in 2-D, open: a piece of a spiral", 2, 1, 1, 64, 1e-3, 256, 4000, _arc),
    "manifold": Problem("A 5-D manifold in 20-D: a mixture, bent by tanh", 20, 5, 8, 128, 2e-3, 128, 4500, _bent),
    # A line cannot be bent into a circle, and no diagonal Gaussian in the plane follows one: theory and bars are for
    # manifolds that a Gaussian's space can be mapped to.
    "circle": Problem("A 1-D curve in 2-D, closed: the circle", 2, 1, 2, 64, 1e-3, 256, 4000, _circle, bar=False),
}


class OnManifold(DataSpec, frozen=True, kw_only=True, tag="on-manifold"):
    """The points of a problem; columns are standardised."""

    problem: str

    @property
    def name(self) -> str:
        """As in the table."""
        return PROBLEMS[self.problem].title

    def build(self, seed: int) -> Dataset:
        """Draw them; they are the same for every seed, so that seeds differ in the training alone."""
        import torch

        from gmstudio.data.tables.preparing import Preparation, prepare

        problem = PROBLEMS[self.problem]
        points = problem.draw(POINTS + LOOKED, torch.Generator().manual_seed(POINTS_SEED))
        share = LOOKED / (POINTS + LOOKED)
        names = [f"column {place + 1}" for place in range(problem.dim)]
        return prepare(points.numpy(), names, Preparation(test_share=0.0, validation_share=share), name=self.name)


def experiment(name: str, steps: int, seeds: int) -> Experiment:
    """A two-stage VAE with a learned variance on a problem, a column for each seed from 0 on."""
    from gmstudio import runs

    problem = PROBLEMS[name]
    model = {"kind": "two-stage-vae", "latent": problem.latent, "hidden": problem.hidden, "gamma_start": 1.0}
    training = {"steps": steps, "batch": problem.batch, "rate": problem.rate, "engine": "eager"}
    # Looks at the likelihood would take longer than the training.
    plain = {"data": {"kind": "two-moons"}, "model": model, "training": {**training, "evaluate_every": 1_000_000}}
    run = runs.run_from_plain(plain).changed(data=OnManifold(problem=name))
    return runs.Experiment(
        run=run, columns=tuple(runs.Column(title=f"Seed {seed}", seed=seed) for seed in range(seeds))
    )


def measure(name: str, steps: int, seeds: int, samples: int = SAMPLES) -> dict[str, Any]:
    """Train a problem and follow it.

    Args:
        name: one of `PROBLEMS`.
        steps: length of the training.
        seeds: how many.
        samples: of each model, for the distance.

    Returns:
        at every look the step, log gamma, cost and error of each seed; the slopes over d - r; and MMD^2 with its
        standard error of one stage, with noise and without, and of two.
    """
    from gmstudio.training.trainer import Trainer

    trainer, began = Trainer(experiment(name, steps, seeds)), time.process_time()
    looks = [look(trainer)]
    while not trainer.finished:
        trainer.advance(max(1, steps // LOOKS))
        trainer.drain()
        looks.append(look(trainer))
    problem = PROBLEMS[name]
    return {
        "looks": looks,
        "slopes": [found / (problem.dim - problem.own) for found in slopes(looks)],
        "mmd": _distances(trainer, problem, samples),
        "processor_seconds": round(time.process_time() - began, 1),
    }


def look(trainer: Trainer) -> dict[str, Any]:
    """The first stage now, on points that are not trained on, with the same numbers every time.

    Returns:
        the step; and for each seed log gamma, the cost 2 x (-ELBO), and the mean squared error of reconstructions per
        column, of columns with variance 1.
    """
    import torch

    from gmstudio.models.layers.latent import LatentModel

    model = cast("TwoStageModel", trainer.model)
    x = trainer.dataset.to_model(trainer.dataset.validation)
    noise = torch.randn(1, len(x), model.latent, generator=torch.Generator().manual_seed(NUMBERS_SEED))
    points = x.expand(model.members, -1, -1)
    with torch.no_grad():
        # The first stage's own bound: the model's is of both.
        likelihood, divergence = LatentModel.terms(model, points, noise.expand(model.members, -1, -1))
        error = (model.reconstruct(points) - points).square().mean(dim=(1, 2))
        return {
            "step": trainer.step,
            "log_gamma": model.log_gamma().mean(dim=1).tolist(),
            "cost": (2.0 * (divergence - likelihood)).mean(dim=1).tolist(),
            "error": error.tolist(),
        }


def slopes(looks: Sequence[dict[str, Any]]) -> list[float]:
    """Of each seed the slope of the cost by log gamma, by least squares over the late looks; NaN for fewer than 2."""
    import numpy as np

    x, y = (np.array([look[name] for look in looks]) for name in ("log_gamma", "cost"))
    found = []
    for own, cost in zip(x.T, y.T, strict=True):
        below = own < math.log(LATE)
        first = int(below.argmax()) if below.any() else len(own)
        late = own[first:] - own[first:].mean() if first + 1 < len(own) else np.zeros(1)
        square = float(late @ late)
        found.append(float(late @ cost[first:]) / square if square > 0 else math.nan)
    return found


def _distances(trainer: Trainer, problem: Problem, samples: int) -> dict[str, list[list[float]]]:
    import torch

    from gmstudio.observation import metrics

    model, numbers = cast("TwoStageModel", trainer.model), torch.Generator().manual_seed(NUMBERS_SEED)
    truth = problem.draw(samples, torch.Generator().manual_seed(TRUTH_SEED)).float()
    truth = trainer.dataset.to_model(truth)
    with torch.no_grad():
        z = torch.randn(samples, problem.latent, generator=numbers).expand(model.members, -1, -1)
        own = torch.randn(samples, problem.dim, generator=numbers)
        plain = model.decode(z)
        found = {
            "one stage": plain,
            "one stage, noise": torch.addcmul(plain, torch.exp(0.5 * model.log_gamma()).unsqueeze(1), own),
            "two stages": model.sample(model.noise(samples, numbers)),
        }
        scales = metrics.bandwidths(truth)
        estimates = {name: metrics.mmd(points, truth, scales) for name, points in found.items()}
    return {name: [estimate.value.tolist(), estimate.error.tolist()] for name, estimate in estimates.items()}


def verdicts(name: str, figures: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """What was found beside each bar, and whether it is met by every seed (for MMD, by enough of them)."""
    problem, last = PROBLEMS[name], figures["looks"][-1]
    largest = math.exp(max(last["log_gamma"]))
    one = zip(figures["mmd"]["one stage"][0], figures["mmd"]["one stage, noise"][0], strict=True)
    better = [two < min(both) for two, both in zip(figures["mmd"]["two stages"][0], one, strict=True)]
    wins, seeds = sum(better), len(better)
    away = max(abs(slope - 1.0) if math.isfinite(slope) else math.inf for slope in figures["slopes"])
    return {
        "gamma": (f"at most {largest:.1e} at the end (bar: {GAMMA_BELOW:g})", largest <= GAMMA_BELOW),
        "slope": (
            f"{min(figures['slopes']):.3f} to {max(figures['slopes']):.3f} times d - r = {problem.dim - problem.own} "
            f"(bar: 1 ± {SLOPE_WITHIN:g})",
            away <= SLOPE_WITHIN,
        ),
        "error": (
            f"at most {max(last['error']):.1e} of the variance at the end (bar: {ERROR_BELOW:g})",
            max(last["error"]) <= ERROR_BELOW,
        ),
        "MMD": (
            f"two stages better than one in {wins} of {seeds} seeds (bar: {math.ceil(WINS * seeds)})",
            wins >= WINS * seeds,
        ),
    }


def table(name: str, figures: dict[str, Any]) -> str:
    """The figures of a problem as text."""
    problem, looks = PROBLEMS[name], figures["looks"]
    lines = [
        f"{problem.title} (d = {problem.dim}, r = {problem.own}), {problem.latent} latent "
        f"dimension{'' if problem.latent == 1 else 's'}; {figures['processor_seconds']:.0f} s",
        f"{'step':>6}  {'log gamma':>18}  {'cost 2 x (-ELBO)':>20}  {'error, of variance':>22}   (all seeds)",
    ]
    for at in sorted({round(i * (len(looks) - 1) / 10) for i in range(11)}):
        one = looks[at]
        spans = [f"{min(one[key]):8{form}} to {max(one[key]):8{form}}" for key, form in _FORMS.items()]
        lines.append(f"{one['step']:6d}  {spans[0]:>18}  {spans[1]:>20}  {spans[2]:>22}")
    lines.append(
        f"{'seed':>6}  {'slope / (d - r)':>15}  " + "  ".join(f"{'MMD^2, ' + key:>24}" for key in figures["mmd"])
    )
    for seed, slope in enumerate(figures["slopes"]):
        pairs = [f"{value[seed]:.5f} ± {error[seed]:.5f}" for value, error in figures["mmd"].values()]
        lines.append(f"{seed:6d}  {slope:15.3f}  " + "  ".join(f"{pair:>24}" for pair in pairs))
    for bar, (text, met) in verdicts(name, figures).items():
        lines.append(f"{bar:>6}: {text}{'' if met else ' - MISSED' if problem.bar else ' - not reached; no bar here'}")
    return "\n".join(lines)


_FORMS = {"log_gamma": ".2f", "cost": ".2f", "error": ".1e"}


def main(arguments: list[str]) -> int:
    """Train what is missing and print it; returns 0 when every bar is met."""
    parser = argparse.ArgumentParser(
        prog="gmstudio bench gamma", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problem", action="append", choices=PROBLEMS, help="only this; may be given again")
    parser.add_argument("--seeds", type=int, choices=range(1, 17), default=5, metavar="N", help="from 0 on (5)")
    parser.add_argument("--steps", type=int, default=0, help="another length of the training, to try it; no bar")
    parser.add_argument("--samples", type=int, default=SAMPLES, help=f"of each model, for MMD (default: {SAMPLES:,})")
    parser.add_argument("--json", type=Path, help="write the figures there, and train only what they lack")
    options = parser.parse_args(arguments)
    if options.steps < 0 or options.samples < 3:
        parser.error("--steps is at least 1, --samples at least 3")

    import torch

    torch.set_num_threads(1)
    figures, met = _read(options.json), True
    print(f"The cost is 2 x (-ELBO) of the first stage, nats per point; gamma is a variance; late: gamma < {LATE:g}.")
    for name in options.problem or PROBLEMS:
        wanted = {
            "steps": options.steps or PROBLEMS[name].steps,
            "seeds": options.seeds,
            "samples": options.samples,
        }
        if not figures.get(name, {}).items() >= wanted.items():
            figures[name] = {**wanted, **measure(name, **wanted)}
            report.write(options.json, figures)
        print(f"\n{table(name, figures[name])}", flush=True)
        if PROBLEMS[name].bar:
            met &= all(good for _, good in verdicts(name, figures[name]).values())
    return 0 if met or options.steps else 1


def _read(path: Path | None) -> dict[str, Any]:
    if path is None or not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {name: kept[name] for name in PROBLEMS if name in kept}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
