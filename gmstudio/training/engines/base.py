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
        rates: learning rates, S lists of E.
        losses: (S, E), filled as the steps are made.
    """

    start: int
    x: Tensor
    rates: list[list[float]]
    losses: Tensor


class Engine(Protocol):
    """Makes steps without waiting for the device.

    Attributes:
        name: what the person is shown.
    """

    name: str

    def step(self, block: Block, first: int, n: int) -> None:
        """Make `n` steps with the block's entries from `first` on, and note their losses in the block."""
