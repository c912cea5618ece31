"""What every flow needs of the data."""

from __future__ import annotations

from gmstudio.registry import SpecError


def refuse_one_column(dim: int, title: str) -> None:
    """Raise `SpecError` where the data have fewer than the two columns that couplings need."""
    if dim < 2:
        raise SpecError(
            f"{title} cannot be built for data with {dim} column{'' if dim == 1 else 's'}: one part of the columns "
            "moves the other.",
            "Use data with at least 2 columns, or a Gaussian, a Gaussian mixture or a kernel density.",
            "model.kind",
        )
