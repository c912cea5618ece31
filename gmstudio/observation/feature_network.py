"""A small convolutional classifier whose last hidden layer is a space of features. Every number of it has one seed.

It is made of plain tensors: torch's own layers draw their weights from the global generator, which belongs to others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.adam import adam

#: Features of an image.
FEATURES = 64
#: Pixels of a side that the network sees at most; larger images are averaged over squares first.
SIDE = 32
#: Length of the training, and images of a step. More of either raises the accuracy on digits by less than 1 %.
STEPS, BATCH = 600, 64
_CHANNELS = (32, 64)
_RATE = 2e-3
_SEED = 20_231_210


class FeatureNetwork:
    """Two convolutions, a hidden layer of `FEATURES` units and as many outputs as there are classes.

    Args:
        shape: channels, height and width of the images.
        classes: how many.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        channels, height, width = shape
        self.pool = -(-max(height, width) // SIDE)
        height, width = -(-height // self.pool), -(-width // self.pool)
        # Small images are looked at in every pixel, larger ones in every other.
        self.strides = (1 if max(height, width) <= 12 else 2, 2)
        for stride in self.strides:
            height, width = -(-height // stride), -(-width // stride)
        draw = torch.Generator().manual_seed(_SEED)
        sizes = [
            (_CHANNELS[0], channels, 3, 3),
            (_CHANNELS[1], _CHANNELS[0], 3, 3),
            (FEATURES, _CHANNELS[1] * height * width),
            (classes, FEATURES),
        ]
        self.weights: list[Tensor] = []
        for size in sizes:
            # He et al., Delving deep into rectifiers, ICCV 2015.
            spread = math.sqrt(2.0 / math.prod(size[1:]))
            self.weights += [torch.randn(size, generator=draw) * spread, torch.zeros(size[0])]

    def to(self, device: torch.device) -> FeatureNetwork:
        """Move its weights; returns itself."""
        self.weights = [weight.to(device) for weight in self.weights]
        return self

    def features(self, light: Tensor) -> Tensor:
        """The hidden layer (N, F) of images (N, C, H, W) of shares of light from 0 to 1."""
        x = 2.0 * light - 1.0
        if self.pool > 1:
            x = functional.avg_pool2d(x, self.pool, ceil_mode=True)
        first, b, second, c, hidden, d, *_ = self.weights
        x = functional.conv2d(x, first, b, stride=self.strides[0], padding=1).relu()
        x = functional.conv2d(x, second, c, stride=self.strides[1], padding=1).relu()
        return functional.linear(x.flatten(1), hidden, d).relu()

    def logits(self, light: Tensor) -> Tensor:
        """(N, classes)."""
        return functional.linear(self.features(light), self.weights[-2], self.weights[-1])

    def train(self, light: Tensor, labels: Tensor) -> Iterator[float]:
        """Learn by cross-entropy, one step at a time.

        Args:
            light: (N, C, H, W).
            labels: (N,) int64.

        Yields:
            the share that is done, after each step.
        """
        draw = torch.Generator().manual_seed(_SEED + 1)
        for weight in self.weights:
            weight.requires_grad_(True)
        first, second = ([torch.zeros_like(weight) for weight in self.weights] for _ in range(2))
        counts = [torch.zeros(()) for _ in self.weights]
        order = torch.empty(0, dtype=torch.int64)
        for step in range(STEPS):
            while len(order) < BATCH:
                order = torch.cat([order, torch.randperm(len(light), generator=draw)])
            rows, order = order[:BATCH], order[BATCH:]
            rate = _RATE * 0.5 * (1.0 + math.cos(math.pi * step / STEPS))
            with torch.enable_grad():
                loss = functional.cross_entropy(self.logits(light[rows]), labels[rows])
                gradients = list(torch.autograd.grad(loss, self.weights))
            with torch.no_grad():
                # AdamW in its functional form: making the class imports the compiler, which takes seconds.
                adam(
                    self.weights,
                    gradients,
                    first,
                    second,
                    [],
                    counts,
                    foreach=False,
                    decoupled_weight_decay=True,
                    amsgrad=False,
                    beta1=0.9,
                    beta2=0.999,
                    lr=rate,
                    weight_decay=1e-2,
                    eps=1e-8,
                    maximize=False,
                )
            yield (step + 1) / STEPS
        self.weights = [weight.detach() for weight in self.weights]


def clusters(points: Tensor, count: int, others: Tensor, steps: int = 20) -> tuple[Tensor, Tensor]:
    """Lloyd's k-means: the clusters of points (N, D), and the nearest centre of other points (M, D); int64 each.

    Args:
        points: of which the clusters are sought.
        count: how many clusters, at most as many as there are points.
        others: which are to be assigned, too.
        steps: of the search.
    """
    draw = torch.Generator().manual_seed(_SEED + 2)
    centres = points[torch.randperm(len(points), generator=draw)[:count]].clone()
    for _ in range(steps):
        nearest = torch.cdist(points, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        sizes = torch.bincount(nearest, minlength=len(centres))
        # A cluster without points stays where it was.
        centres = torch.where(sizes[:, None] > 0, sums / sizes.clamp_min(1)[:, None], centres)
    return torch.cdist(points, centres).argmin(1), torch.cdist(others, centres).argmin(1)
