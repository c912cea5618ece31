"""Likelihoods of images in bits per dimension, as papers tell them; numpy alone."""

from __future__ import annotations

import math

import numpy as np

from gmstudio.observation.frame import RunInfo


def bits_per_dimension(info: RunInfo, log_prob: float) -> float | None:
    """How many bits a pixel takes where the mean log-likelihood is `log_prob` nats; None for data that are no images.

    See `gmstudio.data.base.Picture.bits_per_dimension`. Of logits the change of units is another at every point: its
    mean is then that over the run's training images, which of other images is about the same.

    Args:
        info: of the run.
        log_prob: mean log-density in nats, in the units of the columns.
    """
    picture = info.picture
    if picture is None:
        return None
    volume = picture.dim * (math.log(picture.levels) - math.log1p(-2 * picture.alpha))
    if picture.alpha:
        if not len(info.data) or info.data.shape[1] != picture.dim:
            return None
        x = info.data.astype(np.float64)
        # log sigmoid(x) + log sigmoid(-x)
        volume -= float((np.logaddexp(0, x) + np.logaddexp(0, -x)).sum(axis=1).mean())
    return (volume - log_prob) / (picture.dim * math.log(2))


def in_bits(info: RunInfo | None, values: list[float | None]) -> str:
    """What mean log-likelihoods of all columns are in bits per dimension, as a sentence; empty where they are not."""
    if info is None:
        return ""
    found = [(title, value) for title, value in zip(info.titles, values, strict=False) if value is not None]
    told = [(title, bits) for title, value in found if (bits := bits_per_dimension(info, value)) is not None]
    if not told:
        return ""
    return f"In bits per dimension, of which fewer are better: {', '.join(f'{t} {b:.2f}' for t, b in told)}."
