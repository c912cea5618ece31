"""The classes of images, where a file tells of them. Nothing is refused for its labels: without them, it has none."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.images.errors import BROKEN, label
from gmstudio.data.tables.arrays import ArrayHeader
from gmstudio.data.tables.errors import TableCancelledError, TableError
from gmstudio.data.tables.source import GZIP, Source, check_unpacked

#: Classes; more different numbers are no classes.
MOST_CLASSES = 256
#: Labels of one file.
MOST_LABELS = 2**24
#: Names of arrays of labels, those of the first kind first.
_ARRAYS = ("labels", "label", "y", "targets", "target", "classes", "class", "y_train", "train_labels")


@dataclass(frozen=True, slots=True)
class Labels:
    """The class of each image, as far as it is known.

    Attributes:
        values: (N,) places in `names`, -1 for an image whose class is not known; None where none is.
        names: of the classes.
        notes: what a person should know; whole sentences.
    """

    values: NDArray[np.int64] | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


NONE = Labels()


def classes(values: NDArray[Any], where: str) -> Labels:
    """Classes of whole numbers, of which those below 0 are of no class.

    Args:
        values: (N,), of any integer type.
        where: they were found, for the note when they are none.
    """
    known = np.unique(values[values >= 0])
    if not len(known):
        return NONE
    if int(known[-1]) < MOST_CLASSES:
        places = np.where(values >= 0, values, -1).astype(np.int64)
        return Labels(places, tuple(str(name) for name in range(int(known[-1]) + 1)))
    if len(known) > MOST_CLASSES:
        note = f"“{label(where)}” has {len(known):,} different numbers, which were not taken for classes."
        return Labels(notes=(note,))
    places = np.where(values >= 0, np.searchsorted(known, values), -1).astype(np.int64)
    return Labels(places, tuple(str(name) for name in known))


def beside(path: Path) -> Path | None:
    """The file of labels that belongs to an IDX file of images, by its name; None where there is none."""
    name = re.sub(r"images(?!.*images)", "labels", path.name, flags=re.IGNORECASE)
    name = re.sub(r"idx[34]", "idx1", name, flags=re.IGNORECASE)
    if "labels" not in name or name == path.name:
        return None
    plain = name.removesuffix(".gz")
    options = (path.with_name(one) for one in (name, plain, f"{plain}.gz"))
    return next((one for one in options if one.is_file()), None)


def read_beside(path: Path, count: int, most: int) -> Labels:
    """The labels of an IDX file of images, from the file beside it.

    Args:
        path: the file of the images.
        count: how many images that has.
        most: how many of them are used, the first ones.
    """
    found = beside(path)
    if found is None:
        return NONE
    try:
        values = _idx(found, count)
    except TableCancelledError:
        raise
    except (TableError, OSError) as error:
        why = str(getattr(error, "message", "") or getattr(error, "strerror", None) or error)
        return Labels(notes=(f"{why} The images have no labels.",))
    return classes(values[:most], found.name)


def _idx(path: Path, count: int) -> NDArray[np.uint8]:
    """The bytes of a list: (N,).

    Raises:
        TableError: when it is none, or not as long as the images.
    """
    name, wanted = path.name, 8 + count
    with Source(path) as source:
        data = bytearray()
        for block in source.unpacked() if source.peek(2) == GZIP else source.blocks():
            data += block
            if len(data) > min(wanted, MOST_LABELS):
                break
    if len(data) < 8 or bytes(data[:4]) != b"\0\0\x08\x01":
        raise TableError(f"“{label(name)}” has a broken header: it is no IDX file of labels.")
    said = int.from_bytes(data[4:8], "big")
    if said != count:
        raise TableError(f"“{label(name)}” holds {said:,} labels for {count:,} images.")
    if len(data) != wanted:
        raise TableError(f"“{label(name)}” is not as long as its header says.")
    return np.frombuffer(bytes(data), np.uint8, count, 8)


def in_archive(
    archive: zipfile.ZipFile, found: list[tuple[zipfile.ZipInfo, ArrayHeader]], images: str, count: int, most: int
) -> Labels:
    """The labels of an NPZ file's images: by the array's name, or the only whole numbers of which there are as many.

    Args:
        archive: the file.
        found: its arrays.
        images: the name of the array of images.
        count: how many images that has.
        most: how many of them are used, the first ones.
    """
    lists = {
        entry.filename.removesuffix(".npy"): (entry, header)
        for entry, header in found
        if header.dtype.kind in "iu" and header.shape in ((count,), (count, 1)) and count <= MOST_LABELS
    }
    chosen = next((name for name in (*_partners(images), *_ARRAYS) if name in lists), None)
    if chosen is None:
        if len(lists) > 1:
            names = ", ".join(f"“{label(name)}”" for name in list(lists)[:4])
            return Labels(notes=(f"Which of {names} are labels is not clear: the images have none.",))
        if not lists:
            return _unread(archive, {entry.filename for entry, _ in found}, images)
        chosen = next(iter(lists))
    entry, header = lists[chosen]
    size = header.start + count * header.dtype.itemsize
    try:
        check_unpacked(entry.filename, entry.file_size, entry.compress_size)
        with archive.open(entry) as file:
            data = file.read(size + 1)
    except (TableError, *BROKEN):
        data = b""
    if len(data) != size:
        return Labels(
            notes=(f"“{label(chosen)}” cannot be read, or not as much as it says: the images have no labels.",)
        )
    return classes(np.frombuffer(data, header.dtype, count, header.start)[:most], chosen)


def _unread(archive: zipfile.ZipFile, readable: set[str], images: str) -> Labels:
    """No labels, with a note where an array is called like them and holds no numbers that can be read."""
    names = {f"{name}.npy" for name in (*_partners(images), *_ARRAYS)} - readable
    called = next((name for name in archive.namelist() if name in names), None)
    if called is None:
        return NONE
    said = f"“{label(called.removesuffix('.npy'))}” cannot be read as whole numbers: the images have no labels."
    return Labels(notes=(said,))


def _partners(images: str) -> tuple[str, ...]:
    """What the labels of an array with that name may be called, as ``y_train`` of ``x_train``."""
    pairs = (("images", "labels"), ("image", "label"), ("x_", "y_"), ("X_", "y_"), ("X_", "Y_"), ("_x", "_y"))
    made = [images.replace(one, other) for one, other in pairs if one in images]
    return (*made, *(("y", "Y") if images in ("x", "X") else ()))
