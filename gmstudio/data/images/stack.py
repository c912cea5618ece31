"""Images that have been read: cropped, made grey, made smaller and put into one array as they come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.images.errors import ImagesError

if TYPE_CHECKING:
    from gmstudio.data.images.labels import Labels

#: Pixels of a side of an image in a file.
MOST_SIDE = 4096
#: Columns: pixels of an image times its channels.
MOST_COLUMNS = 2**14
#: Numbers of all images together: 2 GiB of float32.
MOST_NUMBERS = 2**29
#: Light of red, green and blue (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)

#: (n, C, H, W), whole grey values or shares of light from 0 to 1.
Block = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of the images is used, and how.

    Attributes:
        array: the name of the array of an NPZ file; empty where it has one array of images only.
        crop: side of the square in the middle that is kept; 0 for the whole image.
        pool: side of the squares of pixels of which the mean is taken.
        grey: whether colours become grey.
        most: how many images are read at most, the first ones.
    """

    array: str = ""
    crop: int = 0
    pool: int = 1
    grey: bool = False
    most: int = 60_000


@dataclass(frozen=True, slots=True)
class Images:
    """Images that have been read.

    Attributes:
        pixels: (N, C, H, W); uint8 grey values below `levels`, or float32 shares of light from 0 to 1.
        levels: how many grey values there are.
        path: the file or folder; digits that come along have none.
        sha256: of the whole file or folder, in hexadecimal; empty where not all of it was read.
        total: how many images the file or folder holds.
        notes: what a person should know of how it was read; whole sentences.
        labels: (N,) the class of each image, a place in `label_names`, -1 where it is not known; None where none is.
        label_names: of the classes.
    """

    pixels: Block
    levels: int
    path: Path
    sha256: str
    total: int
    notes: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = None
    label_names: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        _, channels, height, width = self.pixels.shape
        return channels, height, width

    @property
    def whole(self) -> bool:
        """Whether the pixels are whole grey values, to which noise can be added."""
        return self.pixels.dtype == np.uint8

    def labelled(self, found: Labels) -> Images:
        """The same images with labels and what is to be said of them."""
        return replace(self, labels=found.values, label_names=found.names, notes=(*self.notes, *found.notes))


class Stack:
    """Images of one size that arrive in portions.

    Args:
        name: of the file, for messages.
        count: how many come at most.
        wanted: what is done with them.
    """

    def __init__(self, name: str, count: int, wanted: Wanted) -> None:
        self._name, self._count, self._wanted = name, count, wanted
        self._pixels: Block | None = None
        self._first = ""
        self.filled = 0

    def add(self, block: Block, file: str = "") -> None:
        """Shape and keep (n, C, H, W), of which all have the same size.

        Args:
            block: the images.
            file: where they come from, where that is a file of a folder.

        Raises:
            ImagesError: when they have not the size of those before, cannot be shaped as wanted, or are too large.
        """
        name = file or self._name
        check_sides(block.shape[2:], name)
        made = shaped(block, self._wanted, name)
        if self._pixels is None:
            self._make(made, block.shape[1:], name)
        assert self._pixels is not None
        if made.shape[1:] != self._pixels.shape[1:]:
            raise self._mixed(made, name)
        self._pixels[self.filled : self.filled + len(made)] = made
        self.filled += len(made)

    @property
    def pixels(self) -> Block:
        """(N, C, H, W).

        Raises:
            ImagesError: when fewer than two images came.
        """
        if self._pixels is None or self.filled < 2:
            raise too_few(self._name, self.filled)
        return self._pixels[: self.filled]

    def _make(self, made: Block, before: tuple[int, ...], name: str) -> None:
        columns = int(np.prod(made.shape[1:]))
        if columns > MOST_COLUMNS:
            channels, height, width = before
            raise ImagesError(
                f"“{name}”: images of {in_words(made.shape[1:])} have {columns:,} numbers each; at most "
                f"{MOST_COLUMNS:,} can be learned.",
                f"Crop them, or make them smaller; they are {width} × {height} pixels in the file"
                f"{', or make them grey' if channels > 1 and not self._wanted.grey else ''}.",
                "pool",
            )
        if columns * self._count > MOST_NUMBERS:
            raise ImagesError(
                f"“{self._name}”: {self._count:,} images of {in_words(made.shape[1:])} are more than {MOST_NUMBERS:,} "
                "numbers.",
                f"Use at most {MOST_NUMBERS // columns:,} images, or make them smaller.",
                "most",
            )
        self._first = name
        self._pixels = np.empty((self._count, *made.shape[1:]), made.dtype)

    def _mixed(self, made: Block, name: str) -> ImagesError:
        assert self._pixels is not None
        one, other = self._pixels.shape[1:], made.shape[1:]
        what = f"“{name}” is {in_words(other)}, but “{self._first}” is {in_words(one)}."
        if one[0] != other[0]:
            return ImagesError(what, "Make all of them grey, or leave some of them out.", "colour")
        side = min(*one[1:], *other[1:]) * self._wanted.pool
        remedy = f"Crop them all to their middle, {side} pixels or less, or bring them to one size."
        return ImagesError(what, remedy, "crop")


def too_few(name: str, count: int) -> ImagesError:
    """The error of a file that holds none or one."""
    held = "holds no images" if not count else "holds one image only"
    return ImagesError(f"“{name}” {held}.", "Choose one with many images of one size: a density cannot be learned.")


def check_sides(sides: tuple[int, ...], name: str) -> None:
    """Raise `ImagesError` where the height and width of an image are none or absurd."""
    height, width = sides
    if min(sides) < 1 or max(sides) > MOST_SIDE:
        raise ImagesError(
            f"“{name}” says that its images are {width:,} × {height:,} pixels.",
            f"Images of 1 to {MOST_SIDE:,} pixels a side are read: get the file again, or make them smaller.",
        )


def shaped(block: Block, wanted: Wanted, name: str) -> Block:
    """Crop to the middle, make grey and take the means of squares, rounded where grey values are whole.

    Args:
        block: (n, C, H, W).
        wanted: what is done.
        name: for messages.

    Raises:
        ImagesError: when the images are too small for that, or their sides are no multiples.
    """
    height, width = block.shape[2:]
    if wanted.crop:
        if wanted.crop > min(height, width):
            raise ImagesError(
                f"“{name}” is {width} × {height} pixels, too small to be cropped to {wanted.crop} × {wanted.crop}.",
                f"Crop to {min(height, width)} or less, or not at all (0).",
                "crop",
            )
        top, left = (height - wanted.crop) // 2, (width - wanted.crop) // 2
        block = block[:, :, top : top + wanted.crop, left : left + wanted.crop]
        height = width = wanted.crop
    if height % wanted.pool or width % wanted.pool:
        fitting = min(height, width) // wanted.pool * wanted.pool
        remedy = f"Crop to {fitting} first, or choose another factor." if fitting else "Choose a smaller factor."
        raise ImagesError(
            f"“{name}”: {width} × {height} pixels cannot be divided into squares of {wanted.pool} × {wanted.pool}.",
            remedy,
            "pool",
        )
    grey = wanted.grey and block.shape[1] == 3
    if not grey and wanted.pool == 1:
        return block
    exact: NDArray[np.float32] = block.astype(np.float32)
    if grey:
        exact = np.einsum("nchw,c->nhw", exact, np.array(LUMA, np.float32))[:, None]
    exact = _means(exact, wanted.pool)
    return np.rint(exact).astype(np.uint8) if block.dtype == np.uint8 else exact.clip(0, 1)


def _means(exact: NDArray[np.float32], pool: int) -> NDArray[np.float32]:
    """The means of squares; rows of whole images are added, since numpy's mean over two short axes is slow."""
    rows: NDArray[np.float32] = sum((exact[:, :, start::pool] for start in range(1, pool)), exact[:, :, ::pool])
    both: NDArray[np.float32] = sum((rows[..., start::pool] for start in range(1, pool)), rows[..., ::pool])
    return both / np.float32(pool * pool)


def in_words(shape: tuple[int, ...]) -> str:
    """A size as people read it, such as ``32 × 24 pixels in colour``; `shape` is (C, H, W)."""
    channels, height, width = shape
    return f"{width} × {height} pixels in {'colour' if channels == 3 else 'grey'}"
