"""What a worker sends home beside the results of a task: curves, small weights, a picture."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmstudio.observation.frame import Metric
    from gmstudio.sessions import Session
    from gmstudio.training.trainer import Trainer

Plain = dict[str, Any]

#: Points that are kept of each curve.
CURVE_POINTS = 200
#: Weights, and a picture, are kept with the curves up to this size, in bytes; beyond it they would fill the project.
WEIGHTS = 2**22


def curves(found: list[Metric], points: int = CURVE_POINTS) -> list[list[Any]]:
    """At most so many points of each column's curves, evenly spread, the last kept: step, column, name, value."""
    by_curve: dict[tuple[int, str], list[Metric]] = {}
    for one in found:
        by_curve.setdefault((one.column, one.name), []).append(one)
    kept = []
    for curve in by_curve.values():
        every = -(-len(curve) // points)
        kept += curve[::-1][::every][::-1]
    return [[one.step, one.column, one.name, one.value] for one in sorted(kept, key=lambda one: one.step)]


def small(session: Session, trainer: Trainer) -> Plain:
    """What the project keeps beside the numbers: what panels need to know of the run, and small weights."""
    from gmstudio.projects import snapshots

    kept: Plain = {}
    infos = session.infos.take()
    if infos is not None:
        kept["info"] = _text(snapshots.info_to_bytes(infos[0]))
    # With the optimiser's two moments and the best weights there are four numbers for each weight.
    if 16 * trainer.layout.values.numel() <= WEIGHTS:
        kept["weights"] = _text(trainer.checkpoint().to_bytes())
    return kept


def seen(trainer: Trainer, trained: float, stopped: Callable[[], bool], found: list[Metric]) -> Plain:
    """A picture of the finished models; metrics that were measured by the way are added to `found`."""
    from gmstudio.projects import snapshots
    from gmstudio.sweeps import picture

    # A result is not lost because its model cannot be drawn.
    try:
        frame, truth, metrics = picture.take(trainer, trained, stopped)
    except (ArithmeticError, RuntimeError, ValueError):
        return {}
    found += [one for one in metrics if one.name not in ("train", "validation")]
    kept = {"frame": snapshots.frame_to_bytes(frame)} if frame is not None else {}
    if frame is not None and truth is not None:
        kept["truth"] = snapshots.truth_to_bytes(truth)
    return {name: _text(content) for name, content in kept.items() if len(content) <= WEIGHTS}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
