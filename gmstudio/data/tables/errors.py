"""What can be wrong with a table."""

from __future__ import annotations

from gmstudio.errors import RefusedError


class TableError(RefusedError):
    """A table cannot be read or used.

    Args:
        message: what is wrong.
        remedy: what the person can do about it.
        row: the row, counted as an editor counts the lines of a text: a header is row 1. None where no row is to blame.
        column: the name of the column; empty where no column is to blame.
    """

    def __init__(self, message: str, remedy: str = "", *, row: int | None = None, column: str = "") -> None:
        super().__init__(message, remedy)
        self.row = row
        self.column = column


class TableCancelledError(TableError):
    """Reading was stopped because somebody asked for it."""

    def __init__(self) -> None:
        super().__init__("Reading the table was stopped.")


def at_cell(what: str, remedy: str, row: int, column: str) -> TableError:
    """The error of one cell.

    Args:
        what: goes on after “Row 3, column “height”: ”.
        remedy, row, column: as in `TableError`.
    """
    return TableError(f"Row {row:,}, column “{column}”: {what}", remedy, row=row, column=column)


def at_row(what: str, remedy: str, row: int) -> TableError:
    """The error of one row; `what` goes on after “Row 3 ”."""
    return TableError(f"Row {row:,} {what}", remedy, row=row)


def quoted(text: str, most: int = 40) -> str:
    """Text from a stranger's file in quotation marks, on one line and not too long."""
    shown = "".join(c if c.isprintable() else "�" for c in text[: most + 1])
    return f"“{shown[: most - 1]}…”" if len(text) > most else f"“{shown}”"
