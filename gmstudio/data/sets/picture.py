"""Pictures."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Any

from gmstudio.data.base import Bounds, PlaneSpec, Source
from gmstudio.registry import SpecError, component, describe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_SIDE = 512
#: Length of the longer side of a picture in the units of the data; it fits the canvas from -4 to 4.
SPAN = 7.0


@component(
    "data",
    title="Picture",
    summary="A picture as a density: the darker a pixel, the more points it gets.",
    order=1,
)
class Picture(PlaneSpec, frozen=True, kw_only=True, tag="picture"):
    """Weights of pixels, from 0 to 255, in rows from the top; uniform within a pixel."""

    title: Annotated[str, describe("What the picture is called.")] = "Picture"
    width: Annotated[int, describe("Columns of pixels.", ge=0, le=MOST_SIDE, unit="pixels", widget="hidden")] = 0
    height: Annotated[int, describe("Rows of pixels.", ge=0, le=MOST_SIDE, unit="pixels", widget="hidden")] = 0
    pixels: Annotated[str, describe("Base64 of one byte for each pixel, row by row.", widget="hidden")] = ""
    smoothing: Annotated[float, describe("Standard deviation of a blur of the picture.", ge=0.0, le=1.0)] = 0.02

    def validate(self) -> None:
        """Refuse a picture whose bytes do not fit its size, and a picture without ink."""
        if len(self.title) > 200:
            raise SpecError(f"The title has {len(self.title):,} characters.", "Use at most 200.", "title")
        if not (self.width or self.height or self.pixels):
            return
        weights = self._weights()
        if not weights.any():
            raise SpecError("The picture is all white.", "Choose one with something darker on it.", "pixels")

    @property
    def name(self) -> str:
        """The picture's title."""
        return self.title or "Picture"

    @property
    def exact(self) -> bool:
        """A picture's density has steps and no score."""
        return False

    def density(self) -> None:
        """None: the density has steps and no score."""

    def source(self) -> Source:
        """The pixels.

        Raises:
            SpecError: when there is no picture yet.
        """
        import torch

        from gmstudio.data.pixels import Pixels

        if not self.pixels:
            raise SpecError("There is no picture.", "Import one.", "data.pixels")
        return Pixels(torch.from_numpy(self._weights()), SPAN / max(self.width, self.height), self.smoothing)

    @property
    def bounds(self) -> Bounds:
        """The canvas, or more where a blur reaches beyond it."""
        half = max(4.0, SPAN / 2 + 4 * self.smoothing)
        return (-half, half, -half, half)

    def _weights(self) -> NDArray[np.float64]:
        """(height, width)."""
        import numpy as np

        if self.width < 1 or self.height < 1:
            raise SpecError(
                f"The picture has {self.width} x {self.height} pixels.", "Give it at least one row and column.", "width"
            )
        count = self.width * self.height
        if len(self.pixels) > 4 * (count // 3 + 1):
            raise SpecError(f"The picture has more than {count:,} pixels.", "Give width x height bytes.", "pixels")
        try:
            data = base64.b64decode(self.pixels, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SpecError("The pixels are not base64.", "Import the picture again.", "pixels") from error
        if len(data) != count:
            raise SpecError(
                f"The picture has {len(data):,} bytes for {self.width} x {self.height} pixels.",
                "Give one byte for each pixel.",
                "pixels",
            )
        return np.frombuffer(data, dtype=np.uint8).reshape(self.height, self.width).astype(np.float64)


def from_weights(weights: NDArray[np.floating[Any]], title: str) -> Picture:
    """Make a picture's specification.

    Args:
        weights: (height, width) in [0, 1], 1 for the most points; row 0 at the top. At most 512 x 512.
        title: what it is called.

    Raises:
        SpecError: for an array of the wrong shape or range, or without any weight.
    """
    import numpy as np

    array = np.asarray(weights, dtype=np.float64)
    if array.ndim != 2 or not all(1 <= side <= MOST_SIDE for side in array.shape):
        raise SpecError(
            f"The picture has the shape {array.shape}.", f"Use 1 to {MOST_SIDE} rows and columns.", "pixels"
        )
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise SpecError("The picture has a weight outside 0 to 1.", "Scale the weights to 0 to 1.", "pixels")
    data = np.round(array * 255).astype(np.uint8).tobytes()
    height, width = array.shape
    return Picture(title=title, width=width, height=height, pixels=base64.b64encode(data).decode("ascii"))
