"""The table of a sweep as it grows: rows are data sets, columns are models, each vanilla and mollified."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from gmstudio.gui.icons import icon
from gmstudio.gui.sweeps.control import Course
from gmstudio.gui.theme import themes
from gmstudio.sweeps.table import WHEN, Cell, Row, Table, When
from gmstudio.sweeps.writing import DIGITS, NOTHING, shown

Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
#: Roles of a cell: how much of what is under way is done (None for nothing), whether it is the best of its model.
SHARE, BEST = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
#: What stands over the columns that nobody trains.
UNTRAINED = "Without training"
_BASELINES = {
    "Gaussian": "A Gaussian with the mean and covariance of the training points.",
    "Gaussian mixture": "A mixture of Gaussians, fitted by EM; the validation points choose how many.",
}


class TableModel(QAbstractTableModel):
    """A table, and how far the runs are that will fill it."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Table | None = None
        self.when: When = "last"
        self._courses: Mapping[str, Course] = {}
        self._best: frozenset[tuple[int, int]] = frozenset()

    # What it shows.

    def show(self, table: Table | None) -> None:
        """Show a table; one of the same shape keeps selection and widths."""
        before = self.table
        same = before is not None and table is not None and _shape(before) == _shape(table)
        if same:
            self.table = table
            self._judge()
            return
        self.beginResetModel()
        self.table = table
        self._best = _best(table, self.when)
        self.endResetModel()

    def show_when(self, when: When) -> None:
        """Show the likelihoods at another moment."""
        self.when = when
        self._judge()

    def show_courses(self, courses: Mapping[str, Course]) -> None:
        """Show how far runs under way are."""
        self._courses = courses
        self._tell()

    def _judge(self) -> None:
        self._best = _best(self.table, self.when)
        self._tell()

    def _tell(self) -> None:
        if self.table is not None and self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1))

    # What is where.

    def groups(self) -> list[tuple[str, int, int]]:
        """Model, first column and number of columns of everything that has one heading."""
        if self.table is None:
            return []
        names = [heading.model for heading in self.table.headings] + [UNTRAINED] * len(self.table.baselines)
        found: list[tuple[str, int, int]] = []
        for column, name in enumerate(names):
            if found and found[-1][0] == name:
                found[-1] = (name, found[-1][1], found[-1][2] + 1)
            else:
                found.append((name, column, 1))
        return found

    def cell(self, row: int, column: int) -> Cell | None:
        """The cell of runs there; None for a classical baseline."""
        if self.table is None or not 0 <= row < len(self.table.rows) or not 0 <= column < len(self.table.headings):
            return None
        return self.table.rows[row].cells[column]

    def title(self, row: int, column: int) -> str:
        """What a cell is: ``Two moons · Real-NVP, mollified``."""
        assert self.table is not None
        heading = self.table.headings[column]
        return f"{self.table.rows[row].data} · {heading.model}, {heading.schedule}"

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        """Data sets."""
        return 0 if parent.isValid() or self.table is None else len(self.table.rows)

    def columnCount(self, parent: Index = _NO_INDEX) -> int:
        """Trained columns and baselines."""
        if parent.isValid() or self.table is None:
            return 0
        return len(self.table.headings) + len(self.table.baselines)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Data sets at the left, schedules above; the models above those are the view's."""
        table = self.table
        if table is None:
            return None
        if orientation == Qt.Orientation.Vertical:
            return _row_head(table.rows[section], role)
        trained = section < len(table.headings)
        name = table.headings[section].schedule if trained else table.baselines[section - len(table.headings)]
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{table.headings[section].model}, {name}" if trained else _BASELINES.get(name, name)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Mean and deviation, or how far it is."""
        table = self.table
        if table is None or not index.isValid():
            return None
        row, column = index.row(), index.column()
        cell = self.cell(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT
        if cell is None:
            value = table.rows[row].baselines.get(table.baselines[column - len(table.headings)])
            return _baseline(value, role)
        if role == BEST:
            return (row, column) in self._best
        if role == SHARE:
            return self._share(cell)
        if role == Qt.ItemDataRole.FontRole and (row, column) in self._best:
            font = QFont()
            font.setBold(True)
            return font
        return self._cell_data(row, column, cell, role)

    def _cell_data(self, row: int, column: int, cell: Cell, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(cell)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column, cell)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            best = ", the best of this model" if (row, column) in self._best else ""
            return f"{self.title(row, column)}: {self._text(cell)}{best}"
        if role == Qt.ItemDataRole.DecorationRole and cell.failed:
            return icon("warning", "danger")
        if role == Qt.ItemDataRole.ForegroundRole and not cell.at(self.when).count:
            return themes().current.colour("danger" if cell.failed or cell.infinite else "muted")
        return None

    # Words.

    def _share(self, cell: Cell) -> float | None:
        """How much of the cell is done; None while nothing of it is under way."""
        under_way = [self._courses[key].share for key in cell.keys if key in self._courses]
        if not under_way:
            return None
        ended = len(cell.keys) - cell.missing
        return min(1.0, (ended + sum(under_way)) / len(cell.keys))

    def _text(self, cell: Cell) -> str:
        share = self._share(cell)
        if share is not None and not cell.at(self.when).count and not cell.failed:
            return f"{share:.0%}"
        return shown(cell, self.when)

    def _tip(self, row: int, column: int, cell: Cell) -> str:
        lines = [f"<b>{escape(self.title(row, column))}</b>"]
        for when, words in WHEN.items():
            found = cell.at(when)
            if found.count:
                deviation = "" if math.isnan(found.deviation) else f" ± {found.deviation:.4f}"
                lines.append(f"{words.capitalize()}: {found.mean:.4f}{deviation}")
        under_way = sum(key in self._courses for key in cell.keys)
        facts = [f"{len(cell.keys) - cell.missing - cell.failed} of {len(cell.keys)} runs done"]
        facts += [f"{under_way} under way"] * bool(under_way) + [f"{cell.failed} failed"] * bool(cell.failed)
        waiting = cell.missing - under_way
        facts += [f"{waiting} not begun"] * (waiting > 0)
        facts += [f"{cell.infinite} with no finite likelihood"] * bool(cell.infinite)
        lines.append(", ".join(facts))
        lines += [f"Failed: {escape(reason)}" for reason in cell.reasons[:3]]
        if (row, column) in self._best:
            lines.append("The best of this model on these data")
        lines.append("Click it for its runs")
        return "<br>".join(lines)


def _shape(table: Table) -> tuple[Any, ...]:
    return table.headings, table.baselines, tuple(row.data for row in table.rows)


def _row_head(row: Row, role: int) -> Any:
    if role == Qt.ItemDataRole.DisplayRole:
        return row.data
    if role == Qt.ItemDataRole.ToolTipRole:
        points = f"measured on the {row.points} points" if row.points else "nothing measured yet"
        return f"{row.data}: {points}"
    if role == Qt.ItemDataRole.TextAlignmentRole:
        return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    return None


def _baseline(value: float | None, role: int) -> Any:
    if role == Qt.ItemDataRole.DisplayRole:
        return NOTHING if value is None else f"{value:.{DIGITS}f}"
    if role == Qt.ItemDataRole.ForegroundRole:
        return themes().current.colour("muted")
    if role == Qt.ItemDataRole.ToolTipRole and value is None:
        return "Not known yet; it is found when the sweep runs"
    return None


def _best(table: Table | None, when: When) -> frozenset[tuple[int, int]]:
    """Row and column of the best cell of each model, where two or more can be compared."""
    found = set()
    if table is None:
        return frozenset()
    models: dict[str, list[int]] = {}
    for j, heading in enumerate(table.headings):
        models.setdefault(heading.model, []).append(j)
    for i, row in enumerate(table.rows):
        for columns in models.values():
            means = {j: row.cells[j].at(when).mean for j in columns if row.cells[j].at(when).count}
            if len(means) > 1 and len(set(means.values())) > 1:
                found.add((i, max(means, key=lambda j: means[j])))
    return frozenset(found)
