"""FID and KID of a run on images while it trains: now and then, for they cost more than other metrics.

In features of Inception-v3 an image takes about 0.3 s of a processor's core: there they are found once, at the end, and
of fewer images; on a GPU also live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.observation import features
from gmstudio.observation.frechet import fid, kid
from gmstudio.observation.inception import CHUNK, Inception
from gmstudio.observation.pace import Pace
from gmstudio.observation.shadow import Shadow

#: Samples that are compared with the images held out. Values of different sizes cannot be compared: live and at the
#: end there are equally many.
SAMPLES = 1000
#: The same, and images held out, at most, in features of Inception-v3. FID is biased there, the same for each column.
FEW = 500
#: Points of a curve, about.
POINTS = 100
#: Steps of the classifier's training in one round of metrics, so that the other metrics need not wait for it.
PORTION = 20
#: Seed of the samples' noise.
NOISE_SEED = 77_004
#: Seed of the choice of images held out.
CHOICE_SEED = 77_005

Tell = Callable[[str, Tensor], None]


class ImageMeter:
    """Measures samples of images in the features of `features.judge`, or in those of Inception-v3.

    Args:
        dataset: of the run; nothing is measured where it has no images, or too few.
        steps: length of the training.
        inception: in whose features; None for those of the classifier.

    Attributes:
        possible: whether there is something to measure.
        progress: images that are looked at, of how many, where that takes minutes; else 0 of 0.
    """

    def __init__(self, dataset: Dataset, steps: int, inception: Inception | None = None) -> None:
        self.possible = features.possible(dataset)
        self.progress = (0, 0)
        self._dataset = dataset
        self._slow = inception is not None and inception.device.type == "cpu"
        self._spacing = max(1, steps // POINTS)
        self._training: Iterator[float] | None = None
        self._judge: features.Judge | None = None
        self._pace, self._samples = Pace(rows=256, least=16), SAMPLES
        if inception is not None and self.possible:
            self._judge = features.given(inception, dataset, CHUNK)
            # One image may take longer than a chunk should; then the training that follows makes up for it.
            self._pace, self._samples = Pace(rows=1, least=1, most=4 * CHUNK), FEW
        self._real: Tensor | None = None
        self._noise: Tensor | None = None
        self._last = -1

    def due(self, step: int) -> bool:
        """Whether it is time to measure again."""
        late = self._judge is None or self._last < 0 or step >= self._last + self._spacing
        return self.possible and late and not self._slow

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
        if self._noise is None:
            self._noise = shadow.noise(self._samples, NOISE_SEED)
        against = against_of(self._dataset, judge)
        done, total = 0, len(against) + self._samples * shadow.members
        if self._real is None:
            parts = []
            for rows in self._pace.portions(len(against)):
                parts.append(judge.features(against[rows]))
                done += len(parts[-1])
                self._progress(done, total)
                yield self._pace
            self._real = torch.cat(parts)
        done = len(against)
        self._last = shadow.step
        found: list[list[Tensor]] = [[] for _ in range(shadow.members)]
        for rows in self._pace.portions(self._samples, shadow.members):
            for member, samples in enumerate(shadow.samples(self._noise[rows])):
                found[member].append(judge.features(samples))
                done += len(samples)
            self._progress(done, total)
            yield self._pace
        self.progress = (0, 0)
        values: dict[str, list[float]] = {"fid": [], "kid": []}
        for parts in found:
            seen = torch.cat(parts)
            finite = bool(seen.isfinite().all())
            values["fid"].append(fid(seen, self._real) if finite else float("nan"))
            values["kid"].append(float(kid(seen, self._real).value) if finite else float("nan"))
            yield self._pace
        for name, each in values.items():
            tell(name, torch.tensor(each, dtype=torch.float64))

    def _progress(self, done: int, total: int) -> None:
        if self._slow:
            self.progress = (done, total)

    def _learn(self, whole: bool) -> Iterator[Pace]:
        self._training = self._training or features.train(self._dataset)
        for count, _ in enumerate(self._training, 1):
            yield self._pace
            if not whole and count >= PORTION:
                return
        self._judge = features.judge(self._dataset)


def against_of(dataset: Dataset, judge: features.Judge) -> Tensor:
    """The images with which samples are compared: all that are held out, or some where one takes long."""
    images = features.held_out(dataset)
    if not isinstance(judge.network, Inception) or len(images) <= FEW:
        return images
    # Files may be sorted by class, and the KID wants a random order.
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(CHOICE_SEED))[:FEW]]


def described(dataset: Dataset, inception: Inception | None = None) -> str:
    """In which features, and of how many images, FID and KID of a run are measured; empty where they are not."""
    if not features.possible(dataset):
        return ""
    against = len(features.held_out(dataset))
    if inception is not None:
        return f"{inception.name}; {FEW:,} samples against {min(FEW, against):,} images held out"
    return f"{features.title(dataset)}; {SAMPLES:,} samples against {against:,} images held out"
