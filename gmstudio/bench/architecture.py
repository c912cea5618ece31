"""What is measured: architectures that this project and other libraries can build alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["real-nvp", "maf", "spline", "glow", "energy"]

_TITLES: dict[Family, str] = {
    "real-nvp": "Real-NVP",
    "maf": "MAF",
    "spline": "Spline flow",
    "glow": "Glow",
    "energy": "Energy by PCD-20",
}
#: Bins of a spline, and half of the side of the box in which it bends: what this project has by default.
BINS, BOUND = 8, 5.0


@dataclass(frozen=True, slots=True)
class Architecture:
    """A chain of blocks, each with a network of `layers` hidden layers of `hidden` units with ReLU between them.

    Attributes:
        family: which kind of model.
        blocks: length of the chain; 1 for an energy, which is one network.
        hidden: width of each network.
        dim: D, columns of the data.
        layers: hidden layers of each network.
    """

    family: Family
    blocks: int
    hidden: int
    dim: int = 2
    layers: int = 2

    def __str__(self) -> str:
        chain = "" if self.family == "energy" else f" {self.blocks} x"
        return f"{_TITLES[self.family]}{chain} {self.hidden}^{self.layers}, D {self.dim}"

    @property
    def widths(self) -> list[int]:
        """Widths of the hidden layers."""
        return [self.hidden] * self.layers

    def plain(self) -> dict[str, Any] | None:
        """The specification of this project's model in plain values; None where it has none of the family yet."""
        if self.family == "energy":
            return None
        plain = {"kind": self.family, "blocks": self.blocks, "hidden": self.hidden, "layers": self.layers}
        return {**plain, "bins": BINS, "bound": BOUND} if self.family == "spline" else plain
