"""Tables that are opened in the window: dropped, cancelled, refused, used, undone, changed behind its back."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog

from gmstudio.data.sets.table import TableSpec
from gmstudio.data.tables import reading
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.tables.import_dialog import ImportDialog

SECONDS = 30_000


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small clean table."""
    values = np.random.default_rng(1).standard_normal((120, 3))
    path = tmp_path / "wine.csv"
    path.write_text("a,b,c\n" + "\n".join(",".join(f"{x:.6f}" for x in row) for row in values), encoding="utf-8")
    return path


def urls(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop(window: MainWindow, *paths: Path) -> bool:
    """Drags files over the window and lets them go; returns whether it would have them."""
    data = urls(*paths)
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), copy, data, left, none)
    QApplication.sendEvent(window, enter)
    if enter.isAccepted():
        QApplication.sendEvent(window, QDropEvent(QPointF(5, 5), copy, data, left, none))
    return enter.isAccepted()


def dialog_of(qtbot: Any, window: MainWindow) -> ImportDialog:
    tables = window.handlers.tables
    qtbot.waitUntil(lambda: tables.dialog is not None, timeout=SECONDS)
    assert tables.dialog is not None
    return tables.dialog


def opened(qtbot: Any, window: MainWindow, path: Path) -> TableSpec:
    window.handlers.tables.open(path)
    dialog_of(qtbot, window).use()
    spec = window.deck.experiment.run.data
    assert isinstance(spec, TableSpec)
    return spec


def test_a_table_that_is_dropped_is_offered_used_undone_and_redone(qtbot: Any, window: MainWindow, table: Path) -> None:
    before = window.deck.experiment
    assert drop(window, table)
    dialog = dialog_of(qtbot, window)
    assert window.deck.experiment == before
    dialog.model.tick([1], False)
    dialog.use()
    spec = window.deck.experiment.run.data
    assert isinstance(spec, TableSpec)
    assert (spec.path, spec.columns) == (str(table), ("a", "c"))
    assert spec.build(1).dim == 2
    assert window.deck.cards["data"].isVisible()
    assert window.deck.source.isVisible()
    assert "120 rows × 2 of 3 columns" in window.deck.source.extent.text()
    assert window.undo.undoText() == "Train on wine.csv"
    window.undo.undo()
    assert window.deck.experiment == before
    assert not window.deck.source.isVisible()
    window.undo.redo()
    assert window.deck.experiment.run.data == spec
    assert "120 rows × 2 of 3 columns" in window.deck.source.extent.text()
    assert window.handlers.tables.dialog is None


def test_a_dialog_that_is_closed_changes_nothing(qtbot: Any, window: MainWindow, table: Path) -> None:
    before = window.deck.experiment
    window.handlers.tables.open(table)
    dialog_of(qtbot, window).reject()
    assert window.deck.experiment == before
    assert not window.undo.canUndo()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("header.csv", b"a,b\n", "row"),
        ("words.csv", b"a,b\nx,y\nz,w\n", "no column of numbers"),
        ("ragged.csv", b"a,b\n1,2\n3\n4,5\n", "Row 3"),
        ("wrong.csv", b"a,b\n1,2\n3,x\n4,5\n6,7\n", "column “b”"),
        ("report.pdf", b"%PDF-1.7 and so on", "a PDF"),
        ("binary.csv", bytes(range(256)) * 8, "not a text"),
    ],
)
def test_a_bad_table_is_refused_in_words_and_changes_nothing(
    qtbot: Any, window: MainWindow, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    before, project = window.deck.experiment, window.workbench.project
    assert drop(window, path)
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=SECONDS)
    banner = window.banners.shown[0]
    assert banner.title == f"{name} was not opened"
    assert said in banner.text
    assert banner.kind == "danger"
    assert "Traceback" not in banner.text
    assert window.deck.experiment == before
    assert window.workbench.project is project
    assert window.handlers.tables.dialog is None


def test_a_folder_and_a_missing_file_are_refused_in_words(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.csv"):
        window.handlers.tables.open(path)
    qtbot.waitUntil(lambda: not window.jobs.running and bool(window.banners.shown), timeout=SECONDS)
    # The newest wish wins: the first was cancelled.
    assert [banner.title for banner in window.banners.shown if "gone.csv" in banner.title]


def test_reading_shows_how_far_it_is_and_can_be_cancelled(
    qtbot: Any, window: MainWindow, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    def endless(path: Path, *, progress: Any, cancelled: Any) -> Any:
        progress(0.5)
        while not cancelled():
            asked.wait(0.01)
        raise reading.TableCancelledError

    monkeypatch.setattr(reading, "read", endless)
    before = window.deck.experiment
    assert drop(window, table)
    qtbot.waitUntil(lambda: bool(window.banners.shown) and window.banners.shown[0].bar is not None, timeout=SECONDS)
    banner = window.banners.shown[0]
    assert banner.title == "Reading wine.csv…"
    assert banner.bar is not None
    assert banner.bar.value() == 500
    banner.buttons()[0].click()
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=SECONDS)
    assert window.banners.shown == []
    assert window.deck.experiment == before
    assert window.handlers.tables.dialog is None


def test_closing_the_window_ends_reading(
    qtbot: Any, window: MainWindow, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(path: Path, *, progress: Any, cancelled: Any) -> Any:
        begun.set()
        while not cancelled():
            ended.wait(0.01)
        ended.set()
        raise reading.TableCancelledError

    monkeypatch.setattr(reading, "read", endless)
    window.handlers.tables.open(table)
    qtbot.waitUntil(begun.is_set, timeout=SECONDS)
    window.close()
    assert ended.is_set()


def test_the_choice_can_be_edited(qtbot: Any, window: MainWindow, table: Path) -> None:
    opened(qtbot, window, table)
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=SECONDS)
    window.deck.source.edit.click()
    dialog = dialog_of(qtbot, window)
    dialog.form.take("seed", 9)
    dialog.model.tick([2], False)
    dialog.use()
    spec = window.deck.experiment.run.data
    assert isinstance(spec, TableSpec)
    assert (spec.seed, spec.columns) == (9, ("a", "b"))
    window.undo.undo()
    assert window.deck.experiment.run.data.columns in ((), ("a", "b", "c"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("gone", [True, False])
def test_a_file_that_has_changed_or_gone_is_remarked_and_can_be_chosen_again(
    qtbot: Any, window: MainWindow, table: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    spec = opened(qtbot, window, table)
    cards = window.deck.experiment
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=SECONDS)
    assert window.deck.source.problem.text() == ""
    window.undo.undo()
    if gone:
        table.rename(table.with_name("moved.csv"))
    else:
        table.write_text("a,b,c\n" + "1,2,3\n4,5,7\n" * 20, encoding="utf-8")
    window.undo.redo()
    assert window.deck.experiment == cards
    qtbot.waitUntil(lambda: bool(window.deck.source.problem.text()), timeout=SECONDS)
    word = "not there any more" if gone else "has changed"
    assert word in window.deck.source.problem.text()
    assert word in window.banners.shown[0].title
    other = table.with_name("moved.csv") if gone else table
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(other), ""))
    window.banners.shown[0].buttons()[0].click()
    dialog_of(qtbot, window).use()
    found = window.deck.experiment.run.data
    assert isinstance(found, TableSpec)
    assert found.path == str(other)
    assert (found.sha256 == spec.sha256) == gone
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=SECONDS)
    assert window.deck.source.problem.text() == ""


def test_open_and_the_command_line_take_tables_too(qtbot: Any, make_window: Any, table: Path) -> None:
    window = make_window(path=table)
    assert window.workbench.project is not None
    dialog_of(qtbot, window).use()
    assert isinstance(window.deck.experiment.run.data, TableSpec)


def test_the_size_of_the_table_is_known_when_the_project_is_opened_again(
    qtbot: Any, make_window: Any, table: Path, tmp_path: Path
) -> None:
    from gmstudio.projects.project import Project

    Project.create(tmp_path / "wine.gmstudio").close()
    window = make_window(path=tmp_path / "wine.gmstudio")
    opened(qtbot, window, table)
    window.close()
    again = make_window(path=tmp_path / "wine.gmstudio")
    qtbot.waitUntil(lambda: isinstance(again.deck.experiment.run.data, TableSpec), timeout=SECONDS)
    assert "120 rows × 3 columns" in again.deck.source.extent.text()


def test_projects_pictures_and_many_files_are_told_apart(
    qtbot: Any, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(window.handlers.documents, "open", opened.append)
    assert drop(window, tmp_path / "a.gmstudio")
    assert opened == [tmp_path / "a.gmstudio"]
    assert drop(window, tmp_path / "a.csv", tmp_path / "b.csv")
    assert "2 files" in window.banners.shown[0].title
    panel = window.drawer.panel
    shown: list[Path] = []
    monkeypatch.setattr(panel, "open_picture", shown.append)
    assert drop(window, tmp_path / "a.png")
    assert shown == [tmp_path / "a.png"]
    text = QMimeData()
    text.setText("words")
    assert not window.handlers.drops.offer(text)


def test_the_drawing_panel_leaves_tables_to_the_window(window: MainWindow, table: Path) -> None:
    panel = window.drawer.panel
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    for path, taken in ((table, False), (table.with_suffix(".png"), True)):
        data = urls(path)
        enter = QDragEnterEvent(QPoint(5, 5), copy, data, left, none)
        panel.dragEnterEvent(enter)
        assert enter.isAccepted() == taken


def test_the_actions_are_in_the_menu_and_the_palette(window: MainWindow) -> None:
    titles = {entry.title for entry in window.handlers.entries()}
    assert {"Open table", "UCI data sets"} <= titles
    file = {action.text() for action in window.menus["File"].actions()}
    assert {"Open table…", "UCI data sets…"} <= file


def test_the_training_takes_the_table_that_the_dialog_has_read(
    qtbot: Any, window: MainWindow, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    real = reading.read

    def counted(path: Path, **options: Any) -> Any:
        read.append(path)
        return real(path, **options)

    monkeypatch.setattr(reading, "read", counted)
    spec = opened(qtbot, window, table)
    spec.build(1)
    assert read == [table]


def test_columns_that_cannot_be_looked_at_are_no_reason_not_to_use_them(
    qtbot: Any, window: MainWindow, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gmstudio.data.tables import profile as module

    def fail(table: Any, *, cancelled: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr(module, "profile", fail)
    window.handlers.tables.open(table)
    dialog = dialog_of(qtbot, window)
    qtbot.waitUntil(lambda: "could not be looked at" in dialog.message.text, timeout=SECONDS)
    dialog.use()
    assert isinstance(window.deck.experiment.run.data, TableSpec)
    assert window.banners.shown == []


def test_looking_at_the_columns_ends_with_the_dialog(
    qtbot: Any, window: MainWindow, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gmstudio.data.tables import profile as module

    begun, ended = threading.Event(), threading.Event()

    def endless(table: Any, *, cancelled: Any) -> Any:
        begun.set()
        while not cancelled():
            ended.wait(0.01)
        ended.set()
        raise reading.TableCancelledError

    monkeypatch.setattr(module, "profile", endless)
    window.handlers.tables.open(table)
    dialog = dialog_of(qtbot, window)
    qtbot.waitUntil(begun.is_set, timeout=SECONDS)
    dialog.reject()
    qtbot.waitUntil(ended.is_set, timeout=SECONDS)
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=SECONDS)
    assert window.banners.shown == []


def test_a_file_that_has_gone_is_spoken_of_once(qtbot: Any, make_window: Any, tiny: Any, tmp_path: Path) -> None:
    window = make_window(tiny(), warm_up=True)
    with qtbot.waitSignal(window.control.declined, timeout=2 * SECONDS):
        window.deck.edit_data(TableSpec(path=str(tmp_path / "gone.csv"), sha256="0" * 64), "")
    qtbot.waitUntil(lambda: not window.jobs.running and bool(window.banners.shown), timeout=SECONDS)
    assert [banner.title for banner in window.banners.shown] == ["gone.csv is not there any more"]
