"""What a trainer keeps in a checkpoint, and how it is checked before it is used."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.registry import SpecError
from gmstudio.training.checkpoint import Checkpoint
from gmstudio.training.commands import Edit, SetData
from gmstudio.training.errors import CheckpointError, NonFiniteLoss
from gmstudio.training.plans import check_edit, edit_from_plain

if TYPE_CHECKING:
    from gmstudio.training.trainer import Trainer

FORMAT = 1
_REMEDY = "Use a checkpoint of this run."
#: An edit, or the number of points of data that later data have replaced: of those no more is kept.
Kept = Edit | int


@dataclass(frozen=True)
class State:
    """What a checkpoint says beside its arrays, checked."""

    looks: int
    stopped_at: list[int | None]
    edits: list[tuple[int, Kept]]
    plain_edits: list[tuple[int, dict[str, Any]]]
    dataset: Dataset | None
    likelihood: list[float]
    best_step: list[int]
    waited: list[int]


def save(trainer: Trainer) -> Checkpoint:
    """A copy of everything that the trainer's next step depends on.

    Raises:
        NonFiniteLoss: when the weights are not finite.
    """
    finite = torch.isfinite(trainer.layout.values).all(dim=1).tolist()
    if not all(finite):
        raise NonFiniteLoss(trainer.step, finite.index(False))
    best = trainer.best
    meta: dict[str, Any] = {
        "format": FORMAT,
        "steps": trainer.steps,
        "seeds": trainer.seeds,
        "looks": trainer.looks,
        "stopped_at": trainer.stopped_at,
        "edits": [list(edit) for edit in trainer.edits],
        "best": {
            "likelihood": [value if math.isfinite(value) else None for value in best.likelihood.tolist()],
            "step": best.step.tolist(),
            "waited": best.waited.tolist(),
        },
        "streams": trainer.counters,
        "software": {
            "torch": str(torch.__version__),
            "device": str(trainer.device),
            "threads": torch.get_num_threads(),
            "capability": torch.backends.cpu.get_cpu_capability(),
        },
    }
    arrays = {name: _copy(tensor) for name, tensor in _tensors(trainer)}
    return Checkpoint(trainer.step, {**arrays, "optimiser.losses": trainer.pending.copy()}, meta)


def _copy(tensor: Tensor) -> np.ndarray[Any, Any]:
    return np.array(tensor.detach().cpu().numpy(), copy=True, order="C")


def _tensors(trainer: Trainer) -> Iterable[tuple[str, Tensor]]:
    """The live tensors that a checkpoint copies, by name."""
    for name, tensor in trainer.model.state_dict().items():
        yield f"model.{name}", tensor
    for name, tensor in trainer.best.state().items():
        yield f"best.{name}", tensor
    yield "optimiser.first", trainer.optimiser.first
    yield "optimiser.second", trainer.optimiser.second
    yield "optimiser.counts", trainer.optimiser.counts


def check(trainer: Trainer, checkpoint: Checkpoint) -> State:
    """Check that a checkpoint fits a trainer; changes nothing.

    Raises:
        CheckpointError: naming what does not fit.
    """
    _check_arrays(trainer, checkpoint)
    meta = checkpoint.meta
    if meta.get("format") != FORMAT:
        raise CheckpointError(
            f"The checkpoint is of format {meta.get('format')!r}; this program reads {FORMAT}.", "Update the program."
        )
    if meta.get("steps") != trainer.steps or meta.get("seeds") != trainer.seeds or checkpoint.step > trainer.steps:
        raise CheckpointError("The checkpoint belongs to a run of another length or with other seeds.", _REMEDY)
    try:
        return _state(trainer, checkpoint)
    except (SpecError, TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
        why = error.message if isinstance(error, SpecError) else f"{error}."
        raise CheckpointError(f"The checkpoint's description cannot be used: {why}", _REMEDY) from error


def _check_arrays(trainer: Trainer, checkpoint: Checkpoint) -> None:
    wanted = dict(_tensors(trainer))
    arrays = dict(checkpoint.arrays)
    losses = arrays.pop("optimiser.losses", None)
    if losses is None or losses.dtype != np.float32 or losses.ndim != 2 or losses.shape[1] != len(trainer.seeds):
        raise CheckpointError("The checkpoint lacks its latest losses.", _REMEDY)
    if len(losses) != trainer.untold(checkpoint.step):
        raise CheckpointError(f"The checkpoint holds {len(losses):,} losses that do not belong to its step.", _REMEDY)
    for name in sorted(set(wanted) ^ set(arrays)):
        has = "lacks" if name in wanted else "has an unknown"
        raise CheckpointError(f"The checkpoint {has} tensor {name[:80]!r}.", _REMEDY)
    for name, tensor in wanted.items():
        array = arrays[name]
        if array.shape != tuple(tensor.shape) or torch.from_numpy(np.zeros(0, array.dtype)).dtype != tensor.dtype:
            raise CheckpointError(
                f"The tensor {name!r} is {array.dtype} {array.shape}, the model's is {tensor.dtype} "
                f"{tuple(tensor.shape)}.",
                "Choose the experiment that the checkpoint was made with.",
            )
        if np.isnan(array).any():
            raise CheckpointError(f"The tensor {name!r} holds numbers that are none.", "Use an earlier checkpoint.")


def _state(trainer: Trainer, checkpoint: Checkpoint) -> State:
    meta, members = checkpoint.meta, len(trainer.seeds)
    stopped_at = [None if at is None else _count(at, checkpoint.step) for at in meta["stopped_at"]]
    best = meta["best"]
    likelihood = [-math.inf if value is None else float(value) for value in best["likelihood"]]
    best_step = [_count(value, checkpoint.step) for value in best["step"]]
    waited = [_count(value) for value in best["waited"]]
    if not len(stopped_at) == len(likelihood) == len(best_step) == len(waited) == members:
        raise ValueError("it describes another number of columns")
    latest = min(checkpoint.step, trainer.steps - 1)
    plain_edits = [(_count(step, latest), dict(plain)) for step, plain in meta["edits"]]
    edits = [(step, _edit(plain, members)) for step, plain in plain_edits]
    if any(later[0] < earlier[0] for earlier, later in pairwise(edits)):
        raise ValueError("its edits are out of order")
    data = [edit for _, edit in edits if isinstance(edit, SetData)]
    dataset = trainer.build_data(data[-1]) if data else None
    looks = _count(meta["looks"])
    return State(looks, stopped_at, edits, plain_edits, dataset, likelihood, best_step, waited)


def _edit(plain: dict[str, Any], members: int) -> Kept:
    if plain.get("kind") == "data" and plain.get("data") is None:
        return _count(plain["points"])
    edit = edit_from_plain(plain)
    check_edit(edit, [False] * members)
    return edit


def _count(value: object, most: int = 2**53) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is not a number of steps")
    return value


def load(trainer: Trainer, checkpoint: Checkpoint, state: State) -> None:
    """Copy what `check` has passed into the trainer's tensors and counters."""
    with torch.no_grad():
        for name, tensor in _tensors(trainer):
            tensor.copy_(torch.from_numpy(checkpoint.arrays[name]))
    best = trainer.best
    best.likelihood[:] = state.likelihood
    best.step[:] = state.best_step
    best.waited[:] = state.waited
    trainer.step, trainer.looks = checkpoint.step, state.looks
    trainer.stopped_at, trainer.edits = list(state.stopped_at), list(state.plain_edits)
    trainer.pending = checkpoint.arrays["optimiser.losses"].copy()
