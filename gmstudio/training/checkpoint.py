"""Checkpoints as safetensors bytes: no code in them, and limits on what is read."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from gmstudio import durable
from gmstudio.registry import SpecError
from gmstudio.runs import MAX_BYTES, plain_from_json
from gmstudio.training.errors import CheckpointError

MAX_HEADER = 2**20
MAX_TENSORS = 4096
MAX_RANK = 8
MAX_ELEMENTS = 2**28
#: Bytes of a number of each kind that is read.
DTYPES = {"F64": 8, "F32": 4, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
#: The JSON of `Checkpoint.meta` is a tensor, since edits with drawings outgrow a header.
META = "meta"
_REMEDY = "Use a checkpoint that this program has written."


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a training depends on after `step` steps.

    Attributes:
        step: steps made.
        arrays: by name; ``model.*`` and ``best.*`` are named as in the model's state, ``optimiser.*`` as in the record.
        meta: plain JSON values: seeds, counters, edits, and the software that wrote it.
    """

    step: int
    arrays: dict[str, np.ndarray[Any, Any]]
    meta: dict[str, Any]

    def to_bytes(self) -> bytes:
        """The safetensors bytes."""
        meta = json.dumps({"step": self.step, **self.meta}, allow_nan=False).encode()
        arrays = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        return safetensors.numpy.save({**arrays, META: np.frombuffer(meta, dtype=np.uint8)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Checkpoint:
        """Read bytes from a stranger.

        Raises:
            CheckpointError: naming what is wrong with them.
        """
        arrays = tensors_from_bytes(data)
        packed = arrays.pop(META, None)
        if packed is None or packed.dtype != np.uint8 or packed.ndim != 1 or packed.size > MAX_BYTES:
            raise CheckpointError("The checkpoint does not say what it belongs to.", _REMEDY)
        try:
            meta = plain_from_json(packed.tobytes())
        except SpecError as error:
            raise CheckpointError(f"The checkpoint's description cannot be read: {error.message}", _REMEDY) from error
        step = meta.pop("step", None) if isinstance(meta, dict) else None
        if not isinstance(step, int) or isinstance(step, bool) or step < 0:
            raise CheckpointError("The checkpoint does not say its step.", _REMEDY)
        return cls(step, arrays, meta)

    def write(self, path: Path) -> None:
        """Write a file so that a crash leaves either the old one or the new one whole.

        Raises:
            OSError: when the disk refuses; the old file is untouched then.
        """
        durable.replace(path, self.to_bytes())

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read a file that `write` has written.

        Raises:
            CheckpointError: naming what is wrong with it.
            OSError: when it cannot be opened.
        """
        return cls.from_bytes(path.read_bytes())


def tensors_from_bytes(data: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """Read safetensors bytes from a stranger; the header is checked before anything is allocated.

    Raises:
        CheckpointError: for a header that is too long, not JSON or with names that stand twice, and for too many
            tensors, ranks, elements, other kinds of numbers, and places that overlap or lie outside.
    """
    if len(data) < 8:
        raise CheckpointError(f"The file has {len(data)} bytes and is no safetensors file.", _REMEDY)
    (length,) = struct.unpack("<Q", data[:8])
    if length > MAX_HEADER or length > len(data) - 8:
        raise CheckpointError(
            f"The header claims {length:,} bytes; at most {MAX_HEADER:,}, and no more than the file has, are read.",
            _REMEDY,
        )
    try:
        header = plain_from_json(data[8 : 8 + length])
    except SpecError as error:
        raise CheckpointError(f"The header cannot be read: {error.message}", _REMEDY) from error
    if not isinstance(header, dict):
        raise CheckpointError("The header is not an object.", _REMEDY)
    header.pop("__metadata__", None)
    if len(header) > MAX_TENSORS:
        raise CheckpointError(f"The file has {len(header):,} tensors; at most {MAX_TENSORS:,} are read.", _REMEDY)
    for name, entry in header.items():
        _check_entry(name, entry, len(data) - 8 - length)
    try:
        loaded: dict[str, np.ndarray[Any, Any]] = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"The file is damaged: {error}.", _REMEDY) from error
    return loaded


def _check_entry(name: str, entry: object, room: int) -> None:
    label = f"The tensor {name[:80]!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise CheckpointError(f"{label} is not described.", _REMEDY)
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise CheckpointError(f"{label} holds {str(dtype)[:20]}; {', '.join(DTYPES)} are read.", _REMEDY)
    if not _counts(shape) or len(shape) > MAX_RANK:
        raise CheckpointError(f"{label} has no usable shape; at most {MAX_RANK} dimensions are read.", _REMEDY)
    elements = math.prod(shape)
    if elements > MAX_ELEMENTS:
        raise CheckpointError(f"{label} has {elements:,} elements; at most {MAX_ELEMENTS:,} are read.", _REMEDY)
    if not _counts(offsets) or len(offsets) != 2 or offsets[1] > room:
        raise CheckpointError(f"{label} lies outside of the file.", _REMEDY)
    if offsets[1] - offsets[0] != elements * DTYPES[dtype]:
        raise CheckpointError(f"{label} is of another size than its shape says.", _REMEDY)


def _counts(values: object) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values
    )
