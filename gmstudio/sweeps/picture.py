"""A last look at what a task has trained, so that its runs can be opened and seen and not only read.

A sweep observes nothing while it trains: pictures of every step would cost it a tenth of its time and the project its
room.  One picture of the finished models is small, and is given a bounded time: what is not done by then stays coarse.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gmstudio.observation.frame import Frame, Metric, Truth
    from gmstudio.training.trainer import Trainer

#: Points of the density and arrows of the score per side, and samples: fewer than in the window, where columns are big.
GRID, ARROWS, SAMPLES = 96, 20, 1000
#: Seconds that it may take, or the share of the training if that is more.
SECONDS, SHARE = 1.0, 0.05
#: Seconds between two looks at the clock.
CHUNK = 0.05
PARTS = frozenset({"log_density", "score", "samples", "batch"})


class Picture(NamedTuple):
    """What is seen of the finished models.

    Attributes:
        frame: None where the time was too short for any part of it.
        truth: what is known of the data on the frame's grids; None where nothing is.
        metrics: that were measured by the way.
    """

    frame: Frame | None
    truth: Truth | None
    metrics: list[Metric]


def take(trainer: Trainer, trained: float = 0.0, stopped: Callable[[], bool] = lambda: False) -> Picture:
    """Look at a trainer's models as they are.

    Args:
        trainer: that is finished.
        trained: seconds that the training took.
        stopped: whether nobody wants it any more.
    """
    from gmstudio.observation.frame import View
    from gmstudio.observation.observer import Observer
    from gmstudio.observation.spaces import first_view

    dataset = trainer.dataset
    view = first_view(dataset, View(dataset.bounds, grid=GRID, arrows=ARROWS, samples=SAMPLES))
    observer = Observer("", trainer, view, PARTS)
    end = time.perf_counter() + max(SECONDS, SHARE * trained)
    while not observer.idle and not stopped() and time.perf_counter() < end:
        observer.work(CHUNK)
    found = Picture(observer.frame(), observer.new_truth(), observer.drain())
    observer.close()
    return found
