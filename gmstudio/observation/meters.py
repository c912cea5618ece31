"""The metrics of a run, computed a chunk at a time on the weights of one step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.observation import metrics
from gmstudio.observation.exact import Reference
from gmstudio.observation.frame import Metric
from gmstudio.observation.image_metrics import ImageMeter
from gmstudio.observation.pace import Pace
from gmstudio.observation.shadow import Shadow

if TYPE_CHECKING:
    from gmstudio.observation.inception import Inception
    from gmstudio.training.trainer import Trainer

#: Seed of the samples' noise, another than that of the samples on the screen.
NOISE_SEED = 77_003


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many points each metric takes.

    Attributes:
        points: for the KL divergence.
        scores: for the Fisher divergence.
        samples: for sliced Wasserstein and mode coverage.
        pairs: for MMD, whose cost is quadratic.
        codes: for what is measured of the posterior.
    """

    points: int
    scores: int
    samples: int
    pairs: int
    codes: int


LIVE = Sizes(points=4096, scores=512, samples=2048, pairs=256, codes=512)
# As many samples as live: the sliced Wasserstein distance of n samples to themselves falls with n, so that the last
# point of a curve would else drop for no reason.  The other metrics are unbiased.
FULL = Sizes(points=20_000, scores=20_000, samples=2048, pairs=2000, codes=4096)
#: Directions of the sliced Wasserstein distance; half a circle needs no more.
DIRECTIONS = 32
#: A latent dimension is active where the posterior's mean varies by more than this from point to point (Burda, Grosse,
#: Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, section 5.2).
ACTIVE = 0.01
#: Seed of the posterior's draws, where its divergence is measured by them.
CODE_SEED = 77_017
#: Validation points whose likelihood is sampled at the end, how many at once, and draws for each.
SAMPLED_POINTS, SAMPLED_ROWS, SAMPLED_DRAWS = 256, 16, 128


class Meters:
    """Measures a trainer's model against a fixed reference set.

    Args:
        trainer: whose model; never touched.
        inception: in whose features images are measured; None for those of a classifier of the data.
    """

    def __init__(self, trainer: Trainer, inception: Inception | None = None) -> None:
        self._trainer = trainer
        self._dataset = trainer.dataset
        self._reference = Reference(trainer.dataset, trainer.device)
        self._shadow: Shadow | None = None
        # Likelihoods may cost many times what samples do, and scores more.
        self._kl_pace, self._scores_pace, self._samples_pace = Pace(), Pace(), Pace()
        self._sorts_pace = Pace(rows=8, least=2, most=128)
        self._codes_pace = Pace(rows=512, least=8)
        self._pairs_pace = Pace(rows=64, least=8, most=512)
        self._noise: dict[int, Tensor] = {}
        self._scales: tuple[float, ...] = ()
        self._spread = _spread(trainer.dataset)
        self._images = ImageMeter(trainer.dataset, trainer.steps, inception)
        self._done: list[Metric] = []
        self._measured = -1
        # A curve of a thousand points is as much as a screen can show.
        self._spacing = max(1, trainer.steps // 1000)

    @property
    def idle(self) -> bool:
        """Whether it is too soon for the next round."""
        step = self._trainer.step
        if self._measured < 0:
            return False
        soon = self._measured <= step < self._measured + self._spacing
        return soon and not (self._trainer.finished and step != self._measured)

    def drain(self) -> list[Metric]:
        """What was measured since the last call."""
        done, self._done = self._done, []
        return done

    def measure(self, go_on: Callable[[int, int], bool] = lambda done, total: True) -> list[Metric]:
        """Everything at the present step on the full reference sets.

        Args:
            go_on: asked now and then while images are measured that take minutes, with how many are done, and of how
                many; where it says no, these are left out.
        """
        before, self._done = self._done, []
        for _ in self._round(FULL):
            seen, total = self._images.progress
            if total and not go_on(seen, total):
                break
        done, self._done = self._done, before
        return done

    def round(self) -> Iterator[Pace]:
        """One live round of all metrics, in chunks, on the weights of the step at which it begins."""
        return self._round(LIVE)

    def _round(self, sizes: Sizes) -> Iterator[Pace]:
        yield from self._reference.prepare(sizes.points, sizes.scores)
        trainer = self._trainer
        if self._shadow is None:
            self._shadow = Shadow(trainer.model, self._dataset, trainer.device)
        shadow = self._shadow
        shadow.follow(trainer.model, trainer.step)
        self._measured = shadow.step
        if self._reference.exact and "log_prob" in shadow.can:
            yield from self._kl(shadow, sizes.points)
        if "sample" in shadow.can:
            yield from self._of_samples(shadow, sizes)
        if self._reference.exact and "score" in shadow.can:
            yield from self._fisher(shadow, sizes.scores)
        if shadow.latent:
            yield from self._of_codes(shadow, sizes.codes)
        whole = sizes is FULL
        if shadow.latent and whole:
            yield from self._sampled(shadow)
        if "sample" in shadow.can and (self._images.due(shadow.step) or (whole and self._images.possible)):
            yield from self._images.round(shadow, self._tell, whole)

    def _tell(self, name: str, values: Tensor) -> None:
        step = self._measured
        for column, value in enumerate(values.tolist()):
            if abs(value) < float("inf"):
                self._done.append(Metric(step, column, name, value))

    def _kl(self, shadow: Shadow, size: int) -> Iterator[Pace]:
        points = self._reference.points[:size]
        found = []
        for rows in self._kl_pace.portions(len(points), shadow.members):
            found.append(shadow.log_prob(points[rows]).cpu())
            yield self._kl_pace
        self._tell("kl", metrics.kl(self._reference.log_prob(size), torch.cat(found, dim=1)).value)

    def _fisher(self, shadow: Shadow, size: int) -> Iterator[Pace]:
        points = self._reference.points[:size]
        found = []
        for rows in self._scores_pace.portions(len(points), shadow.members):
            found.append(shadow.score(points[rows]).cpu())
            yield self._scores_pace
        self._tell("fisher", metrics.fisher(self._reference.score(size), torch.cat(found, dim=1)).value)

    def _of_codes(self, shadow: Shadow, size: int) -> Iterator[Pace]:
        """The decoder's variance, in standardised units, and how much the latent variables say of the points."""
        points = self._reference.points[:size]
        noise = torch.randn(len(points), shadow.draws, generator=torch.Generator().manual_seed(CODE_SEED))
        means, found = [], []
        for rows in self._codes_pace.portions(len(points), shadow.members):
            means.append(shadow.encode(points[rows])[0])
            found.append(shadow.divergence(points[rows], noise[rows].to(points)).cpu())
            yield self._codes_pace
        self._tell("gamma", shadow.gamma())
        self._tell("divergence", torch.cat(found, dim=1).double().mean(1))
        varied = torch.cat(means, dim=1).double().var(1, correction=0)
        self._tell("active", (varied > ACTIVE).sum(1).double())

    def _sampled(self, shadow: Shadow) -> Iterator[Pace]:
        """The mean log-density of validation points by importance sampling, and its standard error by the draws."""
        points = self._dataset.validation
        points = points[:: max(1, -(-len(points) // SAMPLED_POINTS))].to(shadow.device)
        values, errors = [], []
        for number, rows in enumerate(torch.split(points, SAMPLED_ROWS)):
            value, error = shadow.log_prob_error(rows, SAMPLED_DRAWS, CODE_SEED + number)
            values.append(value.cpu().double())
            errors.append(error.cpu().double())
            yield self._codes_pace
        self._tell("validation_sampled", torch.cat(values, dim=1).mean(1))
        self._tell("validation_sampled_error", torch.cat(errors, dim=1).square().sum(1).sqrt() / len(points))

    def _of_samples(self, shadow: Shadow, sizes: Sizes) -> Iterator[Pace]:
        reference = self._reference.points
        size = min(sizes.samples, len(reference))
        if size not in self._noise:
            self._noise[size] = shadow.noise(size, NOISE_SEED)
        noise, found = self._noise[size], []
        for rows in self._samples_pace.portions(size, shadow.members):
            found.append(shadow.samples(noise[rows]).clone())
            yield self._samples_pace
        samples, reference = torch.cat(found, dim=1), reference[:size]
        if self._spread is not None:
            samples, reference = samples / self._spread, reference / self._spread
        along, squares = metrics.directions(self._dataset.dim, DIRECTIONS), []
        for rows in self._sorts_pace.portions(len(along), shadow.members):
            squares.append(metrics.sliced_squares(samples, reference, along[rows]))
            yield self._sorts_pace
        self._tell("sliced_wasserstein", torch.cat(squares, dim=-1).mean(dim=-1).sqrt())
        modes = self._dataset.modes
        if modes is not None:
            centres = modes.centres.to(samples)
            fair = metrics.near(reference, centres, modes.radius)
            self._tell("modes", metrics.modes_covered(samples, centres, modes.radius, fair))
        yield self._samples_pace
        pairs = min(sizes.pairs, size)
        if pairs < 3:
            return
        self._scales = self._scales or metrics.bandwidths(reference[:500])
        sums = metrics.MmdSums(samples[:, :pairs], reference[:pairs], self._scales)
        for rows in self._pairs_pace.portions(pairs, shadow.members):
            sums.add(rows)
            yield self._pairs_pace
        self._tell("mmd", sums.estimate().value)


def _spread(dataset: Dataset) -> Tensor | None:
    """What columns are measured in before distances are taken: standard deviations, where they are more than two.

    Points of the plane have one unit; columns of a table have one each, and the largest would drown the others.
    """
    if dataset.dim <= 2:
        return None
    spread = dataset.train[:: max(1, -(-len(dataset.train) // 20_000))].std(0, correction=0)
    return torch.where(spread > 0, spread, torch.ones_like(spread))
