"""Adam and AdamW on the rows of one buffer, each row with its own rate."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

from gmstudio.runs import TrainingSpec
from gmstudio.training.layout import Layout

#: Values, gradients, first and second moments of a column, and its count of steps.
Row = tuple[Tensor, ...]

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Optimiser:
    """`torch.optim.Adam` or `torch.optim.AdamW`, fused where the device can.

    Args:
        layout: the parameters and gradients.
        training: which optimiser, weight decay and clipping.

    Attributes:
        first, second: (E, P) moments of the gradients.
        counts: (E,) steps that each column has made, float32.
        moving: the columns that learn; the others are held.

    Kingma and Ba, "Adam", ICLR 2015; Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    def __init__(self, layout: Layout, training: TrainingSpec) -> None:
        self._layout = layout
        self._clip = training.clip
        self._decay = training.weight_decay
        self._decoupled = training.optimiser == "adamw"
        self._fused = _can_fuse(layout.values.device)
        self.first = torch.zeros_like(layout.values)
        self.second = torch.zeros_like(layout.values)
        # Where nothing is fused, torch reads the counts on the host: there they must not be on the device.
        self.counts = torch.zeros(layout.members, device=layout.values.device if self._fused else "cpu")
        self._rows = list(
            zip(
                layout.values.unbind(0),
                layout.gradients.unbind(0),
                self.first.unbind(0),
                self.second.unbind(0),
                self.counts.unbind(0),
                strict=True,
            )
        )
        self.hold([False] * layout.members)

    def hold(self, stopped: Sequence[bool]) -> None:
        """Leave the weights and moments of these columns as they are from now on."""
        self.moving = [column for column, still in enumerate(stopped) if not still]

    def step(self, rates: Sequence[float]) -> None:
        """Clip the gradients and make one step.

        Args:
            rates: learning rate of each column.
        """
        if self._clip > 0.0:
            gradients = self._layout.gradients
            norms = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
            gradients.mul_((self._clip / (norms + 1e-6)).clamp_(max=1.0))
        together: dict[float, list[Row]] = {}
        for column in self.moving:
            together.setdefault(rates[column], []).append(self._rows[column])
        with torch.no_grad():
            for rate, rows in together.items():
                _adam(rows, rate, fused=self._fused, decoupled=self._decoupled, decay=self._decay)


def _adam(rows: list[Row], rate: float, *, fused: bool, decoupled: bool, decay: float) -> None:
    values, gradients, first, second, counts = map(list, zip(*rows, strict=True))
    # The functional form: the class spends as long again on bookkeeping at every step, and its first step imports
    # the compiler, which takes a second.
    adam(
        values,
        gradients,
        first,
        second,
        [],
        counts,
        foreach=False,
        fused=fused,
        decoupled_weight_decay=decoupled,
        amsgrad=False,
        beta1=BETAS[0],
        beta2=BETAS[1],
        lr=rate,
        weight_decay=decay,
        eps=EPSILON,
        maximize=False,
    )


def _can_fuse(device: torch.device) -> bool:
    """Whether the device has the fused kernel, found by trying it on one number."""
    row = (*torch.zeros(4, 1, device=device).unbind(0), torch.zeros((), device=device))
    try:
        _adam([row], 1e-3, fused=True, decoupled=False, decay=0.0)
    except RuntimeError:
        return False
    return True
