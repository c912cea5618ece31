"""Reading images, whatever they come in: by what is in a file, not by what it is called."""

from __future__ import annotations

import itertools
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Literal

from gmstudio.data.images import folders
from gmstudio.data.images.arrays import read_npy, read_npz, shapes
from gmstudio.data.images.cifar import BATCH, NAMES, PICKLES, RECORD, images_of, pickled
from gmstudio.data.images.errors import BROKEN, ImagesCancelledError, ImagesError
from gmstudio.data.images.idx import looks_like_idx, read_idx
from gmstudio.data.images.labels import Labels, beside
from gmstudio.data.images.stack import Images, Stack, Wanted
from gmstudio.data.tables.arrays import LONGEST_HEADER, read_header
from gmstudio.data.tables.errors import TableCancelledError, TableError
from gmstudio.data.tables.source import GZIP, Source

__all__ = ["Images", "ImagesCancelledError", "ImagesError", "Wanted", "looks_like_images", "read", "read_once"]

Progress = Callable[[float], None]
Asked = Callable[[], bool]
Kind = Literal["idx", "packed idx", "npy", "npz", "batch", "folder", "pickle", "picture", "tar", "other"]

_IDX_NAME = re.compile(r"idx\d?[-.]ubyte|\.idx\d?(\.gz)?$", re.IGNORECASE)
#: Where a TAR archive says that it is one.
_TAR = slice(257, 262)


def read(
    path: Path,
    wanted: Wanted | None = None,
    *,
    whole: bool = True,
    progress: Progress | None = None,
    cancelled: Asked | None = None,
) -> Images:
    """Read images: IDX (also packed with gzip), NPY, NPZ, CIFAR-10's binary batches, a folder of PNG or JPEG files.

    Args:
        path: the file or folder.
        wanted: what of them is used, and how; by default all of them, as they are.
        whole: whether the whole file is read, checked and hashed; else only as much as the wanted images need.
        progress: called in this thread with the share that is done, from 0 to 1.
        cancelled: asked again and again; reading ends when it says yes.

    Raises:
        ImagesCancelledError: when `cancelled` says yes.
        ImagesError: when there are no images to be had, naming the file and what to do.
    """
    path, wanted = Path(path), wanted or Wanted()
    try:
        if path.is_dir():
            return folders.read_folder(path, _Reporter(progress, cancelled), wanted, whole)
        with Source(path, progress, cancelled) as source:
            source.report(0.0)
            images = _read(source, wanted, whole)
            source.report(1.0)
            return images
    except TableCancelledError as error:
        raise ImagesCancelledError from error
    except TableError as error:
        raise ImagesError(error.message, error.remedy) from error
    except MemoryError as error:
        raise ImagesError(f"“{path.name}” needs more memory than there is.", "Use fewer images.", "most") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise ImagesError(f"“{path.name}” cannot be read: {why}.", "Check the disk, and get it again.") from error


def _read(source: Source, wanted: Wanted, whole: bool) -> Images:
    name, kind = source.path.name, _kind(source)
    if kind == "npy":
        return read_npy(source, wanted, whole)
    if kind == "npz":
        return read_npz(source, wanted, whole)
    if kind in ("idx", "packed idx"):
        packed = kind == "packed idx"
        return read_idx(source, source.unpacked() if packed else source.blocks(), packed, wanted, whole)
    if kind == "batch":
        return _read_batch(source, wanted)
    if kind == "pickle":
        raise pickled(name)
    if kind == "picture":
        raise ImagesError(f"“{name}” is one picture.", "Choose the folder that holds it, with others of its size.")
    if kind == "tar":
        raise ImagesError(f"“{name}” is an archive.", "Unpack it, and open the folder or a file that comes out.")
    raise ImagesError(
        f"“{name}” holds no images that can be read.",
        "Choose an IDX, NPY or NPZ file, a binary batch of CIFAR-10, or a folder of PNG or JPEG files.",
    )


def _kind(source: Source) -> Kind:
    """What a file is, by its first bytes; by its name where they do not say."""
    name, head, packed = source.path.name, source.peek(), False
    if head.startswith(GZIP):
        packed, head = True, next(iter(_peeked(source)), b"")
    if looks_like_idx(head) or _IDX_NAME.search(name):
        return "packed idx" if packed else "idx"
    if head[_TAR] == b"ustar" or name.lower().endswith((".tar", ".tgz", ".tar.gz")):
        return "tar"
    if packed:
        return "other"
    kinds: dict[bytes, Kind] = {
        b"\x93NUMPY": "npy",
        b"PK\x03\x04": "npz",
        b"\x89PNG": "picture",
        b"\xff\xd8\xff": "picture",
    }
    for start, kind in kinds.items():
        if head.startswith(start):
            return kind
    if BATCH.fullmatch(name) or (name.lower().endswith(".bin") and source.size % RECORD == 0):
        return "batch"
    return "pickle" if head.startswith(b"\x80") else "other"


def _peeked(source: Source) -> itertools.chain[bytes]:
    """The first bytes of what gzip has packed; those of a damaged file are none."""
    import zlib

    try:
        return itertools.chain([zlib.decompressobj(wbits=31).decompress(source.peek(), 4096)])
    except zlib.error:
        return itertools.chain([b""])


def _read_batch(source: Source, wanted: Wanted) -> Images:
    name = source.path.name
    if source.size > folders.MOST_BATCH:
        raise ImagesError(f"“{name}” has more than {folders.MOST_BATCH // 2**20} MiB.", "A CIFAR-10 batch has 29.")
    found, classes = images_of(b"".join(source.blocks()), name)
    stack = Stack(name, min(len(found), wanted.most), wanted)
    stack.add(found[: wanted.most])
    named = Labels(classes[: wanted.most], NAMES)
    return Images(stack.pixels, 256, source.path, source.sha256, len(found)).labelled(named)


class _Reporter:
    """Tells and asks as a `Source` does."""

    def __init__(self, progress: Progress | None, cancelled: Asked | None) -> None:
        self._progress, self._cancelled = progress, cancelled

    def report(self, share: float) -> None:
        if self._cancelled is not None and self._cancelled():
            raise ImagesCancelledError
        if self._progress is not None:
            self._progress(share)


def looks_like_images(path: Path) -> bool:
    """Whether a file or folder is to be opened as images rather than as a table; looks at its beginning only.

    An array is one of images from three dimensions on. What cannot be opened at all is no image.
    """
    try:
        if path.is_dir():
            return True
        with Source(path) as source:
            kind = _kind(source)
            if kind == "npy":
                return len(read_header(source.peek(LONGEST_HEADER), path.name).shape) > 2
            if kind == "npz":
                with zipfile.ZipFile(source.file) as archive:
                    return any(len(shape) > 2 for shape in shapes(archive, path.name).values())
    except (TableError, OSError, *BROKEN):
        return False
    return kind in ("idx", "packed idx", "batch") or (kind == "pickle" and bool(PICKLES.fullmatch(path.name)))


#: What was read last, and as what: path, time of the last change in nanoseconds and size of each file, what was wanted.
_last: tuple[tuple[object, ...], Images] | None = None
_reading = Lock()


def read_once(
    path: Path, wanted: Wanted, *, progress: Progress | None = None, cancelled: Asked | None = None
) -> Images:
    """Read images, unless they are those that were read last and nothing has changed.

    Args:
        path, wanted, progress, cancelled: as for `read`.

    Raises:
        ImagesCancelledError, ImagesError: as `read` does.
    """
    global _last
    with _reading:
        try:
            key = (str(path.absolute()), _state(path), wanted)
        except (OSError, ValueError, ImagesError):
            # Reading says why.
            return read(path, wanted, progress=progress, cancelled=cancelled)
        if _last is None or _last[0] != key:
            # Two large sets need not be held at once.
            _last = None
            _last = (key, read(path, wanted, progress=progress, cancelled=cancelled))
        return _last[1]


def _state(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, times of the last change and sizes of the files that would be read."""
    names = folders.listed(path).used if path.is_dir() else ("",)
    infos = [(name, (path / name).stat()) for name in names]
    labels = None if path.is_dir() else beside(path)
    if labels is not None:
        infos.append((labels.name, labels.stat()))
    return tuple((name, info.st_mtime_ns, info.st_size) for name, info in infos)
