"""Pictures from strangers, read within limits, as weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QFile, QIODevice, QMimeData, Qt
from PySide6.QtGui import QImage, QImageReader, QPainter

from gmstudio.data.sets.picture import SPAN, Picture, from_weights
from gmstudio.errors import RefusedError
from gmstudio.registry import SpecError

Weights = NDArray[np.float64]

MOST_PIXELS = 50_000_000
MOST_BYTES = 64 * 2**20
#: The most memory that decoding may take, in MiB: four bytes a pixel, and a margin.
MOST_MEMORY = 256
#: Longer side of what is kept.
SIDE = 256


class PictureError(RefusedError, ValueError):
    """A picture that cannot be used."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A picture that has been read.

    Attributes:
        title: its name.
        grey: (height, width) uint8, row 0 at the top, 0 is black; at most `SIDE` on a side.
    """

    title: str
    grey: NDArray[np.uint8]

    def weights(self, invert: bool) -> Weights:
        """Weights in [0, 1]: dark is dense, or bright where inverted."""
        bright = self.grey.astype(np.float64) / 255
        return bright if invert else 1.0 - bright


def formats() -> str:
    """File patterns for a file dialog."""
    names = sorted({bytes(name.data()).decode() for name in QImageReader.supportedImageFormats()})
    return "Pictures (" + " ".join(f"*.{name}" for name in names) + ")"


@contextmanager
def _allocation_limit() -> Iterator[None]:
    before = QImageReader.allocationLimit()
    QImageReader.setAllocationLimit(MOST_MEMORY)
    try:
        yield
    finally:
        QImageReader.setAllocationLimit(before)


def read_picture(path: Path) -> Loaded:
    """Read a picture file.

    Raises:
        PictureError: for a file that is missing, too large, or no picture.
    """
    name = path.name
    try:
        size = path.stat().st_size
    except OSError as error:
        raise PictureError(f"{name} cannot be opened: {error.strerror}.", "Choose another file.") from error
    if not path.is_file():
        raise PictureError(f"{name} is not a file.", "Choose a picture such as a PNG or a JPEG.")
    if size > MOST_BYTES:
        raise PictureError(f"{name} has {size / 2**20:,.0f} MiB.", f"At most {MOST_BYTES // 2**20} MiB are read.")
    file = QFile(str(path))
    if not file.open(QIODevice.OpenModeFlag.ReadOnly):
        raise PictureError(f"{name} cannot be opened: {file.errorString()}.", "Check that you may read it.")
    try:
        return _read(file, name, path.stem)
    finally:
        file.close()


def read_bytes(data: bytes, title: str) -> Loaded:
    """Read a picture from memory.

    Raises:
        PictureError: as `read_picture`.
    """
    if len(data) > MOST_BYTES:
        raise PictureError(f"{title} has {len(data) / 2**20:,.0f} MiB.", f"At most {MOST_BYTES // 2**20} are read.")
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    return _read(buffer, title, title)


def _read(device: QIODevice, name: str, title: str) -> Loaded:
    # What a file is, its contents say, not its name.
    reader = QImageReader(device)
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    if not reader.canRead():
        raise PictureError(f"{name} is not a picture.", "Choose a PNG, a JPEG or another picture file.")
    size = reader.size()
    if not size.isValid():
        raise PictureError(f"{name} does not say how large it is.", "Save it as a PNG and try again.")
    if size.width() * size.height() > MOST_PIXELS:
        raise PictureError(
            f"{name} has {size.width():,} × {size.height():,} pixels.",
            f"At most {MOST_PIXELS // 1_000_000} million are read; scale it down first.",
        )
    with _allocation_limit():
        image = reader.read()
    if image.isNull():
        raise PictureError(
            f"{name} cannot be read: {reader.errorString().rstrip('.')}.",
            "The file may be damaged; open and save it in another program.",
        )
    return of_image(image, title)


def of_image(image: QImage, title: str) -> Loaded:
    """The grey levels of a picture on white, scaled down to `SIDE`.

    Raises:
        PictureError: for an empty picture.
    """
    if image.isNull() or image.width() * image.height() > MOST_PIXELS:
        raise PictureError(f"{title} cannot be used.", "Copy a smaller picture.")
    if max(image.width(), image.height()) > SIDE:
        mode = Qt.TransformationMode.SmoothTransformation
        image = image.scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, mode)
    page = QImage(image.size(), QImage.Format.Format_RGB32)
    page.fill(Qt.GlobalColor.white)
    painter = QPainter(page)
    painter.drawImage(0, 0, image)
    painter.end()
    grey = page.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), dtype=np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return Loaded(title[:200] or "Picture", rows[:, : grey.width()].copy())


def from_clipboard(data: QMimeData | None) -> Loaded | None:
    """The picture on the clipboard or in what is dropped; None where there is none.

    Raises:
        PictureError: where there is one that cannot be used.
    """
    if data is None:
        return None
    if data.hasImage():
        image = QImage(data.imageData())
        if not image.isNull():
            return of_image(image, "Pasted picture")
    for url in data.urls():
        if url.isLocalFile():
            return read_picture(Path(url.toLocalFile()))
    return None


def as_density(loaded: Loaded, invert: bool) -> Picture:
    """The picture as a data set.

    Raises:
        PictureError: for a picture that is blank.
    """
    try:
        return from_weights(loaded.weights(invert), loaded.title)
    except SpecError as error:
        raise _blank(loaded, invert) from error


def as_points(loaded: Loaded, invert: bool, count: int, generator: np.random.Generator) -> Weights:
    """Points drawn from the picture, (count, 2), where its density would be on the canvas.

    Raises:
        PictureError: for a picture that is blank.
    """
    weights = loaded.weights(invert)
    total = weights.sum()
    if not total > 0:
        raise _blank(loaded, invert)
    height, width = weights.shape
    pixel = generator.choice(weights.size, size=count, p=weights.ravel() / total)
    row, column = np.divmod(pixel, width)
    side = SPAN / max(width, height)
    x = (column + generator.random(count) - width / 2) * side
    y = (height / 2 - row - generator.random(count)) * side
    return np.stack([x, y], axis=1)


def _blank(loaded: Loaded, invert: bool) -> PictureError:
    what, remedy = ("black", "bright") if invert else ("white", "dark")
    other = "Turn inversion off" if invert else "Turn inversion on"
    return PictureError(f"{loaded.title} is all {what}.", f"{other}, or choose one with something {remedy} on it.")


def preview(loaded: Loaded, invert: bool) -> QImage:
    """The weights as a picture, dense is dark."""
    levels = np.ascontiguousarray(np.round(255 * (1 - loaded.weights(invert))).astype(np.uint8))
    height, width = levels.shape
    return QImage(levels.data, width, height, width, QImage.Format.Format_Grayscale8).copy()
