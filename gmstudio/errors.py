"""What the errors of all rooms have in common when a person can do something about them."""

from __future__ import annotations


class RefusedError(Exception):
    """Something cannot be done as it was asked.

    Args:
        message: what is wrong, naming the thing.
        remedy: what the person can do about it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self.remedy) if part)
