"""What every sampler's specification says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from gmstudio.registry import Spec, describe

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    #: Log-density up to a constant: points (…, D) to (…).
    LogProb = Callable[[Tensor], Tensor]
    #: Gradient of the log-density: points (…, D) to (…, D).
    Score = Callable[[Tensor], Tensor]


#: Of a chain that follows the score.
StepSize = Annotated[float, describe("Step size eps.", gt=0.0, le=10.0, log=True)]
ChainLength = Annotated[int, describe("Length of the chains.", ge=1, le=1_000_000, unit="steps", log=True)]


@dataclass(frozen=True, slots=True)
class Samples:
    """Where the chains are, and how they got there.

    Attributes:
        points: (…, D), the last state of every chain.
        acceptance: share of the proposals that were accepted, a tensor without dimensions; 1 where all are.
    """

    points: Tensor
    acceptance: Tensor


class SamplerSpec(Spec, frozen=True, kw_only=True):
    """Base of every sampler's specification."""

    def run(
        self, x0: Tensor, generator: torch.Generator, *, score: Score | None = None, log_prob: LogProb | None = None
    ) -> Samples:
        """Run one chain from every point.

        Args:
            x0: (…, D), the first states.
            generator: of all random numbers, on the device of `x0`.
            score: the gradient of the log-density; made from `log_prob` by autograd where it is missing.
            log_prob: the log-density up to a constant.

        Raises:
            ValueError: when what the sampler needs is missing.
        """
        raise NotImplementedError
