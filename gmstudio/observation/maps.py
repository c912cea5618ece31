"""Maps of vector fields: angles and errors of score vectors, with numpy alone."""

from __future__ import annotations

import numpy as np

from gmstudio.observation.frame import F32


def angle(vectors: F32) -> F32:
    """Direction of vectors (…, 2), counter-clockwise from the x axis, in radians between -pi and pi."""
    directions: F32 = np.arctan2(vectors[..., 1], vectors[..., 0])
    return directions


def angle_error(vectors: F32, truth: F32) -> F32:
    """Angle between vectors (…, 2) and the true ones, in radians between 0 and pi.

    Where one of the two has no length its direction says nothing: the error is pi / 2, that of a guess.
    """
    cross = vectors[..., 0] * truth[..., 1] - vectors[..., 1] * truth[..., 0]
    error: F32 = np.abs(np.arctan2(cross, (vectors * truth).sum(axis=-1)))
    nothing = ~vectors.any(axis=-1) | ~truth.any(axis=-1)
    return np.where(nothing, np.float32(np.pi / 2), error)


def norm(vectors: F32) -> F32:
    """Euclidean length of vectors (…, 2)."""
    lengths: F32 = np.hypot(vectors[..., 0], vectors[..., 1])
    return lengths


def norm_error(vectors: F32, truth: F32) -> F32:
    """Length of the difference between vectors (…, 2) and the true ones, in their unit."""
    return norm(vectors - truth)


def shortened(vectors: F32, longest: float, quantile: float = 0.95) -> F32:
    """The vectors (…, 2) scaled for drawing: those of the given quantile are `longest`, longer ones are cut to it.

    Args:
        vectors: any unit.
        longest: length of the longest arrow, in the units of the plot.
        quantile: share of vectors that keep their relative lengths.
    """
    lengths = norm(vectors)
    reference = float(np.quantile(lengths, quantile)) if lengths.size else 0.0
    if reference <= 0:
        return np.zeros_like(vectors)
    factor = longest / np.maximum(lengths, reference)
    return (vectors * factor[..., None]).astype(np.float32)
