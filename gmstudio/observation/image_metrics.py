"""FID and KID of a run on images while it trains: now and then, for they cost more than other metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.observation import features
from gmstudio.observation.frechet import fid, kid
from gmstudio.observation.pace import Pace
from gmstudio.observation.shadow import Shadow

#: Samples that are compared with the images held out. Values of different sizes cannot be compared: live and at the
#: end there are equally many.
SAMPLES = 1000
#: Points of a curve, about.
POINTS = 100
#: Steps of the classifier's training in one round of metrics, so that the other metrics need not wait for it.
PORTION = 20
#: Seed of the samples' noise.
NOISE_SEED = 77_004

Tell = Callable[[str, Tensor], None]


class ImageMeter:
    """Measures samples of images in the features of `features.judge`.

    Args:
        dataset: of the run; nothing is measured where it has no images, or too few.
        steps: length of the training.
    """

    def __init__(self, dataset: Dataset, steps: int) -> None:
        self.possible = features.possible(dataset)
        self._dataset = dataset
        self._spacing = max(1, steps // POINTS)
        self._training: Iterator[float] | None = None
        self._judge: features.Judge | None = None
        self._real: Tensor | None = None
        self._noise: Tensor | None = None
        self._last = -1
        self._pace = Pace(rows=256, least=16)

    def due(self, step: int) -> bool:
        """Whether it is time to measure again."""
        return self.possible and (self._judge is None or self._last < 0 or step >= self._last + self._spacing)

    def round(self, shadow: Shadow, tell: Tell, whole: bool) -> Iterator[Pace]:
        """Train some more of the classifier, or measure.

        Args:
            shadow: the model.
            tell: gets ``fid`` and ``kid`` of the members, (E,).
            whole: train all that is left, and then measure.
        """
        if self._judge is None:
            yield from self._learn(whole)
        judge = self._judge
        if judge is None:
            return
        if self._real is None:
            self._real = judge.features(features.held_out(self._dataset))
            yield self._pace
        if self._noise is None:
            self._noise = shadow.noise(SAMPLES, NOISE_SEED)
        self._last = shadow.step
        found: list[list[Tensor]] = [[] for _ in range(shadow.members)]
        for rows in self._pace.portions(SAMPLES, shadow.members):
            for member, samples in enumerate(shadow.samples(self._noise[rows])):
                found[member].append(judge.features(samples))
            yield self._pace
        values: dict[str, list[float]] = {"fid": [], "kid": []}
        for parts in found:
            seen = torch.cat(parts)
            finite = bool(seen.isfinite().all())
            values["fid"].append(fid(seen, self._real) if finite else float("nan"))
            values["kid"].append(float(kid(seen, self._real).value) if finite else float("nan"))
            yield self._pace
        for name, each in values.items():
            tell(name, torch.tensor(each, dtype=torch.float64))

    def _learn(self, whole: bool) -> Iterator[Pace]:
        self._training = self._training or features.train(self._dataset)
        for count, _ in enumerate(self._training, 1):
            yield self._pace
            if not whole and count >= PORTION:
                return
        self._judge = features.judge(self._dataset)


def described(dataset: Dataset) -> str:
    """In which features, and of how many images, FID and KID of a run are measured; empty where they are not."""
    if not features.possible(dataset):
        return ""
    against = len(features.held_out(dataset))
    return f"{features.title(dataset)}; {SAMPLES:,} samples against {against:,} images held out"
