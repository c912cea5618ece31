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
#: Where gradients of tensors are to be put, None for anywhere; None in all when they are not wanted.
Places = Sequence[Tensor | None] | None


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
            places: where the slopes of the tensors are put; every place that is given is used.
            points: whether the slopes of the points are wanted; else they mean nothing.

        Returns:
            Slopes of the points, (E, B, D), and of the tensors.
        """


class Slots:
    """Where the slopes of parameters are put directly, past autograd's bookkeeping for each of them.

    Args:
        slots: a tensor of its shape for each parameter.
    """

    def __init__(self, slots: Mapping[Tensor, Tensor]) -> None:
        self._slots = {id(parameter): slot for parameter, slot in slots.items()}
        self._parameters, self._all = list(slots), list(slots.values())
        self._open, self._clean = False, True
        #: What passes take in the place of parameters, so that autograd comes to them.
        self.anchor = torch.zeros((), requires_grad=True)

    def fill(self, loss: Tensor) -> None:
        """Add the slopes of a scalar, computed under `into`, to the slots, which are zero."""
        self._open = self._clean = True
        try:
            # The parameters too: what is computed without passes owes its slopes to autograd.
            asked = (self.anchor, *self._parameters)
            _, *found = torch.autograd.grad(loss, asked, allow_unused=True)
        finally:
            self._open = False
        others = [(slot, slope) for slot, slope in zip(self._all, found, strict=True) if slope is not None]
        if others:
            torch._foreach_add_([slot for slot, _ in others], [slope for _, slope in others])

    def without(self, tensors: Sequence[Tensor]) -> list[int]:
        """Which of these have no slot."""
        return [i for i, tensor in enumerate(tensors) if id(tensor) not in self._slots]

    def places(self, tensors: Sequence[Tensor]) -> Places:
        """Where a pass puts the slopes of these; nowhere when it runs back for something else than `fill`."""
        if not self._open:
            return None
        return [self._slots.get(id(tensor)) for tensor in tensors] if self._clean else [None] * len(tensors)

    def put(self, tensors: Sequence[Tensor], slopes: Sequence[Tensor]) -> None:
        """Take what a pass has found for `fill`: the first one's is in its places already."""
        if not self._open:
            return
        if not self._clean:
            for tensor, slope in zip(tensors, slopes, strict=True):
                slot = self._slots.get(id(tensor))
                if slot is not None:
                    slot += slope
        self._clean = False


_PLAIN: ContextVar[bool] = ContextVar("plain", default=False)
_SLOTS: ContextVar[Slots | None] = ContextVar("slots", default=None)


@contextmanager
def plain() -> Iterator[None]:
    """In this thread leave all gradients to autograd, operation by operation."""
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


@contextmanager
def into(slots: Slots) -> Iterator[None]:
    """In this thread put the slopes of parameters into slots, and ask autograd for the anchor instead of them."""
    token = _SLOTS.set(slots)
    try:
        yield
    finally:
        _SLOTS.reset(token)


def log_prob(model: Passes, x: Tensor) -> Tensor:
    """Log-densities (E, B) of points (E, B, D), differentiable as often as one likes."""
    tensors = model.tensors()
    if not torch.is_grad_enabled() or _followed(x):
        return model.push(x, tensors, keep=False)[0]
    slots = _SLOTS.get()
    given = range(len(tensors)) if slots is None else slots.without(tensors)
    anchor = None if slots is None else slots.anchor
    value: Tensor = _LogProb.apply(  # type: ignore[no-untyped-call]
        model, tensors, slots, given, anchor, x, *[tensors[i] for i in given]
    )
    return value


def score(model: Passes, x: Tensor) -> Tensor:
    """Slopes of the log-densities with respect to points (E, B, D): (E, B, D)."""
    with torch.no_grad():
        tensors = model.tensors()
        value, saved = model.push(x, tensors, keep=True)
        found, _ = model.pull(saved, tensors, torch.ones_like(value), None, points=True)
    return found


def _followed(x: Tensor) -> bool:
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


class _LogProb(torch.autograd.Function):
    """The log-density as a function of the points and of those tensors whose slopes autograd is to hand on."""

    @staticmethod
    def forward(
        ctx: Any,
        model: Passes,
        tensors: list[Tensor],
        slots: Slots | None,
        given: Sequence[int],
        anchor: Tensor | None,
        x: Tensor,
        *inputs: Tensor,
    ) -> Tensor:
        ctx.model, ctx.slots, ctx.given = model, slots, given
        ctx.save_for_backward(x, *tensors)
        value, ctx.saved = model.push(x, tensors, keep=True)
        return value

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, *tensors = ctx.saved_tensors
        points, *given = ctx.needs_input_grad[5:]
        if torch.is_grad_enabled():
            of_points, found = _differentiably(ctx.model, x, tensors, slope)
        else:
            slots: Slots | None = ctx.slots
            places = None if slots is None else slots.places(tensors)
            if places is None and any(given):
                places = [None] * len(tensors)
            of_points, found = ctx.model.pull(ctx.saved, tensors, slope, places, points=points)
            if slots is not None:
                slots.put(tensors, found)
        return (
            None,
            None,
            None,
            None,
            None,
            of_points if points else None,
            *[found[i] if found else None for i in ctx.given],
        )


def _differentiably(
    model: Passes, x: Tensor, tensors: Sequence[Tensor], slope: Tensor
) -> tuple[Tensor | None, list[Tensor | None]]:
    """Slopes that can be differentiated again, found by going forward once more under autograd."""
    # Aliases: what one input owes to another is not to be counted here, it is in the graph outside.
    aliases = [tensor.view_as(tensor) for tensor in (x, *tensors)]
    value, _ = model.push(aliases[0], aliases[1:], keep=False)
    asked = [alias for alias in aliases if alias.requires_grad]
    found = iter(torch.autograd.grad(value, asked, slope, create_graph=True, allow_unused=True))
    of_points, *of_tensors = [next(found) if alias.requires_grad else None for alias in aliases]
    return of_points, of_tensors
