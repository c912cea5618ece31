"""Files of images, made by the standard's words and not by the code under test."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def idx_bytes(pixels: Bytes, kind: int = 8) -> bytes:
    """An IDX file: two zero bytes, the kind, the number of dimensions, the sides, the numbers."""
    return struct.pack(f">HBB{pixels.ndim}I", 0, kind, pixels.ndim, *pixels.shape) + pixels.tobytes()


def random_pixels(*shape: int, seed: int = 1) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture
def idx(tmp_path: Path) -> Callable[..., Path]:
    """Writes an IDX file."""

    def write(pixels: Bytes, name: str = "some-images-idx3-ubyte") -> Path:
        path = tmp_path / name
        data = idx_bytes(pixels)
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def cifar_bytes(pixels: Bytes, labels: list[int]) -> bytes:
    """A binary batch of CIFAR-10, of (n, 3, 32, 32)."""
    return b"".join(bytes([label]) + image.tobytes() for label, image in zip(labels, pixels, strict=True))


def save_png(path: Path, pixels: Bytes) -> None:
    """A PNG file of (H, W) or (H, W, 3)."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is an extra")
    image.fromarray(pixels).save(path)
