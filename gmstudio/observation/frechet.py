"""Distances between sets of images in a space of features: FID and KID.

Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs trained by a two time-scale update rule converge to a local
Nash equilibrium", NeurIPS 2017 (FID); Binkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs", ICLR 2018 (KID).
Both depend on the features: whoever tells a value says which.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gmstudio.observation.metrics import Estimate

#: Parts of both sets from which KID and its error are found, at most, and points of a part, at least.
PARTS, LEAST = 20, 32


def gaussian_frechet(mean: Tensor, covariance: Tensor, other_mean: Tensor, other_covariance: Tensor) -> float:
    """The squared 2-Wasserstein distance of two Gaussians: |m - n|^2 + tr(C + K - 2 (C K)^(1/2)).

    Args:
        mean, other_mean: (F,).
        covariance, other_covariance: (F, F), symmetric and positive semi-definite, of any rank.
    """
    values, vectors = torch.linalg.eigh(covariance.double())
    root = (vectors * values.clamp_min(0.0).sqrt()) @ vectors.T
    # C K has the eigenvalues of C^(1/2) K C^(1/2), which is symmetric: no general matrix root is needed.
    cross = torch.linalg.eigvalsh(root @ other_covariance.double() @ root).clamp_min(0.0).sqrt().sum()
    apart = (mean.double() - other_mean.double()).square().sum()
    total = apart + covariance.double().trace() + other_covariance.double().trace() - 2.0 * cross
    return max(0.0, float(total))


def fid(a: Tensor, b: Tensor) -> float:
    """The Frechet distance of the Gaussians with the means and covariances of two sets of features.

    It is biased upwards, the more so the fewer points there are: only values of equally large sets can be compared.

    Args:
        a, b: (N, F) and (M, F), at least 2 points each.

    Raises:
        ValueError: for fewer points, or features that differ in number.
    """
    _check(a, b, 2)
    if max(len(a), len(b)) <= a.shape[1]:
        return _fid_of_few(a.double(), b.double())
    moments = [(points.double().mean(0), torch.cov(points.double().T).reshape(a.shape[1], -1)) for points in (a, b)]
    return gaussian_frechet(*moments[0], *moments[1])


def _fid_of_few(a: Tensor, b: Tensor) -> float:
    """FID where covariances lack rank: their factors are the centred points, and no matrix (F, F) is needed.

    With C = A^T A and K = B^T B, the eigenvalues of C K that are not 0 are those of (A B^T) (A B^T)^T, so that the
    trace of (C K)^(1/2) is the sum of the singular values of A B^T.
    """
    means = a.mean(0), b.mean(0)
    a, b = ((x - mean) / math.sqrt(len(x) - 1) for x, mean in zip((a, b), means, strict=True))
    cross = torch.linalg.svdvals(a @ b.T).sum()
    total = (means[0] - means[1]).square().sum() + a.square().sum() + b.square().sum() - 2.0 * cross
    return max(0.0, float(total))


def kid(a: Tensor, b: Tensor) -> Estimate:
    """The squared maximum mean discrepancy with the kernel (x . y / F + 1)^3, unbiased, and its standard error.

    Both sets are cut into parts of equal sizes; the estimates of the parts are independent of each other, so that their
    mean's error is known.  The order of the points must be random.

    Args:
        a, b: (N, F) and (M, F), at least 4 points each.

    Raises:
        ValueError: for fewer points, or features that differ in number.
    """
    _check(a, b, 4)
    parts = max(2, min(PARTS, min(len(a), len(b)) // LEAST))
    values = torch.stack(
        [_kid(x, y) for x, y in zip(a.double().tensor_split(parts), b.double().tensor_split(parts), strict=True)]
    )
    return Estimate(values.mean(), values.std() / math.sqrt(parts))


def _kid(a: Tensor, b: Tensor) -> Tensor:
    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1.0) ** 3

    def without_itself(x: Tensor) -> Tensor:
        values = kernel(x, x)
        return (values.sum() - values.diagonal().sum()) / (len(x) * (len(x) - 1))

    return without_itself(a) + without_itself(b) - 2.0 * kernel(a, b).mean()


def _check(a: Tensor, b: Tensor, least: int) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features of the shapes {tuple(a.shape)} and {tuple(b.shape)} cannot be compared")
    if min(len(a), len(b)) < least:
        raise ValueError(f"{min(len(a), len(b))} points are too few: there must be {least} at least")
