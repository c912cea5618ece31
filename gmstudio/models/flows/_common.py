"""What every flow needs of the data, and what every flow can have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from gmstudio.registry import SpecError, describe

if TYPE_CHECKING:
    from gmstudio.models.layers.flow import Flow

Tails = Annotated[
    Literal["normal", "heavy"],
    describe(
        "Heavy: a last step after which outliers are improbable by some nats, and not by their squared distance. For "
        "tables with outliers.",
        advanced=True,
    ),
]


def with_tails(flow: Flow, tails: Literal["normal", "heavy"]) -> Flow:
    """The flow, with the tails that were asked for."""
    flow.heavy = tails == "heavy"
    return flow


def refuse_one_column(dim: int, title: str) -> None:
    """Raise `SpecError` where the data have fewer than the two columns that couplings need."""
    if dim < 2:
        raise SpecError(
            f"{title} cannot be built for data with {dim} column{'' if dim == 1 else 's'}: one part of the columns "
            "moves the other.",
            "Use data with at least 2 columns, or a Gaussian, a Gaussian mixture or a kernel density.",
            "model.kind",
        )
