"""IDX files of images, the format of MNIST: a short header of big-endian numbers, then one byte for each pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gmstudio.data.images.errors import ImagesError
from gmstudio.data.images.labels import read_beside
from gmstudio.data.images.layout import channels_first
from gmstudio.data.images.stack import Images, Stack, Wanted, check_sides, too_few
from gmstudio.data.tables.source import Source

#: What the third byte says of the numbers.
_KINDS = {8: "bytes", 9: "signed bytes", 11: "short integers", 12: "integers", 13: "floats", 14: "doubles"}
_AGAIN = "Get the whole file again."
_IMAGES = "Choose the file of the images; of MNIST, its name has “images-idx3-ubyte”."


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says: checked but for the size of the file.

    Attributes:
        count: how many images.
        shape: of one of them, as it is stored.
        start: where the pixels begin.
    """

    count: int
    shape: tuple[int, ...]
    start: int

    @property
    def each(self) -> int:
        """Bytes of an image."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def size(self) -> int:
        """Bytes of the file, unpacked."""
        return self.start + self.count * self.each


def looks_like_idx(head: bytes) -> bool:
    """Whether a file that begins like this is IDX, of images or of something else."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _KINDS and 1 <= head[3] <= 8


def read_header(head: bytes, name: str) -> Header:
    """Read the header.

    Args:
        head: the first bytes.
        name: for messages.

    Raises:
        ImagesError: when there is none, it announces something else than images, or absurd ones.
    """
    if not looks_like_idx(head):
        raise ImagesError(f"“{name}” has a broken header: it is no IDX file.", f"{_AGAIN} {_IMAGES}")
    kind, dimensions = head[2], head[3]
    if dimensions == 1:
        raise ImagesError(f"“{name}” holds a list, such as the labels of images, and no images.", _IMAGES)
    if kind != 8 or dimensions not in (3, 4):
        raise ImagesError(f"“{name}” holds {_KINDS[kind]} in {dimensions} dimensions, and no images of bytes.", _IMAGES)
    start = 4 + 4 * dimensions
    if len(head) < start:
        raise ImagesError(f"“{name}” ends in the middle of its header.", _AGAIN)
    count, *shape = (int(side) for side in np.frombuffer(head, ">u4", dimensions, 4))
    header = Header(count, tuple(shape), start)
    check_sides(channels_first((count, *shape), name).sides, name)
    return header


def read_idx(source: Source, blocks: Iterator[bytes], packed: bool, wanted: Wanted, whole: bool) -> Images:
    """Read images of bytes: (N, H, W), (N, H, W, C) or (N, C, H, W).

    Args:
        source: the file.
        blocks: its bytes, unpacked.
        packed: whether they were packed, so that the size of the file says nothing.
        wanted: what of them is used.
        whole: whether to read on to the end when there are enough, for the hash and what follows.

    Raises:
        ImagesError: when the header is broken, or the file is longer or shorter than it says.
    """
    name, rest, done = source.path.name, b"", 0
    while len(rest) < 64 and (more := next(blocks, b"")):
        rest += more
    header = read_header(rest, name)
    if not packed:
        _check_size(header, source.size, name)
    if header.count < 2:
        raise too_few(name, header.count)
    done, rest = len(rest), rest[header.start :]
    count = min(header.count, wanted.most)
    layout = channels_first((header.count, *header.shape), name)
    stack = Stack(name, count, wanted)
    while True:
        usable = min(len(rest) // header.each, count - stack.filled)
        if usable:
            flat = np.frombuffer(rest, np.uint8, usable * header.each)
            stack.add(layout.turned(flat.reshape(usable, *header.shape)))
        full = stack.filled == count
        if full and not whole:
            break
        more = next(blocks, b"")
        if not more:
            break
        done += len(more)
        if done > header.size:
            _check_size(header, done, name)
        rest = b"" if full else rest[usable * header.each :] + more
        source.report(0.95 * source.share)
    if whole:
        _check_size(header, done, name)
    sha256 = source.sha256 if whole else ""
    found = read_beside(source.path, header.count, count)
    return Images(stack.pixels, 256, source.path, sha256, header.count, layout.notes).labelled(found)


def _check_size(header: Header, size: int, name: str) -> None:
    sides = " × ".join(f"{side:,}" for side in (header.count, *header.shape))
    if size < header.size:
        raise ImagesError(
            f"“{name}” is cut off: its header says {sides}, which is {header.size:,} bytes, and it has {size:,}.",
            _AGAIN,
        )
    if size > header.size:
        raise ImagesError(
            f"“{name}” goes on where it should end: its header says {sides}, which is {header.size:,} bytes.", _AGAIN
        )
