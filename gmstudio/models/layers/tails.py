"""Tails that are heavier than the normal's: the last step to the latent, z = asinh(c y) / c.

Near 0 nothing changes; far away z grows like log y, so that the density of y falls like a lognormal's and not like
a normal's: an outlier costs some nats and not its squared distance (the sinh-arcsinh family of Jones and Pewsey,
"Sinh-arcsinh distributions", Biometrika 2009, without skewness; that affine flows alone keep the base's tails: Jaini,
Kobyzev, Yu, Brubaker, "Tails of Lipschitz Triangular Flows", ICML 2020).
"""

from __future__ import annotations

import torch
from torch import Tensor

#: c: where the tails begin, at about 1 / c standard deviations.
BEND = 0.3


def bend(y: Tensor) -> tuple[Tensor, Tensor]:
    """Map y (E, D, B) to z (E, D, B), and log |det dz/dy| (E, B)."""
    scaled = y * BEND
    return torch.asinh(scaled) / BEND, -0.5 * torch.log1p(scaled.square()).sum(1)


def pull(y: Tensor, slope: Tensor, of_log: Tensor) -> Tensor:
    """Carry slopes of z (E, D, B) and of the log (E, B) back to y, without autograd."""
    scaled = y * BEND
    inner = torch.reciprocal(1.0 + scaled.square())
    return slope * inner.sqrt() - of_log.unsqueeze(1) * (BEND * scaled * inner)


def unbend(z: Tensor) -> Tensor:
    """Undo `bend`'s map."""
    return torch.sinh(z * BEND) / BEND
