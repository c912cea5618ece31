"""From a data set's specification and a seed to points: the one way in which every data set is drawn."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

from gmstudio.data.base import Dataset
from gmstudio.registry import SpecError

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.data.base import PlaneSpec

VALIDATION_LEAST = 1_000
VALIDATION_MOST = 20_000


def generator(seed: int, stream: str) -> torch.Generator:
    """A CPU generator of its own for one purpose, so that drawing more of one thing never changes another.

    Args:
        seed: the seed of the run.
        stream: what the numbers are for, such as ``train``.
    """
    # Hashed, because the Mersenne Twister takes 32 bits, and neighbouring seeds should have nothing in common.
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    made = torch.Generator(device="cpu")
    made.manual_seed(int.from_bytes(digest[:4], "little"))
    return made


def draw(spec: PlaneSpec, seed: int) -> Dataset:
    """Draw training and validation points, and standardise by the training points.

    Args:
        spec: the data set.
        seed: the same seed gives the same bits.

    Returns:
        `spec.size` training points and a quarter as many (at least 1,000, at most 20,000) independent validation
        points.

    Raises:
        SpecError: when there is too little to draw from, or all points coincide.
    """
    source = spec.source()
    held_out = min(max(VALIDATION_LEAST, spec.size // 4), VALIDATION_MOST)
    train = source.sample(spec.size, generator(seed, "data/train")).float()
    validation = source.sample(held_out, generator(seed, "data/validation")).float()
    shift, scale = (
        standardisation(train) if spec.standardise else (torch.zeros(train.shape[1]), torch.ones(train.shape[1]))
    )
    return Dataset(
        name=spec.name,
        train=train,
        validation=validation,
        shift=shift,
        scale=scale,
        bounds=spec.bounds,
        density=spec.density(),
        modes=spec.modes(),
        manifold=spec.manifold,
    )


def standardisation(train: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the points and ONE scale for all axes, the root of the mean variance.

    One scale keeps a rotation a rotation, and mollification's noise round in the units of the data.

    Args:
        train: (N, D).

    Returns:
        Shift (D,) and scale (D,), float32.

    Raises:
        SpecError: when all points coincide.
    """
    points = train.double()
    shift = points.mean(0)
    scale = (points - shift).square().mean().sqrt()
    if not scale > 1e-12:
        raise SpecError("All points of the data coincide.", "Use points that differ.", "data")
    return shift.float(), scale.expand(train.shape[1]).float().clone()
