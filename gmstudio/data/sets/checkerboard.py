"""Checkerboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from gmstudio.data.base import Bounds, PlaneSpec
from gmstudio.data.framing import square
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from gmstudio.data.densities.squares import SoftSquares


@component(
    "data",
    title="Checkerboard",
    summary="Every other square of a board, uniform inside, with slightly soft edges.",
    reference="After Grathwohl et al., FFJORD (2019); the edges are soft so that there is a score.",
    order=50,
)
class Checkerboard(PlaneSpec, frozen=True, kw_only=True, tag="checkerboard"):
    """The board is centred on the origin; its upper left square is filled."""

    squares: Annotated[int, describe("Squares along one side of the board.", ge=2, le=10)] = 4
    width: Annotated[float, describe("Length of a side of the board.", ge=0.5, le=20.0)] = 8.0
    noise: Annotated[
        float, describe("Standard deviation of the blur at the edges.", ge=0.005, le=1.0, log=True, label="Softness")
    ] = 0.05

    @property
    def bounds(self) -> Bounds:
        """A square around the board and four standard deviations of the blur."""
        half = self.width / 2
        return square(-half, half, -half, half, tail=4 * self.noise)

    def density(self) -> SoftSquares:
        """The exact density."""
        import torch

        from gmstudio.data.densities.squares import SoftSquares

        side, count = self.width / self.squares, self.squares
        filled = [(row, column) for row in range(count) for column in range(count) if (row + column) % 2 == 0]
        centres = torch.tensor(filled, dtype=torch.float64).flip(1) + 0.5
        centres = side * centres - self.width / 2
        centres[:, 1] = -centres[:, 1]
        return SoftSquares(centres, side, self.noise)
