"""Gradients by hand: one operation for autograd where there would be some hundred.

Autograd's bookkeeping takes longer than the arithmetic of networks as small as ours.  So a density can say itself how
gradients go back through it (`Passes`), and autograd sees all of it as one operation.  Who traces operations enters
`plain`: the same arithmetic, left to autograd.  Gradients of gradients take that way by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import torch
from torch import Tensor

#: What a pass forward leaves for the pass back.
Saved = Any
#: Where the slopes of tensors can be put, to spare a copy; None in all when they are not wanted.
Places = Sequence[Tensor | None] | None
#: Where a module keeps a parameter, and under which name. A module is slow to give it as an attribute.
Source = tuple[Mapping[str, Tensor | None], str]


def tensors_of(sources: Sequence[Source]) -> list[Tensor]:
    """The parameters as they are now."""
    return [own[name] for own, name in sources]  # type: ignore[misc]


class Passes(Protocol):
    """A log-density that knows its own gradient."""

    def tensors(self) -> list[Tensor]:
        """What the density depends on beside its points, always in the same order."""

    def push(self, x: Tensor, tensors: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Saved]:
        """Log-densities (E, B) of points (E, B, D), in operations that autograd can follow.

        Args:
            x: the points.
            tensors: those of `tensors`, or others of their shapes.
            keep: whether `pull` follows, which nothing is saved for otherwise.
        """

    def pull(
        self, saved: Saved, tensors: Sequence[Tensor], slope: Tensor, places: Places, *, points: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Carry slopes back, without autograd; nothing that is given is changed.

        Args:
            saved: from `push`; it may be used again.
            tensors: those of `push`.
            slope: of a scalar with respect to the log-densities, (E, B).
            places: where the slopes of the tensors can be put.
            points: whether the slopes of the points are wanted; else they mean nothing.

        Returns:
            Slopes of the points, (E, B, D), and of the tensors.
        """


_PLAIN: ContextVar[bool] = ContextVar("plain", default=False)


@contextmanager
def plain() -> Iterator[None]:
    """In this thread leave all gradients to autograd, operation by operation."""
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


def log_prob(model: Passes, x: Tensor) -> Tensor:
    """Log-densities (E, B) of points (E, B, D), differentiable as often as one likes."""
    tensors = model.tensors()
    if not torch.is_grad_enabled() or followed(x):
        return model.push(x, tensors, keep=False)[0]
    value: Tensor = _LogProb.apply(model, x, *tensors)  # type: ignore[no-untyped-call]
    return value


def score(model: Passes, x: Tensor) -> Tensor:
    """Slopes of the log-densities with respect to points (E, B, D): (E, B, D)."""
    with torch.no_grad():
        tensors = model.tensors()
        value, saved = model.push(x, tensors, keep=True)
        found, _ = model.pull(saved, tensors, torch.ones_like(value), None, points=True)
    return found


def followed(x: Tensor) -> bool:
    """Whether somebody else follows the operations: a tracer, a transform of functions, autocast."""
    return (
        _PLAIN.get()
        or torch.compiler.is_compiling()
        or _modes() > 0
        or _transform() is not None
        or torch.is_autocast_enabled(x.device.type)
    )


# Torch does not tell in public; who traces with a torch that does not tell at all must enter `plain`.
_modes: Callable[[], int] = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)
_transform: Callable[[], object] = getattr(
    getattr(torch._C, "_functorch", None), "peek_interpreter_stack", lambda: None
)


class Slots:
    """Where the gradients of parameters are put without autograd, whose bookkeeping takes a tenth of a step.

    Args:
        slots: a tensor of its shape for each parameter.
    """

    def __init__(self, slots: Mapping[Tensor, Tensor]) -> None:
        self._parameters = list(slots)
        self._slots = {id(parameter): slot for parameter, slot in slots.items()}

    def fill(self, model: Passes, x: Tensor, weight: float) -> Tensor:
        """Put the gradient of the weighted sum of all log-densities into the slots.

        Args:
            model: E members; depends on no other parameters.
            x: points (E, B, D).
            weight: of every log-density.

        Returns:
            The sums of the members, (E,).
        """
        with torch.enable_grad():
            tensors = model.tensors()
        with torch.no_grad():
            value, saved = model.push(x, tensors, keep=True)
            slots = [self._slots.get(id(tensor)) for tensor in tensors]
            # Rows of an ensemble's buffer lie apart: of many, to put products there is slower than to copy them.
            places: Places = slots if len(value) <= 2 else [None] * len(slots)
            _, found = model.pull(saved, tensors, torch.full_like(value, weight), places, points=False)
            pairs = [(slot, slope) for slot, slope in zip(slots, found, strict=True) if slot is not None]
            elsewhere = [(slot, slope) for slot, slope in pairs if slope is not slot]
            if elsewhere:
                torch._foreach_copy_([slot for slot, _ in elsewhere], [slope for _, slope in elsewhere])
            if len(pairs) < len(self._slots):
                self._fill_rest(tensors, slots, found)
            return value.sum(1).mul_(weight)

    def _fill_rest(self, tensors: Sequence[Tensor], slots: Sequence[Tensor | None], slopes: Sequence[Tensor]) -> None:
        """Parameters of which tensors of the model are made get their gradients by autograd."""
        direct = set(map(id, tensors))
        rest = [parameter for parameter in self._parameters if id(parameter) not in direct]
        made = [i for i, slot in enumerate(slots) if slot is None and tensors[i].requires_grad]
        found = torch.autograd.grad(
            [tensors[i] for i in made], rest, [slopes[i] for i in made], allow_unused=True, materialize_grads=True
        )
        torch._foreach_copy_([self._slots[id(parameter)] for parameter in rest], found)


class _LogProb(torch.autograd.Function):
    """The log-density as a function of the points and of the model's tensors."""

    @staticmethod
    def forward(ctx: Any, model: Passes, x: Tensor, *tensors: Tensor) -> Tensor:
        ctx.model = model
        ctx.save_for_backward(x, *tensors)
        value, ctx.saved = model.push(x, tensors, keep=True)
        return value

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, *tensors = ctx.saved_tensors
        _, points, *wanted = ctx.needs_input_grad
        if torch.is_grad_enabled():
            return None, *_differentiably(ctx.model, x, tensors, slope)
        places = [None] * len(tensors) if any(wanted) else None
        of_points, found = ctx.model.pull(ctx.saved, tensors, slope, places, points=points)
        return None, of_points if points else None, *(found or [None] * len(tensors))


def _differentiably(model: Passes, x: Tensor, tensors: Sequence[Tensor], slope: Tensor) -> list[Tensor | None]:
    """Slopes of points and tensors that can be differentiated again, found by going forward again under autograd."""
    # Aliases: what one input owes to another is not to be counted here, it is in the graph outside.
    aliases = [tensor.view_as(tensor) for tensor in (x, *tensors)]
    value, _ = model.push(aliases[0], aliases[1:], keep=False)
    asked = [alias for alias in aliases if alias.requires_grad]
    found = iter(torch.autograd.grad(value, asked, slope, create_graph=True, allow_unused=True))
    return [next(found) if alias.requires_grad else None for alias in aliases]
