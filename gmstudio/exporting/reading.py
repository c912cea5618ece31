"""Reading a model folder, as from a stranger: nothing in it is run, and everything is checked before it is used."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import numpy as np
import torch
from torch import Tensor

from gmstudio import registry, runs
from gmstudio.errors import RefusedError
from gmstudio.exporting.guard import TooLarge, within
from gmstudio.exporting.loaded import LoadedModel
from gmstudio.models.base import ModelSpec
from gmstudio.models.layers.base import DensityModel
from gmstudio.registry import SpecError
from gmstudio.training.checkpoint import tensors_from_bytes
from gmstudio.training.errors import CheckpointError

FORMAT = "gmstudio-model"
VERSION = 1
MAX_WEIGHTS = 2**31
#: Numbers that may be drawn as points to build a model on.
MAX_POINTS = 2**22
_AGAIN = "Export the model again."


class FolderError(RefusedError):
    """A model folder cannot be written or read."""


_Side = Annotated[int, msgspec.Meta(ge=1, le=4096)]


class _Standardisation(msgspec.Struct, frozen=True):
    shift: tuple[float, ...]
    scale: tuple[float, ...]


class _Data(msgspec.Struct, frozen=True):
    points: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]


class Config(msgspec.Struct, frozen=True):
    """What must be known to build the model; the rest of ``config.json`` is for people."""

    format: str
    version: int
    model: dict[str, Any]
    dim: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    standardisation: _Standardisation
    data: _Data
    shape: tuple[_Side, _Side, _Side] | None = None


def load(folder: str | Path, *, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu") -> LoadedModel:
    """Read an exported folder, as from a stranger; nothing in it is run.

    Args:
        folder: with ``config.json`` and ``model.safetensors``.
        dtype: float32 or float64, in which the model computes.
        device: where.

    Raises:
        FolderError: when the folder is not such a model, saying what is wrong.

    Warns:
        UserWarning: when there are weights that are not finite.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FolderError(f"There is no folder “{folder}”.", "Choose a folder that GM Studio has exported.")
    config, plain = read_config(folder), _read_plain(folder)
    try:
        spec = cast(ModelSpec, registry.from_plain("model", config.model))
    except SpecError as error:
        raise FolderError(f"“config.json” names a model that cannot be built: {error}", "Update GM Studio.") from error
    shift, scale = _standardisation(config)
    weights = _read_weights(folder)
    model = _build(spec, config, sum(array.size for array in weights.values()))
    state = _matched(model, weights)
    model.load_state_dict(state, strict=True)
    loaded = LoadedModel(folder, plain, model.to(device), shift.to(device), scale.to(device))
    return loaded if dtype == torch.float32 else loaded.to(dtype)


def _read(folder: Path, name: str, most: int) -> bytes:
    path = folder / name
    try:
        if not path.is_file():
            raise FolderError(f"The folder “{folder.name}” has no file {name}.", "Choose an exported model's folder.")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise FolderError(f"“{path}” cannot be read: {error.strerror or error}.", _AGAIN) from error
    if len(content) > most:
        raise FolderError(f"“{name}” is larger than {most:,} bytes.", _AGAIN)
    return content


def _read_plain(folder: Path) -> dict[str, Any]:
    try:
        plain = runs.plain_from_json(_read(folder, "config.json", runs.MAX_BYTES))
    except SpecError as error:
        raise FolderError(f"“config.json” cannot be read: {error}", _AGAIN) from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise FolderError("“config.json” does not describe a model of GM Studio.", "Choose an exported model's folder.")
    return plain


def read_config(folder: Path) -> Config:
    """The checked part of a folder's ``config.json``; raises `FolderError`."""
    plain = _read_plain(folder)
    version = plain.get("version")
    if isinstance(version, int) and version > VERSION:
        raise FolderError(f"The folder was written by a newer GM Studio (version {version}).", "Update GM Studio.")
    try:
        config = msgspec.convert(plain, Config)
    except msgspec.ValidationError as error:
        raise FolderError(f"“config.json” cannot be used: {error}.", _AGAIN) from error
    if config.shape is not None and math.prod(config.shape) != config.dim:
        shown = " × ".join(map(str, config.shape))
        raise FolderError(f"Images of {shown} in “config.json” have not {config.dim} columns.", _AGAIN)
    return config


def _standardisation(config: Config) -> tuple[Tensor, Tensor]:
    shift, scale = config.standardisation.shift, config.standardisation.scale
    if len(shift) != config.dim or len(scale) != config.dim:
        raise FolderError(f"The standardisation in “config.json” is not for {config.dim} columns.", _AGAIN)
    tensors = torch.tensor(shift, dtype=torch.float32), torch.tensor(scale, dtype=torch.float32)
    if not (torch.isfinite(tensors[0]).all() and torch.isfinite(tensors[1]).all() and (tensors[1] > 0).all()):
        raise FolderError("The standardisation in “config.json” is not finite and positive.", _AGAIN)
    return tensors


def _read_weights(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    try:
        return tensors_from_bytes(_read(folder, "model.safetensors", MAX_WEIGHTS))
    except CheckpointError as error:
        raise FolderError(f"“model.safetensors” cannot be read: {error.message}", _AGAIN) from error


def _build(spec: ModelSpec, config: Config, elements: int) -> DensityModel:
    """The network that the configuration describes, with weights to be replaced."""
    # Only the number of points shapes a model, not where they are; and of most models not even that.
    rows = min(config.data.points, MAX_POINTS // config.dim) if spec.counts_points else 0
    points = torch.randn(rows, config.dim, generator=torch.Generator().manual_seed(0)) if rows else None
    try:
        with within(64 * (elements + rows * config.dim) + 2**22):
            return spec.build(config.dim, [0], points, config.shape)
    except TooLarge as error:
        raise FolderError("“config.json” describes a far larger model than the weights are of.", _AGAIN) from error
    except SpecError as error:
        raise FolderError(f"The model in “config.json” cannot be built: {error}", _AGAIN) from error


def _matched(model: DensityModel, weights: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Tensor]:
    """The weights as tensors, if their names, shapes and dtypes are exactly the model's."""
    wanted = model.state_dict()
    for name in sorted(set(wanted) ^ set(weights)):
        has = "lacks the" if name in wanted else "has an unknown"
        raise FolderError(f"“model.safetensors” {has} tensor {name[:80]!r}.", _AGAIN)
    state, wrong = {}, []
    for name, tensor in wanted.items():
        found = torch.from_numpy(weights[name].copy())
        if found.shape != tensor.shape or found.dtype != tensor.dtype:
            raise FolderError(
                f"The tensor {name!r} is {found.dtype} {tuple(found.shape)}; the model of “config.json” needs "
                f"{tensor.dtype} {tuple(tensor.shape)}.",
                _AGAIN,
            )
        if found.is_floating_point() and not bool(torch.isfinite(found).all()):
            wrong.append(name)
        state[name] = found
    if wrong:
        warnings.warn(f"There are weights that are not finite numbers, in {', '.join(wrong[:3])}.", stacklevel=3)
    return state
