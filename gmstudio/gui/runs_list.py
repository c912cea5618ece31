"""Every run of the project, side by side with its last figures: choose, rename, delete, compare."""

from __future__ import annotations

import datetime
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QInputDialog, QMenu, QMessageBox, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from gmstudio.gui.status_bar import WORDS
from gmstudio.observation.frame import METRICS, Metric
from gmstudio.projects.errors import ProjectError

if TYPE_CHECKING:
    from gmstudio.gui.workbench import Workbench
    from gmstudio.projects.project import RunRecord

#: Metric -> the head of its column.
COMPARED = {"validation": "log p", "kl": "KL", "fisher": "Score", "mmd": "MMD²", "modes": "Modes"}


class RunsList(QWidget):
    """The runs of the workbench's project."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self._workbench = workbench
        self._records: dict[str, RunRecord] = {}
        self.tree = QTreeWidget(self)
        self.tree.setAccessibleName("Runs of the project")
        self.tree.setHeaderLabels(["Run", *COMPARED.values()])
        for place, name in enumerate(COMPARED, start=1):
            self.tree.headerItem().setToolTip(place, METRICS[name][0])
        self.tree.setIndentation(12)
        self.tree.setRootIsDecorated(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._menu)
        self.tree.itemActivated.connect(self._activated)
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 4, 4, 4)
        box.addWidget(self.tree)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(100)
        self._soon.timeout.connect(self.reload)
        workbench.runs_changed.connect(self._changed)
        workbench.control.started.connect(self._changed)

    def _changed(self, *_: object) -> None:
        self._records.clear()
        if self.isVisible():
            self._soon.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Read the runs when they are looked at."""
        super().showEvent(event)
        self._soon.start()

    def records(self) -> list[RunRecord]:
        """The runs, oldest first."""
        project = self._workbench.project
        if project is None:
            return []
        try:
            return project.runs()
        except ProjectError:
            return []

    def reload(self) -> None:
        """Read the runs anew, newest first."""
        self.tree.clear()
        for record in reversed(self.records()):
            self.tree.addTopLevelItem(self._item(record))
        self.tree.expandAll()
        for row in range(self.tree.topLevelItemCount()):
            # A title goes over all columns; Qt asks that it is said again when the item is in the tree.
            self.tree.setFirstColumnSpanned(row, self.tree.rootIndex(), True)
        for column in range(self.tree.columnCount()):
            self.tree.resizeColumnToContents(column)

    def _item(self, record: RunRecord) -> QTreeWidgetItem:
        project = self._workbench.project
        assert project is not None
        state = WORDS.get(record.state, record.state)
        item = QTreeWidgetItem([record.title])
        font = item.font(0)
        font.setBold(record.id == self._workbench.display.run)
        item.setFont(0, font)
        item.setData(0, Qt.ItemDataRole.UserRole, record.id)
        when = datetime.datetime.fromisoformat(record.created).strftime("%d %B %Y, %H:%M")
        item.setToolTip(0, f"{record.title}\n{state} at step {record.step:,}\nBegun {when} on {record.device}")
        try:
            last = last_values(project.metrics(record.id))
        except ProjectError:
            last = {}
        for index, column in enumerate(record.experiment.columns):
            figures = [last.get((name, index)) for name in COMPARED]
            child = QTreeWidgetItem([column.title, *("" if f is None else f"{f:.4g}" for f in figures)])
            child.setData(0, Qt.ItemDataRole.UserRole, record.id)
            item.addChild(child)
        return item

    def _record(self, run: str) -> RunRecord | None:
        if run not in self._records:
            self._records = {record.id: record for record in self.records()}
        return self._records.get(run)

    def title_of_shown(self) -> str:
        """The name of the run that is shown; empty for none."""
        run = self._workbench.display.run
        record = self._record(run) if run and self._workbench.control.state != "building" else None
        return record.title if record is not None else ""

    def _activated(self, item: QTreeWidgetItem) -> None:
        self.choose(str(item.data(0, Qt.ItemDataRole.UserRole)))

    def choose(self, run: str) -> None:
        """Show a run."""
        record = self._record(run)
        if record is not None:
            self._workbench.choose_run(record)
            self._soon.start()

    def _menu(self, at: QPoint) -> None:
        item = self.tree.itemAt(at)
        if item is None:
            return
        run = str(item.data(0, Qt.ItemDataRole.UserRole))
        menu = QMenu(self)
        menu.addAction("Show", partial(self.choose, run))
        menu.addAction("Rename…", partial(self.ask_rename, run))
        menu.addAction("Delete…", partial(self.ask_delete, run))
        menu.exec(self.tree.viewport().mapToGlobal(at))
        menu.deleteLater()

    def rename_shown(self) -> None:
        """Ask for a name of the run that is shown."""
        self.ask_rename(self._workbench.display.run)

    def ask_rename(self, run: str) -> None:
        """Ask for a run's name."""
        record = self._record(run)
        if record is None:
            return
        name, good = QInputDialog.getText(self, "Rename run", "Name", text=record.title)
        if good and name.strip():
            self.rename(run, name)

    def rename(self, run: str, name: str) -> None:
        """Give a run a name."""
        project = self._workbench.project
        if project is not None:
            project.rename_run(run, name)
            self._workbench.runs_changed.emit()
            self._workbench.changed.emit()

    def ask_delete(self, run: str) -> None:
        """Delete a run, after asking."""
        record = self._record(run)
        if record is None:
            return
        question = f"Delete “{record.title}” with its pictures, figures and weights? This cannot be undone."
        if QMessageBox.question(self, "Delete run", question) == QMessageBox.StandardButton.Yes:
            self.delete(run)

    def delete(self, run: str) -> None:
        """Delete a run."""
        work = self._workbench
        project = work.project
        if project is None:
            return
        shown = run == work.display.run
        if shown:
            work.control.release()
        project.remove_run(run)
        self._records.clear()
        if shown:
            rest = self.records()
            if rest:
                work.show_run(rest[-1])
            else:
                work.show_nothing()
        work.runs_changed.emit()
        work.changed.emit()


def last_values(metrics: list[Metric]) -> dict[tuple[str, int], float]:
    """The last value of every metric of every column."""
    return {(metric.name, metric.column): metric.value for metric in metrics}
