"""The whole step of all columns as one compiled function.

A call releases the interpreter's lock for as long as it lasts, so that the window hardly slows it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gmstudio.models.layers.base import DensityModel
from gmstudio.training.engines.base import Block
from gmstudio.training.engines.program import buffer_names
from gmstudio.training.layout import Layout
from gmstudio.training.optimiser import Optimiser


class CompiledEngine:
    """Steps by a `Program` that was compiled ahead of time.

    Args:
        package: made by `gmstudio.training.engines.compiler` for as many members.
        model: E members; on the CPU.
        layout: the model's parameters.
        optimiser: its moments and counts; the compiled function takes its place.

    Raises:
        RuntimeError: when this torch cannot load the package.
    """

    name = "compiled"

    def __init__(self, package: Path, model: DensityModel, layout: Layout, optimiser: Optimiser) -> None:
        self._run = load(package)
        self._optimiser = optimiser
        self._state = [layout.values, optimiser.first, optimiser.second]
        buffers = dict(model.named_buffers())
        self._buffers = [buffers[name] for name in buffer_names(model)]

    def step(self, block: Block, first: int, n: int) -> None:
        """Make `n` steps with the block's entries from `first` on, and note their losses in the block."""
        counts, columns = self._optimiser.counts, self._optimiser.moving
        moving = torch.zeros(len(counts), dtype=torch.float64)
        moving[columns] = 1.0
        rates = torch.tensor(block.rates[first : first + n], dtype=torch.float64)
        made = counts.double() + torch.arange(1, n + 1, dtype=torch.float64)[:, None]
        with torch.no_grad():
            for k in range(n):
                inputs = [*self._state, rates[k], made[k], moving, block.x[first + k], *self._buffers]
                (block.losses[first + k],) = self._run(inputs)
        counts[columns] += n


def load(package: Path) -> Any:
    """The function in a package: takes the list of a `Program`'s inputs, returns a list with the loss.

    Raises:
        RuntimeError: when this torch cannot load it.
    """
    try:
        # What torch offers in public imports its compiler, which takes three seconds; this takes milliseconds.
        from torch._C._aoti import AOTIModelPackageLoader  # type: ignore[attr-defined, unused-ignore]

        loader = AOTIModelPackageLoader(str(package), "model", False, 1, -1)
    except (ImportError, AttributeError, TypeError) as error:
        raise RuntimeError(f"this torch cannot load compiled steps: {error}") from error
    run = loader.boxed_run

    def call(inputs: list[Tensor]) -> list[Tensor]:
        found: list[Tensor] = run(inputs)
        return found

    return call
