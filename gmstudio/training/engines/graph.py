"""Whole steps captured in a CUDA graph: the processor launches one graph where it launched hundreds of kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gmstudio.models.layers.base import DensityModel
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.runs import TrainingSpec
from gmstudio.training.engines.base import Block
from gmstudio.training.layout import Layout
from gmstudio.training.optimiser import BETAS, EPSILON, Optimiser

#: Steps in the long graph; what is left of a block is made by a graph of one step.
STEPS = 16
#: Steps that are made before a capture, so that libraries have allocated what they need.
WARM = 3

#: Makes a function that repeats, on the device, what the given function does now.
Capture = Callable[[Callable[[], None]], Callable[[], None]]


def capture(work: Callable[[], None]) -> Callable[[], None]:
    """Capture the work in a CUDA graph; nothing is computed until the graph is replayed."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


class _Captured:
    """Some steps in a row with inputs and outputs at fixed places.

    Attributes:
        entry: points (K, E, B, D), and the objective's numbers where it wants any.
        rates, losses: (K, E).
    """

    def __init__(self, steps: int, entry: Sequence[Tensor], engine: GraphEngine, make: Capture) -> None:
        self.steps = steps
        self.entry = [part.expand(steps, *part.shape).clone() for part in entry]
        x = entry[0]
        self.rates = x.new_zeros(steps, x.shape[0])
        self.losses = x.new_zeros(steps, x.shape[0])
        self._engine = engine
        self.replay = make(self._work)

    def _work(self) -> None:
        for k in range(self.steps):
            self._engine.make_step([part[k] for part in self.entry], self.rates[k], self.losses[k])


class GraphEngine:
    """Steps by replaying captured graphs; learning rates, losses and counts stay on the device.

    Args:
        model: E members on a CUDA device, in training mode.
        objective: gives (E,) losses without asking the host.
        layout: the model's parameters.
        optimiser: its moments and counts; the graph takes its place.
        training: weight decay and clipping.
        entry: some `Block.entry`.
        make: captures; another one lets tests run the same work on the processor.
    """

    name = "graph"

    def __init__(
        self,
        model: DensityModel,
        objective: ObjectiveSpec,
        layout: Layout,
        optimiser: Optimiser,
        training: TrainingSpec,
        entry: Sequence[Tensor],
        make: Capture = capture,
    ) -> None:
        self._model, self._objective, self._layout = model, objective, layout
        self._optimiser, self._training = optimiser, training
        self._counts = torch.zeros(layout.members, 1, device=layout.values.device)
        self._moving = torch.ones(layout.members, 1, device=layout.values.device)
        state = (layout.values, optimiser.first, optimiser.second)
        kept = [tensor.clone() for tensor in state]
        self._long = _Captured(STEPS, entry, self, make)
        self._short = _Captured(1, entry, self, make)
        # Warming up has made steps that nobody asked for.
        for tensor, old in zip(state, kept, strict=True):
            tensor.copy_(old)

    def step(self, block: Block, first: int, n: int) -> None:
        """Make `n` steps with the block's entries from `first` on, and note their losses in the block."""
        moving = self._optimiser.moving
        self._moving.zero_()
        self._moving[moving] = 1.0
        self._counts.copy_(self._optimiser.counts.view(-1, 1))
        rates = torch.tensor(block.rates[first : first + n], dtype=torch.float32).to(self._counts.device)
        done = 0
        while done < n:
            graph = self._long if n - done >= STEPS else self._short
            span = slice(first + done, first + done + graph.steps)
            for part, whole in zip(graph.entry, (block.x, block.noise), strict=False):
                if whole is not None:
                    part.copy_(whole[span])
            graph.rates.copy_(rates[done : done + graph.steps])
            graph.replay()
            block.losses[span] = graph.losses
            done += graph.steps
        self._optimiser.counts[moving] += n

    def make_step(self, entry: Sequence[Tensor], rates: Tensor, losses: Tensor) -> None:
        """One step in operations that never ask the host; in the order of torch's fused kernel.

        Args:
            entry: points (E, B, D), and the objective's numbers (E, B, K) where it wants any.
            rates: (E,).
            losses: (E,), filled.
        """
        losses.copy_(self._layout.differentiate(self._objective, self._model, *entry))
        with torch.no_grad():
            self._adam(rates.unsqueeze(1))

    def _adam(self, rates: Tensor) -> None:
        values, gradients = self._layout.values, self._layout.gradients
        first, second, moving = self._optimiser.first, self._optimiser.second, self._moving
        clip, decay = self._training.clip, self._training.weight_decay
        if clip > 0.0:
            norms = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
            gradients.mul_((clip / (norms + 1e-6)).clamp_(max=1.0))
        if decay > 0.0 and self._training.optimiser == "adamw":
            values.mul_(1.0 - rates * decay * moving)
        elif decay > 0.0:
            gradients.add_(values, alpha=decay)
        self._counts.add_(moving)
        first.add_((gradients - first) * ((1.0 - BETAS[0]) * moving))
        second.add_((gradients * gradients - second) * ((1.0 - BETAS[1]) * moving))
        # In double precision: 1 - 0.999^n loses three digits in single.
        counts = self._counts.double()
        size = (rates.double() / (1.0 - torch.pow(BETAS[0], counts))).float() * moving
        root = (1.0 - torch.pow(BETAS[1], counts)).sqrt().float()
        # A column that has not moved yet has no root: its size is 0, so any other number will do.
        values.sub_(size.nan_to_num(0.0, 0.0, 0.0) * first / (second.sqrt() / root.clamp(min=1e-6) + EPSILON))
