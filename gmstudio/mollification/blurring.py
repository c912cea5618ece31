"""Blurring mollification of small images: heat dissipation instead of noise.

x~ = IDCT(exp(-Lambda s^2 / 2) DCT(x)) with Lambda_ij = (pi i / H)^2 + (pi j / W)^2: the image after heat has spread for
the time s^2 / 2, with insulated borders; s is the blur's standard deviation in pixels (Tran et al. 2023, appendix;
Rissanen, Heinonen, Solin, "Generative modelling with inverse heat dissipation", ICLR 2023, section 3).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gmstudio.mollification.widths import cosines


class Blur:
    """Blurs images of one shape.

    Args:
        shape: channels, height and width.
        device: of the images.
    """

    def __init__(self, shape: tuple[int, int, int], device: torch.device | str = "cpu") -> None:
        self.shape = shape
        self.side = max(shape[1:])
        self._bases = [torch.from_numpy(cosines(n)).float().to(device) for n in shape[1:]]
        self._rates = [(math.pi / n * torch.arange(n, dtype=torch.float32)).square().to(device) for n in shape[1:]]

    def __call__(self, x: Tensor, widths: Tensor) -> Tensor:
        """Blur images.

        Args:
            x: (…, D), whose columns are channels, rows and columns of pixels, the last running fastest.
            widths: the blur's standard deviations in pixels; broadcasts with x without its last index.

        Returns:
            (…, D); exactly `x` where the width is 0.
        """
        high, wide = self._bases
        coefficients = high @ x.reshape(*x.shape[:-1], *self.shape) @ wide.T
        time = (0.5 * widths.square())[..., None, None]
        falls = [torch.exp(-rates * time[..., 0]) for rates in self._rates]
        coefficients = coefficients * (falls[0].unsqueeze(-1) * falls[1].unsqueeze(-2)).unsqueeze(-3)
        blurred = (high.T @ coefficients @ wide).flatten(-3)
        return torch.where(widths.unsqueeze(-1) > 0.0, blurred, x)
