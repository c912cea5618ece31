"""The training images that are nearest to the samples: whether a model has learned them by heart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from gmstudio.data.base import Dataset
from gmstudio.observation.frame import View
from gmstudio.observation.pace import Pace
from gmstudio.observation.parts import SAMPLE_SEED, Whole, fitting_of
from gmstudio.observation.shadow import Shadow
from gmstudio.observation.spaces import kept_columns

#: Most training rows, evenly spread, among which neighbours are sought.
MOST_ROWS = 20_000


class NeighboursPart(Whole):
    """The nearest training row of each of the first samples, by Euclidean distance in standardised columns."""

    names = ("neighbours",)
    share = 0.1

    def __init__(self, shadow: Shadow, view: View, dataset: Dataset, pace: Pace) -> None:
        super().__init__(pace)
        self._shadow = shadow
        self._rows_pace = Pace(rows=512, least=64, most=8192)
        self._train = dataset.train
        self._rows = torch.arange(0, len(dataset.train), max(1, -(-len(dataset.train) // MOST_ROWS)))
        self._width = kept_columns(dataset)
        # The same numbers as those of the samples that are shown.
        self._noise = shadow.noise(fitting_of(view.samples, dataset), SAMPLE_SEED)[: view.neighbours]

    def refresh(self) -> Iterator[Pace]:
        shadow, step, count = self._shadow, self._shadow.step, len(self._noise)
        found = []
        for rows in self._pace.portions(count, shadow.members):
            found.append(shadow.standard(shadow.samples(self._noise[rows])))
            yield self._pace
        samples = torch.cat(found, dim=1).flatten(0, 1)
        least = samples.new_full((len(samples),), torch.inf)
        nearest = torch.zeros(len(samples), dtype=torch.int64, device=samples.device)
        for rows in self._rows_pace.portions(len(self._rows)):
            numbers = self._rows[rows].to(samples.device)
            self._closer(samples, numbers, least, nearest)
            yield self._rows_pace
        listed = torch.cat((nearest[:, None].to(samples), self._train[nearest, : self._width]), dim=1)
        # Not `finite`, which would clip the numbers of the rows.
        self._values = np.asarray(listed.float().cpu().numpy()).reshape(shadow.members, count, 1 + self._width)
        self._step = step
        self.changed = True

    @torch.inference_mode()
    def _closer(self, samples: torch.Tensor, numbers: torch.Tensor, least: torch.Tensor, nearest: torch.Tensor) -> None:
        """Keep in `least` and `nearest`, both (N,), what is nearer than before among the rows with these numbers."""
        points = self._shadow.standard(self._train[numbers])
        # Without the samples' own squares, which are the same for all rows.
        squares = torch.addmm(points.square().sum(1), samples, points.T, alpha=-2.0).nan_to_num(torch.inf)
        value, at = squares.min(1)
        better = value < least
        least[better], nearest[better] = value[better], numbers[at[better]]
