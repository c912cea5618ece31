"""A limit on what building a model may allocate, for specifications from strangers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode


class TooLarge(Exception):  # noqa: N818
    """More was allocated than allowed."""


class _Limit(TorchFunctionMode):
    def __init__(self, elements: int) -> None:
        super().__init__()
        self.left = elements

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.left -= result.numel()
            if self.left < 0:
                raise TooLarge
        return result


@contextmanager
def within(elements: int) -> Iterator[None]:
    """Stop what is done inside soon after it has made tensors of more than so many elements in all.

    Raises:
        TooLarge: when it has.
    """
    with _Limit(elements):
        yield
