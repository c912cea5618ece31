"""Actions, keys, the palette, banners, themes, layout and settings of the window."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QByteArray, Qt, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QCheckBox, QLineEdit, QSlider, QWidget

from gmstudio.gui import style
from gmstudio.gui.actions import ACTIONS, MENUS, WindowState
from gmstudio.gui.banner import MAX_BANNERS, Banner
from gmstudio.gui.faults import log_file
from gmstudio.gui.handlers import CARD_ROOMS
from gmstudio.gui.help import description, guide_pages, keys_in_html, open_guide, versions
from gmstudio.gui.icons import icon
from gmstudio.gui.keys import keeps
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.palette import Entry, match, search
from gmstudio.gui.settings import MAX_RECENT, Settings
from gmstudio.gui.status_bar import duration
from gmstudio.gui.theme import load, themes
from gmstudio.paths import resource
from gmstudio.registry import components


def test_ids_and_keys_of_actions_are_unique_and_every_action_is_complete() -> None:
    ids = Counter(info.id for info in ACTIONS)
    assert [id for id, count in ids.items() if count > 1] == []
    keys = Counter(QKeySequence(key).toString() for info in ACTIONS for key in info.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert "" not in keys
    for info in ACTIONS:
        assert info.help.endswith("."), info.id
        assert info.when in WindowState.__dataclass_fields__, info.id
        assert not info.menu or info.menu.partition("/")[0] in MENUS, info.id
        assert not info.icon or resource(f"icons/{info.icon}.svg").is_file(), info.id


def test_every_action_is_done_by_something(window: MainWindow) -> None:
    assert set(window.handlers.table()) == {info.id for info in ACTIONS}
    assert set(window.actions_.all) == {info.id for info in ACTIONS}


@pytest.mark.parametrize("path", sorted(resource("icons").glob("*.svg")), ids=lambda path: path.stem)
def test_every_icon_can_be_drawn_and_follows_the_theme(qtbot: Any, path: Path) -> None:
    image = icon(path.stem).pixmap(24, 24).toImage()
    assert not image.isNull()
    assert any(image.pixelColor(x, y).alpha() > 60 for x in range(24) for y in range(24))
    if path.stem != "gmstudio" and not path.stem.endswith(("-dark", "-light")):
        assert "#000000" in path.read_text(encoding="utf-8")
    assert icon("no such icon").isNull()


def test_the_palette_prefers_beginnings_and_short_titles() -> None:
    entries = [Entry(title, lambda: None) for title in ("Export trained model", "Play or pause", "Panel: Plot", "Open")]
    assert search("play", entries)[0].title == "Play or pause"
    assert search("op", entries)[0].title == "Open"
    assert [entry.title for entry in search("model export", entries)] == ["Export trained model"]
    assert search("zzz", entries) == []
    assert [entry.title for entry in search("", entries)] == [entry.title for entry in entries]
    assert match("etm", "Export trained model") is not None
    assert match("mte", "Export") is None


def test_the_palette_lists_actions_components_panels_and_runs_what_is_chosen(qtbot: Any, window: MainWindow) -> None:
    window.activateWindow()
    window.actions_.run("view.palette")
    palette = window.palette_
    assert palette.isVisible()
    titles = {entry.title for entry in palette.found.entries}
    for _, room, word in CARD_ROOMS:
        assert {f"Choose {word}: {component.title}" for component in components(room)} <= titles
    assert "Panel: Density" in titles
    assert "Reset layout" in titles
    qtbot.keyClicks(palette.line, "glow")
    assert palette.found.entries[0].title == "Choose model: Glow"
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert window.deck.experiment.run.model.__struct_config__.tag == "glow"
    window.undo.undo()
    assert window.deck.experiment.run.model.__struct_config__.tag == "real-nvp"


def test_escape_and_arrows_work_in_the_palette(qtbot: Any, window: MainWindow) -> None:
    window.actions_.run("view.palette")
    palette = window.palette_
    qtbot.keyClick(palette.line, Qt.Key.Key_Down)
    assert palette.list.currentIndex().row() == 1
    qtbot.keyClick(palette.line, Qt.Key.Key_Escape)
    assert not palette.isVisible()


def test_space_plays_unless_the_keyboard_has_come_to_a_button() -> None:
    box, slider, line, plain = QCheckBox(), QSlider(), QLineEdit(), QWidget()
    assert keeps(box, by_keyboard=False) == frozenset()
    assert Qt.Key.Key_Space in keeps(box, by_keyboard=True)
    assert Qt.Key.Key_Right in keeps(slider, by_keyboard=False)
    assert keeps(plain, by_keyboard=True) == keeps(line, by_keyboard=True) == frozenset()


def test_arrows_step_the_run_unless_a_plot_was_reached_by_keyboard_or_a_schedule_is_shaped(window: MainWindow) -> None:
    density, schedule = window.panels["density"].focusProxy(), window.panels["schedule"].focusProxy()
    assert keeps(density, by_keyboard=False) == frozenset()
    assert keeps(density, by_keyboard=True) == {Qt.Key.Key_Left, Qt.Key.Key_Right}
    assert keeps(schedule, by_keyboard=False) == {Qt.Key.Key_Left, Qt.Key.Key_Right}


def test_space_in_a_text_is_a_letter_and_not_a_command(qtbot: Any, window: MainWindow) -> None:
    line = QLineEdit(window)
    line.show()
    line.setFocus()
    qtbot.keyClicks(line, "a b")
    assert line.text() == "a b"
    assert window.control.state == ""


def test_what_cannot_be_done_is_disabled(window: MainWindow) -> None:
    enabled = {id for id, action in window.actions_.all.items() if action.isEnabled()}
    assert {"run.play", "run.step", "file.open", "view.palette"} <= enabled
    assert not {"run.stop", "run.live", "edit.undo", "export.folder", "run.replay"} & enabled


def test_messages_are_shown_once_and_can_be_closed(qtbot: Any, window: MainWindow) -> None:
    pressed: list[str] = []
    first = window.show_banner("Title", "What.", "Remedy.", "warning", (("Do it", lambda: pressed.append("done")),))
    assert window.show_banner("Title", "What.", "Remedy.", "warning") is first
    assert window._banner_bar.isVisible()
    assert "Remedy." in first.accessibleName()
    qtbot.mouseClick(first.buttons()[0], Qt.MouseButton.LeftButton)
    assert pressed == ["done"]
    assert window.banners.shown == []
    assert not window._banner_bar.isVisible()
    for number in range(MAX_BANNERS + 2):
        window.banners.show_message(Banner(f"Message {number}"))
    assert len(window.banners.shown) == MAX_BANNERS
    assert window.banners.shown[0].title == f"Message {MAX_BANNERS + 1}"


@pytest.mark.qt_no_exception_capture
def test_an_exception_that_nobody_caught_becomes_a_message(
    qtbot: Any, window: MainWindow, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("the answer is 43")

    QTimer.singleShot(0, fail)
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=5000)
    assert "the answer is 43" in window.banners.shown[0].text
    assert "the answer is 43" in log_file().read_text(encoding="utf-8")
    assert "the answer is 43" in capsys.readouterr().err
    assert window.isVisible()


def test_hooks_are_put_back_when_the_window_closes(make_window: Callable[..., MainWindow]) -> None:
    before = sys.excepthook
    window = make_window()
    assert sys.excepthook == window.faults.take
    window.close()
    assert sys.excepthook is before


def test_settings_come_back_with_their_types(own_home: Path) -> None:
    settings = Settings()
    settings.set("number", 1.25)
    settings.set("flag", True)
    settings.set("no", False)
    settings.set("data", QByteArray(b"\x00\x01\xff"))
    for index in range(MAX_RECENT + 3):
        settings.add_recent(f"/projects/{index}")
    settings.add_recent("/projects/9")
    settings.sync()
    again = Settings()
    assert again.number("number", 0.0) == 1.25
    assert again.flag("flag") is True
    assert again.flag("no", True) is False
    assert bytes(again.data("data").data()) == b"\x00\x01\xff"
    assert again.recent()[0] == "/projects/9"
    assert len(again.recent()) == MAX_RECENT
    assert again.number("missing", 7.0) == 7.0


def test_docks_come_back_where_they_were(make_window: Callable[..., MainWindow]) -> None:
    window = make_window()
    window.docks["metrics"].close()
    window.docks["samples"].close()
    window.close()
    again = make_window()
    assert again.docks["metrics"].isHidden()
    assert again.docks["samples"].isHidden()
    assert again.docks["density"].isVisible()
    again.actions_.run("view.reset")
    assert again.docks["metrics"].isVisible()
    assert again.docks["samples"].isVisible()


def test_a_panel_can_have_the_whole_stage_and_give_it_back(qtbot: Any, window: MainWindow) -> None:
    before = {name for name, dock in window.docks.items() if not dock.isHidden()}
    bar = window.docks["score"].bar
    qtbot.mouseDClick(bar, Qt.MouseButton.LeftButton)
    assert {name for name, dock in window.docks.items() if dock.isVisible()} == {"score"}
    qtbot.mouseDClick(bar, Qt.MouseButton.LeftButton)
    assert {name for name, dock in window.docks.items() if not dock.isHidden()} == before
    window.actions_.run("view.maximise")
    assert window.layout_.maximised is not None
    window.actions_.run("view.maximise")
    assert window.layout_.maximised is None


def test_layouts_show_what_they_promise(window: MainWindow) -> None:
    window.actions_.run("layout.stage")
    assert {name for name, dock in window.docks.items() if dock.isVisible()} == {"density"}
    assert window.scale > 1.2
    window.actions_.run("layout.study")
    assert window.scale == 1.0
    for name in ("cards", "data", "density", "score", "samples", "schedule"):
        assert not window.docks[name].isHidden()
    window.actions_.run("layout.all")
    hidden = [name for name, dock in window.docks.items() if dock.isHidden()]
    assert hidden == [dock.name for dock in window.layout_.guests.docks], "no run has anything for these"


def test_letters_can_be_larger_within_limits_and_are_remembered(make_window: Callable[..., MainWindow]) -> None:
    window = make_window()
    for _ in range(11):
        window.actions_.run("view.larger")
    assert window.scale == style.MAX_SCALE
    window.actions_.run("view.usual")
    window.actions_.run("view.larger")
    window.close()
    again = make_window()
    assert again.scale == pytest.approx(1.1)
    again.actions_.run("view.usual")


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_token_of_the_style_is_in_the_theme(qtbot: Any, name: str) -> None:
    sheet = style.style_sheet(load(name))
    assert "@" not in sheet
    assert load(name).colours["accent"] in sheet
    assert style.palette(load(name)).window().color() == load(name).colour("window")


def test_the_theme_can_be_changed_while_the_window_is_open(window: MainWindow) -> None:
    before = themes().choice
    try:
        for name in ("dark", "light"):
            window.actions_.run(f"theme.{name}")
            assert themes().current.name == name
            assert window.actions_.action(f"theme.{name}").isChecked()
            assert window.panels["density"].theme.name == name
    finally:
        themes().choose(before)


def test_everything_that_takes_the_keyboard_has_a_name(window: MainWindow) -> None:
    mine = [window.timeline, window.toolbar, *(dock.bar for dock in window.docks.values())]
    nameless = [
        f"{type(widget).__name__} in {type(parent).__name__}"
        for parent in mine
        for widget in parent.findChildren(QWidget)
        if widget.isVisibleTo(parent)
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not widget.accessibleName()
        and not getattr(widget, "text", str)()
    ]
    assert nameless == []


def test_every_plot_is_described_in_words(window: MainWindow) -> None:
    text = description(window)
    for panel in window.panels.values():
        if panel.isVisible():
            assert panel.title in text
    assert "Timeline: no run yet." in text


def test_help_lists_every_key_and_version(qtbot: Any, window: MainWindow) -> None:
    html = keys_in_html()
    for info in ACTIONS:
        if info.keys:
            assert info.title.rstrip("…") in html
    names = dict(versions())
    assert names["GM Studio"]
    assert names["torch"] != "not installed"
    guide = open_guide(window)
    assert guide.list.count() == len(guide_pages())
    guide.close()
    for id in ("help.keys", "help.about", "view.describe"):
        window.actions_.run(id)
        dialog = window.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)[-1]
        dialog.close()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (59, "59 s"), (65, "1:05 min"), (3600, "1:00 h"), (7290, "2:01 h")]
)
def test_durations_are_written_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize("layout", ["view.reset", "layout.all", "layout.stage"])
def test_the_window_fits_a_small_screen_with_messages_in_it(qtbot: Any, window: MainWindow, layout: str) -> None:
    window.actions_.run(layout)
    for number in range(MAX_BANNERS):
        window.show_banner(f"Message {number}", "A sentence that says what has happened. " * 3, "A remedy.", "warning")
    qtbot.wait(50)
    assert window.minimumSizeHint().height() <= 768
    assert window.minimumSizeHint().width() <= 1280
    assert (window.width(), window.height()) == (1280, 800)
    assert all(banner.height() < 90 for banner in window.banners.shown)
