"""Arrays and what belongs to them as one blob, and back, with limits: blobs may come from strangers.

Layout: four bytes of magic, the length of the header (uint32, little endian), the header (JSON), and the arrays'
bytes, grouped by significance and deflated.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.registry import SpecError
from gmstudio.runs import plain_from_json

MAGIC = b"GMA1"
MAX_HEADER = 2**20
MAX_ARRAYS = 512
MAX_RANK = 4
MAX_BYTES = 2**29
_DTYPES = {"<f2": 2, "<f4": 4, "<f8": 8}
Array = NDArray[Any]


class PackingError(ValueError):
    """A blob that is not what `pack` makes."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    dtype: str
    shape: tuple[int, ...]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    meta: Any
    arrays: tuple[_Entry, ...]


class Unpacked(NamedTuple):
    """What a blob held."""

    meta: Any
    arrays: dict[str, Array]


def pack(meta: Any, arrays: Mapping[str, Array]) -> bytes:
    """Make a blob.

    Args:
        meta: JSON values.
        arrays: float16, float32 or float64 arrays.
    """
    entries, parts = [], []
    for name, array in arrays.items():
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        entries.append({"name": name, "dtype": little.dtype.str, "shape": list(array.shape)})
        # Exponents beside exponents deflate better, and faster, than numbers do.
        parts.append(little.reshape(-1).view(np.uint8).reshape(-1, little.itemsize).T.tobytes())
    header = json.dumps({"meta": meta, "arrays": entries}, allow_nan=False, separators=(",", ":")).encode()
    return MAGIC + struct.pack("<I", len(header)) + header + zlib.compress(b"".join(parts), 1)


def unpack(blob: bytes) -> Unpacked:
    """Read a blob.

    Raises:
        PackingError: when the blob is not one, is cut off, or asks for more than the limits.
    """
    header = _header(blob)
    sizes = [_size(entry) for entry in header.arrays]
    names = {entry.name for entry in header.arrays}
    if len(header.arrays) > MAX_ARRAYS or len(names) != len(header.arrays) or sum(sizes) > MAX_BYTES:
        raise PackingError("it holds too many or too large arrays")
    (length,) = struct.unpack_from("<I", blob, 4)
    body = _inflate(blob[8 + length :], sum(sizes))
    arrays, at = {}, 0
    for entry, size in zip(header.arrays, sizes, strict=True):
        planes = np.frombuffer(body[at : at + size], np.uint8) if size else np.empty(0, np.uint8)
        numbers = np.ascontiguousarray(planes.reshape(_DTYPES[entry.dtype], -1).T).reshape(-1).view(entry.dtype)
        arrays[entry.name] = numbers.reshape(entry.shape)
        at += size
    return Unpacked(header.meta, arrays)


def _header(blob: bytes) -> _Header:
    if len(blob) < 8 or blob[:4] != MAGIC:
        raise PackingError("it does not begin as it should")
    (length,) = struct.unpack_from("<I", blob, 4)
    if length > MAX_HEADER or length > len(blob) - 8:
        raise PackingError("its header is cut off or too long")
    try:
        return msgspec.convert(plain_from_json(blob[8 : 8 + length]), _Header)
    except (SpecError, msgspec.ValidationError, ValueError) as error:
        raise PackingError(f"its header cannot be read ({error})") from error


def _size(entry: _Entry) -> int:
    if entry.dtype not in _DTYPES or len(entry.shape) > MAX_RANK or any(side < 0 for side in entry.shape):
        raise PackingError(f"the array {entry.name!r} has an unknown type or shape")
    size = math.prod(entry.shape) * _DTYPES[entry.dtype]
    if size > MAX_BYTES or any(side > MAX_BYTES for side in entry.shape):
        raise PackingError(f"the array {entry.name!r} is too large")
    return size


def _inflate(data: bytes, size: int) -> bytes:
    """The inflated bytes, of which there must be exactly `size`; never more than that is made."""
    stream = zlib.decompressobj()
    try:
        body = stream.decompress(data, size + 1)
    except zlib.error as error:
        raise PackingError(f"its data cannot be read ({error})") from error
    if len(body) != size or not stream.eof or stream.unused_data:
        raise PackingError("its data are cut off or too long")
    return body
