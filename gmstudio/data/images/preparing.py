"""From images to points: noise on grey values, logits, standardisation; split as tables are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Dataset, Picture
from gmstudio.data.drawn import generator
from gmstudio.data.images.stack import Images
from gmstudio.data.tables.preparing import Parts, Preparation, parts, shuffled
from gmstudio.registry import SpecError

if TYPE_CHECKING:
    from torch import Tensor

#: Numbers that are worked on at once.
PORTION = 2**20
#: Different values of the noise: so few that float32 keeps each of them, and every grey value can be told again.
STEPS = 2**12
_CHANNELS = {1: ("pixel",), 3: ("red", "green", "blue")}


def prepare(images: Images, chosen: Preparation, *, alpha: float, name: str) -> Dataset:
    """Make a data set of images; what the columns are is told by its `Picture`.

    Whole grey values get uniform noise below one grey value, or one half where `chosen.dequantise` is 0. The noise is
    drawn once, by `chosen.seed`, and belongs to its image, as the other points of this program do: every epoch, every
    column of an experiment and every repetition then has the same points, and a training and a validation point mean
    the same thing. A model could learn the noise by heart only where it could the images.

    Standardising shifts each channel and divides all of them by one number, the root of their mean variance, by
    training and validation images. One number and not one for each pixel, since pixels that are nearly always black
    would else be blown up to nothing but noise, and blurring would not commute with it.

    Args:
        images: what was read.
        chosen: noise, split, shares, seed and whether to standardise; `missing` means nothing here.
        alpha: of the logits; 0 for none.
        name: what the data set is called.

    Raises:
        SpecError: when there are too few images for the parts, or they are all the same.
    """
    import torch

    count, picture = len(images.pixels), Picture(images.shape, images.levels, alpha)
    sizes = parts(count, chosen.test_share, chosen.validation_share, "image")
    kept = np.arange(count)
    if chosen.split == "shuffled":
        kept = shuffled(kept, chosen.seed)
    _check_varied(images, kept[: sizes.known])
    points = _columns(images, kept, picture, chosen)
    labels = None if images.labels is None else torch.from_numpy(images.labels[kept])
    shift, scale = torch.zeros(picture.dim), torch.ones(picture.dim)
    if chosen.standardise:
        shift, scale = _standardisation(points, sizes, picture)
    low, high = picture.limits
    air = 0.1 * (high - low)
    return Dataset(
        name=name,
        train=points[: sizes.train],
        validation=points[sizes.train : sizes.known],
        test=points[sizes.known :] if sizes.test else None,
        labels=None if labels is None else labels[: sizes.train],
        validation_labels=None if labels is None else labels[sizes.train : sizes.known],
        label_names=images.label_names,
        shift=shift,
        scale=scale,
        bounds=(low - air, high + air, low - air, high + air),
        columns=names(picture.shape),
        picture=picture,
    )


def names(shape: tuple[int, int, int]) -> tuple[str, ...]:
    """The names of the columns, such as ``pixel_0_7`` for the eighth of the first row, or ``red_0_7``."""
    channels, height, width = shape
    return tuple(
        f"{channel}_{row}_{column}"
        for channel in _CHANNELS[channels]
        for row in range(height)
        for column in range(width)
    )


def _columns(images: Images, kept: NDArray[np.int64], picture: Picture, chosen: Preparation) -> Tensor:
    """(N, D) float32 of the kept images, in the units of the columns."""
    import torch

    points = torch.empty(len(kept), picture.dim)
    noise = None
    if images.whole and chosen.dequantise:
        # In the order of the file, so that an image keeps its noise however the images are split.
        drawn = generator(chosen.seed, "images/noise")
        noise = torch.randint(0, STEPS, (len(images.pixels), picture.dim), generator=drawn, dtype=torch.int16)
    each = max(1, PORTION // picture.dim)
    for start in range(0, len(kept), each):
        rows = kept[start : start + each]
        light = torch.from_numpy(images.pixels[rows].astype(np.float64))
        if images.whole:
            light += 0.5 if noise is None else ((noise[rows].double() + 0.5) / STEPS).reshape(light.shape)
            light /= picture.levels
        points[start : start + each] = picture.from_pixels(light).float()
    return points


def _check_varied(images: Images, known: NDArray[np.int64]) -> None:
    first = images.pixels[known[0]]
    if all((images.pixels[row] == first).all() for row in known):
        raise SpecError(
            f"All {len(known):,} images to train on and to validate are the same.",
            "Choose images that differ.",
            "data.path",
        )


def _standardisation(points: Tensor, sizes: Parts, picture: Picture) -> tuple[Tensor, Tensor]:
    """Shift and scale of the columns, (D,) each."""
    import torch

    channels, known = picture.shape[0], points[: sizes.known]
    each = max(1, PORTION // picture.dim)
    portions = [
        known[start : start + each].reshape(-1, channels, picture.dim // channels)
        for start in range(0, len(known), each)
    ]
    total, squares = torch.zeros(channels, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for portion in portions:
        total += portion.double().mean(2).sum(0)
    mean = total / len(known)
    for portion in portions:
        squares += (portion.double() - mean[:, None]).square().mean((1, 2)).sum()
    shift = mean.float().repeat_interleave(picture.dim // channels)
    return shift, (squares / len(known)).sqrt().float().expand(picture.dim).clone()
