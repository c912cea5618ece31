"""What can go wrong in a training; torch is not needed to name it."""

from __future__ import annotations

from gmstudio.errors import RefusedError


class NonFiniteLoss(ArithmeticError):  # noqa: N818 - the field's name for it
    """The loss of a column is no longer a finite number, and its weights cannot be used.

    Args:
        step: the step that had this loss; the first step is 1.
        column: index of the column.
    """

    def __init__(self, step: int, column: int) -> None:
        super().__init__(f"The loss of column {column + 1} was not finite at step {step:,}.")
        self.step = step
        self.column = column


class CheckpointError(RefusedError, ValueError):
    """A checkpoint that cannot be read or does not fit."""
