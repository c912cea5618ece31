"""Folders of images: PNG and JPEG files of one size, or CIFAR-10's binary batches."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.images.cifar import BATCH, NAMES, PICKLES, RECORD, images_of, pickled
from gmstudio.data.images.decoding import ENDINGS, decoded
from gmstudio.data.images.decoding import MOST_BYTES as MOST_PICTURE
from gmstudio.data.images.errors import ImagesError, label
from gmstudio.data.images.labels import MOST_CLASSES, NONE, Labels
from gmstudio.data.images.stack import Images, Stack, Wanted, too_few

#: Files of a folder that are looked at.
MOST_FILES = 500_000
#: Bytes of a CIFAR batch.
MOST_BATCH = 2**28
#: Bytes of all files together.
MOST_BYTES = 2**35


class Reporter(Protocol):
    """Whom reading tells how far it is, and asks whether to go on."""

    def report(self, share: float) -> None:
        """Tell the share that is done, from 0 to 1; raises an error when somebody wants to stop."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds.

    Attributes:
        batches: CIFAR-10's files, without those for testing where there are others.
        pictures: PNG and JPEG files.
        left: files that are neither.
        classes: folders in it in which the pictures are, where it has none itself: one folder for each class.
    """

    batches: tuple[str, ...]
    pictures: tuple[str, ...]
    left: tuple[str, ...]
    classes: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """The files that are read, in the order of their names, and of each class one after the other."""
        return self.batches or self.pictures

    def class_of(self, picture: str) -> int:
        """The place of a picture's class in `classes`; -1 where there are none."""
        return self.classes.index(picture.partition("/")[0]) if self.classes else -1


def listed(path: Path) -> Listing:
    """Look what a folder holds, by the names of its files; hidden ones are nothing.

    Raises:
        ImagesError: when it holds no images that can be read, with what to do instead.
    """
    names: list[str] = []
    folders: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            (folders if entry.is_dir() else names).append(entry.name)
            if len(names) > MOST_FILES:
                raise ImagesError(f"“{label(path.name)}” holds more than {MOST_FILES:,} files.", "Use a part of them.")
    names.sort()
    batches = [name for name in names if BATCH.fullmatch(name)]
    training = [name for name in batches if not name.lower().startswith("test")]
    pictures = [name for name in names if name.lower().endswith(ENDINGS)]
    used = training or batches or pictures
    left = [name for name in names if name not in set(used)]
    if used:
        return Listing(tuple(training or batches), tuple(pictures), tuple(left))
    each = _classes(path, sorted(folders))
    if len(each) < 2:
        raise _nothing(path, left, sorted(folders))
    # In turns, so that the first ones are of all classes.
    turns = itertools.zip_longest(*([f"{name}/{one}" for one in own] for name, own in each.items()), fillvalue="")
    return Listing((), tuple(one for turn in turns for one in turn if one), tuple(left), tuple(each))


def _classes(path: Path, folders: list[str]) -> dict[str, list[str]]:
    """The pictures of each folder that has any; nothing where they are too many to be classes."""
    if len(folders) > MOST_CLASSES:
        return {}
    found: dict[str, list[str]] = {}
    count = 0
    for name in folders:
        with os.scandir(path / name) as entries:
            own = sorted(e.name for e in entries if e.name.lower().endswith(ENDINGS) and not e.name.startswith("."))
        count += len(own)
        if count > MOST_FILES:
            raise ImagesError(f"“{label(path.name)}” holds more than {MOST_FILES:,} files.", "Use a part of them.")
        if own:
            found[name] = own
    return found


def _nothing(path: Path, names: list[str], folders: list[str]) -> ImagesError:
    name = label(path.name or str(path))
    if any(PICKLES.fullmatch(one) and begins_as_pickle(path / one) for one in names[:100]):
        return pickled(name)
    what = f"“{name}” holds no PNG or JPEG files and no CIFAR-10 batches."
    packed = [one for one in names if "idx" in one or one.lower().endswith((".npz", ".npy"))]
    if packed:
        return ImagesError(what, f"Open one of its files instead, such as “{label(packed[0])}”.")
    if folders:
        return ImagesError(what, f"Open one of the folders in it instead, such as “{label(folders[0])}”.")
    return ImagesError(what, "Choose a folder of PNG or JPEG files.")


def begins_as_pickle(path: Path) -> bool:
    """Whether a file begins as a pickle does."""
    try:
        return path.is_file() and _bytes(path, 2**40, 1) == b"\x80"
    except (OSError, ImagesError):
        return False


def read_folder(path: Path, reporter: Reporter, wanted: Wanted, whole: bool) -> Images:
    """Read the images of a folder in the order of their names; see `reading.read`.

    Raises:
        ImagesError: naming the file that is to blame.
    """
    found = listed(path)
    hashed, total = hashlib.sha256(), len(found.used)
    if found.batches:
        sizes = [(path / name).stat().st_size // RECORD for name in found.batches]
        total = sum(sizes)
    stack, size = Stack(label(path.name), min(total, wanted.most), wanted), 0
    classes: list[NDArray[np.int64]] = []
    for place, (name, data) in enumerate(_contents(path, found)):
        size += len(data)
        if size > MOST_BYTES:
            raise ImagesError(
                f"“{label(path.name)}” has more than {MOST_BYTES // 2**30} GiB.", "Use a part of its files."
            )
        hashed.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        hashed.update(data)
        room = min(total, wanted.most) - stack.filled
        if room:
            shown = label(name)
            block, own = images_of(data, shown) if found.batches else (decoded(data, shown), found.class_of(name))
            stack.add(block[:room], shown)
            classes.append(np.broadcast_to(own, len(block))[:room])
        elif not whole:
            break
        reporter.report((place + 1) / len(found.used))
    if total < 2:
        raise too_few(label(path.name), total)
    names = NAMES if found.batches else tuple(label(name) for name in found.classes)
    labels = Labels(np.concatenate(classes).astype(np.int64), names) if names else NONE
    sha256 = hashed.hexdigest() if whole else ""
    return Images(stack.pixels, 256, path, sha256, total, _notes(found)).labelled(labels)


def hash_of(path: Path, reporter: Reporter) -> str:
    """The hash of a folder: of the names, sizes and contents of the files that `read_folder` would read.

    Raises:
        ImagesError: when it holds no images, or a file cannot be read.
    """
    found, hashed = listed(path), hashlib.sha256()
    for place, (name, data) in enumerate(_contents(path, found)):
        hashed.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        hashed.update(data)
        reporter.report(place / len(found.used))
    return hashed.hexdigest()


def _contents(path: Path, found: Listing) -> Iterator[tuple[str, bytes]]:
    for name in found.used:
        yield name, _bytes(path / name, MOST_BATCH if found.batches else MOST_PICTURE)


def _bytes(path: Path, most: int, count: int = -1) -> bytes:
    """The bytes of a file; what is not a regular one is never waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
        with os.fdopen(handle, "rb") as file:
            info = os.fstat(handle)
            if not stat.S_ISREG(info.st_mode):
                raise ImagesError(
                    f"“{label(path.name)}” is not a file, but a device or a pipe.", "Take it out of the folder."
                )
            if info.st_size > most:
                raise ImagesError(
                    f"“{label(path.name)}” has more than {most // 2**20} MiB.", "Take it out of the folder."
                )
            return file.read(min(most, info.st_size) if count < 0 else count)
    except OSError as error:
        why = error.strerror or str(error)
        raise ImagesError(f"“{label(path.name)}” cannot be read: {why}.", "Check its permissions.") from error


def _notes(found: Listing) -> tuple[str, ...]:
    if not found.left:
        return ()
    shown = ", ".join(f"“{label(name)}”" for name in found.left[:3]) + ", …" * (len(found.left) > 3)
    count = len(found.left)
    return (f"{count:,} other file{' is' if count == 1 else 's are'} left out: {shown}.",)
