"""The rows of lowest likelihood as a table that sorts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from gmstudio.gui.panels.quantiles import Floats, quantiles, ranked
from gmstudio.gui.panels.ticks import short
from gmstudio.observation.frame import F32

HEADINGS = ("Row", "Set", "log p", "Unusual columns")
ROW, SET, LEVEL, UNUSUAL = range(4)
#: Names of unusual columns in a line, and robust deviations from which on a column is called unusual.
MOST_UNUSUAL, UNUSUALLY_FAR = 3, 2.5
#: Half the distance between the quartiles of the normal law, in standard deviations.
QUARTILE = 0.6744897501960817

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Usual:
    """Where the values of the columns usually are.

    Attributes:
        middle: (C,) medians.
        spread: (C,) robust standard deviations: half the distance of the quartiles over that of the normal law.
    """

    middle: Floats
    spread: Floats

    @classmethod
    def of(cls, rows: F32) -> Usual:
        """Of rows (N, C)."""
        found = np.array([quantiles(ranked(column), np.array([0.25, 0.5, 0.75])) for column in rows.T]).reshape(-1, 3)
        spread = (found[:, 2] - found[:, 0]) / (2 * QUARTILE)
        # Where half of the values are equal the quartiles say nothing.
        deviation = np.nan_to_num(rows.astype(np.float64)).std(axis=0) if len(rows) else np.ones(rows.shape[1])
        spread = np.where(spread > 0, spread, np.where(deviation > 0, deviation, 1.0))
        return cls(np.nan_to_num(found[:, 1]), np.nan_to_num(spread, nan=1.0))

    def deviations(self, row: F32) -> Floats:
        """How many robust standard deviations each value of a row (C,) is from its median."""
        away: Floats = (row.astype(np.float64) - self.middle) / self.spread
        return np.nan_to_num(away)


class OutlierModel(QAbstractTableModel):
    """One line for each row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: F32 = np.empty((0, 3), dtype=np.float32)
        self.names: tuple[str, ...] = ()
        self.usual: Usual | None = None
        self._unusual: list[list[tuple[int, float]]] = []

    def show_rows(self, rows: F32) -> None:
        """Show other rows: (K, 3 + C), as in a frame."""
        self.beginResetModel()
        self.rows = rows
        self._unusual = [self._farthest(row) for row in rows]
        self.endResetModel()

    def _farthest(self, row: F32) -> list[tuple[int, float]]:
        """The columns farthest from where they usually are, and by how much; at least one."""
        if self.usual is None or len(self.usual.middle) != len(row) - 3:
            return []
        away = self.usual.deviations(row[3:])
        order = np.argsort(-np.abs(away), kind="stable")[:MOST_UNUSUAL]
        far = [(int(k), float(away[k])) for k in order]
        return [one for one in far if abs(one[1]) >= UNUSUALLY_FAR] or far[:1]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """As many as there are headings."""
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The headings, and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return (
                "Number of the row within its set; the first is 0",
                "Whether the row is trained on",
                "Log-likelihood of the row under the model, in nats, in the units of the data",
                "The values farthest from their medians, in robust standard deviations: what one column alone tells",
            )[section]
        return HEADINGS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What stands in a cell; for sorting, numbers."""
        if not index.isValid():
            return None
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (ROW, LEVEL):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.UserRole:
            return self._value(index.row(), column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.told(index.row())
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if column == ROW:
            return f"{int(row[0]):,}"
        if column == SET:
            return "validation" if row[1] > 0 else "training"
        if column == LEVEL:
            return short(float(row[2]), 4)
        return self._words(index.row())

    def _value(self, line: int, column: int) -> float:
        if column != UNUSUAL:
            return float(self.rows[line][column])
        return max((abs(away) for _, away in self._unusual[line]), default=0.0)

    def _words(self, line: int) -> str:
        named = [(self.names[k] if k < len(self.names) else f"x{k + 1}", away) for k, away in self._unusual[line]]
        return ", ".join(f"{name} {away:+.1f}".replace("-", "−") for name, away in named)

    def told(self, line: int) -> str:
        """A row in words: all its values, or the first of them."""
        row = self.rows[line]
        values = [f"{name} {short(float(v))}" for name, v in zip(self.names, row[3:], strict=False)][:20]
        where = "Validation" if row[1] > 0 else "Training"
        level = short(float(row[2])) if math.isfinite(row[2]) else "–"
        return f"{where} row {int(row[0]):,}, log-likelihood {level} nats: {', '.join(values)}"
