"""The one line: Gaussian data mollification of a batch."""

from __future__ import annotations

import torch
from torch import Tensor


def mollify(x: Tensor, noise: Tensor, sigma2: Tensor | float) -> Tensor:
    """Add Gaussian noise so that unit variance stays unit variance: sqrt(1 - sigma2) x + sqrt(sigma2) noise.

    Args:
        x: clean points, standardised, of any shape.
        noise: standard normal numbers, broadcastable with `x`.
        sigma2: the noise variance in [0, 1], a number or a tensor broadcastable with `x`.

    Returns:
        The mollified points; exactly `x` where `sigma2` is 0, exactly `noise` where it is 1 (Tran et al. 2023, eq. 5).
    """
    sigma2 = torch.as_tensor(sigma2, dtype=x.dtype, device=x.device)
    return (1.0 - sigma2).sqrt() * x + sigma2.sqrt() * noise
