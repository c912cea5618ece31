"""Kernel density estimate with a learned bandwidth."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from gmstudio.models.layers.base import DensityModel
from gmstudio.models.layers.flow import LOG_2PI

#: Least bandwidth, in standard deviations of the data: data with equal points would make it fall to 0.
FLOOR = 1e-3


class KernelDensityModel(DensityModel):
    """mean_m N(x; centre_m, h^2 I), h = FLOOR + exp(log_bandwidth).

    The likelihood of the centres themselves grows without bound as h falls to 0, so while training (`train` mode) the
    centre nearest to each point is left out.  On clean data this is the leave-one-out likelihood of a point that is a
    centre.  On mollified data the nearest centre is a point's own exactly as long as the noise is small against the
    distance between centres, which is where it matters.  For points that are not centres it removes one neighbour too
    many: h comes out slightly large.  In `eval` mode nothing is left out.

    Args:
        centres: (E, M, D), M at least 2.
    """

    def __init__(self, centres: Tensor) -> None:
        members, count, dim = centres.shape
        super().__init__(dim, members)
        self.centres: Tensor
        self.register_buffer("centres", centres.clone())
        # Scott's rule for data of unit variance.
        start = count ** (-1.0 / (dim + 4))
        self.log_bandwidth = nn.Parameter(torch.full((members, 1), math.log(max(start - FLOOR, FLOOR))))

    def bandwidth(self) -> Tensor:
        """h, (E, 1)."""
        return FLOOR + self.log_bandwidth.exp()

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats of x (E, B, D); returns (E, B)."""
        # Not through x^2 + c^2 - 2 x c, which loses what small bandwidths need.
        distance = torch.cdist(x, self.centres, compute_mode="donot_use_mm_for_euclid_dist")
        width = self.bandwidth()
        exponents = (distance / width.unsqueeze(-1)).square() * -0.5
        count = self.centres.shape[1]
        if self.training:
            nearest = distance.detach().argmin(-1, keepdim=True)
            exponents = exponents.scatter(-1, nearest, -math.inf)
            count -= 1
        return exponents.logsumexp(-1) - (self.dim * width.log() + 0.5 * self.dim * LOG_2PI + math.log(count))

    def noise(self, size: int, generator: torch.Generator) -> Tensor:
        """D normal numbers and a uniform one, which chooses the centre: (size, D + 1) float32 on the CPU."""
        normal = torch.randn(size, self.dim, generator=generator)
        return torch.cat((normal, torch.rand(size, 1, generator=generator)), dim=1)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn noise (size, D + 1) into samples (E, size, D)."""
        count = self.centres.shape[1]
        chosen = (noise[:, -1] * count).long().clamp_max(count - 1)
        return self.centres[:, chosen] + self.bandwidth().unsqueeze(-1) * noise[:, :-1]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        """Take over as many centres as were saved: a model can be built for loading without the data."""
        saved = state_dict.get(f"{prefix}centres")
        here = self.centres
        if isinstance(saved, Tensor) and saved.ndim == 3 and saved.shape[::2] == here.shape[::2] and saved.shape[1] > 1:
            self.centres = here.new_zeros(saved.shape)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
