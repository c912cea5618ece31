"""Files of sweeps: plans as JSON, tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QFileDialog

from gmstudio import durable
from gmstudio.gui.exports import file_name
from gmstudio.gui.loop import Progress
from gmstudio.registry import SpecError
from gmstudio.runs import MAX_BYTES
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps import writing
from gmstudio.sweeps.spec import SweepSpec

if TYPE_CHECKING:
    from gmstudio.gui.main_window import MainWindow
    from gmstudio.gui.sweeps.desk import SweepDesk
    from gmstudio.gui.sweeps.window import SweepWindow

FILTER = "Sweeps (*.json);;All files (*)"
TABLES = "CSV (*.csv);;LaTeX (*.tex);;Markdown (*.md)"


class SweepFiles(QObject):
    """Opens and saves for a desk."""

    def __init__(self, desk: SweepDesk) -> None:
        super().__init__(desk)
        self.desk = desk

    def ask_open(self) -> None:
        """Ask for the JSON file of a sweep and show its plan."""
        folder = self.desk.window.settings.text("folder", str(Path.home()))
        name, _ = QFileDialog.getOpenFileName(self._parent(), "Open a sweep", folder, FILTER)
        if name:
            self.desk.window.settings.set("folder", str(Path(name).parent))
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Read the JSON file of a sweep and show its plan."""
        self.desk.window.jobs.start(
            f"Opening {path.name}",
            partial(read, path),
            self.desk.show_spec,
            partial(self.desk.fail, f"{path.name} was not opened"),
        )

    def ask_save(self) -> None:
        """Ask for a file and save the plan in it."""
        spec = self.desk.shown().plan.spec()
        out = self.desk.window.handlers.exports.ask_file("Save the sweep", f"{file_name(spec.title)}.json", FILTER)
        if out is not None:
            self.write(out.with_suffix(out.suffix or ".json"), specs.to_json(spec).encode())

    def ask_table(self) -> None:
        """Ask for a file and save the table in the form that its name asks for."""
        sweep = self.desk.control.sweep
        if sweep is not None:
            name = f"{file_name(sweep.spec.title)}.csv"
            out = self.desk.window.handlers.exports.ask_file("Save the table", name, TABLES)
            if out is not None:
                self.write_table(out.with_suffix(out.suffix or ".csv"))

    def write_table(self, out: Path) -> None:
        """Write the table that is shown into a file."""
        table = self.desk.shown().results.table_now()
        if table is None:
            return
        try:
            text = writing.form(out)(table)
        except SpecError as error:
            self.desk.shown().complain(error.message, error.remedy)
            return
        self.write(out, text.encode())

    def write(self, out: Path, content: bytes) -> None:
        """Write a file whole or not at all, and say so."""

        def work(progress: Progress) -> Path:
            progress.check()
            durable.replace(out, content)
            return out

        done, failed = self._written, partial(self.desk.fail, f"{out.name} was not written")
        self.desk.window.jobs.start(f"Writing {out.name}", work, done, failed)

    def _written(self, out: Path) -> None:
        self.desk.shown().tell(f"Saved as {out}")

    def copy(self) -> None:
        """Put the table onto the clipboard as Markdown."""
        table = self.desk.shown().results.table_now()
        if table is not None:
            QApplication.clipboard().setText(writing.to_markdown(table))
            self.desk.shown().tell("The table is on the clipboard, as Markdown.")

    def _parent(self) -> MainWindow | SweepWindow:
        dialog = self.desk.dialog
        return dialog if dialog is not None and dialog.isVisible() else self.desk.window


def read(path: Path, progress: Progress) -> SweepSpec:
    """Read the JSON file of a sweep; called in a job's thread."""
    with path.open("rb") as file:
        return specs.from_json(file.read(MAX_BYTES + 1))
