"""The step loop: what it plans, makes and tells."""

from __future__ import annotations

import numpy as np
import torch
from small import experiment

from gmstudio.training.trainer import Trainer


def test_a_run_makes_its_steps_and_learns() -> None:
    trainer = Trainer(experiment())
    assert trainer.advance(7) == 7
    assert trainer.advance(1000) == 393
    assert trainer.finished
    assert trainer.advance(5) == 0
    told = {name: [m for m in trainer.drain() if m.name == name] for name in ("validation",)}["validation"]
    first, last = (np.mean([m.value for m in told if m.step == step]) for step in (0, 400))
    assert last > first + 0.1
    assert trainer.drain() == []
    assert torch.isfinite(trainer.layout.values).all()
