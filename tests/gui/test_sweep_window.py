"""The sweep window: planning, the table as it grows, the runs of a cell, pausing, stopping, closing, going on."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from gmstudio.data.sets import uci
from gmstudio.data.uci.catalogue import CATALOGUE
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.sweeps.choices import choices, label, recipes
from gmstudio.gui.sweeps.desk import SweepDesk
from gmstudio.gui.sweeps.table_model import BEST, SHARE
from gmstudio.gui.sweeps.window import PLAN, RESULTS
from gmstudio.projects.project import Project
from gmstudio.runs import TrainingSpec
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps import table, writing
from gmstudio.sweeps.events import Began, Counted, Estimated, Event, Finished, Progress, Retried, State
from gmstudio.sweeps.plan import Plan
from gmstudio.sweeps.spec import SweepSpec
from gmstudio.sweeps.store import Result

PLAIN = {
    "title": "A small table",
    "data": [{"kind": "two-moons", "size": 256}, {"kind": "rings", "size": 256}],
    "models": [{"kind": "real-nvp", "blocks": 1, "hidden": 8, "layers": 1}, {"kind": "gaussian"}],
    "schedules": [{"kind": "off"}, {"kind": "sigmoid"}],
    "trainings": [{"steps": 40, "batch": 32, "threads": 1, "evaluate_every": 20}],
    "seeds": [4, 5],
}


class FakeSweep:
    """Plays what a test tells it; the plan and the table are real."""

    def __init__(self, spec: SweepSpec) -> None:
        self.spec, self.plan = spec, Plan(spec)
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.results: dict[str, Result] = {}
        self.seconds_left: float | None = None
        self.asked: list[str] = []

    def start(self, *, only_measure: bool = False) -> None:
        self.asked.append("measure" if only_measure else "start")

    def pause(self) -> None:
        self.asked.append("pause")
        self.events.put(State("paused"))

    def resume(self) -> None:
        self.asked.append("resume")
        self.events.put(State("running"))

    def stop(self) -> None:
        self.asked.append("stop")
        self.events.put(State("stopped"))

    def join(self, timeout: float | None = None) -> bool:
        return True

    def table(self, units: table.Units = "standardised") -> table.Table:
        return table.build(self.plan, self.results, {}, units)

    def say(self, *some: Event) -> None:
        for event in some:
            if isinstance(event, Finished):
                self.results.update(event.results)
            self.events.put(event)

    def keys(self, data: int, model: int, schedule: int) -> list[str]:
        wanted = (data, model, 0, schedule)
        return [run.key for run in self.plan.runs if run.place[:4] == wanted]


def done(value: float, **more: Any) -> Result:
    return Result(state="done", points="test", last=value, best=value + 0.5, log_volume=0.25, steps=40, **more)


@pytest.fixture
def desk(window: MainWindow) -> SweepDesk:
    """The sweeps of a window whose sweeps are played, and measured at once."""
    made = window.handlers.sweeps.desk
    made.make = lambda spec, project, workers, device: FakeSweep(spec)  # type: ignore[assignment, return-value]
    made._calm.setInterval(0)
    return made


@pytest.fixture
def started(qtbot: Any, desk: SweepDesk) -> tuple[SweepDesk, FakeSweep]:
    """A small sweep that has just begun to train."""
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    desk._calm.stop()
    dialog.plan.start.click()
    qtbot.waitUntil(lambda: desk.control.state == "measuring")
    sweep = desk.control.sweep
    assert isinstance(sweep, FakeSweep)
    sweep.say(Counted(16, 0, 4), State("measuring"), State("running"))
    qtbot.waitUntil(lambda: desk.control.state == "running")
    return desk, sweep


def shown_at(desk: SweepDesk, row: int, column: int, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
    assert desk.dialog is not None
    model = desk.dialog.results.model
    return model.data(model.index(row, column), role)


# Planning.


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


# The table as it grows.


def test_runs_under_way_are_told_in_their_cell_and_in_all(qtbot: Any, started: tuple[SweepDesk, FakeSweep]) -> None:
    desk, sweep = started
    keys = tuple(sweep.keys(0, 0, 0) + sweep.keys(0, 0, 1))
    sweep.seconds_left = 65.0
    sweep.say(Estimated(70.0, 2), Began(0, keys), Progress(0, keys, "running", 10, 40, 100.0, {keys[0]: -1.5}))
    qtbot.waitUntil(lambda: shown_at(desk, 0, 0) == "25%")
    assert shown_at(desk, 0, 0, SHARE) == 0.25
    assert shown_at(desk, 1, 0) == writing.NOTHING
    assert desk.control.share() == pytest.approx(4 * 0.25 / 16)
    assert desk.dialog is not None
    results = desk.dialog.results
    assert results.state.text() == "Training · 0 of 16 runs done · about 1:05 min left · 2 workers"
    results.table.setCurrentIndex(results.model.index(0, 0))
    wanted = ["trains, 25%, validation -1.50", "trains, 25%"]
    qtbot.waitUntil(lambda: [item.text(1) for item in results.runs._items()] == wanted)


def test_the_better_cell_of_a_model_is_marked_and_bold_at_the_moment_that_is_chosen(
    qtbot: Any, started: tuple[SweepDesk, FakeSweep]
) -> None:
    desk, sweep = started
    vanilla, mollified = sweep.keys(0, 0, 0), sweep.keys(0, 0, 1)
    sweep.say(Finished({key: done(-2.0 - i) for i, key in enumerate(vanilla)}))
    sweep.say(Finished({key: done(-1.0 - i) for i, key in enumerate(mollified)}))
    qtbot.waitUntil(lambda: shown_at(desk, 0, 1) == "-1.25 ± 0.71")
    assert shown_at(desk, 0, 0) == "-2.25 ± 0.71"
    assert [shown_at(desk, 0, column, BEST) for column in range(4)] == [False, True, False, False]
    assert shown_at(desk, 0, 1, Qt.ItemDataRole.FontRole).bold()
    assert "the best of this model" in shown_at(desk, 0, 1, Qt.ItemDataRole.AccessibleTextRole)
    assert desk.dialog is not None
    results = desk.dialog.results
    results.when.setCurrentIndex(1)
    assert shown_at(desk, 0, 1) == "-0.75 ± 0.71"
    results.units.setCurrentIndex(1)
    assert shown_at(desk, 0, 1) == "-1.00 ± 0.71"


def test_a_failed_run_is_shown_with_its_reason(qtbot: Any, started: tuple[SweepDesk, FakeSweep]) -> None:
    desk, sweep = started
    good, bad = sweep.keys(1, 0, 0)
    sweep.say(Retried((bad,), "The loss is not finite."))
    qtbot.waitUntil(lambda: bad in desk.control.courses)
    assert desk.dialog is not None
    assert desk.dialog.message.text == "1 run is tried once more. The loss is not finite."
    reason = "The loss is not finite <again>."
    sweep.say(Finished({good: done(-1.0)}), Finished({bad: Result(state="failed", reason=reason)}))
    qtbot.waitUntil(lambda: shown_at(desk, 1, 0) == "-0.75 (1 of 2)")
    tip = shown_at(desk, 1, 0, Qt.ItemDataRole.ToolTipRole)
    assert "1 of 2 runs done, 1 failed" in tip
    assert "not finite &lt;again&gt;" in tip
    assert not shown_at(desk, 1, 0, Qt.ItemDataRole.DecorationRole).isNull()
    results = desk.dialog.results
    assert "1 failed" in results.state.text()
    results.table.setCurrentIndex(results.model.index(1, 0))
    assert [item.text(1) for item in results.runs._items()] == ["done", f"failed: {reason}"]


def test_pause_and_stop_are_asked_for_at_once_and_shown(qtbot: Any, started: tuple[SweepDesk, FakeSweep]) -> None:
    desk, sweep = started
    assert desk.dialog is not None
    results = desk.dialog.results
    results.pause.click()
    assert sweep.asked[-1] == "pause"
    qtbot.waitUntil(lambda: desk.control.state == "paused")
    assert results.pause.text() == "Go on"
    results.pause.click()
    qtbot.waitUntil(lambda: desk.control.state == "running")
    assert sweep.asked[-1] == "resume"
    results.stop.click()
    assert sweep.asked[-1] == "stop"
    assert desk.control.state == "stopping"
    qtbot.waitUntil(lambda: desk.control.state == "stopped")
    assert not results.stop.isVisible()
    assert results.start.isVisible()
    results.start.click()
    assert sweep.asked[-1] == "start"
    assert desk.control.state == "measuring"


def test_start_breaks_an_estimate_off_and_trains(qtbot: Any, desk: SweepDesk) -> None:
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    qtbot.waitUntil(lambda: desk.control.state == "estimating")
    dialog.plan.start.click()
    sweep = desk.control.sweep
    assert isinstance(sweep, FakeSweep)
    qtbot.waitUntil(lambda: desk.control.state == "measuring")
    assert sweep.asked == ["measure", "stop", "start"]
    assert dialog.tabs.currentIndex() == RESULTS


# From the table to elsewhere.


def test_a_run_of_a_cell_comes_onto_the_cards_and_undo_takes_it_back(started: tuple[SweepDesk, FakeSweep]) -> None:
    desk, sweep = started
    assert desk.dialog is not None
    results, deck = desk.dialog.results, desk.window.deck
    before = deck.experiment
    results.table.setCurrentIndex(results.model.index(1, 1))
    results.runs.tree.setCurrentItem(results.runs._items()[1])
    results.runs.cards.click()
    wanted = {
        sweep.spec.run(run.place) for run in sweep.plan.runs if run.place[:3] == (1, 0, 0) and run.place.seed == 1
    }
    assert set(deck.experiment.runs()) == wanted
    assert [column.title for column in deck.experiment.columns] == ["vanilla · seed 5", "mollified · seed 5"]
    desk.window.undo.undo()
    assert deck.experiment == before


@pytest.mark.parametrize(
    ("suffix", "writer"), [(".csv", writing.to_csv), (".tex", writing.to_latex), (".md", writing.to_markdown)]
)
def test_the_table_is_saved_as_the_writers_write_it(
    qtbot: Any,
    started: tuple[SweepDesk, FakeSweep],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    writer: Callable[[table.Table], str],
) -> None:
    desk, sweep = started
    sweep.say(Finished({key: done(-2.0) for key in sweep.keys(0, 0, 0)}))
    qtbot.waitUntil(lambda: shown_at(desk, 0, 0) == "-1.75 ± 0.00")
    out = tmp_path / f"table{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    assert desk.dialog is not None
    desk.dialog.results.save.click()
    qtbot.waitUntil(out.exists)
    assert out.read_text(encoding="utf-8") == writer(sweep.table())
    qtbot.waitUntil(lambda: bool(desk.dialog and str(out) in desk.dialog.note.text()))


def test_a_table_file_of_another_kind_is_refused_with_the_kinds_there_are(
    started: tuple[SweepDesk, FakeSweep], tmp_path: Path
) -> None:
    desk, _ = started
    desk.files.write_table(tmp_path / "table.doc")
    assert desk.dialog is not None
    assert ".csv, .tex, .md" in desk.dialog.message.text
    assert not (tmp_path / "table.doc").exists()


def test_the_table_is_copied_as_markdown(started: tuple[SweepDesk, FakeSweep]) -> None:
    desk, sweep = started
    assert desk.dialog is not None
    desk.dialog.results.copy.click()
    assert QApplication.clipboard().text() == writing.to_markdown(sweep.table())


# Closing.


def test_closing_the_sweep_window_lets_the_sweep_go_on_and_says_so(
    qtbot: Any, started: tuple[SweepDesk, FakeSweep]
) -> None:
    desk, sweep = started
    assert desk.dialog is not None
    qtbot.keyClick(desk.dialog, Qt.Key.Key_Escape)
    assert not desk.dialog.isVisible()
    assert desk.control.state == "running"
    banner = desk.window.banners.shown[0]
    assert "goes on" in banner.title
    desk.window.actions_.run("sweep.new")
    assert desk.dialog.isVisible()
    assert desk.dialog.tabs.currentIndex() == RESULTS
    assert banner not in desk.window.banners.shown
    desk.dialog.close()
    sweep.say(State("failed", "The disk is full."))
    qtbot.waitUntil(lambda: desk.control.state == "failed")
    (banner,) = desk.window.banners.shown
    assert "The disk is full." in banner.text


def test_what_happens_while_the_window_is_closed_is_there_when_it_is_opened(
    qtbot: Any, started: tuple[SweepDesk, FakeSweep]
) -> None:
    desk, sweep = started
    assert desk.dialog is not None
    desk.dialog.close()
    sweep.say(Finished({key: done(-2.0) for key in sweep.keys(0, 0, 0)}))
    with qtbot.waitSignal(desk.control.results_changed):
        pass
    assert shown_at(desk, 0, 0) == writing.NOTHING
    desk.show_table()
    assert shown_at(desk, 0, 0) == "-1.75 ± 0.00"


def test_another_project_stops_the_sweep_first(qtbot: Any, started: tuple[SweepDesk, FakeSweep]) -> None:
    desk, sweep = started
    desk.window.actions_.run("file.new")
    assert sweep.asked[-1] == "stop"
    assert desk.control.sweep is None
    assert desk.dialog is not None
    assert not desk.dialog.isVisible()
    assert desk.dialog.results.model.rowCount() == 0


def test_a_project_with_an_unfinished_sweep_offers_to_go_on(
    qtbot: Any, make_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    path = tmp_path / "left.gmstudio"
    spec = specs.from_plain(PLAIN)
    with Project.create(path) as project:
        project.add_sweep("abc", spec.title, specs.to_json(spec))
        project.set_sweep_state("abc", "stopped")
    window = make_window(path=path)
    desk = window.handlers.sweeps.desk
    desk.make = lambda spec, project, workers, device: FakeSweep(spec)  # type: ignore[assignment, return-value]
    qtbot.waitUntil(lambda: any("not finished" in banner.title for banner in window.banners.shown))
    banner = next(banner for banner in window.banners.shown if "not finished" in banner.title)
    assert "16 of its 16 runs are missing" in banner.text
    qtbot.mouseClick(banner.buttons()[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.control.state == "measuring")
    assert desk.control.sweep is not None
    assert desk.control.sweep.spec == spec


def test_everything_that_takes_the_keyboard_has_a_name_and_every_button_a_hint(desk: SweepDesk) -> None:
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    for page in (PLAN, RESULTS):
        dialog.show_page(page)
        nameless = [
            type(widget).__name__
            for widget in dialog.tabs.currentWidget().findChildren(QWidget)
            if widget.isVisibleTo(dialog)
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and not (widget.accessibleName() or getattr(widget, "text", str)())
        ]
        assert nameless == []
    for button in (dialog.plan.start, dialog.plan.save, dialog.results.pause, dialog.results.runs.cards):
        assert button.toolTip()
