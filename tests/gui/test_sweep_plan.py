"""The plan of a sweep: axes, runs, time, files, recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QLocale, QPoint, Qt
from PySide6.QtGui import QFontMetrics, QHelpEvent, QTextLayout
from PySide6.QtWidgets import QApplication, QFileDialog, QStyle, QStyleOptionViewItem, QWidget
from sweep_played import PLAIN, FakeSweep, done, played, shown_at

from gmstudio.data.sets import uci
from gmstudio.data.uci.catalogue import CATALOGUE
from gmstudio.gui import style
from gmstudio.gui.cards.number_box import NumberBox
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.sweeps.axis_list import AxisList
from gmstudio.gui.sweeps.choices import choices, label, recipes
from gmstudio.gui.sweeps.desk import SweepDesk
from gmstudio.gui.sweeps.window import PLAN, RESULTS
from gmstudio.gui.theme import themes
from gmstudio.runs import TrainingSpec
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps import workers
from gmstudio.sweeps.events import Estimated, State
from gmstudio.sweeps.spec import SweepSpec

Feature = QStyleOptionViewItem.ViewItemFeature


@pytest.fixture
def desk(window: MainWindow) -> SweepDesk:
    """The sweeps of a window whose sweeps are played, and measured at once."""
    return played(window)


def test_a_new_sweep_begins_with_the_cards_vanilla_beside_mollified(qtbot: Any, desk: SweepDesk) -> None:
    desk.window.actions_.run("sweep.new")
    assert desk.dialog is not None
    assert desk.dialog.isVisible()
    plan, run = desk.dialog.plan, desk.window.deck.experiment.run
    spec = plan.spec()
    assert (spec.data, spec.models, spec.trainings) == ((run.data,), (run.model,), (run.training,))
    assert [schedule.off for schedule in spec.schedules] == [True, False]
    assert spec.schedules[1] == run.mollification
    assert spec.seeds == (1, 2, 3)
    assert plan.count.text() == "1 data set × 1 model × 2 schedules × 3 seeds = 6 runs"


def test_the_plan_says_which_models_learn_otherwise(desk: SweepDesk) -> None:
    models = [{"kind": "maf"}, {"kind": "vae"}, {"kind": "vae", "latent": 1}]
    plan = desk.show_spec(specs.from_plain({**PLAIN, "models": models})).plan
    assert plan.objective.text() == "Objective: Maximum likelihood; for VAE: ELBO"


def test_ticking_counts_the_runs_at_once_and_measures_their_time(qtbot: Any, desk: SweepDesk) -> None:
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    assert dialog.plan.count.text().endswith("= 16 runs")
    dialog.plan.form.take("seeds", 10)
    assert dialog.plan.count.text().endswith("10 seeds = 80 runs")
    qtbot.waitUntil(lambda: desk.control.state == "estimating")
    sweep = desk.control.sweep
    assert isinstance(sweep, FakeSweep)
    assert sweep.asked == ["measure"]
    sweep.say(State("measuring"), Estimated(125.0, 2), State("finished"))
    qtbot.waitUntil(lambda: desk.control.state == "idle")
    assert dialog.plan.time.text() == "About 2:05 min on 2 workers."


def test_no_number_of_workers_reads_automatic_and_says_on_hover_how_many_that_is(
    qtbot: Any, desk: SweepDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "cores", lambda: 7)
    monkeypatch.setattr(workers, "gpus", lambda: ())
    plan = desk.show_spec(specs.from_plain(PLAIN)).plan
    row = plan.form.rows["workers"]
    box = row.editor.findChild(NumberBox)
    assert isinstance(box, NumberBox) and box.lineEdit().text() == "automatic"
    QApplication.sendEvent(row.editor, QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), QPoint(1, 1)))
    assert "Automatic is 7 workers on this machine." in row.editor.toolTip()
    box.stepUp()
    assert (plan.workers, box.lineEdit().text()) == (1, "1")
    box.lineEdit().setText("Automatic")
    box.commit()
    assert (plan.workers, box.lineEdit().text()) == (0, "automatic")
    box.lineEdit().setText("many")
    box.commit()
    assert plan.workers == 0 and "Workers is 'many'" in row.message.text()


def test_a_plan_without_a_model_cannot_start_and_says_what_is_missing(desk: SweepDesk) -> None:
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    models = dialog.plan.axes["models"]
    for spec in models.ticked:
        models.tick(spec, False)
    assert dialog.plan.count.text() == "No entry is ticked under Models. Tick at least one."
    assert not dialog.plan.start.isEnabled()
    assert not dialog.plan.save.isEnabled()


def test_what_is_on_a_card_now_can_be_added(desk: SweepDesk) -> None:
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    before = dialog.plan.axes["models"].ticked
    dialog.plan.axes["models"].take.click()
    assert dialog.plan.axes["models"].ticked == (*before, desk.window.deck.experiment.run.model)


def test_names_that_are_too_long_for_a_list_go_on_beneath_themselves_at_every_width(qtbot: Any) -> None:
    spec = specs.from_plain(PLAIN)
    shown = AxisList("Models", "", "Model")
    qtbot.addWidget(shown)
    shown.setStyleSheet(style.style_sheet(themes().current))
    found = choices("models", [spec])
    shown.show_entries(found, spec.models)
    shown.show()
    many = 0
    for width in range(170, 330, 3):
        shown.resize(width, 500)
        QApplication.processEvents()
        for row in range(shown.list.count()):
            item = shown.list.item(row)
            room = shown.list.visualItemRect(item)
            text = shown.list.itemDelegate().displayText(item.text(), QLocale())
            option = QStyleOptionViewItem()
            option.initFrom(shown.list)
            option.features = Feature.HasCheckIndicator | Feature.HasDisplay | Feature.WrapText
            option.rect, option.text = room, text
            area = shown.list.style().subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, shown.list)
            margin = shown.list.style().pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin) + 1
            lines = lines_of(text, area.width() - 2 * margin, shown)
            assert room.width() <= shown.list.viewport().width()
            assert room.height() >= lines * QFontMetrics(shown.font()).height()
            many += lines > 1
    assert many
    names = [shown.list.item(row).toolTip() for row in range(shown.list.count())]
    assert all(any(entry.label in name for name in names) for entry in found)


def lines_of(text: str, width: float, widget: QWidget) -> int:
    """How many lines a text has, by the engine that paints it."""
    layout = QTextLayout(text, widget.font())
    layout.beginLayout()
    count = 0
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        count += 1
    layout.endLayout()
    return count


def test_a_data_set_that_is_not_downloaded_is_named_with_the_way_to_it(desk: SweepDesk) -> None:
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    listed = dialog.plan.axes["data"].list
    hepmass = next(listed.item(row) for row in range(listed.count()) if "HEPMASS" in listed.item(row).text())
    assert not hepmass.flags() & Qt.ItemFlag.ItemIsEnabled
    assert "Ctrl+U" in hepmass.toolTip()


def test_a_data_set_that_has_arrived_can_be_ticked_and_ticks_stay(
    desk: SweepDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    before = dialog.plan.spec()
    monkeypatch.setattr(uci, "available", lambda name: True)
    desk.window.handlers.tables.downloads.arrived.emit(CATALOGUE["HEPMASS"])
    assert dialog.plan.spec() == before
    dialog.plan.axes["data"].tick(uci.UciSpec(name="HEPMASS"))
    assert dialog.plan.spec().data == (*before.data, uci.UciSpec(name="HEPMASS"))


def test_a_training_in_epochs_is_called_by_them() -> None:
    assert label(TrainingSpec(epochs=150, batch=100, rate=1e-4)) == "150 epochs × 100 · rate 0.0001"


def test_a_sweep_that_is_saved_is_what_the_command_line_reads(
    qtbot: Any, desk: SweepDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "small.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    spec = specs.from_plain(PLAIN)
    desk.show_spec(spec)
    desk.files.ask_save()
    qtbot.waitUntil(out.exists)
    assert specs.from_json(out.read_bytes()) == spec
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(out), ""))
    assert desk.dialog is not None
    desk.dialog.plan.begin()
    desk.window.actions_.run("sweep.open")
    qtbot.waitUntil(lambda: desk.dialog is not None and desk.dialog.plan.title.text() == "A small table")
    assert desk.dialog.plan.spec() == spec


def test_a_file_that_is_no_sweep_is_refused_in_words(qtbot: Any, desk: SweepDesk, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text('{"data": 3}')
    desk.new()
    desk.files.open(path)
    assert desk.dialog is not None
    qtbot.waitUntil(lambda: bool(desk.dialog and desk.dialog.message.text))
    assert "wrong.json was not opened" in desk.dialog.message.text


def test_opening_any_json_file_of_a_sweep_shows_its_plan(qtbot: Any, desk: SweepDesk, tmp_path: Path) -> None:
    path = tmp_path / "small.json"
    path.write_text(specs.to_json(specs.from_plain(PLAIN)))
    desk.window.handlers.documents.open(path)
    qtbot.waitUntil(lambda: desk.dialog is not None and desk.dialog.plan.title.text() == "A small table")
    before = desk.window.deck.experiment
    path.write_text('{"models": [], "data": []}')
    desk.window.handlers.documents.open(path)
    qtbot.waitUntil(lambda: bool(desk.window.banners.shown))
    assert "small.json was not opened" in desk.window.banners.shown[0].title
    assert "The sweep has no data." in desk.window.banners.shown[0].text
    assert desk.window.deck.experiment == before


def test_a_recipe_of_the_program_can_be_begun_with_and_its_models_chosen(tmp_path: Path) -> None:
    (tmp_path / "table.json").write_text(specs.to_json(specs.from_plain(PLAIN)))
    (tmp_path / "wrong.json").write_text("{}")
    found = recipes(tmp_path)
    assert found == [specs.from_plain(PLAIN)]
    labels = [choice.label for choice in choices("models", found)]
    assert "Real-NVP · blocks 1 · hidden 8 — A small table" in labels
    assert labels.count("Gaussian") == 1


def test_a_sweep_that_the_project_holds_is_taken_up_with_its_table(qtbot: Any, desk: SweepDesk) -> None:
    spec, project = specs.from_plain(PLAIN), desk.window.workbench.project
    assert project is not None
    project.add_sweep("abc", spec.title, specs.to_json(spec))

    def make(spec: SweepSpec, *others: object) -> FakeSweep:
        sweep = FakeSweep(spec)
        sweep.results = {key: done(-2.0) for key in sweep.keys(1, 1, 1)}
        return sweep

    desk.make = make  # type: ignore[assignment]
    desk.new()
    assert desk.dialog is not None
    combo = desk.dialog.plan.recipes
    place = combo.findText("In this project: A small table")
    combo.setCurrentIndex(place)
    combo.activated.emit(place)
    assert desk.dialog.plan.spec() == spec
    qtbot.waitUntil(lambda: desk.dialog is not None and desk.dialog.tabs.currentIndex() == RESULTS)
    assert shown_at(desk, 1, 3) == "-1.75 ± 0.00"


def test_return_ticks_and_enters_numbers_and_only_with_ctrl_starts(qtbot: Any, desk: SweepDesk) -> None:
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    desk._calm.stop()
    models = dialog.plan.axes["models"]
    models.list.setFocus()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is dialog)
    qtbot.keyClick(models.list, Qt.Key.Key_Return)
    assert len(models.ticked) == 1
    qtbot.keyClick(dialog.plan.title, Qt.Key.Key_Return)
    assert dialog.tabs.currentIndex() == PLAN
    qtbot.keyClick(models.list, Qt.Key.Key_Space)
    assert len(models.ticked) == 2
    qtbot.keyClick(dialog.plan.title, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: desk.control.state == "measuring")
    assert dialog.tabs.currentIndex() == RESULTS
