"""Batches and noise from counters: any step's numbers can be drawn again, with no generator state to keep.

Every block of steps has generators of its own, seeded from the run's seed, the stream's name and the block's number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

#: Steps in a block, at most.
BLOCK = 64
#: Numbers of noise drawn at once for one seed, at most (unless a single step needs more).
BLOCK_NUMBERS = 2**20


def generator(seed: int, *name: str | int) -> torch.Generator:
    """A generator on the CPU that depends on the seed and on the name alone."""
    text = "/".join(map(str, (seed, *name)))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


class Batches:
    """Which points are in each step's batch, and the noise that is added to them.

    Points go in epochs without replacement: a stream of permutations, cut into full batches.  A batch that is larger
    than the data is drawn with replacement.  With `whole` every permutation is cut by itself, so that the last batch
    of an epoch is smaller, a block of its own.  Members with equal seeds share batches and noise.

    Args:
        seeds: of the E members.
        points: N, the number of training points.
        batch: B.
        dim: D.
        segment: how many times the data have been exchanged.
        whole: whether an epoch ends with a smaller batch.
        draws: K, further standard normal numbers for each point.

    Attributes:
        steps: S, steps in a block, at most.
        members: for each member the index of its stream.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        points: int,
        batch: int,
        dim: int,
        segment: int = 0,
        *,
        whole: bool = False,
        draws: int = 0,
    ) -> None:
        self._seeds = list(dict.fromkeys(seeds))
        self._points, self._batch, self._dim, self._segment = points, batch, dim, segment
        self._draws = draws
        self._epochs: dict[tuple[int, int], Tensor] = {}
        self.members = [self._seeds.index(seed) for seed in seeds]
        self.steps = max(1, min(BLOCK, BLOCK_NUMBERS // (batch * max(dim, draws))))
        self._whole = whole
        # Full batches of an epoch, and the blocks that they make.
        self._full, self._rest = divmod(points, batch)
        self._blocks = -(-self._full // self.steps)

    def place(self, step: int) -> tuple[int, int]:
        """The number of the block to which a step belongs, and the block's first step."""
        if not self._whole:
            return step // self.steps, step // self.steps * self.steps
        length = self._full + (self._rest > 0)
        epoch, within = divmod(step, length)
        part = self._blocks if within == self._full else within // self.steps
        first = min(part * self.steps, self._full)
        return epoch * (self._blocks + (self._rest > 0)) + part, epoch * length + first

    def draw(self, block: int) -> tuple[Tensor, Tensor]:
        """Indices (S, U, B) and standard normal noise (S, U, B, D) of a block, for the U different seeds.

        With `whole` S and B are the block's own.
        """
        return self.draw_indices(block), self.draw_noise(block)

    def draw_indices(self, block: int) -> Tensor:
        """The first of what `draw` draws."""
        shape = self._shape(block)
        return torch.stack([self._indices(seed, block).view(shape) for seed in self._seeds], dim=1)

    def draw_noise(self, block: int) -> Tensor:
        """The second of what `draw` draws."""
        return self._normal("noise", block, self._dim)

    def draw_own(self, block: int) -> Tensor | None:
        """The further numbers (S, U, B, K) of a block, for the U different seeds; None where K is 0."""
        return self._normal("objective", block, self._draws) if self._draws else None

    def _normal(self, stream: str, block: int, size: int) -> Tensor:
        shape = self._shape(block)
        drawn = [
            torch.randn(*shape, size, generator=generator(seed, stream, self._segment, block)) for seed in self._seeds
        ]
        return torch.stack(drawn, dim=1)

    def _shape(self, block: int) -> tuple[int, int]:
        if not self._whole:
            return self.steps, self._batch
        part = block % (self._blocks + (self._rest > 0))
        if part == self._blocks:
            return 1, self._rest
        return min(self.steps, self._full - part * self.steps), self._batch

    def _indices(self, seed: int, block: int) -> Tensor:
        if self._whole:
            epoch, part = divmod(block, self._blocks + (self._rest > 0))
            self._epochs = {key: order for key, order in self._epochs.items() if key[1] >= epoch}
            first = min(part * self.steps, self._full) * self._batch
            steps, batch = self._shape(block)
            return self._permutation(seed, epoch)[first : first + steps * batch]
        size = self.steps * self._batch
        if self._batch > self._points:
            return torch.randint(self._points, (size,), generator=generator(seed, "replacement", self._segment, block))
        first, last = block * size, (block + 1) * size
        epochs = range(first // self._points, (last - 1) // self._points + 1)
        stream = torch.cat([self._permutation(seed, epoch) for epoch in epochs])
        self._epochs = {key: order for key, order in self._epochs.items() if key[1] >= epochs[-1]}
        return stream[first - epochs[0] * self._points :][:size]

    def _permutation(self, seed: int, epoch: int) -> Tensor:
        key = (seed, epoch)
        if key not in self._epochs:
            self._epochs[key] = torch.randperm(self._points, generator=generator(seed, "epoch", self._segment, epoch))
        return self._epochs[key]
