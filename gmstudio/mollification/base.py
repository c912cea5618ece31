"""Data mollification: x~ = alpha x + sigma eps, with sigma annealed while training.

Variance preserving: alpha^2 + sigma^2 = 1, sigma_t^2 = gamma(t / T) (Tran, Franzese, Michiardi, Filippone,
"One-Line-of-Code Data Mollification Improves Optimization of Likelihood-based Generative Models", NeurIPS 2023, eq. 5).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.registry import Spec, describe

Floats = NDArray[np.float64]


class ScheduleSpec(Spec, frozen=True, kw_only=True):
    """Base of every schedule: gamma on [0, 1], stretched over the share `until` of the training."""

    until: Annotated[
        float,
        describe(
            "The share of the training at which the noise, or the blur, ends; the rest trains on clean data.",
            gt=0.0,
            le=1.0,
            label="Ends at",
            unit="of training",
        ),
    ] = 1.0
    floor: Annotated[
        float,
        describe(
            "The noise variance never falls below this while the schedule runs.",
            ge=0.0,
            lt=1.0,
            label="Floor on sigma²",
            advanced=True,
        ),
    ] = 0.0
    by: Annotated[
        Literal["noise", "blur"],
        describe(
            "What hides the data at first: Gaussian noise of the variance σ², or, for images, a blur whose width falls "
            "from that of the image to nothing as σ² would from 1 to 0.",
            label="Mollify by",
        ),
    ] = "noise"
    per: Annotated[
        Literal["step", "epoch"],
        describe(
            "Lower the noise after every step, or once per epoch as in the paper.",
            label="Lower per",
            advanced=True,
        ),
    ] = "step"

    @property
    def off(self) -> bool:
        """Whether there is no noise at all."""
        return False

    def gamma(self, u: Floats) -> Floats:
        """The noise variance at training fraction `u` (any shape, values in [0, 1]) before `until` and `floor`."""
        raise NotImplementedError

    def variance(self, u: Floats) -> Floats:
        """The noise variance sigma^2 at training fraction `u`, with `until` and `floor` applied; in [0, 1]."""
        u = np.clip(np.asarray(u, dtype=np.float64), 0.0, 1.0)
        if self.off:
            return np.zeros_like(u)
        inside = np.maximum(self.gamma(np.minimum(u / self.until, 1.0)), self.floor)
        return np.clip(np.where(u < self.until, inside, self.floor), 0.0, 1.0)

    def plan(self, steps: int, epoch: int = 1) -> Floats:
        """sigma^2 of every one of `steps` steps.

        Args:
            steps: T, the length of the training.
            epoch: steps in one epoch; used where `per` is ``epoch``.

        Returns:
            (steps,) float64; entry t is gamma(t / T), or gamma(floor(t / epoch) / floor-epochs) per epoch.
        """
        t = np.arange(steps, dtype=np.float64)
        if self.per == "epoch":
            epochs = max(1.0, np.ceil(steps / epoch))
            return self.variance(np.floor(t / epoch) / epochs)
        return self.variance(t / max(steps, 1))
