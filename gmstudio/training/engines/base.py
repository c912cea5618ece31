"""What every engine has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Block:
    """Everything that a few consecutive steps need, ready on the device.

    Attributes:
        start: the step of the first entry.
        x: (S, E, B, D) mollified batches in the model's units.
        noise: (S, E, B, K) standard normal numbers for the objective; None where it wants none.
        rates: learning rates, S lists of E.
        losses: (S, E), filled as the steps are made.
    """

    start: int
    x: Tensor
    noise: Tensor | None
    rates: list[list[float]]
    losses: Tensor

    def entry(self, k: int) -> tuple[Tensor, ...]:
        """What the loss of the k-th step is a function of: points, and noise where there is any."""
        return (self.x[k],) if self.noise is None else (self.x[k], self.noise[k])


class Engine(Protocol):
    """Makes steps without waiting for the device.

    Attributes:
        name: what the person is shown.
    """

    name: str

    def step(self, block: Block, first: int, n: int) -> None:
        """Make `n` steps with the block's entries from `first` on, and note their losses in the block."""
