"""What every model's specification says; the torch half is `gmstudio.models.layers.base`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from gmstudio.registry import Spec

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel


#: Channels, height and width of images whose columns are their pixels, the last index running fastest.
Shape = tuple[int, int, int]


class ModelSpec(Spec, frozen=True, kw_only=True):
    """Base of every model's specification."""

    #: What objectives may ask of the model, by the names of `gmstudio.objectives.base.MEANINGS`.
    offers: ClassVar[frozenset[str]] = frozenset({"density"})
    #: Whether how many training points there are decides what the model's tensors are like.
    counts_points: ClassVar[bool] = False
    #: The objective of a run that names none.
    objective: ClassVar[str] = "maximum-likelihood"

    def build(
        self, dim: int, seeds: Sequence[int], data: Tensor | None = None, shape: Shape | None = None
    ) -> DensityModel:
        """Make an ensemble of models of this architecture, one for each seed, float32, on the CPU.

        Args:
            dim: D, the number of columns of the data.
            seeds: one seed for each member; equal seeds give members with equal weights.
            data: (N, D) standardised training points, for models that start from data.
            shape: of the images whose pixels the columns are; None where they are none.

        Raises:
            SpecError: when the model cannot be built for this dimension, saying why.
        """
        raise NotImplementedError
