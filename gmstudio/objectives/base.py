"""What every objective says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gmstudio.registry import Spec

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel

#: What models may offer to objectives: the name, and what it is.
MEANINGS: dict[str, str] = {
    "density": "a density that is known, not estimated",
    "elbo": "latent variables and an approximate posterior",
    "weights": "importance weights by which all of it may learn",
    "implicit posterior": "a posterior that can be drawn from, and a network for its score",
    "path gradient": "a posterior whose density depends on its draws alone",
}


class ObjectiveSpec(Spec, frozen=True, kw_only=True):
    """Base of every objective's specification."""

    @property
    def needs(self) -> frozenset[str]:
        """What the model has to offer, by the names of `MEANINGS`; checked before a run starts."""
        return frozenset()

    def draws(self, model: DensityModel) -> int:
        """How many standard normal numbers of its own the loss wants for each point: K, 0 for none.

        They come from the run's seed, like batches and mollification, so that a step can be repeated to the bit.
        """
        return 0

    def loss(self, model: DensityModel, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """The loss of each member on a batch.

        Args:
            model: E members.
            x: (E, B, D) standardised, mollified points.
            noise: (E, B, K) standard normal numbers; None where `draws` wants none.

        Returns:
            (E,), to be minimised; its sum is differentiated.
        """
        raise NotImplementedError

    def weight(self, batch: int) -> float | None:
        """What the loss is times the sum of the log-densities of a batch; None where it is something else.

        Args:
            batch: B.
        """
        return None
