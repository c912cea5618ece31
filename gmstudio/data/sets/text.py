"""Texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from gmstudio.data.base import Bounds, PlaneSpec, Source
from gmstudio.registry import SpecError, component, describe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CHARACTERS = 24


@component(
    "data",
    title="Text",
    summary="A word as a density: points spread evenly over its letters.",
    order=2,
)
class Text(PlaneSpec, frozen=True, kw_only=True, tag="text"):
    """One line in a small bitmap font, centred on the origin, with softened strokes."""

    text: Annotated[str, describe("Letters, digits and some signs; small letters become capitals.")] = "GM"
    width: Annotated[float, describe("Width of the text.", ge=0.5, le=20.0)] = 7.0
    smoothing: Annotated[float, describe("Softness of the strokes, as a share of their thickness.", ge=0.0, le=2.0)] = (
        0.2
    )

    def validate(self) -> None:
        """Refuse empty and long texts, and characters that the font lacks."""
        if len(self.text) > MOST_CHARACTERS:
            raise SpecError(f"The text has {len(self.text):,} characters.", f"Use at most {MOST_CHARACTERS}.", "text")
        if not self.text.strip():
            raise SpecError("The text is empty.", "Write at least one letter.", "text")
        self._bitmap()

    @property
    def name(self) -> str:
        """The text, in quotation marks."""
        return f"“{self.text.strip()}”"

    @property
    def bounds(self) -> Bounds:
        """A square around the text and four standard deviations of its softness."""
        from gmstudio.data.framing import square

        rows, columns = self._bitmap().shape
        pixel = self._pixel()
        x, y = columns * pixel / 2, rows * pixel / 2
        return square(-x, x, -y, y, tail=4 * self.smoothing * pixel)

    @property
    def exact(self) -> bool:
        """A text is sampled as a picture is."""
        return False

    def density(self) -> None:
        """None: a text is sampled as a picture is."""

    def source(self) -> Source:
        """The pixels of the letters."""
        import torch

        from gmstudio.data.pixels import Pixels

        pixel = self._pixel()
        return Pixels(torch.from_numpy(self._bitmap().astype("float64")), pixel, self.smoothing * pixel)

    def _bitmap(self) -> NDArray[np.bool_]:
        from gmstudio.data.font import bitmap

        return bitmap(self.text.strip())

    def _pixel(self) -> float:
        """Side of a pixel; a short text is limited in height rather than in width."""
        rows, columns = self._bitmap().shape
        return self.width / float(max(columns, rows))
