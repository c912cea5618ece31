"""Points drawn from the pixels of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Pixels:
    """Points uniform within a pixel that is chosen by its weight, plus a little round noise.

    Args:
        weights: (rows, columns), not negative and not all 0; row 0 at the top.
        pixel: length of a side of a pixel, in the units of the data; the picture is centred on the origin.
        smoothing: standard deviation of the noise, in the units of the data.
    """

    def __init__(self, weights: Tensor, pixel: float, smoothing: float) -> None:
        self.weights = weights.double()
        self.pixel = pixel
        self.smoothing = smoothing

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Independent draws, float64, of shape (size, 2), on the CPU."""
        import torch

        rows, columns = self.weights.shape
        chosen = torch.multinomial(self.weights.flatten(), size, replacement=True, generator=generator)
        corner = torch.stack([chosen % columns, rows - 1 - chosen // columns], dim=1).double()
        inside = torch.rand(size, 2, dtype=torch.float64, generator=generator)
        middle = torch.tensor([columns / 2, rows / 2], dtype=torch.float64)
        noise = torch.randn(size, 2, dtype=torch.float64, generator=generator)
        return self.pixel * (corner + inside - middle) + self.smoothing * noise
