"""What every objective says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gmstudio.registry import Spec

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


class ObjectiveSpec(Spec, frozen=True, kw_only=True):
    """Base of every objective's specification."""

    #: What the model must be able to do; checked before a run starts.
    needs: ClassVar[frozenset[str]] = frozenset()

    def loss(self, model: DensityModel, x: Tensor) -> Tensor:
        """The loss of each member on a batch.

        Args:
            model: E members.
            x: (E, B, D) standardised, mollified points.

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
