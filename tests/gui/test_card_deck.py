"""The deck of cards: editing, undo, columns, running, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QUndoStack
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gmstudio import registry
from gmstudio.data.sets.drawing import Drawing
from gmstudio.gui.cards.deck import CardDeck
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.objectives import fit
from gmstudio.runs import Experiment, default_run, to_json, twins
from gmstudio.training.commands import SetRate, SetSchedule


@pytest.fixture
def deck(shown: Callable[..., CardDeck]) -> Iterator[CardDeck]:
    undo = QUndoStack()
    yield shown(CardDeck(undo), 320, 900)
    undo.clear()


def changes(deck: CardDeck) -> list[Experiment]:
    seen: list[Experiment] = []
    deck.changed.connect(seen.append)
    return seen


def test_the_deck_opens_on_the_default_twins(deck: CardDeck) -> None:
    assert deck.experiment == twins(default_run())
    assert deck.undo.count() == 0


def test_the_cards_are_given_the_width_that_large_letters_need(deck: CardDeck, qtbot: QtBot) -> None:
    inside, usual = deck.area.widget(), deck.area.minimumWidth()
    font = deck.font()
    font.setPointSizeF(1.5 * font.pointSizeF())
    deck.setFont(font)
    qtbot.waitUntil(lambda: deck.area.minimumWidth() > usual)
    assert deck.area.minimumWidth() >= inside.minimumSizeHint().width()
    font.setPointSizeF(font.pointSizeF() / 1.5)
    deck.setFont(font)
    qtbot.waitUntil(lambda: deck.area.minimumWidth() == usual)


def test_a_number_that_is_typed_becomes_an_experiment_and_one_undo_entry(deck: CardDeck) -> None:
    seen = changes(deck)
    box = deck.choosers["model"].form.rows["blocks"].editor.box  # type: ignore[attr-defined]
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "8")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert [e.run.model.blocks for e in seen] == [8]  # type: ignore[attr-defined]
    assert deck.undo.undoText() == "Set blocks to 8"


def test_consecutive_changes_of_one_field_are_one_undo_entry(deck: CardDeck) -> None:
    form = deck.choosers["model"].form
    for blocks in (7, 8, 9):
        form.take("blocks", blocks)
    form.take("hidden", 32)
    assert deck.undo.count() == 2
    deck.undo.undo()
    deck.undo.undo()
    assert deck.experiment == twins(default_run())
    assert form.spec == default_run().model
    deck.undo.redo()
    assert deck.experiment.run.model.blocks == 9  # type: ignore[attr-defined]


def test_a_change_back_to_the_start_leaves_no_undo_entry(deck: CardDeck) -> None:
    form = deck.choosers["model"].form
    form.take("blocks", 7)
    form.take("blocks", 6)
    assert deck.undo.count() == 0


def test_setting_an_experiment_is_silent(deck: CardDeck) -> None:
    seen = changes(deck)
    run = default_run()
    deck.set_experiment(twins(run.changed(training=run.training.changed(steps=77))))
    assert deck.experiment.run.training.steps == 77
    assert deck.training.spec == deck.experiment.run.training
    assert not seen
    assert deck.undo.count() == 0


@pytest.mark.parametrize(
    ("part", "room"),
    [("data", "data"), ("model", "model"), ("objective", "objective"), ("mollification", "schedule")],
)
def test_every_component_can_be_chosen_and_undone(deck: CardDeck, part: str, room: registry.Room) -> None:
    for one in registry.components(room):
        if part == "objective":
            fitting = next(c for c in registry.components("model") if one.name not in fit.refused(c.spec()))
            deck.choosers["model"].choose(fitting.name)
        before = deck.experiment
        deck.choosers[part].choose(one.name)
        assert type(getattr(deck.experiment.run, part)) is one.spec
        assert one.title in deck.cards[part].summary
        if deck.experiment != before:
            deck.undo.undo()
            assert deck.experiment == before
            deck.undo.redo()


def test_the_data_card_says_whether_the_density_is_exact(deck: CardDeck) -> None:
    for one in registry.components("data"):
        deck.choosers["data"].choose(one.name)
        spec = deck.experiment.run.data
        assert deck.exact.text().startswith("Exact" if spec.exact else "No exact")


def test_schedule_and_rate_go_live_to_the_columns_that_use_the_cards(deck: CardDeck) -> None:
    sent: list[object] = []
    deck.live.connect(sent.append)
    deck.choosers["mollification"].form.take("until", 0.4)
    assert sent == []
    deck.set_running(True)
    deck.choosers["mollification"].form.take("until", 0.5)
    schedule = deck.experiment.run.mollification
    assert sent == [SetSchedule(1, schedule)]
    deck.training.take("rate", 2e-3)
    assert sent[1:] == [SetRate(0, 2e-3), SetRate(1, 2e-3)]
    del sent[:]
    deck.undo.undo()
    assert sent == [SetRate(0, 1e-3), SetRate(1, 1e-3)]


def test_live_edits_follow_a_column_that_moved(deck: CardDeck) -> None:
    sent: list[object] = []
    deck.set_running(True)
    deck.live.connect(sent.append)
    deck.columns.remove(0)
    assert deck.columns._note.text().endswith("restart")
    deck.choosers["mollification"].form.take("until", 0.5)
    assert sent == [SetSchedule(1, deck.experiment.run.mollification)]
    deck.undo.undo()
    deck.undo.undo()
    assert not deck.columns._note.text().endswith("restart")
    del sent[:]
    deck.choosers["mollification"].form.take("until", 0.7)
    assert sent == [SetSchedule(1, deck.experiment.run.mollification)]


def test_cards_that_wait_for_a_restart_say_so(deck: CardDeck) -> None:
    deck.choosers["model"].form.take("blocks", 7)
    assert deck.cards["model"].heading.chip.isHidden()
    deck.set_running(True)
    assert deck.cards["model"].heading.chip.isHidden()
    deck.choosers["model"].form.take("blocks", 8)
    deck.training.take("rate", 2e-3)
    assert not deck.cards["model"].heading.chip.isHidden()
    assert deck.cards["training"].heading.chip.isHidden()
    deck.training.take("steps", 100)
    assert not deck.cards["training"].heading.chip.isHidden()
    deck.set_running(False)
    assert deck.cards["model"].heading.chip.isHidden()


def test_columns_are_added_renamed_varied_and_removed_with_undo(deck: CardDeck) -> None:
    start = deck.experiment
    deck.columns.add(start.columns[1])
    assert [c.title for c in deck.experiment.columns] == ["Vanilla", "Mollified", "Mollified 2"]
    popup = deck.columns.open(2)
    popup.title.setText("Slow")
    popup.title.editingFinished.emit()
    popup.rate.check.click()
    popup.rate.box.edited.emit(1e-4)
    popup.seed.check.click()
    popup.own_schedule.click()
    popup.schedule.choose("cosine")
    column = deck.experiment.columns[2]
    assert (column.title, column.rate, column.seed) == ("Slow", 1e-4, 1)
    assert column.mollification is not None
    assert registry.of(column.mollification).name == "cosine"
    popup.close()
    deck.columns.remove(2)
    assert len(deck.experiment.columns) == 2
    while deck.undo.canUndo():
        deck.undo.undo()
    assert deck.experiment == start


def test_the_last_column_stays(deck: CardDeck) -> None:
    deck.columns.remove(0)
    deck.columns.remove(0)
    assert [c.title for c in deck.experiment.columns] == ["Mollified"]


def test_json_of_a_card_and_of_the_experiment_can_be_copied_and_pasted(deck: CardDeck) -> None:
    assert deck.paste("model", '{"kind": "real-nvp", "blocks": 9}')
    assert deck.experiment.run.model.blocks == 9  # type: ignore[attr-defined]
    assert deck.undo.undoText() == "Paste model"
    text = to_json(deck.experiment)
    deck.undo.undo()
    assert deck.paste("", text)
    assert to_json(deck.experiment) == text
    actions = {action.text(): action for action in deck.json_menu("data").actions()}
    actions["Copy Data as JSON"].trigger()
    assert json.loads(QGuiApplication.clipboard().text())["kind"] == "two-moons"
    assert deck.paste("model", QGuiApplication.clipboard().text())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "clipboard"),
        ("no json", "JSON"),
        ('{"kind": "real-nvp", "blocks": 1000}', "1000"),
        ('{"kind": "real-nvp", "bloks": 4}', "bloks"),
        ('{"kind": "nothing"}', "nothing"),
        ("[1, 2]", "kind"),
        ("[" * 100_000, "deep"),
    ],
)
def test_bad_json_is_refused_with_a_message_that_names_it(deck: CardDeck, text: str, named: str) -> None:
    before = deck.experiment
    assert not deck.paste("model", text)
    assert named in deck.message.text
    assert deck.experiment == before
    assert deck.undo.count() == 0


def test_a_dragged_schedule_goes_to_the_card_or_to_the_columns_own(deck: CardDeck) -> None:
    curve = registry.from_plain("schedule", {"kind": "curve"})
    assert isinstance(curve, ScheduleSpec)
    deck.edit_schedule(1, curve)
    assert deck.experiment.run.mollification == curve
    assert deck.experiment.columns[1].mollification is None
    deck.edit_schedule(0, curve)
    assert deck.experiment.columns[0].mollification == curve
    assert deck.undo.count() == 2


def test_cards_close_to_a_summary_and_remember(deck: CardDeck) -> None:
    deck.open_cards = ("training",)
    heading = deck.cards["data"].heading
    assert heading.summary.full == "Two moons · 8,192 points"
    QTest.keyClick(heading, Qt.Key.Key_Space)
    assert set(deck.open_cards) == {"data", "training"}
    QTest.mouseClick(heading, Qt.MouseButton.LeftButton)
    assert set(deck.open_cards) == {"training"}


def test_a_first_stroke_takes_the_place_of_the_data_until_it_is_undone(deck: CardDeck) -> None:
    moons = deck.experiment.run.data
    one, two = Drawing(points=((0.0, 0.0),)), Drawing(points=((0.0, 0.0), (1.0, 1.0)))
    deck.set_data(one)
    deck.set_data(two)
    assert deck.experiment.run.data == two
    deck.choosers["model"].form.take("blocks", 7)
    deck.undo.undo()
    deck.set_data(one)
    deck.set_data(Drawing())
    assert deck.experiment.run.data == moons
    deck.set_data(one)
    assert deck.experiment.run.data == one


def test_a_drawing_that_was_chosen_stays_when_it_is_cleared(deck: CardDeck) -> None:
    deck.choosers["data"].choose("drawing")
    deck.set_data(Drawing(points=((0.0, 0.0),)))
    deck.set_data(Drawing())
    assert deck.experiment.run.data == Drawing()


@pytest.mark.parametrize(
    ("height", "opened"),
    [
        (1000, {"data", "model", "mollification"}),
        (640, {"data", "mollification"}),
        (480, {"mollification"}),
    ],
)
def test_cards_open_at_first_as_the_height_allows(deck: CardDeck, height: int, opened: set[str]) -> None:
    deck.resize(320, height)
    assert set(deck.open_cards) == opened


def test_cards_stay_as_the_person_left_them_when_the_window_changes(deck: CardDeck) -> None:
    QTest.mouseClick(deck.cards["objective"].heading, Qt.MouseButton.LeftButton)
    before = deck.open_cards
    deck.resize(320, 400)
    assert deck.open_cards == before


def test_space_starts_from_a_number_and_toggles_a_heading(deck: CardDeck) -> None:
    pressed: list[int] = []
    action = QAction("Start", deck)
    action.setShortcut("Space")

    def start() -> None:
        deck.commit()
        pressed.append(deck.experiment.run.training.steps)

    action.triggered.connect(start)
    deck.addAction(action)
    deck.open_cards = ("training",)
    deck.activateWindow()
    box = deck.training.rows["steps"].editor.box  # type: ignore[attr-defined]
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "500")
    QTest.keyClick(box, Qt.Key.Key_Space)
    assert pressed == [500]
    heading = deck.cards["data"].heading
    heading.setFocus()
    QTest.keyClick(heading, Qt.Key.Key_Space)
    assert "data" in deck.open_cards
    assert pressed == [500]


@pytest.mark.parametrize("room", ["data", "model", "schedule"])
def test_no_card_is_cut_off_in_the_narrowest_dock(deck: CardDeck, qtbot: QtBot, room: registry.Room) -> None:
    part = "mollification" if room == "schedule" else room
    deck.resize(10, 700)
    deck.open_cards = tuple(deck.cards)
    for one in registry.components(room):
        deck.choosers[part].choose(one.name)
        assert deck._inside.minimumSizeHint().width() <= deck.area.minimumWidth() - 10
