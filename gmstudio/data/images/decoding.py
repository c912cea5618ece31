"""PNG and JPEG files, decoded by Pillow: these two formats and no other, and nothing before its size is known."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from gmstudio.data.images.errors import ImagesError
from gmstudio.data.images.stack import Block, check_sides

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (".png", ".jpg", ".jpeg")
#: Bytes of one file.
MOST_BYTES = 2**26
_FORMATS = ("PNG", "JPEG")
_GREY = ("1", "L", "LA", "La")


def decoded(data: bytes, name: str) -> Block:
    """The pixels of a picture, (1, 1, H, W) where it is grey and (1, 3, H, W) where not; transparency is left out.

    Args:
        data: the file.
        name: for messages.

    Raises:
        ImagesError: when it is no PNG and no JPEG, damaged, or absurdly large.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ImagesError(
            f"“{name}” cannot be decoded: Pillow is not installed.",
            "Install it with `pip install pillow`, or save the images as one NPZ file.",
        ) from error
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            check_sides((picture.height, picture.width), name)
            return _pixels(picture)
    except UnidentifiedImageError as error:
        raise ImagesError(
            f"“{name}” is neither PNG nor JPEG, whatever its name says.", "Take it out of the folder, or save it anew."
        ) from error
    except Image.DecompressionBombError as error:
        raise ImagesError(f"“{name}” is absurdly large.", "Take it out of the folder, or make it smaller.") from error
    # The decoders meet broken files with many kinds of errors.
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error) as e:
        raise ImagesError(f"“{name}” is damaged.", "Get the file again, or take it out of the folder.") from e


def _pixels(picture: Image) -> Block:
    if picture.mode.startswith("I"):
        # Grey values of 16 bits.
        deep = np.asarray(picture).astype(np.int64)
        return (deep.clip(0, 65535) >> 8).astype(np.uint8)[None, None]
    if picture.mode in _GREY:
        return np.asarray(picture.convert("L"))[None, None]
    return np.asarray(picture.convert("RGB")).transpose(2, 0, 1)[None]
