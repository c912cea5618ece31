"""Tables from files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Literal

from gmstudio.data.base import Dataset, DataSpec
from gmstudio.data.tables.fields import Dequantise, FilePath, Seed, Sha256, Standardise, TestShare, ValidationShare
from gmstudio.registry import SpecError, component, describe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gmstudio.data.tables.table import Column, Table

_CHOOSE = "Open the table again, and choose what of it is learned."


@component(
    "data",
    title="Table",
    summary="Your own numbers, from a CSV, Parquet, NumPy or ARFF file.",
    order=3,
)
class TableSpec(DataSpec, frozen=True, kw_only=True, tag="table"):
    """A file, what of it is learned, and how it is prepared.

    The data do not depend on the seed of a run, so that runs of several seeds learn from the same rows.
    """

    path: FilePath = ""
    sha256: Sha256 = ""
    columns: Annotated[
        tuple[str, ...],
        describe("The columns that are learned; none for all that hold numbers.", widget="hidden"),
    ] = ()
    missing: Annotated[
        Literal["drop rows", "mean", "refuse"],
        describe(
            "What becomes of missing values: leave out their rows, put the column's mean there, or refuse the table.",
            label="Missing values",
        ),
    ] = "drop rows"
    standardise: Standardise = True
    dequantise: Dequantise = 0.0
    split: Annotated[
        Literal["file order", "shuffled", "own"],
        describe(
            "Which rows are for testing and validation: the last ones of the file, as in the papers, any, or those "
            "that a column of the table names."
        ),
    ] = "file order"
    split_column: Annotated[
        str,
        describe(
            "With a split of your own: the column that says 0 for rows to train on, 1 for rows to validate, 2 for rows "
            "to test. It is not learned.",
            label="Column of the split",
            advanced=True,
        ),
    ] = "split"
    test_share: TestShare = 0.1
    validation_share: ValidationShare = 0.1
    seed: Seed = 0

    @property
    def name(self) -> str:
        """The name of the file, without its ending."""
        return Path(self.path).name.split(".", 1)[0] or "Table"

    def build(self, seed: int) -> Dataset:
        """Read the file, unless it has just been read, and prepare it; `seed` changes nothing.

        Raises:
            SpecError: when the file cannot be read, is not the one with that hash, lacks a column, or cannot be
                trained on; with row and column where one of them is to blame.
        """
        from gmstudio.data.tables.preparing import Preparation, prepare_columns

        table = self._table()
        columns = self._chosen(table)
        chosen = Preparation(
            standardise=self.standardise,
            dequantise=self.dequantise,
            split=self.split,
            test_share=self.test_share,
            validation_share=self.validation_share,
            seed=self.seed,
            missing=self.missing,
        )
        return prepare_columns(
            [column.values for column in columns if column.values is not None],
            [column.name for column in columns],
            chosen,
            name=self.name,
            first=table.first,
            own=self.own(table),
        )

    def own(self, table: Table) -> tuple[NDArray[np.floating], str] | None:
        """The column that parts the rows, with its name; None where none does.

        Raises:
            SpecError: when the table has no such column of numbers.
        """
        if self.split != "own":
            return None
        found = next((column.values for column in table.numbers if column.name == self.split_column), None)
        if found is None:
            raise SpecError(
                f"The table has no column of numbers “{self.split_column}” to be split by.",
                "Name the column that holds 0, 1 or 2 for rows to train on, to validate and to test.",
                "data.split_column",
            )
        return found, self.split_column

    def _table(self) -> Table:
        """The file's content.

        Raises:
            SpecError: when there is none, or another one than was chosen.
        """
        from gmstudio.data.tables.errors import TableError

        if not self.path:
            raise SpecError(
                "No table is chosen.", "Open one: File > Open table, or drop it on the window.", "data.path"
            )
        try:
            table = read_once(Path(self.path))
        except TableError as error:
            raise SpecError(error.message, error.remedy, "data.path") from error
        if self.sha256 and table.sha256 != self.sha256:
            raise SpecError(
                f"The file “{self.path}” has changed since it was chosen.",
                "Put it back as it was, or choose the file again.",
                "data.sha256",
            )
        return table

    def _chosen(self, table: Table) -> list[Column]:
        """The columns that are learned, in the order in which they are named."""
        apart = self.split_column if self.split == "own" else None
        if not self.columns:
            return [column for column in table.numbers if column.name != apart]
        known = {column.name: column for column in table.columns}
        for name in self.columns:
            if name not in known:
                raise SpecError(f"The table has no column “{name}”.", _CHOOSE, "data.columns")
            if name == apart:
                raise SpecError(f"Column “{name}” parts the rows and cannot be learned.", _CHOOSE, "data.columns")
            if known[name].values is None:
                raise SpecError(f"Column “{name}” holds no numbers, but {known[name].kind}.", _CHOOSE, "data.columns")
        if len(set(self.columns)) < len(self.columns):
            raise SpecError("A column is chosen twice.", "Choose every column once.", "data.columns")
        return [known[name] for name in self.columns]


#: The file that was read last: path, time of its last change in nanoseconds, size.
_last: tuple[tuple[str, int, int], Table] | None = None
_reading = Lock()


def read_once(
    path: Path,
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Table:
    """Read a table, unless it is the last one that was read and its file is as it was.

    Args:
        path, progress, cancelled: as for `gmstudio.data.tables.reading.read`.

    Raises:
        TableCancelledError, TableError: as `gmstudio.data.tables.reading.read` does.
    """
    from gmstudio.data.tables.reading import read

    global _last
    with _reading:
        try:
            info = path.stat()
            key = (str(path.absolute()), info.st_mtime_ns, info.st_size)
        except (OSError, ValueError):
            # Reading says why.
            return read(path, progress=progress, cancelled=cancelled)
        if _last is None or _last[0] != key:
            # Two large tables need not be held at once.
            _last = None
            _last = (key, read(path, progress=progress, cancelled=cancelled))
        return _last[1]
