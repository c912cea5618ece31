"""What the stage shows before the first run: a preview of the cards, which is never taken for a run."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from gmstudio import registry, sessions
from gmstudio.data.sets.drawing import Drawing
from gmstudio.gui import control as controls
from gmstudio.gui.control import Start
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.panels.metrics import MetricsPanel
from gmstudio.gui.panels.plane_panel import PlanePanel
from gmstudio.runs import Experiment
from gmstudio.sessions import Preview

SECONDS = 60_000
UNTRAINED, UPDATING = "Preview, untrained.", "The preview is being made"
Make, Tiny = Callable[..., MainWindow], Callable[..., Experiment]
STAGE = ("data", "density", "score", "samples")


@pytest.fixture
def window(make_window: Make, tiny: Tiny) -> MainWindow:
    """A shown window with an untitled project, in which torch is loaded."""
    return make_window(tiny(), warm_up=True)


def words(window: MainWindow) -> str:
    return window.timeline.track.words


def panel(window: MainWindow, name: str) -> PlanePanel:
    found = window.panels[name]
    assert isinstance(found, PlanePanel)
    return found


def wait_for_preview(qtbot: Any, window: MainWindow) -> None:
    """Until a preview of the cards as they are stands on the stage, sharp."""

    def there() -> bool:
        frame = window.display.frame
        fresh = words(window).startswith(UNTRAINED) and frame is not None and frame.age == 0
        return fresh and all(panel(window, name).frame is frame for name in STAGE)

    qtbot.waitUntil(there, timeout=SECONDS)
    assert window.display.preview == window.deck.experiment


def with_data(experiment: Experiment, **plain: Any) -> Experiment:
    data = registry.from_plain("data", plain)
    return experiment.changed(run=experiment.run.changed(data=data))


def runs_of(window: MainWindow) -> list[str]:
    project = window.workbench.project
    assert project is not None
    return [record.id for record in project.runs()]


def test_before_the_first_run_every_panel_shows_what_it_would_begin_with(qtbot: Any, window: MainWindow) -> None:
    wait_for_preview(qtbot, window)
    columns = panel(window, "density").frame.columns
    assert len(columns) == 2
    for column in columns:
        assert column.log_density is not None and column.score is not None
        assert column.samples is not None and column.batch is not None
    assert np.array_equal(panel(window, "data").info.data, window.display.info.data)
    qtbot.waitUntil(lambda: panel(window, "score").truth is not None, timeout=SECONDS)
    assert panel(window, "score").truth.score is not None
    metrics = window.panels["metrics"]
    assert isinstance(metrics, MetricsPanel)
    qtbot.waitUntil(lambda: metrics.table.value("kl", 1) is not None, timeout=SECONDS)
    qtbot.waitUntil(lambda: bool(window.panels["curves"].courses.baselines), timeout=SECONDS)
    assert window.display.info.plans.shape == (2, 60) and window.display.info.plans[1, 0] == pytest.approx(1.0)
    assert [heading.note for heading in panel(window, "density").row.headings[:2]] == ["untrained"] * 2


def test_a_preview_is_no_run(qtbot: Any, window: MainWindow) -> None:
    wait_for_preview(qtbot, window)
    assert runs_of(window) == []
    assert window.runs.records() == []
    assert window.display.run == "" and window.timeline.track.steps == 0 and not len(window.timeline.track.frames)
    assert window.control.state == "" and not window.control.playing and not window.control.alive
    assert window.control.status is None and window.toolbar.play.text() == "Start"
    assert "untrained" in window.status_line.labels["state"].text()
    assert "untrained" in window.timeline.summary()
    assert not window.actions_.action("run.stop").isEnabled()
    assert not window.actions_.action("export.folder").isEnabled()
    assert gc.isenabled()


def test_without_torch_nothing_is_built(qtbot: Any, make_window: Make, tiny: Tiny) -> None:
    window = make_window(tiny())
    qtbot.wait(600)
    assert window.control.previewing is None and window.display.preview is None
    assert words(window) == "Press Space to train; the run's timeline appears here"


def test_a_changed_card_refreshes_it_and_what_is_old_is_not_called_new(
    qtbot: Any, window: MainWindow, tiny: Tiny
) -> None:
    wait_for_preview(qtbot, window)
    before = window.display.info
    window.workbench.show_cards(with_data(tiny(), kind="rings", size=300))
    assert words(window).startswith(UPDATING)
    wait_for_preview(qtbot, window)
    assert window.display.info is not before and len(window.display.info.data) == 300
    experiment = window.deck.experiment
    window.workbench.show_cards(experiment.changed(columns=experiment.columns[:1]))
    assert words(window).startswith(UPDATING)
    wait_for_preview(qtbot, window)
    assert len(panel(window, "density").frame.columns) == 1
    assert runs_of(window) == []


def test_changes_that_come_fast_make_one_preview(qtbot: Any, window: MainWindow, tiny: Tiny) -> None:
    wait_for_preview(qtbot, window)
    asked: list[Any] = []
    window.control.previewed.connect(asked.append)
    for size in (260, 261, 262, 263):
        window.workbench.show_cards(with_data(tiny(), kind="rings", size=size))
    window.workbench.show_cards(tiny())
    assert words(window).startswith(UNTRAINED), "the cards are again what is shown"
    window.workbench.show_cards(with_data(tiny(), kind="rings", size=264))
    wait_for_preview(qtbot, window)
    assert len(asked) == 1 and len(window.display.info.data) == 264


def test_drawing_refreshes_it(qtbot: Any, window: MainWindow, tiny: Tiny) -> None:
    window.workbench.show_cards(with_data(tiny(), kind="drawing", points=[[0.0, 0.0], [1.0, 1.0]], spread=0.2))
    wait_for_preview(qtbot, window)
    before = window.display.info
    window.drawer.panel.set_spec(Drawing(points=((0.0, 0.0), (1.0, 1.0), (-2.0, 1.0)), spread=0.2, size=256))
    window.drawer.changed.emit(window.drawer.spec)
    assert words(window).startswith(UPDATING)
    wait_for_preview(qtbot, window)
    assert window.display.info is not before
    assert window.display.info.data[:, 0].min() < -1.5


def test_the_zoom_decides_what_is_previewed(qtbot: Any, window: MainWindow) -> None:
    wait_for_preview(qtbot, window)
    window.link.zoom(0.5)
    wanted = window.link.bounds
    qtbot.waitUntil(lambda: window.display.frame.view.bounds == wanted, timeout=SECONDS)
    assert window.display.frame.step == 0


@pytest.mark.parametrize("moment", ["shown", "changed"])
def test_space_starts_a_run_of_the_cards_at_once(qtbot: Any, window: MainWindow, tiny: Tiny, moment: str) -> None:
    wait_for_preview(qtbot, window)
    if moment == "changed":
        window.workbench.show_cards(tiny(steps=80))
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert window.control.state == "building" and window.control.alive and window.control.playing
    assert window.display.preview is None and window.control.previewing is None
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    steps = 80 if moment == "changed" else 60
    qtbot.waitUntil(lambda: window.display.frame is not None and window.display.frame.step == steps, timeout=SECONDS)
    assert runs_of(window) == [window.display.run]
    assert [heading.note for heading in panel(window, "density").row.headings[:2]] == ["", ""]
    assert "untrained" not in window.status_line.labels["state"].text()


def test_one_step_from_a_preview_is_one_step(qtbot: Any, window: MainWindow) -> None:
    wait_for_preview(qtbot, window)
    qtbot.keyClick(window, Qt.Key.Key_Right)

    def there() -> bool:
        return window.control.state == "paused" and window.control.status.step == 1

    qtbot.waitUntil(there, timeout=SECONDS)
    assert len(runs_of(window)) == 1


def test_a_run_that_is_shown_stays_also_when_the_cards_differ(qtbot: Any, window: MainWindow, tiny: Tiny) -> None:
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    run = window.display.run
    window.workbench.show_cards(with_data(tiny(), kind="rings"))
    qtbot.wait(600)
    assert window.control.previewing is None and window.display.preview is None and window.display.run == run
    assert panel(window, "density").frame.run == run and window.control.state == "finished"


def test_a_new_project_shows_its_own_preview_and_nothing_of_the_run_before(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    window.handlers.documents.new()
    assert all(panel(window, name).info is None for name in STAGE)
    wait_for_preview(qtbot, window)
    assert runs_of(window) == []


def test_a_project_with_runs_shows_the_last_one(qtbot: Any, make_window: Make, tiny: Tiny, tmp_path: Path) -> None:
    window = make_window(tiny(), warm_up=True)
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    run = window.display.run
    window.handlers.documents.save_as(tmp_path / "one.gmstudio")
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=SECONDS)
    window.close()
    again = make_window(path=tmp_path / "one.gmstudio", warm_up=True)
    qtbot.waitUntil(lambda: again.display.run == run, timeout=SECONDS)
    qtbot.wait(600)
    assert again.display.preview is None and again.control.previewing is None
    again.runs.delete(run)
    assert all(panel(again, name).info is None for name in STAGE)
    wait_for_preview(qtbot, again)


def test_a_card_that_cannot_be_built_says_so_once_calmly_and_in_the_words_of_a_run(
    qtbot: Any, window: MainWindow, tiny: Tiny
) -> None:
    wait_for_preview(qtbot, window)
    for size in (256, 257):
        window.workbench.show_cards(with_data(tiny(), kind="drawing", size=size))
        qtbot.waitUntil(lambda: "drawing is empty" in panel(window, "density").row.hint, timeout=SECONDS)
        assert panel(window, "density").frame is None and window.display.preview is None
        assert not words(window).startswith(UNTRAINED)
        if size == 256:
            (banner,) = window.banners.shown
            assert banner.kind == "info"
            banner.dismiss()
    assert window.banners.shown == [], "it was said already"
    assert window.control.state == "" and runs_of(window) == []
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.state == "failed", timeout=SECONDS)
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    qtbot.wait(50)
    (said,) = window.banners.shown
    assert (said.title, said.text, said.kind) == (banner.title, banner.text, "danger")


def test_the_message_goes_when_the_card_is_mended(qtbot: Any, window: MainWindow, tiny: Tiny) -> None:
    window.workbench.show_cards(with_data(tiny(), kind="drawing"))
    qtbot.waitUntil(lambda: len(window.banners.shown) == 1, timeout=SECONDS)
    window.workbench.show_cards(tiny())
    wait_for_preview(qtbot, window)
    assert window.banners.shown == []


def test_a_run_that_fails_before_its_first_picture_leaves_nothing_of_the_preview(
    qtbot: Any, window: MainWindow, tiny: Tiny
) -> None:
    wait_for_preview(qtbot, window)
    window.workbench.show_cards(with_data(tiny(), kind="drawing"))
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.state == "failed", timeout=SECONDS)
    assert all(panel(window, name).info is None and panel(window, name).frame is None for name in STAGE)


def test_a_model_that_is_too_big_is_not_previewed_but_can_be_trained(
    qtbot: Any, window: MainWindow, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_preview(qtbot, window)
    monkeypatch.setattr(sessions.preview, "MOST_PARAMETERS", 100)
    window.workbench.show_cards(tiny(steps=80))
    qtbot.waitUntil(lambda: "too many for a preview" in panel(window, "density").row.hint, timeout=SECONDS)
    assert window.banners.shown == [], "it is no mistake"
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Previews that are in the middle of something long until the event is set."""
    go_on = threading.Event()

    class Stuck(Preview):
        def _build(self) -> None:
            go_on.wait(60)
            super()._build()

    monkeypatch.setattr(controls, "Preview", Stuck)
    yield go_on
    go_on.set()


def test_nothing_waits_for_a_preview_that_takes_long(
    qtbot: Any, make_window: Make, tiny: Tiny, stuck: threading.Event
) -> None:
    window = make_window(tiny(), warm_up=True)
    qtbot.waitUntil(lambda: window.control.previewing is not None, timeout=SECONDS)
    window.workbench.show_cards(tiny(steps=70))
    qtbot.wait(400)
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    assert window.control.status.step == 70 and runs_of(window) == [window.display.run]
    window.handlers.documents.new()
    assert not stuck.is_set() and window.control._leaving
    stuck.set()
    qtbot.waitUntil(lambda: not window.control._leaving, timeout=SECONDS)
    wait_for_preview(qtbot, window)


def test_one_preview_is_built_at_a_time_and_the_newest_wish_wins(
    qtbot: Any, make_window: Make, tiny: Tiny, stuck: threading.Event
) -> None:
    window = make_window(tiny(), warm_up=True)
    begun: list[Any] = []
    window.control.previewed.connect(begun.append)
    qtbot.waitUntil(lambda: len(begun) == 1, timeout=SECONDS)
    for steps in (70, 80, 90):
        window.control.preview(Start(tiny(steps=steps)))
    window.workbench.show_cards(tiny(steps=90))
    assert len(begun) == 1
    stuck.set()
    wait_for_preview(qtbot, window)
    assert [session.experiment.run.training.steps for session in begun] == [60, 90]


@pytest.mark.parametrize("milliseconds", [0, 40, 120, 300, 700])
def test_the_window_closes_at_any_moment_of_a_preview(
    qtbot: Any, make_window: Make, tiny: Tiny, milliseconds: int
) -> None:
    window = make_window(tiny(), warm_up=True)
    begun: list[Any] = []
    window.control.previewed.connect(begun.append)
    qtbot.waitUntil(lambda: bool(begun), timeout=SECONDS)
    qtbot.wait(milliseconds)
    window.close()
    assert not window.lingering and not window.control.alive
    assert window.control._preview is None and not window.control._leaving


def test_a_window_that_closes_in_a_long_part_of_a_preview_lingers(
    qtbot: Any, make_window: Make, tiny: Tiny, stuck: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gmstudio.gui import main_window

    window = make_window(tiny(), warm_up=True)
    qtbot.waitUntil(lambda: window.control.previewing is not None, timeout=SECONDS)
    monkeypatch.setattr(main_window, "CLOSE_WAIT", 50)
    window.close()
    assert window.lingering
    stuck.set()
    for thread in window.control._leaving:
        assert thread.wait(SECONDS)
