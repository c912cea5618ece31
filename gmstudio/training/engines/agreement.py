"""Whether two engines make the same steps."""

from __future__ import annotations

from dataclasses import replace

import torch

from gmstudio.training.engines.base import Block, Engine
from gmstudio.training.layout import Layout
from gmstudio.training.optimiser import Optimiser

#: Gradients that are smaller than this share of their mean are rounding.
NEGLIGIBLE = 1e-3


def agree(
    engines: tuple[Engine, Engine], block: Block, first: int, steps: int, layout: Layout, optimiser: Optimiser
) -> bool:
    """Let both engines make the same steps, and compare; the state stays as it is, to the bit.

    Args:
        engines: the one to trust, and the other.
        block: with batches of the size that both make.
        first: entry of the block to begin with.
        steps: how many to compare, fewer at the end of the block.
        layout: the parameters.
        optimiser: its moments and counts.
    """
    steps = min(steps, len(block.rates) - first)
    state = [layout.values, optimiser.first, optimiser.second, optimiser.counts]
    kept = [tensor.clone() for tensor in state]
    losses, moves, sizes = [], [], []
    for engine in engines:
        scratch = replace(block, losses=torch.zeros_like(block.losses))
        engine.step(scratch, first, steps)
        losses.append(scratch.losses[first : first + steps, optimiser.moving].clone())
        moves.append(layout.values - kept[0])
        sizes.append(optimiser.second.sqrt())
        for tensor, old in zip(state, kept, strict=True):
            tensor.copy_(old)
    # Adam turns a gradient of nearly 0, whose sign is rounding, into a whole step: so no bound on single weights, and
    # none at all on those that have no effect, such as shifts that a normalisation takes away again.
    counts = sizes[0] > NEGLIGIBLE * sizes[0].mean(dim=1, keepdim=True)
    apart = float(torch.linalg.vector_norm((moves[1] - moves[0]) * counts))
    close = apart <= 0.05 * float(torch.linalg.vector_norm(moves[0]))
    return close and bool(torch.allclose(losses[0], losses[1], rtol=1e-3, atol=1e-4))
