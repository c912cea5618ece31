"""The whole step as one compiled function, called once for each column.

A column's step is compiled, not the ensemble's: compiled code spends next to nothing on launching operations, so that
a batch over columns would gain nothing, and any number of columns shares one function.  A call releases the
interpreter's lock for as long as it lasts; the window hardly slows it.
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
        package: made by `gmstudio.training.engines.compiler`.
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
        buffers = dict(model.named_buffers())
        self._rows = [
            (
                [layout.values[column], optimiser.first[column], optimiser.second[column]],
                [buffers[name][column] for name in buffer_names(model)],
            )
            for column in range(layout.members)
        ]

    def step(self, block: Block, first: int, n: int) -> None:
        """Make `n` steps with the block's entries from `first` on, and note their losses in the block."""
        moving = self._optimiser.moving
        rates = torch.tensor(block.rates[first : first + n], dtype=torch.float64)
        counts = self._optimiser.counts.double() + torch.arange(1, n + 1, dtype=torch.float64)[:, None]
        with torch.no_grad():
            for k in range(n):
                for column in moving:
                    inputs, buffers = self._rows[column]
                    numbers = [rates[k, column], counts[k, column], block.x[first + k, column]]
                    (loss,) = self._run([*inputs, *numbers, *buffers])
                    block.losses[first + k, column] = loss
            self._optimiser.counts[moving] += n


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
