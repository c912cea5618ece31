"""Stand-ins: a trainer whose model is a Gaussian, and a clock that only computing moves.

The tests of this folder share `linear_latent.py`, which is no test.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gmstudio.data.base import Dataset, Density, Modes
from gmstudio.models.layers.base import DensityModel
from gmstudio.observation.frame import View

sys.path.insert(0, str(Path(__file__).parent))


@dataclass
class Clock:
    """Seconds that pass only where `rows` says so."""

    now: float = 0.0
    per_row: float = 1e-6
    chunks: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def rows(self, what: str, count: int) -> None:
        """Something was computed."""
        self.chunks.append((what, count))
        self.now += count * self.per_row


class Normal(DensityModel):
    """Members N(mean, sd^2 I)."""

    can = frozenset({"log_prob", "score", "sample", "path"})
    path_titles = ("data", "latent")

    def __init__(self, members: int, clock: Clock | None = None) -> None:
        super().__init__(2, members)
        self.mean = nn.Parameter(torch.arange(members * 2, dtype=torch.float32).reshape(members, 2) * 0.1)
        self.log_sd = nn.Parameter(torch.zeros(members))
        self.register_buffer("count", torch.zeros(members))
        self.clock = [] if clock is None else [clock]

    def __deepcopy__(self, memo: dict[int, object]) -> Normal:
        copied = Normal(self.members, self.clock[0] if self.clock else None)
        copied.load_state_dict(self.state_dict())
        return copied.train(self.training)

    def _tick(self, what: str, x: Tensor, rows: int) -> None:
        assert not self.training, "observing evaluates in evaluation mode"
        if self.clock:
            self.clock[0].rows(what, rows)

    def _z(self, x: Tensor) -> Tensor:
        return (x - self.mean[:, None]) * (-self.log_sd).exp()[:, None, None]

    def log_prob(self, x: Tensor) -> Tensor:
        self._tick("log_prob", x, x.shape[0] * x.shape[1])
        return -0.5 * self._z(x).square().sum(-1) - math.log(2 * math.pi) - 2 * self.log_sd[:, None]

    def sample(self, noise: Tensor) -> Tensor:
        self._tick("sample", noise, self.members * noise.shape[0])
        return self.mean[:, None] + noise * self.log_sd.exp()[:, None, None]

    def path(self, x: Tensor) -> Tensor:
        self._tick("path", x, 1)
        return torch.stack([x, self._z(x)])


class Exact:
    """N(0, sd^2 I), exactly."""

    def __init__(self, sd: float = 1.0, clock: Clock | None = None) -> None:
        self.sd = sd
        self.clock = clock

    def log_prob(self, x: Tensor) -> Tensor:
        assert x.dtype == torch.float64
        if self.clock:
            self.clock.rows("truth", len(x))
        return -0.5 * (x / self.sd).square().sum(-1) - math.log(2 * math.pi * self.sd**2)

    def score(self, x: Tensor) -> Tensor:
        assert x.dtype == torch.float64
        if self.clock:
            self.clock.rows("truth", len(x))
        return -x / self.sd**2

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        return torch.randn(size, 2, generator=generator, dtype=torch.float64) * self.sd

    def mollified(self, alpha: float, sigma: float) -> Density | None:
        return None


class StandIn:
    """As much of a trainer as an observer may look at."""

    def __init__(self, *, clock: Clock | None = None, exact: bool = True, members: int = 2, steps: int = 100) -> None:
        points = torch.randn(600, 2, generator=torch.Generator().manual_seed(1))
        self.dataset = Dataset(
            name="normal",
            train=points[:500],
            validation=points[500:],
            shift=torch.tensor([0.5, -0.25]),
            scale=torch.tensor([2.0, 2.0]),
            bounds=(-3.0, 3.0, -3.0, 3.0),
            density=Exact(clock=clock) if exact else None,
            modes=Modes(torch.zeros(1, 2, dtype=torch.float64), 1.0),
        )
        self.model = Normal(members, clock)
        self.device = torch.device("cpu")
        self.step = 0
        self.steps = steps
        self.experiment = SimpleNamespace(columns=tuple(SimpleNamespace(title=f"column {i}") for i in range(members)))
        self.plans = np.tile(np.linspace(1, 0, steps), (members, 1))
        self.by = ("noise",) * members
        self.generator = torch.Generator().manual_seed(5)
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=0.05)

    @property
    def finished(self) -> bool:
        return self.step >= self.steps

    @property
    def sigma2(self) -> np.ndarray:
        return self.plans[:, min(self.step, self.steps - 1)]

    def batch(self, size: int) -> Tensor:
        return self.dataset.train[None, :size].repeat(self.model.members, 1, 1)

    def advance(self, steps: int = 1) -> int:
        """A step of maximum likelihood on a drawn batch."""
        for _ in range(steps):
            rows = torch.randint(500, (32,), generator=self.generator)
            x = self.dataset.to_model(self.dataset.train[rows]).expand(self.model.members, -1, -1)
            z = (x - self.model.mean[:, None]) * (-self.model.log_sd).exp()[:, None, None]
            loss = 0.5 * z.square().sum(-1).mean(-1) + 2 * self.model.log_sd
            self.optimiser.zero_grad()
            loss.sum().backward()
            self.optimiser.step()
            self.step += 1
        return steps


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def view() -> View:
    return View(bounds=(-3.0, 3.0, -3.0, 3.0), grid=22, arrows=5, samples=64, batch=16, probe=(0.5, 1.0))


@pytest.fixture
def stand_in(clock: Clock) -> StandIn:
    return StandIn(clock=clock)


@pytest.fixture
def make() -> type[StandIn]:
    return StandIn
