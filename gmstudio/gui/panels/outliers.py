"""The rows that a model finds least likely, in a table that sorts."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QModelIndex, QRectF, QSize, QSortFilterProxyModel, Qt, QTimer
from PySide6.QtGui import QPainter, QPalette, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QStackedLayout, QTableView, QVBoxLayout, QWidget

from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.layered import small_font
from gmstudio.gui.panels.outlier_model import LEVEL, ROW, SET, UNUSUAL, OutlierModel, Usual
from gmstudio.gui.panels.pairs import names_in
from gmstudio.gui.panels.plane_choice import show_row
from gmstudio.gui.panels.plane_link import PlaneLink
from gmstudio.gui.panels.strip_panel import StripPanel
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import F32, Frame, RunInfo

#: Seconds between two tables while a run trains: faster ones cannot be read.
CALM = 0.8


class OutliersPanel(StripPanel):
    """Rows of lowest likelihood; a double click lets the plane of the other panels pass through one."""

    name: ClassVar[str] = "outliers"
    title: ClassVar[str] = "Outliers"
    help: ClassVar[str] = (
        "The training and validation rows that a model finds least likely, of at most 50,000 and 20,000 evenly spread "
        "ones. A double click shows the slice through a row."
    )
    wants: ClassVar[frozenset[str]] = frozenset({"outliers"})
    place: ClassVar[tuple[str, int]] = ("hidden", 52)
    table_place: ClassVar[tuple[str, int] | None] = ("tabs", 4)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame: Frame | None = None
        self.link = PlaneLink(self)
        self.model = OutlierModel()
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.model)
        self.sorted.setSortRole(Qt.ItemDataRole.UserRole)
        self.mode = self.add_choice(
            self.tr("Whose outliers"), self.tr("The model that finds the rows unlikely."), (), self._chosen
        )
        self.table = self._make_table()
        self.note = QLabel(self.empty_hint)
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.note.setWordWrap(True)
        self.note.setMinimumSize(1, 1)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.note)
        self._pages.addWidget(self.table)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(self.strip)
        box.addLayout(self._pages, 1)
        self.setFocusProxy(self.table)
        self._drawn = 0.0
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.timeout.connect(self._fill)
        self._paint()

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.sorted)
        table.setAccessibleName(self.title)
        table.setFont(small_font(self.font(), 0.5))
        table.setSortingEnabled(True)
        table.sortByColumn(LEVEL, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setMinimumSize(1, 1)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 5)
        header = table.horizontalHeader()
        header.setSectionResizeMode(UNUSUAL, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        wide = table.fontMetrics().horizontalAdvance
        for column, words in ((ROW, "000,000"), (SET, "validation"), (LEVEL, "−0.000e00")):
            table.setColumnWidth(column, wide(words) + 26)
        table.activated.connect(self._activated)
        return table

    def set_link(self, link: PlaneLink) -> None:
        """Share the plane with the panels of the window."""
        self.link = link
        if self.info is not None:
            link.begin(self.info)

    @property
    def column(self) -> int:
        """Whose outliers are shown."""
        return max(0, self.mode.currentIndex())

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.frame = None
        self.link.begin(info)
        if list(info.titles) != [self.mode.itemText(k) for k in range(self.mode.count())]:
            self.mode.blockSignals(True)
            self.mode.clear()
            self.mode.addItems(list(info.titles))
            self.mode.blockSignals(False)
        self.mode.setVisible(len(info.titles) > 1)
        self.model.names, self.model.usual = names_in(info), Usual.of(info.data)
        self._fill()

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.frame = None
        self.mode.clear()
        self.mode.show()
        self._fill()

    def show_frame(self, frame: Frame) -> None:
        if self.info is None or frame.run != self.info.run:
            return
        self.frame = frame
        if self._rows() is self.model.rows:
            return
        left = self._drawn + CALM - time.monotonic()
        if left <= 0 or not len(self.model.rows):
            self._fill()
        elif not self._calm.isActive():
            self._calm.start(max(1, round(1000 * left)))

    def _rows(self) -> F32 | None:
        columns = self.frame.columns if self.frame is not None else ()
        return columns[self.column].outliers if self.column < len(columns) else None

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fill()

    def _fill(self) -> None:
        """Show the newest rows; the selected one stays selected."""
        self._calm.stop()
        self._drawn = time.monotonic()
        rows = self._rows()
        if rows is None:
            self.note.setText(self._why())
            self._pages.setCurrentWidget(self.note)
            rows = np.empty((0, 3), dtype=np.float32)
        else:
            self._pages.setCurrentWidget(self.table)
        selected = self._selected()
        if rows is not self.model.rows:
            self.model.show_rows(rows)
        self._select(selected)

    def _why(self) -> str:
        if self.info is None:
            return self.empty_hint
        if self.frame is None:
            return self.tr("Waiting for the first picture…")
        return self.tr("None at this step. They are sought while this list is open, in models that have a density.")

    def _selected(self) -> tuple[int, int] | None:
        index = self.sorted.mapToSource(self.table.currentIndex())
        if not index.isValid() or index.row() >= len(self.model.rows):
            return None
        row = self.model.rows[index.row()]
        return int(row[0]), int(row[1])

    def _select(self, wanted: tuple[int, int] | None) -> None:
        if wanted is None:
            return
        at = np.flatnonzero((self.model.rows[:, 0] == wanted[0]) & (self.model.rows[:, 1] == wanted[1]))
        if len(at):
            self.table.setCurrentIndex(self.sorted.mapFromSource(self.model.index(int(at[0]), 0)))

    def _chosen(self, _index: int) -> None:
        self._fill()

    def _activated(self, index: QModelIndex) -> None:
        """Show the slice through a row."""
        line = self.sorted.mapToSource(index).row()
        if self.info is None or not 0 <= line < len(self.model.rows):
            return
        row = self.model.rows[line]
        kind = "validation row" if row[1] > 0 else "row"
        show_row(self.link, self.info, row[3:].astype(np.float64), f"{kind} {int(row[0])}")

    # Look, words, files.

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self._paint()

    def _paint(self) -> None:
        """Colours of the theme, also where the program's style sheet has those of another."""
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Window, self.theme.colour("panel"))
        palette.setColor(QPalette.ColorRole.WindowText, self.theme.colour("muted"))
        self.setAutoFillBackground(True)
        self.setPalette(palette)
        named = self.theme.colours
        head = f"background: {named['panel']}; color: {named['muted']}; border: none;"
        self.table.setStyleSheet(
            f"QTableView {{ background: {named['plot']}; color: {named['text']}; border: none; border-radius: 0; }}"
            f"QTableView::item:selected {{ background: {named['accent-soft']}; color: {named['text']}; }}"
            f"QHeaderView, QHeaderView::section {{ {head} }}"
            "QHeaderView::section { padding: 3px 6px; font-weight: 600; }"
        )
        self.note.setStyleSheet(f"background: {named['plot']}; color: {named['muted']};")

    def summary(self) -> str:
        if self.info is None or not len(self.model.rows):
            return f"{self.title}: {self._why()}"
        whose = self.info.titles[self.column]
        return f"Outliers of {whose}: {len(self.model.rows)} rows. Least likely: {self.model.told(0)}."

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw title and table on `painter`."""
        scale = size.width() / max(1, self.width())
        painter.save()
        painter.scale(scale, scale)
        wide, tall = size.width() / scale, size.height() / scale
        painter.fillRect(0, 0, round(wide), round(tall), self.theme.colour("panel"))
        line = self.fontMetrics().height() + 4
        if not len(self.model.rows):
            painter.setPen(self.theme.colour("muted"))
            words = Qt.AlignmentFlag.AlignCenter.value | Qt.TextFlag.TextWordWrap.value
            painter.drawText(QRectF(12, 8, wide - 24, tall - 16), words, self._why())
        if self.info is not None:
            painter.setFont(small_font(self.font(), 0.5, bold=True))
            painter.setPen(self.theme.colour(self.theme.column(self.column)))
            painter.drawText(6, line - 6, self.info.titles[self.column])
        painter.setFont(small_font(self.font(), 0.5))
        painter.setPen(self.theme.colour("text"))
        across = (6.0, 70.0, 150.0, 230.0)
        for number in range(min(self.sorted.rowCount(), int(tall // line) - 1)):
            for column, x in enumerate(across):
                told = str(self.sorted.index(number, column).data() or "")
                painter.drawText(round(x), (number + 2) * line - 6, told)
        painter.restore()


PANELS: tuple[type[Panel], ...] = (OutliersPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo_table import main

    main(OutliersPanel)
