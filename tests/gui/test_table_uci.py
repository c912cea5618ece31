"""The dialog of known data sets, with a download that is made up."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from gmstudio.data.sets import uci
from gmstudio.data.sets.uci import UciSpec
from gmstudio.data.uci import download
from gmstudio.data.uci.catalogue import CATALOGUE
from gmstudio.data.uci.errors import OWN_FILE, DownloadCancelled, DownloadError
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.tables.uci_dialog import UciDialog
from gmstudio.gui.tables.uci_model import COLUMNS, NAME, ROWS, SIZE, STATE

SECONDS = 30_000
NAMES = list(CATALOGUE)


class Server:
    """Stands in for the download: holds until it is told how to end."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.error: Exception | None = None
        self.here: set[str] = set()
        self.adopted: list[Path] = []

    def fetch(self, entry: Any, *, progress: Any, cancelled: Any) -> Path:
        progress(0.25)
        while not self.go.wait(0.01):
            if cancelled():
                raise DownloadCancelled(entry.title)
        if self.error is not None:
            raise self.error
        self.here.add(entry.name)
        return Path("somewhere")

    def adopt(self, entry: Any, path: Path, *, progress: Any, cancelled: Any) -> Path:
        self.adopted.append(path)
        self.here.add(entry.name)
        return path

    def available(self, name: str) -> bool:
        return CATALOGUE[name].bundled or name in self.here


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """The made up download in the place of the real one."""
    made = Server()
    monkeypatch.setattr(download, "fetch", made.fetch)
    monkeypatch.setattr(download, "adopt", made.adopt)
    monkeypatch.setattr(uci, "available", made.available)
    return made


@pytest.fixture
def picker(window: MainWindow, server: Server) -> UciDialog:
    """The dialog of a window."""
    window.actions_.run("file.uci")
    dialog = window.handlers.tables.picker
    assert dialog is not None
    return dialog


def select(picker: UciDialog, name: str) -> None:
    picker.list.selectRow(NAMES.index(name))


def idle(qtbot: Any, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=SECONDS)


def test_every_set_of_the_catalogue_is_listed_with_its_facts(picker: UciDialog) -> None:
    model = picker.model
    assert [model.data(model.index(row, NAME)) for row in range(model.rowCount())] == [
        entry.title for entry in CATALOGUE.values()
    ]
    row = NAMES.index("red wine")
    facts = [model.data(model.index(row, head)) for head in (ROWS, COLUMNS, SIZE, STATE)]
    assert facts == ["1,599", "11", "91 kB", "not downloaded"]
    assert model.data(model.index(NAMES.index("iris"), STATE)) == "bundled"
    for name, entry in CATALOGUE.items():
        select(picker, name)
        said = picker.facts.text()
        assert entry.licence in said
        assert entry.citation.split(" (")[0].split("&")[0] in said
        assert picker.ok.isEnabled() == entry.bundled
        assert picker.fetch.isVisible() != entry.bundled


def test_a_bundled_set_is_used_at_once_and_undone(qtbot: Any, window: MainWindow, picker: UciDialog) -> None:
    before = window.deck.experiment
    select(picker, "wine")
    qtbot.keyClick(picker, Qt.Key.Key_Return)
    assert window.deck.experiment.run.data == UciSpec(name="wine")
    assert "178 rows × 13 columns" in window.deck.source.extent.text()
    assert window.handlers.tables.picker is None
    window.undo.undo()
    assert window.deck.experiment == before


def test_nothing_is_downloaded_before_the_button_is_pressed_and_then_it_can_be_used(
    qtbot: Any, window: MainWindow, picker: UciDialog, server: Server
) -> None:
    select(picker, "red wine")
    assert not window.jobs.running
    assert picker.fetch.text() == "Download 91 kB"
    picker.fetch.click()
    qtbot.waitUntil(lambda: picker.bar.isVisible() and picker.bar.value() == 250, timeout=SECONDS)
    assert picker.stop.isVisible()
    assert not picker.fetch.isVisible()
    assert not picker.ok.isEnabled()
    select(picker, "white wine")
    assert not picker.bar.isVisible()
    assert not picker.fetch.isEnabled()
    select(picker, "red wine")
    server.go.set()
    idle(qtbot, window)
    assert picker.ok.isEnabled()
    assert picker.model.data(picker.model.index(NAMES.index("red wine"), STATE)) == "downloaded"
    picker.ok.click()
    assert window.deck.experiment.run.data == UciSpec(name="red wine")


def test_a_download_is_cancelled_and_begun_again(
    qtbot: Any, window: MainWindow, picker: UciDialog, server: Server
) -> None:
    select(picker, "MiniBooNE")
    picker.fetch.click()
    qtbot.waitUntil(lambda: picker.bar.value() == 250, timeout=SECONDS)
    picker.stop.click()
    idle(qtbot, window)
    assert picker.fetch.isVisible()
    assert picker.message.text == ""
    server.go.set()
    picker.fetch.click()
    idle(qtbot, window)
    assert picker.ok.isEnabled()


def test_without_a_network_it_says_so_and_a_file_of_ones_own_can_be_taken(
    qtbot: Any, window: MainWindow, picker: UciDialog, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.error = DownloadError("There is no network.", f"Check the connection, or {OWN_FILE}.")
    server.go.set()
    select(picker, "Parkinsons")
    picker.fetch.click()
    idle(qtbot, window)
    assert picker.message.text == ("There is no network. Check the connection, or choose a file that you already have.")
    assert picker.own.isVisible()
    assert picker.own.isEnabled()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "own.zip"), ""))
    picker.own.click()
    idle(qtbot, window)
    assert server.adopted == [tmp_path / "own.zip"]
    assert picker.ok.isEnabled()
    assert picker.message.text == ""


def test_a_download_goes_on_when_the_dialog_is_closed_and_says_when_it_is_there(
    qtbot: Any, window: MainWindow, picker: UciDialog, server: Server
) -> None:
    select(picker, "red wine")
    picker.fetch.click()
    qtbot.keyClick(picker, Qt.Key.Key_Escape)
    assert window.handlers.tables.picker is None
    window.actions_.run("file.uci")
    again = window.handlers.tables.picker
    assert again is not None
    assert again.entry.name == "red wine"
    assert again.stop.isVisible()
    again.reject()
    server.go.set()
    idle(qtbot, window)
    banner = window.banners.shown[0]
    assert banner.title == "Red wine quality is here"
    banner.buttons()[0].click()
    assert window.deck.experiment.run.data == UciSpec(name="red wine")


def test_a_download_that_fails_behind_a_closed_dialog_says_so(
    qtbot: Any, window: MainWindow, picker: UciDialog, server: Server
) -> None:
    select(picker, "red wine")
    picker.fetch.click()
    picker.reject()
    server.error = DownloadError("The server answered with 502 Bad Gateway.")
    server.go.set()
    idle(qtbot, window)
    assert window.banners.shown[0].title == "Red wine quality was not downloaded"
    assert "502" in window.banners.shown[0].text


def test_closing_the_window_ends_a_download(window: MainWindow, picker: UciDialog, server: Server) -> None:
    select(picker, "red wine")
    picker.fetch.click()
    window.close()
    assert not window.jobs.running
    assert server.here == set()


def test_what_was_chosen_of_one_set_is_kept_for_the_next(window: MainWindow, server: Server) -> None:
    window.deck.edit_data(UciSpec(name="iris", seed=7, split="shuffled"), "")
    window.handlers.tables.use(CATALOGUE["wine"])
    assert window.deck.experiment.run.data == UciSpec(name="wine", seed=7, split="shuffled")
