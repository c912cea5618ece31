"""Projects as documents of the window: saved, reopened, recovered, refused; and what is taken out of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject

from gmstudio import runs
from gmstudio.gui.exports import file_name
from gmstudio.gui.loop import CancelledError, Jobs, Progress
from gmstudio.gui.main_window import MainWindow
from gmstudio.projects.project import Project
from gmstudio.runs import Experiment

SECONDS = 60_000
Make = Callable[..., MainWindow]
Tiny = Callable[..., Experiment]


def trained(qtbot: Any, window: MainWindow, steps: int = 20) -> str:
    window.workbench.step(steps)

    def there() -> bool:
        status = window.control.status
        return status is not None and status.step >= steps and status.state == "paused"

    qtbot.waitUntil(there, timeout=SECONDS)
    return window.display.run


def saved_as(qtbot: Any, window: MainWindow, path: Path) -> None:
    window.handlers.documents.save_as(path)
    project = window.workbench.project
    assert project is not None
    qtbot.waitUntil(lambda: project.path == path and not window.jobs.running, timeout=SECONDS)


def test_an_untitled_project_without_work_leaves_nothing(make_window: Make, own_home: Path) -> None:
    window = make_window()
    assert window.windowTitle().startswith("Untitled")
    assert list((own_home / "untitled").glob("*.gmstudio"))
    window.close()
    assert list((own_home / "untitled").glob("*.gmstudio")) == []


def test_a_reopened_project_shows_its_timeline_and_goes_on(
    qtbot: Any, make_window: Make, tiny: Tiny, tmp_path: Path
) -> None:
    window = make_window(tiny(steps=400))
    run = trained(qtbot, window)
    saved_as(qtbot, window, tmp_path / "moons.gmstudio")
    assert window.windowTitle().startswith("moons")
    window.close()

    again = make_window(path=tmp_path / "moons.gmstudio")
    qtbot.waitUntil(lambda: again.display.run == run, timeout=SECONDS)
    assert again.control.state == "stopped"
    assert again.timeline.track.steps == 400
    assert again.timeline.track.step == 20
    assert {0, 20} <= set(again.timeline.track.frames)
    assert again.deck.experiment == window.deck.experiment
    assert not again.workbench.cards_differ
    qtbot.waitUntil(lambda: again.panels["density"].frame is not None, timeout=SECONDS)
    assert again.panels["density"].frame.step == 20
    again.timeline.scrubbed.emit(0)
    qtbot.waitUntil(lambda: again.panels["density"].frame.step == 0, timeout=SECONDS)
    again.workbench.step(5)
    qtbot.waitUntil(lambda: again.control.status is not None and again.control.status.step == 25, timeout=SECONDS)
    assert again.display.run == run
    assert len(again.workbench.project.runs()) == 1


def test_the_timeline_of_a_run_in_epochs_is_as_long_as_its_epochs(
    qtbot: Any, make_window: Make, tiny: Tiny, tmp_path: Path
) -> None:
    experiment = tiny(epochs=7)
    data, training = experiment.run.data, experiment.run.training
    steps = 7 * -(-data.size // training.batch)
    window = make_window(experiment)
    window.workbench.toggle()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    assert window.timeline.track.steps == window.timeline.track.step == steps != training.steps
    saved_as(qtbot, window, tmp_path / "epochs.gmstudio")
    window.close()
    again = make_window(path=tmp_path / "epochs.gmstudio")
    qtbot.waitUntil(lambda: bool(again.display.run), timeout=SECONDS)
    assert again.timeline.track.steps == steps


def test_work_that_a_killed_program_left_is_recovered(
    qtbot: Any, make_window: Make, tiny: Tiny, own_home: Path
) -> None:
    with Project.untitled_project() as project:
        project.add_run(tiny(), "cpu")
        path = project.path
    window = make_window()
    assert window.workbench.project is not None
    assert window.workbench.project.path == path
    assert window.banners.shown[0].title.startswith("Recovered")


def test_a_project_that_another_program_has_open_can_be_looked_at(
    qtbot: Any, make_window: Make, tiny: Tiny, tmp_path: Path
) -> None:
    with Project.create(tmp_path / "held.gmstudio") as held:
        held.add_run(tiny(), "cpu")
        window = make_window(path=tmp_path / "held.gmstudio")
        qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
        banner = window.banners.shown[0]
        assert "open in another GM Studio" in banner.text
        banner.buttons()[0].click()
        qtbot.waitUntil(lambda: window.workbench.project.read_only, timeout=SECONDS)
        assert "(read-only)" in window.windowTitle()
        assert window.timeline.track.steps == 60


@pytest.mark.parametrize("content", [b"this is a text", b"", b"SQLite format 3\x00" + b"\x00" * 200])
def test_a_file_that_is_no_project_is_refused_with_a_remedy(
    qtbot: Any, make_window: Make, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "note.gmstudio"
    path.write_bytes(content)
    window = make_window(path=path)
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    assert "note.gmstudio" in window.banners.shown[0].title
    assert window.workbench.project is not None
    assert window.workbench.project.untitled
    assert path.read_bytes() == content


def test_a_specification_becomes_the_cards(qtbot: Any, make_window: Make, tiny: Tiny, tmp_path: Path) -> None:
    experiment = tiny(steps=77)
    path = tmp_path / "spec.json"
    path.write_text(runs.to_json(experiment), encoding="utf-8")
    window = make_window(path=path)
    qtbot.waitUntil(lambda: window.deck.experiment == experiment, timeout=SECONDS)
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"data": {"kind": "two-moons", "noise": -5}, "model": {"kind": "real-nvp"}}))
    window.handlers.documents.open(wrong)
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    assert "oise" in window.banners.shown[0].text
    assert window.deck.experiment == experiment


def test_cards_are_kept_in_the_project_as_they_change(
    qtbot: Any, make_window: Make, tiny: Tiny, tmp_path: Path
) -> None:
    Project.create(tmp_path / "cards.gmstudio").close()
    window = make_window(path=tmp_path / "cards.gmstudio")
    window.workbench.show_cards(tiny(steps=123))
    qtbot.waitUntil(lambda: window.workbench.project.value("cards") is not None, timeout=5000)
    assert window.workbench.project.value("cards")["run"]["training"]["steps"] == 123
    window.workbench.show_cards(tiny(steps=124))
    window.close()
    again = make_window(path=tmp_path / "cards.gmstudio")
    qtbot.waitUntil(lambda: again.deck.experiment == tiny(steps=124), timeout=SECONDS)


def test_runs_can_be_chosen_renamed_and_deleted(qtbot: Any, make_window: Make, tiny: Tiny) -> None:
    window = make_window(tiny(steps=400))
    first = trained(qtbot, window, 10)
    window.workbench.show_cards(tiny(steps=300))
    second = trained(qtbot, window, 12)
    assert first != second
    window.runs.choose(first)
    assert window.display.run == first
    assert window.deck.experiment.run.training.steps == 400
    assert window.timeline.track.step == 10
    window.runs.rename(first, "The first")
    assert window.toolbar.title.text() == "The first"
    window.docks["runs"].show()
    qtbot.waitUntil(lambda: window.runs.tree.topLevelItemCount() == 2, timeout=SECONDS)
    assert window.runs.tree.topLevelItem(1).text(0) == "The first"
    assert window.runs.tree.topLevelItem(1).childCount() == 2
    window.runs.delete(first)
    assert window.display.run == second
    window.runs.delete(second)
    assert window.display.run == ""
    assert window.workbench.project.runs() == []


def test_a_new_project_keeps_the_old_one(qtbot: Any, make_window: Make, tiny: Tiny, tmp_path: Path) -> None:
    window = make_window(tiny(steps=400))
    saved_as(qtbot, window, tmp_path / "one.gmstudio")
    run = trained(qtbot, window, 10)
    window.actions_.run("file.new")
    assert window.workbench.project.untitled
    assert window.display.run == ""
    assert window.control.state == ""
    with Project.open(tmp_path / "one.gmstudio") as project:
        assert project.run(run).step == 10
    assert window.settings.recent()[0] == str(tmp_path / "one.gmstudio")


def test_everything_can_be_exported(qtbot: Any, make_window: Make, tiny: Tiny, tmp_path: Path) -> None:
    window = make_window(tiny(steps=400))
    trained(qtbot, window, 10)
    exports = window.handlers.exports
    exports.write_folder(tmp_path / "model", 1, "last")
    exports.write_script(tmp_path / "run.py")
    exports.write_spec(tmp_path / "run.json")
    exports.write_metrics(tmp_path / "run.csv")
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=SECONDS)
    assert {banner.kind for banner in window.banners.shown} == {"info"}
    assert (tmp_path / "model" / "model.safetensors").is_file()
    compile((tmp_path / "run.py").read_text(encoding="utf-8"), "run.py", "exec")
    assert runs.from_json((tmp_path / "run.json").read_text(encoding="utf-8")) == window.deck.experiment
    assert "train" in (tmp_path / "run.csv").read_text(encoding="utf-8")
    written = exports.write_panels(tmp_path)
    assert {path.suffix for path in written} == {".png", ".svg"}
    assert all(path.stat().st_size > 500 for path in written)


def test_an_export_that_fails_says_why(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    window.handlers.exports.write_spec(tmp_path / "missing" / "run.json")
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    assert window.banners.shown[0].title.startswith("Could not export")
    assert window.banners.shown[0].kind == "danger"


def test_jobs_report_cancel_and_end_with_the_window(qtbot: Any) -> None:
    parent = QObject()
    jobs = Jobs(parent)
    results: list[Any] = []

    def endless(progress: Progress) -> None:
        while True:
            progress.check()

    def fail(progress: Progress) -> None:
        raise ValueError("no")

    jobs.start("good", lambda progress: 42, results.append, results.append)
    jobs.start("bad", fail, results.append, results.append)
    qtbot.waitUntil(lambda: len(results) == 2, timeout=SECONDS)
    assert 42 in results
    assert any(isinstance(result, ValueError) for result in results)
    job = jobs.start("endless", endless, results.append, results.append)
    job.cancel()
    qtbot.waitUntil(lambda: not jobs.running, timeout=SECONDS)
    jobs.start("endless too", endless, results.append, results.append)
    jobs.close()
    assert len(results) == 2
    assert issubclass(CancelledError, Exception)
    parent.deleteLater()


def test_titles_become_names_of_files() -> None:
    assert file_name("Two moons · Real-NVP / α") == "two-moons-real-nvp-α"
    assert file_name("///") == "untitled"
