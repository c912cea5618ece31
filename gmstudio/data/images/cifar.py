"""CIFAR-10's binary batches: records of one byte that names the class, and 3 × 32 × 32 bytes, red first."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.images.errors import ImagesError
from gmstudio.data.images.stack import Block

SIDE = 32
CLASSES = 10
RECORD = 1 + 3 * SIDE * SIDE
BATCH = re.compile(r"(data_batch_\d+|test_batch)\.bin", re.IGNORECASE)
#: The files of the version for Python, and of its archive.
PICKLES = re.compile(r"data_batch_\d+|test_batch|batches\.meta|(train|test|meta)", re.IGNORECASE)
_DOWNLOAD = "Download the “binary version” instead, cifar-10-binary.tar.gz, from www.cs.toronto.edu/~kriz/cifar.html."


def pickled(name: str) -> ImagesError:
    """The error of a file or folder of the version for Python."""
    return ImagesError(
        f"“{name}” is CIFAR's version for Python, a pickle, which could run code and is never read.", _DOWNLOAD
    )


#: As the file `batches.meta.txt` of the set has them.
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def images_of(data: bytes, name: str) -> tuple[Block, NDArray[np.int64]]:
    """The images of a batch, (n, 3, 32, 32), and their classes, (n,).

    Raises:
        ImagesError: when it is no whole number of records, or one of them names no class.
    """
    if not data or len(data) % RECORD:
        raise ImagesError(
            f"“{name}” has {len(data):,} bytes, which is no whole number of CIFAR-10's records of {RECORD:,} bytes.",
            f"Get the file again. {_DOWNLOAD}",
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    wrong = records[:, 0] >= CLASSES
    if wrong.any():
        at = int(wrong.argmax())
        raise ImagesError(
            f"“{name}”: image {at + 1:,} is of class {records[at, 0]}, but CIFAR-10 has classes from 0 to 9.",
            f"Get the file again. {_DOWNLOAD}",
        )
    return records[:, 1:].reshape(-1, 3, SIDE, SIDE), records[:, 0].astype(np.int64)
