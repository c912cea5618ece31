"""The table of a sweep as it grows, the runs of a cell, pausing, stopping, closing, going on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from sweep_played import PLAIN, FakeSweep, begun, done, played, shown_at

from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.sweeps.desk import SweepDesk
from gmstudio.gui.sweeps.table_model import BEST, SHARE
from gmstudio.gui.sweeps.window import PLAN, RESULTS
from gmstudio.projects.project import Project
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps import table, writing
from gmstudio.sweeps.events import Began, Estimated, Finished, Progress, Retried, State
from gmstudio.sweeps.store import Result


@pytest.fixture
def desk(window: MainWindow) -> SweepDesk:
    """The sweeps of a window whose sweeps are played, and measured at once."""
    return played(window)


@pytest.fixture
def started(qtbot: Any, desk: SweepDesk) -> tuple[SweepDesk, FakeSweep]:
    """A small sweep that has just begun to train."""
    return begun(qtbot, desk)


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


def test_over_the_table_stands_which_sets_were_trained_how_and_how_often(started: tuple[SweepDesk, FakeSweep]) -> None:
    desk, _ = started
    assert desk.dialog is not None
    results = desk.dialog.results
    assert results.title.text() == "A small table" and results.title.isVisible()
    said = "Two moons and Rings, trained for 40 steps in batches of 32 at a learning rate of 0.001, with 2 seeds."
    assert results.subject.text() == said and results.subject.isVisible()


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
