"""From numpy arrays to what QPainter draws in one call: thousands of segments, points or pixels at a time."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QColor, QImage, QPainterPath, QPolygonF

from gmstudio.gui.theme import Table

Array = NDArray[Any]

_ELEMENT = np.dtype([("type", ">i4"), ("x", ">f8"), ("y", ">f8")])


def segments_path(segments: Array) -> QPainterPath:
    """One path of separate segments.

    Args:
        segments: (N, 4), each x1, y1, x2, y2 in pixels; segments that are not finite are left out.
    """
    path = QPainterPath()
    segments = segments[np.isfinite(segments).all(axis=1)]
    count = 2 * len(segments)
    if not count:
        return path
    elements = np.empty(count, dtype=_ELEMENT)
    elements["type"] = np.arange(count) & 1
    points = segments.reshape(count, 2)
    elements["x"], elements["y"] = points[:, 0], points[:, 1]
    # The path's stream format is the only way to hand Qt a whole path without one Python call for each point.
    stream = np.array([count], ">i4").tobytes() + elements.tobytes() + np.zeros(2, ">i4").tobytes()
    QDataStream(QByteArray(stream)) >> path
    return path


def polygon(points: Array) -> QPolygonF:
    """A polygon or polyline through (N, 2) points in pixels."""
    count = len(points)
    result = QPolygonF()
    if not count:
        return result
    result.resize(count)
    # PySide's stubs do not know data(), nor that VoidPtr supports the buffer protocol.
    memory = cast(Any, shiboken6).VoidPtr(cast(Any, result).data(), count * 16, True)
    np.frombuffer(memory, dtype=np.float64).reshape(count, 2)[:] = points
    return result


def lookup(table: Table) -> NDArray[np.uint32]:
    """A (256, 4) RGBA table as 256 pixels of Qt's RGB32."""
    wide = table.astype(np.uint32)
    return np.asarray((wide[:, 3] << 24) | (wide[:, 0] << 16) | (wide[:, 1] << 8) | wide[:, 2], dtype=np.uint32)


def levels(values: Array, low: float, high: float) -> NDArray[np.uint8]:
    """Table entries of values between two levels; what is not a number is entry 0."""
    scaled = (values - np.float32(low)) * np.float32(255.0 / max(high - low, 1e-12))
    entries: NDArray[np.uint8] = np.fmin(np.fmax(scaled, np.float32(0)), np.float32(255)).astype(np.uint8)
    return entries


def picture(entries: NDArray[np.uint8], pixels: NDArray[np.uint32]) -> QImage:
    """An image of table entries, whose row 0 is at the bottom."""
    return from_pixels(pixels[entries[::-1]], QImage.Format.Format_RGB32)


def from_pixels(pixels: NDArray[np.uint32], form: QImage.Format) -> QImage:
    """An image that owns its (height, width) pixels, row 0 at the top."""
    height, width = pixels.shape
    contiguous = np.ascontiguousarray(pixels)
    return QImage(contiguous.data, width, height, 4 * width, form).copy()


def tinted(alpha: NDArray[np.uint8], colour: QColor) -> QImage:
    """An image of one colour whose opacity is given.

    Args:
        alpha: (height, width) in 0 to 255, row 0 at the top.
        colour: its own alpha multiplies.
    """
    opacity = np.arange(256) / 255.0 * colour.alphaF()
    table = (opacity * 255.0 + 0.5).astype(np.uint32) << 24
    for channel, shift in ((colour.red(), 16), (colour.green(), 8), (colour.blue(), 0)):
        table |= (opacity * channel + 0.5).astype(np.uint32) << shift
    return from_pixels(table.astype(np.uint32)[alpha], QImage.Format.Format_ARGB32_Premultiplied)
