"""Taking things away: models, scripts, specifications, tables, pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSize
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFileDialog, QFormLayout, QLabel

from gmstudio.gui.loop import Progress
from gmstudio.runs import Experiment, to_json

if TYPE_CHECKING:
    from gmstudio.gui.main_window import MainWindow
    from gmstudio.gui.panels.base import Panel

#: Pixels of a PNG for each of the screen's.
SHARPNESS = 2


def file_name(text: str) -> str:
    """A title as the name of a file."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.").lower() or "untitled"


class Exports(QObject):
    """Asks where to, writes in the background, and says where it is."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window

    # The trained model.

    def folder(self) -> None:
        """Ask for column and weights, then for a place."""
        work = self.window.workbench
        if work.project is None or not work.display.run:
            return
        experiment = work.project.run(work.display.run).experiment
        choice = WeightsDialog(self.window, experiment)
        if choice.exec() != QDialog.DialogCode.Accepted:
            return
        column, which = choice.column.currentIndex(), str(choice.which.currentData())
        title = experiment.columns[column].title
        place = self._ask_folder("Save the trained model in")
        if place is not None:
            self.write_folder(place / file_name(f"{self._title()}-{title}"), column, which)

    def write_folder(self, out: Path, column: int, which: str) -> None:
        """Write a trained model.

        Args:
            out: the folder to make.
            column: of the run that is shown.
            which: ``last`` or ``best``.
        """
        project, run = self.window.workbench.project, self.window.workbench.display.run
        assert project is not None

        def write(progress: Progress) -> Path:
            from gmstudio.exporting import folder

            checkpoint = project.checkpoint(run)
            if checkpoint is None:
                raise folder.FolderError("The run has no weights yet.", "Train it for a while first.")
            progress.check()
            return folder.export(checkpoint, project.run(run).experiment, column, out, which=which)  # type: ignore[arg-type]

        self._start("the trained model", write)

    # Texts.

    def script(self) -> None:
        """Save the run as a script."""
        out = self.ask_file("Save as a script", f"{file_name(self._title())}.py", "Python (*.py)")
        if out is not None:
            self.write_script(out)

    def write_script(self, out: Path) -> None:
        """Write the script of the run that is shown, or of the cards."""
        experiment = self._experiment()

        def text() -> str:
            from gmstudio.exporting.script import script

            return script(experiment)

        self._start("the script", partial(_write_text, out, text))

    def spec(self) -> None:
        """Save the cards as JSON."""
        out = self.ask_file("Save the specification", f"{file_name(self._title())}.json", "JSON (*.json)")
        if out is not None:
            self.write_spec(out)

    def write_spec(self, out: Path) -> None:
        """Write the cards."""
        text = to_json(self.window.deck.experiment)
        self._start("the specification", partial(_write_text, out, lambda: text))

    def metrics(self) -> None:
        """Save the run's figures."""
        out = self.ask_file("Save the metrics", f"{file_name(self._title())}.csv", "Tables (*.csv)")
        if out is not None:
            self.write_metrics(out)

    def write_metrics(self, out: Path) -> None:
        """Write the figures of the run that is shown."""
        titles = [column.title for column in self._experiment().columns]
        metrics = list(self.window.display.metrics)

        def text() -> str:
            from gmstudio.exporting.tables import metrics_csv

            return metrics_csv(metrics, titles)

        self._start("the metrics", partial(_write_text, out, text))

    # Pictures.

    def panels(self) -> None:
        """Save every open panel as PNG and SVG."""
        place = self._ask_folder("Save the panels in")
        if place is not None:
            self.write_panels(place)

    def write_panels(self, place: Path) -> list[Path]:
        """Write each visible panel as PNG and as SVG into a folder; returns the files."""
        base = file_name(self._title())
        written: list[Path] = []
        for panel in self.window.panels.values():
            if panel.isVisible():
                path = place / f"{base}-{file_name(panel.name)}"
                written += [write_png(panel, path.with_suffix(".png")), write_svg(panel, path.with_suffix(".svg"))]
        self._done("the panels", place)
        return written

    def window_picture(self) -> None:
        """Save the whole window as PNG."""
        out = self.ask_file("Save the window", "gm-studio.png", "Pictures (*.png)")
        if out is not None:
            self.window.grab().save(str(out))
            self._done("the window", out)

    # What all have in common.

    def _experiment(self) -> Experiment:
        return self.window.workbench.trained or self.window.deck.experiment

    def _title(self) -> str:
        return self.window.toolbar.title.text() or "run"

    def ask_file(self, title: str, name: str, kinds: str) -> Path | None:
        """Ask where to save, beginning in the folder used last; None when the person thinks better of it."""
        folder = Path(self.window.settings.text("folder", str(Path.home())))
        chosen, _ = QFileDialog.getSaveFileName(self.window, title, str(folder / name), kinds)
        return self._remember(Path(chosen).parent, Path(chosen)) if chosen else None

    def _ask_folder(self, title: str) -> Path | None:
        folder = self.window.settings.text("folder", str(Path.home()))
        chosen = QFileDialog.getExistingDirectory(self.window, title, folder)
        return self._remember(Path(chosen), Path(chosen)) if chosen else None

    def _remember(self, folder: Path, chosen: Path) -> Path:
        self.window.settings.set("folder", str(folder))
        return chosen

    def _start(self, what: str, write: Callable[[Progress], Path]) -> None:
        self.window.jobs.start(f"Exporting {what}", write, partial(self._done, what), partial(self._failed, what))

    def _done(self, what: str, path: Path) -> None:
        self.window.show_banner(f"Exported {what}", str(path))

    def _failed(self, what: str, error: BaseException) -> None:
        from gmstudio.training.problems import problem_of

        problem = problem_of(error)
        self.window.show_banner(f"Could not export {what}", problem.what, problem.remedy, "danger")


class WeightsDialog(QDialog):
    """Which column, and its last or best weights."""

    def __init__(self, window: MainWindow, experiment: Experiment) -> None:
        super().__init__(window)
        self.setWindowTitle("Export the trained model")
        form = QFormLayout(self)
        self.column = QComboBox(self)
        self.column.addItems([column.title for column in experiment.columns])
        self.column.setCurrentIndex(len(experiment.columns) - 1)
        self.which = QComboBox(self)
        self.which.addItem("Last", "last")
        self.which.addItem("Best on validation data", "best")
        form.addRow("Column", self.column)
        form.addRow("Weights", self.which)
        note = QLabel("A folder that gmstudio.load reads: safetensors, configuration and a model card.", self)
        note.setWordWrap(True)
        form.addRow(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self)
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Choose a place…")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)


def _write_text(out: Path, text: Callable[[], str], progress: Progress) -> Path:
    content = text()
    progress.check()
    part = out.with_name(f".{out.name}.part")
    part.write_text(content, encoding="utf-8")
    part.replace(out)
    return out


def write_png(panel: Panel, out: Path) -> Path:
    """Draw a panel as PNG, twice as fine as the screen."""
    size = panel.size() * SHARPNESS
    picture = QPixmap(size)
    picture.fill(panel.theme.colour("panel"))
    painter = QPainter(picture)
    panel.paint_for_export(painter, size)
    painter.end()
    _require(picture.save(str(out)), out)
    return out


def write_svg(panel: Panel, out: Path) -> Path:
    """Draw a panel as SVG."""
    from PySide6.QtSvg import QSvgGenerator

    size = QSize(panel.size())
    generator = QSvgGenerator()
    generator.setFileName(str(out))
    generator.setSize(size)
    generator.setViewBox(panel.rect())
    generator.setTitle(panel.title)
    generator.setDescription(panel.summary())
    painter = QPainter()
    _require(painter.begin(generator), out)
    painter.fillRect(panel.rect(), panel.theme.colour("panel"))
    panel.paint_for_export(painter, size)
    painter.end()
    return out


def _require(good: bool, out: Path) -> Any:
    if not good:
        raise OSError(f"{out} could not be written.")
