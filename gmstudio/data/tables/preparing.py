"""From numbers in rows and columns to points: split, missing values, noise, standardisation.

The rule of the papers on tables (Papamakarios et al., 2017; Tran et al., 2023): the last tenth of the rows is for
testing, the last tenth of the others for validation, and the means and (population) standard deviations are those of
both other parts together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Bounds, Dataset
from gmstudio.data.tables.profile import few_valued, smallest_gap
from gmstudio.registry import SpecError

if TYPE_CHECKING:
    import torch

Split = Literal["file order", "shuffled", "own"]
Missing = Literal["drop rows", "mean", "refuse"]
Column = NDArray[np.floating]

#: Rows by which the first two columns are framed.
FRAMED_BY = 100_000
#: Share of a standard deviation that float32 must be able to tell apart.
FINEST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What is done with a table before it is learned; by default, the rule of the papers.

    Attributes:
        standardise: shift and scale every column to mean 0 and variance 1.
        dequantise: width of the uniform noise on columns with few values, as a share of their smallest gap.
        split: which rows are for testing and validation: the last ones, any, or those that a column names.
        test_share: share of the rows that are for testing.
        validation_share: share of the others that are for validation.
        seed: of the shuffling and of the noise.
        missing: what becomes of missing values; ``mean`` is that of the training and validation rows.
    """

    standardise: bool = True
    dequantise: float = 0.0
    split: Split = "file order"
    test_share: float = 0.1
    validation_share: float = 0.1
    seed: int = 0
    missing: Missing = "refuse"


@dataclass(frozen=True, slots=True)
class Parts:
    """How many rows each part has."""

    train: int
    validation: int
    test: int

    @property
    def known(self) -> int:
        """Rows by which columns are standardised: all but those for testing."""
        return self.train + self.validation


def parts(rows: int, test_share: float, validation_share: float, what: str = "row") -> Parts:
    """The sizes of the parts: shares are rounded down, and validation is a share of what testing leaves.

    Args:
        rows: how many there are.
        test_share, validation_share: as in `Preparation`.
        what: a row is called in messages.

    Raises:
        SpecError: when fewer than two rows are left to train on, or none to validate.
    """
    test = int(test_share * rows)
    validation = int(validation_share * (rows - test))
    made = Parts(rows - test - validation, validation, test)
    if made.train < 2 or made.validation < 1:
        raise SpecError(
            f"Of {rows:,} {what}{'' if rows == 1 else 's'}, {made.train:,} would be left to train on and "
            f"{made.validation:,} to validate.",
            f"Use data with more {what}s, or other shares for the parts.",
            "data.validation_share",
        )
    return made


def own_parts(codes: Column, kept: NDArray[np.int64], name: str, first: int = 1) -> tuple[NDArray[np.int64], Parts]:
    """Part the rows as a column of the table says: 0 to train on, 1 to validate, 2 to test.

    Args:
        codes: (N,), that column.
        kept: the rows that are used.
        name: of the column.
        first: what row 0 is called in messages.

    Returns:
        The kept rows, those to train on first, those to test last, else in their order; and how many each part has.

    Raises:
        SpecError: for another number, naming its row; and when a part has too few rows.
    """
    chosen = codes[kept]
    wrong = ~np.isin(chosen, (0.0, 1.0, 2.0))
    if wrong.any():
        at = int(wrong.argmax())
        raise SpecError(
            f"Row {first + int(kept[at]):,}, column “{name}”: {chosen[at]:g} names no part.",
            "Write 0 for rows to train on, 1 for rows to validate, 2 for rows to test.",
            "data.split_column",
        )
    train, validation, test = (int(np.count_nonzero(chosen == code)) for code in (0, 1, 2))
    if train < 2 or validation < 1:
        raise SpecError(
            f"Column “{name}” leaves {train:,} rows to train on and {validation:,} to validate.",
            "Mark at least two rows with 0 and one with 1.",
            "data.split_column",
        )
    return kept[np.argsort(chosen, kind="stable")], Parts(train, validation, test)


def prepare(
    values: NDArray[np.floating], names: Sequence[str], chosen: Preparation, *, name: str, first: int = 1
) -> Dataset:
    """Make a data set of a table.

    Args:
        values: (N, D), NaN where a value is missing.
        names: of the D columns.
        chosen: what is done with them.
        name: what the data set is called.
        first: what row 0 is called in messages.

    Raises:
        SpecError: when the table cannot be trained on, naming row and column.
    """
    columns = [values[:, place] for place in range(values.shape[1])]
    return prepare_columns(columns, names, chosen, name=name, first=first)


def prepare_columns(
    columns: Sequence[Column],
    names: Sequence[str],
    chosen: Preparation,
    *,
    name: str,
    first: int = 1,
    own: tuple[Column, str] | None = None,
) -> Dataset:
    """As `prepare`, of D columns (N,), which are not copied as a whole.

    `own` is, with that split, the column (N,) that parts the rows, see `own_parts`, and its name.
    """
    import torch

    _check_columns(columns, names)
    kept = _kept(columns, names, chosen.missing, first)
    if chosen.split == "own" and own is not None:
        kept, sizes = own_parts(own[0], kept, own[1], first)
    else:
        sizes = parts(len(kept), chosen.test_share, chosen.validation_share)
    if chosen.split == "shuffled":
        kept = shuffled(kept, chosen.seed)
    points = np.empty((len(kept), len(columns)), np.float32)
    shift, scale = np.zeros(len(columns)), np.ones(len(columns))
    for place, (column, title) in enumerate(zip(columns, names, strict=True)):
        numbers = column[kept].astype(np.float64, copy=False)
        if chosen.missing == "mean":
            numbers = _filled(numbers, sizes, title)
        mean, spread = _moments(numbers, sizes, title)
        if chosen.dequantise > 0:
            numbers = _dequantised(numbers, chosen.dequantise, _generator(chosen.seed, f"noise/{title}"))
            mean, spread = _moments(numbers, sizes, title)
        if chosen.standardise:
            shift[place], scale[place] = mean, spread
        with np.errstate(over="ignore"):
            points[:, place] = numbers
        _check_finite(points[:, place], kept, title, first)
    return Dataset(
        name=name,
        train=torch.from_numpy(points[: sizes.train]),
        validation=torch.from_numpy(points[sizes.train : sizes.known]),
        test=torch.from_numpy(points[sizes.known :]) if sizes.test else None,
        shift=torch.from_numpy(shift).float(),
        scale=torch.from_numpy(scale).float(),
        bounds=_frame(points[: sizes.known, :2]),
        columns=tuple(names),
    )


def shuffled(kept: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The same rows in an order that the seed of the table says."""
    import torch

    order: NDArray[np.int64] = torch.randperm(len(kept), generator=_generator(seed, "split")).numpy()
    return kept[order]


def _generator(seed: int, purpose: str) -> torch.Generator:
    from gmstudio.data.drawn import generator

    return generator(seed, f"table/{purpose}")


def _check_columns(columns: Sequence[Column], names: Sequence[str]) -> None:
    if len(columns) != len(names):
        raise ValueError(f"{len(columns)} columns have {len(names)} names")
    if len(columns) < 2:
        only = f": “{names[0]}”" if names else ""
        raise SpecError(
            f"The table has {len(columns)} column{'' if len(columns) == 1 else 's'} to learn{only}.",
            "Choose at least two columns of numbers.",
            "data.columns",
        )


def _kept(columns: Sequence[Column], names: Sequence[str], missing: Missing, first: int) -> NDArray[np.int64]:
    """The rows that are used, in the order of the file."""
    rows = len(columns[0])
    whole = np.ones(rows, np.bool_)
    emptiest, most = "", 0
    for column, name in zip(columns, names, strict=True):
        gaps = np.isnan(column)
        count = int(np.count_nonzero(gaps))
        if not count:
            continue
        if missing == "refuse":
            others = f", as are {count - 1:,} more of that column" if count > 1 else ""
            raise SpecError(
                f"Row {first + int(gaps.argmax()):,}, column “{name}”: the value is missing{others}.",
                "Drop such rows, fill in means, or leave the column out.",
                "data.missing",
            )
        if missing == "drop rows":
            whole &= ~gaps
            emptiest, most = max((emptiest, most), (name, count), key=lambda found: found[1])
    if rows and not whole.any():
        raise SpecError(
            f"Every row misses a value; column “{emptiest}” misses {most:,} of {rows:,}.",
            "Leave out the columns that miss most, or fill in means.",
            "data.missing",
        )
    return np.flatnonzero(whole)


def _filled(numbers: NDArray[np.float64], sizes: Parts, name: str) -> NDArray[np.float64]:
    """The numbers with the mean of the rows that are not for testing in place of gaps."""
    gaps = np.isnan(numbers)
    if not gaps.any():
        return numbers
    if gaps[: sizes.known].all():
        raise SpecError(f"Column “{name}” has no value to train on.", "Leave it out.", "data.columns")
    return np.where(gaps, np.nanmean(numbers[: sizes.known]), numbers)


def _moments(numbers: NDArray[np.float64], sizes: Parts, name: str) -> tuple[float, float]:
    """Mean and population standard deviation of the rows that are not for testing."""
    known = numbers[: sizes.known]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = float(known.mean()), float(known.std())
        largest = float(np.abs(known).max())
    if spread <= 1e-13 * largest:
        raise SpecError(
            f"Column “{name}” has the same value in every row to train on: {known[0]:g}.",
            "Leave it out: a constant has no density.",
            "data.columns",
        )
    if largest * 2.0**-24 > FINEST * spread and largest < np.finfo(np.float32).max:
        raise SpecError(
            f"Column “{name}” varies by {spread:.3g} around {mean:.6g}: float32, in which models compute, cannot tell "
            "its values apart.",
            "Subtract a constant from it, or leave it out.",
            "data.columns",
        )
    return mean, spread


def _dequantised(numbers: NDArray[np.float64], share: float, generator: torch.Generator) -> NDArray[np.float64]:
    """The numbers with noise if they are few different ones, spread over a share of the gap between two of them."""
    import torch

    if not few_valued(numbers):
        return numbers
    width = share * smallest_gap(numbers)
    noise = torch.rand(len(numbers), generator=generator, dtype=torch.float64).numpy()
    return numbers + width * (noise - 0.5)


def _check_finite(points: NDArray[np.float32], kept: NDArray[np.int64], name: str, first: int) -> None:
    wrong = ~np.isfinite(points)
    if wrong.any():
        row = first + int(kept[int(wrong.argmax())])
        raise SpecError(
            f"Row {row:,}, column “{name}”: the value is too large for float32, in which models compute.",
            "Divide the column by a constant, or leave it out.",
            "data.columns",
        )


def _frame(points: NDArray[np.float32]) -> Bounds:
    """A rectangle around all but the outermost points of two columns, with a tenth of air on every side."""
    some = points[:: -(-len(points) // FRAMED_BY)].astype(np.float64)
    sides: list[float] = []
    for column in some.T:
        low, high = (float(quantile) for quantile in np.quantile(column, (0.005, 0.995)))
        if not low < high:
            low, high = float(column.min()), float(column.max())
        air = 0.1 * (high - low) or 1.0
        sides += [low - air, high + air]
    return (sides[0], sides[1], sides[2], sides[3])
