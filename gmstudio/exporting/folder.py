"""A trained model as a folder: ``model.safetensors``, ``config.json`` and a model card; written whole."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import math
import platform
import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors.numpy
import torch
from torch import Tensor

from gmstudio import __version__, durable, registry, runs
from gmstudio.data.base import Dataset
from gmstudio.exporting.card import card
from gmstudio.exporting.loaded import LoadedModel
from gmstudio.exporting.reading import FORMAT, VERSION, FolderError, load, read_config
from gmstudio.runs import Experiment
from gmstudio.training.checkpoint import Checkpoint

__all__ = ["FolderError", "LoadedModel", "export", "load"]

FILES = frozenset({"model.safetensors", "config.json", "README.md"})


def export(
    checkpoint: Checkpoint,
    experiment: Experiment,
    column: int,
    out: str | Path,
    which: Literal["last", "best"] = "last",
) -> Path:
    """Write one column's model as a folder, whole or not at all.

    Args:
        checkpoint: of the experiment's training.
        experiment: what was trained.
        column: from 0.
        out: the folder; it must not exist, be empty, or be an earlier export, which is replaced.
        which: the last weights, or those with the best validation likelihood.

    Returns:
        The folder.

    Raises:
        FolderError: when the folder cannot be written, or the checkpoint does not belong to the experiment.
    """
    out = Path(out).absolute()
    _check_place(out)
    if not 0 <= column < len(experiment.columns):
        raise FolderError(f"There is no column {column + 1}.", f"Choose 1 to {len(experiment.columns)}.")
    weights = _weights(checkpoint, column, which)
    run = experiment.runs()[column]
    dataset = experiment.run.data.build(experiment.run.training.seed)
    config = _config(checkpoint, experiment, column, which, dataset)
    fresh = durable.beside(out)
    try:
        fresh.mkdir()
        durable.write(fresh / "model.safetensors", safetensors.numpy.save(weights, {"format": "pt"}))
        _write_config(fresh, config)
        # Reading it back proves the folder before anyone relies on it, and gives the card its figure.
        config["metrics"]["validation"] = _likelihood(load(fresh), dataset.validation)
        _write_config(fresh, config)
        durable.write(fresh / "README.md", card(run, config).encode())
        _put_in_place(fresh, out)
    except OSError as error:
        raise FolderError(
            f"“{out}” cannot be written: {error.strerror or error}.", "Free some space, or choose another folder."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return out


def _weights(checkpoint: Checkpoint, column: int, which: str) -> dict[str, np.ndarray[Any, Any]]:
    prefix = "best." if which == "best" else "model."
    found = {name.removeprefix(prefix): a for name, a in checkpoint.arrays.items() if name.startswith(prefix)}
    if not found or any(array.ndim == 0 or array.shape[0] <= column for array in found.values()):
        raise FolderError("The checkpoint does not belong to this experiment.", "Choose the checkpoint of this run.")
    return {name: np.ascontiguousarray(array[column : column + 1]) for name, array in found.items()}


def _config(
    checkpoint: Checkpoint, experiment: Experiment, column: int, which: str, dataset: Dataset
) -> dict[str, Any]:
    run = experiment.runs()[column]
    step = checkpoint.step
    if which == "best":
        with contextlib.suppress(KeyError, IndexError, TypeError):
            step = int(checkpoint.meta["best"]["step"][column])
    points = dataset.train.cpu().contiguous()
    return {
        "format": FORMAT,
        "version": VERSION,
        "title": experiment.columns[column].title,
        "model": registry.to_plain(run.model),
        "dim": dataset.dim,
        "shape": dataset.shape,
        "standardisation": {"shift": dataset.shift.tolist(), "scale": dataset.scale.tolist()},
        "data": {
            "seed": experiment.run.training.seed,
            "points": len(points),
            "validation_points": len(dataset.validation),
            "sha256": hashlib.sha256(points.numpy().astype("<f4", copy=False).tobytes()).hexdigest(),
        },
        "training": {
            "weights": which,
            "step": step,
            "steps": run.training.length(len(dataset.train)),
            "seed": run.training.seed,
            "edits": len(checkpoint.meta.get("edits", ())),
        },
        "metrics": {"validation": None},
        "run": runs.run_to_plain(run),
        "versions": {
            "gmstudio": __version__,
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def _likelihood(model: LoadedModel, points: Tensor) -> float | None:
    value = float(model.log_prob(points.cpu()).double().mean())
    return value if math.isfinite(value) else None


def _write_config(folder: Path, config: dict[str, Any]) -> None:
    text = json.dumps(config, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    durable.write(folder / "config.json", text.encode())


def _check_place(out: Path) -> None:
    if not out.parent.is_dir():
        raise FolderError(f"There is no folder “{out.parent}”.", "Make it first, or choose another one.")
    if not out.exists():
        return
    if not out.is_dir():
        raise FolderError(f"“{out.name}” is a file.", "Choose a name for a folder.")
    content = {path.name for path in out.iterdir()}
    if content and not (content <= FILES and _is_export(out)):
        raise FolderError(
            f"The folder “{out.name}” holds other things.", "Choose a new folder, or one with an earlier export."
        )


def _is_export(folder: Path) -> bool:
    try:
        return read_config(folder).format == FORMAT
    except FolderError:
        return False


def _put_in_place(fresh: Path, out: Path) -> None:
    """Give the complete folder its name; what was there goes only then."""
    old = fresh.with_suffix(".old")
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
