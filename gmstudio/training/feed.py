"""What the steps are fed with: batches of points, mollified as each column's plan says, ready on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.mollification.blurring import Blur
from gmstudio.mollification.gaussian import mollify
from gmstudio.mollification.widths import width
from gmstudio.registry import SpecError
from gmstudio.runs import TrainingSpec
from gmstudio.training.engines.base import Block
from gmstudio.training.plans import Plans
from gmstudio.training.streams import Batches, generator


def check(by: Sequence[str], dataset: Dataset) -> None:
    """Refuse to blur what is no image.

    Raises:
        SpecError: where a column is to be mollified by a blur and the data's columns are no pixels.
    """
    if "blur" in by and dataset.picture is None:
        raise SpecError(
            f"{dataset.name} cannot be blurred: its columns are no pixels.",
            "Mollify by noise, or choose images.",
            "mollification.by",
        )


def exchanged(old: Dataset, new: Dataset) -> Dataset:
    """New points in the standardisation of the old ones, since the model's weights belong to it.

    Raises:
        SpecError: where they have another dimension, or are images of another shape.
    """
    if new.dim != old.dim:
        raise SpecError(
            f"The new data have {new.dim} columns, the model has {old.dim}.", "Start a new run with them.", "data"
        )
    if new.shape != old.shape:
        raise SpecError(
            f"The new data are {_images(new)}, the model is of {_images(old)}.", "Start a new run with them.", "data"
        )
    return replace(new, shift=old.shift, scale=old.scale)


def _images(dataset: Dataset) -> str:
    return f"images of {' × '.join(map(str, dataset.shape))}" if dataset.shape else "no images"


class Feed:
    """The batches of one data set, from the step on at which it came into use.

    Args:
        dataset: on the device.
        seeds: of the E columns.
        training: batch and what becomes of an epoch's last one.
        draws: standard normal numbers that the objective wants for each point.
        segment: how many times the data have been exchanged.
        start: the first step with these data.

    Attributes:
        points: (N, D) clean standardised training points.
        start: as given.
        epoch: steps in an epoch.
    """

    def __init__(
        self, dataset: Dataset, seeds: Sequence[int], training: TrainingSpec, draws: int, segment: int, start: int
    ) -> None:
        self.points = dataset.to_model(dataset.train)
        self.start = start
        self.epoch = training.epoch(len(self.points))
        self._seeds, self._batch = list(seeds), training.batch
        self._whole = training.last_batch == "keep"
        self._batches = Batches(
            seeds, len(self.points), training.batch, dataset.dim, segment, whole=self._whole, draws=draws
        )
        self._members = torch.tensor(self._batches.members) if len(set(self._batches.members)) > 1 else None
        self._preview: Tensor | None = None
        self._blur = None if dataset.picture is None else Blur(dataset.picture.shape, self.points.device)

    def epochs_done(self, step: int) -> int:
        """Passes over the points that are complete at `step`."""
        steps = step - self.start
        return steps // self.epoch if self._whole else steps * self._batch // len(self.points)

    def number(self, step: int) -> int:
        """The number of the block that a step belongs to."""
        return self._batches.place(step - self.start)[0]

    def block(self, step: int, plans: Plans) -> Block:
        """The block of consecutive steps that a step belongs to, which ends with the training at the latest."""
        number, first = self._batches.place(step - self.start)
        index = self._batches.draw_indices(number)
        start = self.start + first
        end = min(start + len(index), plans.sigma2.shape[1])
        size = end - start
        x, sigma2 = self._spread(self.points[self._moved(index[:size])]), plans.sigma2[:, start:end].T
        if sigma2.any():
            noise = self._spread(self._moved(self._batches.draw_noise(number)[:size]))
            mollified = self._mollify(x, noise, sigma2, plans.by)
        else:
            # Noise that nothing is made of would take as long as a tenth of a step.
            mollified = x.expand(-1, len(self._seeds), -1, -1).contiguous()
        own = self._batches.draw_own(number)
        if own is not None:
            own = self._spread(self._moved(own[:size])).expand(-1, len(self._seeds), -1, -1)
        losses = torch.zeros(size, len(self._seeds), device=x.device)
        return Block(start, mollified, own, plans.rates[:, start:end].T.tolist(), losses)

    def _spread(self, numbers: Tensor) -> Tensor:
        """What different seeds drew (S, U, …), as the columns have it (S, E, …); as it is where all have one seed."""
        return numbers if self._members is None else numbers.index_select(1, self._moved(self._members))

    def preview(self, size: int, sigma2: NDArray[np.float64], by: Sequence[str]) -> Tensor:
        """The first points, mollified with noise that stays the same.

        Args:
            size: how many points at most.
            sigma2: (E,) noise variances.
            by: as in `Plans`.

        Returns:
            (E, size, D) standardised.
        """
        size = min(size, len(self.points))
        if self._preview is None or self._preview.shape[1] < size:
            dim = self.points.shape[1]
            noise = [torch.randn(size, dim, generator=generator(seed, "preview")) for seed in self._seeds]
            self._preview = self._moved(torch.stack(noise))
        points = self.points[:size].expand(len(self._seeds), -1, -1)
        return self._mollify(points[None], self._preview[None, :, :size], sigma2[None], by)[0]

    def _mollify(self, x: Tensor, noise: Tensor, sigma2: NDArray[np.float64], by: Sequence[str]) -> Tensor:
        """Points (S, 1 or E, B, D) as each of E columns gets them at S steps with variances (S, E)."""
        if "blur" not in by:
            return mollify(x, noise, self._numbers(sigma2)[:, :, None, None])
        assert self._blur is not None
        columns = len(by)
        x, noise = x.expand(-1, columns, -1, -1), noise.expand(-1, columns, -1, -1)
        found = torch.empty_like(x)
        for column, kind in enumerate(by):
            own = sigma2[:, column]
            if kind == "blur":
                found[:, column] = self._blur(x[:, column], self._numbers(width(own, self._blur.side))[:, None])
            else:
                found[:, column] = mollify(x[:, column], noise[:, column], self._numbers(own)[:, None, None])
        return found

    def _numbers(self, values: NDArray[np.float64]) -> Tensor:
        return self._moved(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)))

    def _moved(self, tensor: Tensor) -> Tensor:
        """The tensor on the device."""
        if self.points.device.type == "cuda":
            return tensor.pin_memory().to(self.points.device, non_blocking=True)
        return tensor
