"""Adam and AdamW on the rows of one buffer, each row with its own rate."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

from gmstudio.runs import TrainingSpec
from gmstudio.training.layout import Layout

#: Values, gradients, first and second moments of some columns, and their counts of steps.
State = tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor], list[Tensor]]

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Optimiser:
    """`torch.optim.Adam` or `torch.optim.AdamW`, fused where the device can.

    Args:
        layout: the parameters and gradients.
        training: which optimiser, weight decay and clipping.

    Attributes:
        decay: of the weights.
        first, second: (E, P) moments of the gradients.
        counts: (E,) steps that each column has made, float32.
        moving: the columns that learn; the others are held.

    Kingma and Ba, "Adam", ICLR 2015; Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    def __init__(self, layout: Layout, training: TrainingSpec) -> None:
        self._layout = layout
        self._clip = training.clip
        self.decay = training.weight_decay
        self._decoupled = training.optimiser == "adamw"
        self._fused = _can_fuse(layout.values.device)
        self.first = torch.zeros_like(layout.values)
        self.second = torch.zeros_like(layout.values)
        # Where nothing is fused, torch reads the counts on the host: there they must not be on the device.
        self.counts = torch.zeros(layout.members, device=layout.values.device if self._fused else "cpu")
        state = (layout.values, layout.gradients, self.first, self.second, self.counts)
        self._rows = list(zip(*(tensor.unbind(0) for tensor in state), strict=True))
        self._together: dict[tuple[int, ...], State] = {}
        self.hold([False] * layout.members)

    def hold(self, stopped: Sequence[bool]) -> None:
        """Leave the weights and moments of these columns as they are from now on."""
        self.moving = [column for column, still in enumerate(stopped) if not still]
        self._advance = torch.tensor([float(not still) for still in stopped], device=self.counts.device)

    def step(self, rates: Sequence[float]) -> None:
        """Clip the gradients and make one step.

        Args:
            rates: learning rate of each column.
        """
        if self._clip > 0.0:
            gradients = self._layout.gradients
            norms = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
            gradients.mul_((self._clip / (norms + 1e-6)).clamp_(max=1.0))
        columns: dict[float, list[int]] = {}
        for column in self.moving:
            columns.setdefault(rates[column], []).append(column)
        with torch.no_grad():
            if self._fused:
                self.counts += self._advance
            for rate, those in columns.items():
                self._step(self._state(tuple(those)), rate)

    def _state(self, columns: tuple[int, ...]) -> State:
        if columns not in self._together:
            values, gradients, first, second, counts = zip(*(self._rows[column] for column in columns), strict=True)
            self._together[columns] = (list(values), list(gradients), list(first), list(second), list(counts))
        return self._together[columns]

    def _step(self, state: State, rate: float) -> None:
        if self._fused:
            _fused(state, rate, decoupled=self._decoupled, decay=self.decay)
            return
        values, gradients, first, second, counts = state
        # The functional form: the first step of the class imports the compiler, which takes a second.
        adam(
            values,
            gradients,
            first,
            second,
            [],
            counts,
            foreach=False,
            decoupled_weight_decay=self._decoupled,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=self.decay,
            eps=EPSILON,
            maximize=False,
        )


def _fused(state: State, rate: float, *, decoupled: bool, decay: float) -> None:
    """Torch's kernel, as `adam` calls it after as much time again in bookkeeping; the counts are this step's."""
    kernel = torch._fused_adamw_ if decoupled else torch._fused_adam_
    values, gradients, first, second, counts = state
    kernel(
        values,
        gradients,
        first,
        second,
        [],
        counts,
        lr=rate,
        beta1=BETAS[0],
        beta2=BETAS[1],
        weight_decay=decay,
        eps=EPSILON,
        amsgrad=False,
        maximize=False,
    )


def _can_fuse(device: torch.device) -> bool:
    """Whether the device has the fused kernel, found by trying it on one number."""
    values, gradients, first, second = torch.zeros(4, 1, device=device).unbind(0)
    count = torch.ones((), device=device)
    try:
        _fused(([values], [gradients], [first], [second], [count]), 1e-3, decoupled=False, decay=0.0)
    except (RuntimeError, AttributeError, TypeError):
        return False
    return True
