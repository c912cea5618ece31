"""Playing, pausing, stepping, restarting and scrubbing in the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from gmstudio.data.sets.drawing import Drawing
from gmstudio.gui.control import ALIVE, meaning_of_space
from gmstudio.gui.main_window import MainWindow
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.objectives.maximum_likelihood import MaximumLikelihood
from gmstudio.registry import from_plain
from gmstudio.runs import Experiment
from gmstudio.sessions import Status
from gmstudio.training.commands import SetRate, SetSchedule

SECONDS = 60_000
Tiny = Callable[..., Experiment]


def wait_for(qtbot: Any, window: MainWindow, *states: str) -> None:
    qtbot.waitUntil(lambda: window.control.state in states, timeout=SECONDS)


def wait_for_step(qtbot: Any, window: MainWindow, step: int) -> None:
    def there() -> bool:
        status = window.control.status
        return status is not None and status.step >= step and status.state == "paused"

    qtbot.waitUntil(there, timeout=SECONDS)


@pytest.mark.parametrize(
    ("state", "playing", "changed", "wish"),
    [
        ("", False, False, "start"),
        ("running", True, False, "pause"),
        ("running", True, True, "pause"),
        ("building", True, False, "pause"),
        ("paused", False, False, "play"),
        ("paused", False, True, "start"),
        ("finished", False, False, "start"),
        ("stopped", False, False, "resume"),
        ("stopped", False, True, "start"),
        ("failed", False, False, "start"),
    ],
)
def test_space_does_what_a_person_expects(state: str, playing: bool, changed: bool, wish: str) -> None:
    assert meaning_of_space(state, playing, changed) == wish


def test_space_trains_to_the_end_and_panels_show_the_last_step(qtbot: Any, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_Space)
    wait_for(qtbot, window, "finished")
    qtbot.waitUntil(lambda: window.display.frame is not None and window.display.frame.step == 60, timeout=SECONDS)
    assert window.control.status is not None and window.control.status.step == 60
    assert window.timeline.track.step == 60
    assert window.toolbar.play.text() == "Start"
    assert {metric.column for metric in window.display.metrics if metric.name == "train"} == {0, 1}


def test_a_run_that_says_that_it_is_finished_cannot_be_paused_any_more(
    qtbot: Any, make_window: Any, tiny: Tiny
) -> None:
    window = make_window(tiny(steps=100_000))
    window.workbench.toggle()
    wait_for(qtbot, window, "running")
    # The session says so before its thread has ended.
    window.control.take(Status(window.control.session.run_id, "finished", 100_000, 100_000))
    assert not window.control.playing
    assert window.toolbar.play.text() == "Start"


def test_space_holds_and_goes_on(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=100_000))
    window.workbench.toggle()
    wait_for(qtbot, window, "running")
    assert window.toolbar.play.text() == "Pause"
    window.workbench.toggle()
    wait_for(qtbot, window, "paused")
    step = window.control.status.step
    qtbot.wait(150)
    assert window.control.status.step == step
    window.workbench.toggle()
    qtbot.waitUntil(lambda: window.control.status.step > step, timeout=SECONDS)


def test_one_step_is_one_step_and_a_hundred_are_a_hundred(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=400))
    window.workbench.step(1)
    wait_for_step(qtbot, window, 1)
    assert window.control.status.step == 1
    window.actions_.run("run.step100")
    wait_for_step(qtbot, window, 101)
    assert window.control.status.step == 101
    qtbot.waitUntil(lambda: window.display.frame.step == 101, timeout=SECONDS)


def test_a_restart_from_the_same_weights_gives_the_same_bits(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=400))
    project = window.workbench.project
    checkpoints = []
    for _ in range(2):
        window.workbench.start(steps=30)
        wait_for_step(qtbot, window, 30)
        checkpoints.append(project.checkpoint(window.display.run))
    first, second = checkpoints
    assert first.step == second.step == 30
    assert first.arrays.keys() == second.arrays.keys()
    for name, array in first.arrays.items():
        assert np.array_equal(array, second.arrays[name]), name
    assert len(project.runs()) == 2


def test_another_seed_gives_other_weights_and_can_be_undone(qtbot: Any, window: MainWindow) -> None:
    before = window.deck.experiment
    window.workbench.reseed()
    wait_for(qtbot, window, "finished")
    assert window.deck.experiment.run.training.seed == before.run.training.seed + 1
    window.undo.undo()
    assert window.deck.experiment == before


def test_a_changed_card_starts_anew_from_a_pause(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=100_000))
    window.workbench.step(5)
    wait_for_step(qtbot, window, 5)
    first = window.display.run
    window.workbench.show_cards(tiny(steps=90))
    assert window.workbench.cards_differ
    assert window.toolbar.play.text() == "Apply and restart"
    window.workbench.toggle()
    wait_for(qtbot, window, "finished")
    assert window.display.run != first
    assert window.control.status.step == 90


def test_scrubbing_shows_the_past_until_live_is_wanted(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=400))
    for steps in (10, 20, 30):
        window.workbench.step(steps)
        wait_for_step(qtbot, window, {10: 10, 20: 30, 30: 60}[steps])
    qtbot.waitUntil(lambda: 30 in window.timeline.track.frames, timeout=SECONDS)
    window.timeline.scrubbed.emit(30)
    qtbot.waitUntil(lambda: window.display.frame.step == 30, timeout=SECONDS)
    assert window.display.looking == 30
    assert window.badge.isVisible()
    assert "30" in window.badge.text()
    qtbot.waitUntil(lambda: window.panels["density"].frame.step == 30, timeout=SECONDS)
    qtbot.keyClick(window, Qt.Key.Key_L)
    assert window.display.looking is None
    assert window.display.frame.step == 60
    assert not window.badge.isVisible()


def test_live_pictures_are_not_shown_while_the_past_is_looked_at(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=100_000))
    window.workbench.step(5)
    wait_for_step(qtbot, window, 5)
    window.timeline.scrubbed.emit(0)
    qtbot.waitUntil(lambda: window.display.frame.step == 0, timeout=SECONDS)
    window.control.play()
    qtbot.waitUntil(lambda: window.control.status.step > 50, timeout=SECONDS)
    assert window.display.frame.step == 0
    window.workbench.go_live()
    assert window.display.frame.step > 5


def test_the_past_can_be_played_back(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=400))
    for step in (10, 20, 30):
        window.workbench.step(10)
        wait_for_step(qtbot, window, step)
    qtbot.waitUntil(lambda: 30 in window.timeline.track.frames, timeout=SECONDS)
    seen: list[int] = []
    window.display.looked.connect(seen.append)
    window.actions_.run("run.replay")
    assert window.timeline.replaying
    qtbot.waitUntil(lambda: not window.timeline.replaying, timeout=SECONDS)
    assert seen == list(window.timeline.track.frames)
    assert {0, 10, 20, 30} <= set(seen)


def test_a_schedule_can_be_changed_while_it_trains(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=100_000))
    window.workbench.step(5)
    wait_for_step(qtbot, window, 5)
    schedule = from_plain("schedule", {"kind": "constant"})
    assert isinstance(schedule, ScheduleSpec)
    before = window.display.info.plans[1].copy()
    window.handlers.shape_schedule(SetSchedule(1, schedule))
    qtbot.waitUntil(lambda: not np.array_equal(window.display.info.plans[1], before), timeout=SECONDS)
    assert np.array_equal(window.display.info.plans[1][:5], before[:5])
    assert not window.workbench.cards_differ
    window.workbench.edit(SetRate(0, 1e-4))
    window.workbench.step(2)
    wait_for_step(qtbot, window, 7)
    edits = window.workbench.project.edits(window.display.run)
    assert [step for step, _ in edits] == [5, 5]
    qtbot.waitUntil(lambda: len(window.timeline.track.edits) == 2, timeout=SECONDS)


def test_a_diverged_training_says_so_and_the_window_lives(
    qtbot: Any, make_window: Any, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight, calls = MaximumLikelihood.weight, []

    def diverging(self: MaximumLikelihood, batch: int) -> float:
        calls.append(1)
        return weight(self, batch) * (1.0 if len(calls) < 25 else float("nan"))

    window = make_window(tiny(steps=4000))
    with monkeypatch.context() as patch:
        patch.setattr(MaximumLikelihood, "weight", diverging)
        window.workbench.start()
        wait_for(qtbot, window, "failed")
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    assert window.banners.shown[0].title == "The training diverged"
    assert window.banners.shown[0].kind == "danger"
    window.workbench.show_cards(tiny())
    window.workbench.toggle()
    wait_for(qtbot, window, "finished")


def test_a_specification_that_cannot_be_built_is_explained(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    experiment = tiny()
    empty = from_plain("data", {"kind": "drawing"})
    window = make_window(experiment.changed(run=experiment.run.changed(data=empty)))
    window.workbench.start()
    wait_for(qtbot, window, "failed")
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    assert window.banners.shown[0].text


@pytest.mark.parametrize("milliseconds", [0, 30, 120, 400])
def test_the_window_closes_at_any_moment_of_training(
    qtbot: Any, make_window: Any, tiny: Tiny, milliseconds: int
) -> None:
    window = make_window(tiny(steps=100_000))
    window.workbench.start()
    qtbot.wait(milliseconds)
    window.close()
    assert not window.lingering
    assert not window.control.alive


def test_a_run_that_is_stopped_keeps_what_it_has(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=100_000))
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.status is not None and window.control.status.step > 10, timeout=SECONDS)
    window.actions_.run("run.stop")
    wait_for(qtbot, window, "stopped")
    assert window.control.state not in ALIVE
    step = window.control.status.step
    assert window.workbench.project.checkpoint(window.display.run).step == step
    window.workbench.toggle()
    qtbot.waitUntil(lambda: window.control.status is not None and window.control.status.step > step, timeout=SECONDS)
    assert len(window.workbench.project.runs()) == 1


def drawing(*points: tuple[float, float]) -> Drawing:
    return Drawing(points=points, spread=0.2, size=256)


def test_a_drawing_becomes_the_data_of_the_experiment(window: MainWindow) -> None:
    window.drawer.panel.set_spec(drawing((0.0, 0.0), (1.0, 1.0)))
    window.drawer.changed.emit(window.drawer.spec)
    assert window.deck.experiment.run.data == window.drawer.spec
    assert len(window.deck.experiment.run.data.points) == 2


def test_the_card_of_a_drawing_takes_what_is_on_the_canvas(window: MainWindow) -> None:
    window.drawer.set_spec(drawing((0.0, 0.0), (1.0, 1.0)))
    experiment = window.deck.experiment
    window.workbench.show_cards(experiment.changed(run=experiment.run.changed(data=Drawing())))
    assert window.deck.experiment.run.data.points == ((0.0, 0.0), (1.0, 1.0))


def test_drawing_while_it_trains_changes_the_data_and_keeps_the_curves(
    qtbot: Any, make_window: Any, tiny: Tiny
) -> None:
    experiment = tiny(steps=100_000)
    window = make_window(experiment.changed(run=experiment.run.changed(data=drawing((0.0, 0.0), (1.0, 1.0)))))
    window.workbench.step(20)
    wait_for_step(qtbot, window, 20)
    before = window.display.info
    told = len(window.display.metrics)
    window.drawer.panel.set_spec(drawing((0.0, 0.0), (1.0, 1.0), (-1.0, 2.0)))
    window.drawer.changed.emit(window.drawer.spec)
    qtbot.waitUntil(lambda: window.display.info is not before, timeout=SECONDS)
    assert not window.workbench.cards_differ
    assert len(window.display.metrics) >= told > 0
    window.workbench.step(5)
    wait_for_step(qtbot, window, 25)
    assert [edit["kind"] for _, edit in window.workbench.project.edits(window.display.run)] == ["data"]


def test_the_zoom_decides_what_is_observed(qtbot: Any, make_window: Any, tiny: Tiny) -> None:
    window = make_window(tiny(steps=100_000))
    window.workbench.step(3)
    wait_for_step(qtbot, window, 3)
    qtbot.waitUntil(lambda: window.link.home == window.display.info.bounds, timeout=SECONDS)
    window.link.zoom(0.5)
    wanted = window.link.bounds
    qtbot.waitUntil(lambda: window.display.frame.view.bounds == wanted, timeout=SECONDS)
    window.workbench.restart()
    wait_for(qtbot, window, "paused")
    qtbot.waitUntil(lambda: window.display.frame.view.bounds == wanted, timeout=SECONDS)


def test_only_what_visible_panels_draw_is_observed(window: MainWindow) -> None:
    assert {"log_density", "score", "samples", "batch"} <= window.display.wants
    window.docks["density"].close()
    assert "log_density" not in window.display.wants
    window.layout_.toggle_maximised(window.docks["samples"])
    assert window.display.wants == window.panels["samples"].wants
