"""Images in NumPy's files. Nothing in them is run, and no memory is taken before their headers are known to be true."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.images.errors import BROKEN, ImagesError, label
from gmstudio.data.images.labels import in_archive
from gmstudio.data.images.layout import channels_first
from gmstudio.data.images.stack import Block, Images, Stack, Wanted, check_sides, too_few
from gmstudio.data.tables.arrays import LONGEST_HEADER, MOST_ENTRIES, ArrayHeader, read_header
from gmstudio.data.tables.errors import TableError
from gmstudio.data.tables.source import BLOCK, Source, check_unpacked

#: Bytes of an array.
MOST_BYTES = 2**32
#: Numbers that are converted at once.
PORTION = 2**22
#: How far a float, and one of 16 bits, may be from a whole grey value and still be one.
NEAR, NEAR_HALF = 1e-3, 0.1
_AGAIN = "Get the whole file again."
_RANGE = "Save grey values as uint8 from 0 to 255, or as floats from 0 to 1."


def read_npy(source: Source, wanted: Wanted, whole: bool) -> Images:
    """Read an array of images; see `reading.read`.

    Raises:
        ImagesError: when the array is none of images, or not as long as its header says.
        TableError: when its header is none of plain numbers.
    """
    name = source.path.name
    blocks = source.blocks()
    array = _array(blocks, source.size, name, source)
    for _ in blocks:
        pass
    return _images(array, name, source, wanted, whole)


def read_npz(source: Source, wanted: Wanted, whole: bool) -> Images:
    """Read the array of images that is wanted, or the only one; see `reading.read`.

    Raises:
        ImagesError: when there is none, or several and none of them is named.
        TableError: when its header is none of plain numbers, or it unpacks to absurdly much.
    """
    name = source.path.name
    try:
        with zipfile.ZipFile(source.file) as archive:
            found = _arrays(archive, name)
            entry = _entry(found, wanted.array, name)
            check_unpacked(name, entry.file_size, entry.compress_size)
            with archive.open(entry) as file:
                parts = iter(lambda: file.read(BLOCK), b"")
                array = _array(parts, entry.file_size, f"{name}: {label(entry.filename.removesuffix('.npy'))}", source)
            labels = in_archive(archive, found, entry.filename.removesuffix(".npy"), len(array), wanted.most)
    except BROKEN as error:
        raise ImagesError(f"“{name}” is damaged or encrypted.", _AGAIN) from error
    if whole:
        for _ in source.blocks():
            pass
    return _images(array, name, source, wanted, whole).labelled(labels)


def shapes(archive: zipfile.ZipFile, name: str) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays in an NPZ file, by their names."""
    return {entry.filename.removesuffix(".npy"): header.shape for entry, header in _arrays(archive, name)}


def _arrays(archive: zipfile.ZipFile, name: str) -> list[tuple[zipfile.ZipInfo, ArrayHeader]]:
    """The entries that begin as arrays of plain numbers.

    Raises:
        BadZipFile: when there are none, and one is damaged.
    """
    found, damaged = [], False
    for entry in archive.infolist()[:MOST_ENTRIES]:
        if not entry.filename.endswith(".npy"):
            continue
        try:
            with archive.open(entry) as file:
                head = file.read(LONGEST_HEADER)
            found.append((entry, read_header(head, name)))
        except TableError:
            # Labels may be texts or objects; they are never read.
            continue
        except BROKEN:
            damaged = True
    if damaged and not found:
        raise zipfile.BadZipFile
    return found


def _entry(found: list[tuple[zipfile.ZipInfo, ArrayHeader]], wanted: str, name: str) -> zipfile.ZipInfo:
    """The entry of the array to read."""
    known = {entry.filename.removesuffix(".npy"): (entry, header) for entry, header in found}
    candidates = {key: entry for key, (entry, header) in known.items() if len(header.shape) in (3, 4)}
    listed = ", ".join(f"“{label(key)}” ({_sides(known[key][1].shape)})" for key in list(known)[:8])
    listed += ", …" * (len(known) > 8)
    if wanted:
        if wanted not in known:
            raise ImagesError(f"“{name}” has no array of numbers “{label(wanted)}”.", f"It has {listed}.", "array")
        return known[wanted][0]
    if not candidates:
        raise ImagesError(
            f"“{name}” holds no images, but {listed or 'nothing that can be read'}.",
            "Images are arrays of count × height × width, with or without channels.",
        )
    if len(candidates) > 1:
        raise ImagesError(f"“{name}” holds several arrays: {listed}.", "Name the one to learn from.", "array")
    return next(iter(candidates.values()))


def _sides(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{side:,}" for side in shape) or "one number"


def _array(blocks: Iterator[bytes], size: int, name: str, source: Source) -> NDArray[Any]:
    """An array from its bytes, of whose number its header is held to be right only after a look."""
    first = next(blocks, b"")
    while len(first) < LONGEST_HEADER and (more := next(blocks, b"")):
        first += more
    header = read_header(first, name)
    if not header.shape or min(header.shape) < 0:
        raise ImagesError(f"“{name}” is an array of {_sides(header.shape)}, which are no images.", _AGAIN)
    needed = math.prod(header.shape) * header.dtype.itemsize
    if header.start + needed != size:
        raise ImagesError(
            f"“{name}” says that it holds {_sides(header.shape)} numbers, which is {needed:,} bytes, but it has "
            f"{max(0, size - header.start):,} bytes for them.",
            _AGAIN,
        )
    if needed > MOST_BYTES:
        raise ImagesError(f"“{name}” has more than {MOST_BYTES // 2**30} GiB.", "Save a part of it.")
    check_sides(channels_first(header.shape, name).sides, name)
    data = bytearray(first[header.start :])
    for block in blocks:
        data += block
        source.report(0.5 * len(data) / max(1, needed))
        if len(data) > needed:
            break
    if len(data) != needed:
        raise ImagesError(f"“{name}” is not as long as its header says.", _AGAIN)
    return np.frombuffer(data, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _images(array: NDArray[Any], name: str, source: Source, wanted: Wanted, whole: bool) -> Images:
    layout = channels_first(array.shape, name)
    if len(array) < 2:
        raise too_few(name, len(array))
    count = min(len(array), wanted.most)
    turned = layout.turned(array[:count])
    scale = _Scale(turned, name, source)
    stack = Stack(name, count, wanted)
    each = max(1, PORTION // max(1, int(np.prod(turned.shape[1:]))))
    for start in range(0, count, each):
        stack.add(scale.pixels(turned[start : start + each]))
        source.report(0.6 + 0.35 * start / count)
    sha256 = source.sha256 if whole else ""
    return Images(stack.pixels, scale.levels, source.path, sha256, len(array), (*layout.notes, *scale.notes))


class _Scale:
    """What the numbers mean as light, by their kind and by how small and how large they are.

    Args:
        array: (n, C, H, W).
        name: for messages.
        source: asked whether to go on.
    """

    def __init__(self, array: NDArray[Any], name: str, source: Source) -> None:
        self.levels, self.notes = 256, tuple[str, ...]()
        self._whole, self._factor, self._shift = True, 1.0, 0.0
        if array.dtype == np.uint8:
            return
        if array.dtype == np.bool_:
            self.levels = 2
            return
        low, high = np.inf, -np.inf
        for image in array:
            source.check()
            low, high = min(low, float(image.min())), max(high, float(image.max()))
            # NaN compares as neither.
            if not np.isfinite(image).all():
                raise ImagesError(f"“{name}” holds values that are no numbers (NaN or infinite).", _RANGE)
        if low < (-1 if array.dtype.kind == "f" and high <= 1 else 0) or high > 255:
            raise ImagesError(f"“{name}” holds values from {low:g} to {high:g}, which are no grey values.", _RANGE)
        if array.dtype.kind != "f":
            return
        if low < 0:
            self._factor, self._shift = 127.5, 127.5
            self.notes = (f"Values from {low:.3g} to {high:.3g} were taken to be light from -1, black, to 1, white.",)
        elif high <= 1:
            self._factor = 255.0
        self._whole = all(self._near(image) for image in array)

    def _near(self, image: NDArray[Any]) -> bool:
        grey = image.astype(np.float64) * self._factor + self._shift
        return bool((np.abs(grey - np.rint(grey)) <= (NEAR_HALF if image.dtype == np.float16 else NEAR)).all())

    def pixels(self, block: NDArray[Any]) -> Block:
        """Whole grey values, or shares of light."""
        if block.dtype.kind in "uib":
            return block.astype(np.uint8)
        grey = block.astype(np.float64) * self._factor + self._shift
        return np.rint(grey).astype(np.uint8) if self._whole else (grey / 255).astype(np.float32)
