"""Forms: every registered component gets one that works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio import registry
from gmstudio.gui.cards.chooser import Chooser
from gmstudio.gui.cards.editors import ChoiceEditor, FlagEditor, JsonEditor, NoteEditor, NumberEditor, TextEditor
from gmstudio.gui.cards.form import SpecForm, shown, tooltip
from gmstudio.gui.cards.number_box import NumberBox
from gmstudio.gui.cards.summaries import carried, exactness, grouped, hover, summary
from gmstudio.gui.cards.thumbnail import Thumbnail
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.registry import Component, FieldInfo, Spec, SpecError, describe
from gmstudio.runs import TrainingSpec

ALL = [one for room in registry.PACKAGES for one in registry.components(room)]


class Everything(Spec, frozen=True, kw_only=True, tag="everything"):
    """One field of each kind."""

    whole: Annotated[int, describe("A whole number.", ge=1, le=64, unit="layers")] = 6
    real: Annotated[float, describe("A real number.", gt=0.0, le=1.0)] = 0.5
    rate: Annotated[float, describe("A rate.", gt=0.0, le=1.0, log=True)] = 1e-3
    choice: Annotated[Literal["this", "or-that"], describe("A choice.")] = "this"
    flag: Annotated[bool, describe("A flag.", advanced=True)] = True
    text: Annotated[str, describe("A text.", advanced=True)] = "hello"
    sizes: Annotated[tuple[int, ...], describe("Sizes.")] = (64, 64)
    perhaps: Annotated[float | None, describe("A number or nothing.")] = None
    secret: Annotated[str, describe("Not shown.", widget="hidden")] = ""

    def validate(self) -> None:
        """Two fields that must not be large together."""
        if self.whole > 50 and self.real > 0.9:
            raise SpecError("Whole and real are both large.", "Make one smaller.", "whole")


@pytest.fixture
def form(shown: Callable[..., SpecForm]) -> SpecForm:
    return shown(SpecForm(Everything()), 280, 400)


def box_of(form: SpecForm, name: str) -> NumberBox:
    editor = form.rows[name].editor
    assert isinstance(editor, NumberEditor)
    return editor.box


def enter(box: NumberBox, text: str) -> None:
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def other_value(info: FieldInfo, value: object) -> object:
    """Some allowed value that is not `value`."""
    if info.kind == "bool":
        return not value
    if info.kind == "choice":
        return next(choice for choice in info.choices if choice != value)
    if info.kind == "str":
        return "another"
    candidates = [info.minimum, info.maximum, info.default, 1, 2, 0.5, 0.25]
    for candidate in candidates:
        if candidate is None or candidate == value:
            continue
        number = int(candidate) if info.kind == "int" else float(candidate)
        try:
            info.check(number)
        except SpecError:
            continue
        return number
    raise AssertionError(info.name)


@pytest.mark.parametrize("scale", [1.0, 1.4, 2.0])
def test_no_word_of_a_field_s_name_is_cut_with_large_letters(qtbot: QtBot, scale: float) -> None:
    # The robot holds widgets weakly: forms that go while the test runs have events under way.
    forms = [SpecForm(one.spec()) for one in ALL]
    for made in forms:
        qtbot.addWidget(made)
        font = made.font()
        font.setPointSizeF(9.5 * scale)
        made.setFont(font)
        for row in made.rows.values():
            room = row.label.contentsRect().width()
            wide = row.label.fontMetrics().horizontalAdvance
            assert all(wide(word) <= room for word in row.info.label.split()), row.info.label


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.room}-{one.name}")
def test_every_component_has_a_form_in_which_every_field_can_be_changed(qtbot: QtBot, one: Component) -> None:
    form = SpecForm(one.spec())
    qtbot.addWidget(form)
    seen: list[tuple[Spec, str]] = []
    form.edited.connect(lambda spec, name: seen.append((spec, name)))
    for name, row in form.rows.items():
        if isinstance(row.editor, (NoteEditor, JsonEditor)):
            continue
        form.set_spec(one.spec())
        value = other_value(row.info, getattr(form.spec, name))
        row.editor.edited.emit(value)
        if not seen or seen[-1][1] != name:
            # A specification may refuse a value for a reason of its own; then it says why.
            assert row.message.text(), (name, value)
            continue
        assert getattr(form.spec, name) == value
        assert row.label.marked
        form.reset(name)
        assert form.spec == one.spec()
        assert not row.label.marked


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.room}-{one.name}")
def test_every_field_explains_itself(qtbot: QtBot, one: Component) -> None:
    form = SpecForm(one.spec())
    qtbot.addWidget(form)
    shown_fields = {info.name for info in registry.fields(one.spec) if info.widget != "hidden"}
    assert set(form.rows) == shown_fields
    for row in form.rows.values():
        assert row.info.help in row.editor.toolTip()
        target = row.editor.focusProxy()
        assert target is not None
        assert target.accessibleName() == row.info.label
    assert one.title in hover(one)
    assert summary(one.spec()).startswith(one.title)


def test_kinds_of_fields_get_their_editors(form: SpecForm) -> None:
    kinds = {name: type(row.editor) for name, row in form.rows.items()}
    assert kinds == {
        "whole": NumberEditor,
        "real": NumberEditor,
        "rate": NumberEditor,
        "choice": ChoiceEditor,
        "flag": FlagEditor,
        "text": TextEditor,
        "sizes": JsonEditor,
        "perhaps": JsonEditor,
    }
    real, rate = form.rows["real"].editor, form.rows["rate"].editor
    assert isinstance(real, NumberEditor)
    assert isinstance(rate, NumberEditor)
    assert real.slider is not None
    assert rate.slider is None


def test_help_limits_and_default_stand_in_the_tooltip(form: SpecForm) -> None:
    text = tooltip(form.rows["whole"].info)
    for part in ("A whole number.", "Between 1 and 64 layers", "default: 6 layers"):
        assert part in text


def test_a_number_out_of_its_limits_stays_with_a_message_until_it_is_mended(form: SpecForm) -> None:
    row, box = form.rows["whole"], box_of(form, "whole")
    enter(box, "100")
    assert form.spec == Everything()
    assert row.message.text() == "Whole is 100. Choose a value between 1 and 64."
    assert not row.message.isHidden()
    assert box.text() == "100"
    enter(box, "60")
    assert row.message.isHidden()
    assert form.spec == Everything(whole=60)


def test_escape_takes_back_what_was_typed(form: SpecForm) -> None:
    box = box_of(form, "whole")
    enter(box, "abc")
    assert form.rows["whole"].message.text().startswith("Whole is 'abc'.")
    QTest.keyClick(box, Qt.Key.Key_Escape)
    assert box.text() == "6"
    assert form.rows["whole"].message.isHidden()


def test_a_refusal_of_the_whole_specification_stands_at_its_field(form: SpecForm) -> None:
    enter(box_of(form, "whole"), "60")
    enter(box_of(form, "real"), "1")
    assert form.rows["whole"].message.text() == "Whole and real are both large. Make one smaller."
    assert form.spec == Everything(whole=60)


def test_numbers_show_their_unit_when_they_do_not_have_the_focus(form: SpecForm) -> None:
    box = box_of(form, "whole")
    box.setFocus()
    assert box.text() == "6"
    box_of(form, "rate").setFocus()
    assert box.text() == "6 layers"


def test_arrow_keys_step_and_end_at_the_limits(form: SpecForm) -> None:
    box = box_of(form, "whole")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert form.spec == Everything(whole=7)
    for _ in range(20):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert form.spec == Everything(whole=1)


def test_the_wheel_changes_nothing_without_the_focus(form: SpecForm) -> None:
    for name in ("whole", "choice", "real"):
        editor = form.rows[name].editor
        target = editor.focusProxy()
        assert target is not None
        form.setFocus()
        target.clearFocus()
        wheel = QWheelEvent(
            QPointF(5, 5),
            target.mapToGlobal(QPointF(5, 5)),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(target, wheel)
    assert form.spec == Everything()


def test_the_slider_and_the_number_follow_each_other(form: SpecForm) -> None:
    editor = form.rows["real"].editor
    assert isinstance(editor, NumberEditor)
    assert editor.slider is not None
    editor.slider.setValue(editor.slider.maximum())
    assert form.spec == Everything(real=1.0)
    # 0 is excluded: the slider goes back.
    editor.slider.setValue(0)
    assert form.spec == Everything(real=1.0)
    assert editor.slider.value() == editor.slider.maximum()
    enter(editor.box, "0.25")
    assert editor.slider.value() == pytest.approx(editor.slider.maximum() / 4, abs=1)


def test_json_fields_are_checked_by_type(form: SpecForm) -> None:
    editor = form.rows["sizes"].editor
    assert isinstance(editor, JsonEditor)
    editor.line.setText("[32, 16]")
    editor.commit()
    assert form.spec == Everything(sizes=(32, 16))
    for wrong in ('["a"]', "[1.5]", "{"):
        editor.line.setText(wrong)
        editor.commit()
        assert form.rows["sizes"].message.text()
        assert form.spec == Everything(sizes=(32, 16))


def test_advanced_fields_are_behind_more_which_says_how_many_changed(form: SpecForm) -> None:
    assert form.rows["flag"].editor.isHidden()
    assert form._more is not None
    form._more.click()
    assert not form.rows["flag"].editor.isHidden()
    form.take("flag", False)
    assert form._more.text() == "More (1 changed)"


def test_the_context_menu_resets_and_copies(form: SpecForm) -> None:
    form.take("rate", 0.02)
    menu = form.menu("rate")
    actions = {action.text(): action for action in menu.actions()}
    actions["Copy value"].trigger()
    assert QGuiApplication.clipboard().text() == "0.02"
    actions["Reset rate to 0.001"].trigger()
    assert form.spec == Everything()
    assert not next(iter(form.menu("rate").actions())).isEnabled()


def test_setting_a_specification_shows_it_without_a_signal(form: SpecForm) -> None:
    seen: list[Spec] = []
    form.edited.connect(lambda spec, name: seen.append(spec))
    form.set_spec(Everything(whole=9, choice="or-that", flag=False, text="x", sizes=(1,)))
    combo = form.rows["choice"].editor
    assert isinstance(combo, ChoiceEditor)
    assert combo.combo.currentText() == "Or that"
    form.set_spec(TrainingSpec(steps=5))
    assert set(form.rows) >= {"steps", "batch", "rate"}
    assert seen == []


def test_switching_the_kind_keeps_common_fields_and_remembers_the_rest(qtbot: QtBot) -> None:
    chooser = Chooser("schedule", registry.find("schedule", "sigmoid").spec())
    qtbot.addWidget(chooser)
    chooser.form.take("tau", 0.4)
    chooser.form.take("until", 0.5)
    chooser.choose("cosine")
    assert registry.to_plain(chooser.spec)["until"] == 0.5
    chooser.form.take("until", 0.8)
    chooser.choose("sigmoid")
    plain = registry.to_plain(chooser.spec)
    assert (plain["tau"], plain["until"]) == (0.4, 0.8)


@pytest.mark.parametrize("room", ["data", "model", "schedule"])
def test_a_default_of_the_old_kind_is_not_forced_on_the_new(room: registry.Room) -> None:
    for one in registry.components(room):
        for other in registry.components(room):
            assert carried(one.spec(), other.spec()) == other.spec()


def test_choosing_a_curve_follows_the_schedule_before(qtbot: QtBot) -> None:
    import numpy as np

    start = registry.find("schedule", "cosine").spec()
    chooser = Chooser("schedule", start)
    qtbot.addWidget(chooser)
    chooser.choose("curve")
    u = np.linspace(0, 1, 50)
    assert isinstance(start, ScheduleSpec)
    assert isinstance(chooser.spec, ScheduleSpec)
    np.testing.assert_allclose(chooser.spec.variance(u), start.variance(u), atol=0.03)


def test_models_are_grouped_and_headings_cannot_be_chosen(qtbot: QtBot) -> None:
    assert [title for title, _ in grouped("model")] == ["Flows", "VAEs", "Classical"]
    assert [title for title, _ in grouped("data")] == [""]
    chooser = Chooser("model", registry.find("model", "real-nvp").spec())
    qtbot.addWidget(chooser)
    combo = chooser.combo
    headings = [i for i in range(combo.count()) if combo.itemText(i).isupper() and combo.itemData(i) is None]
    assert len(headings) == 3
    for index in headings:
        assert not combo.model().flags(combo.model().index(index, 0)) & Qt.ItemFlag.ItemIsSelectable
        combo.activated.emit(index)
    assert registry.of(chooser.spec).name == "real-nvp"


def test_exactness_says_what_a_data_set_knows() -> None:
    from gmstudio.data.base import DataSpec

    for one in registry.components("data"):
        spec = one.spec()
        assert isinstance(spec, DataSpec)
        assert exactness(spec).startswith("Exact" if spec.exact else "No exact density")


def test_the_thumbnail_paints_the_curve_and_says_it(qtbot: QtBot) -> None:
    for one in registry.components("schedule"):
        spec = one.spec()
        assert isinstance(spec, ScheduleSpec)
        thumbnail = Thumbnail(spec)
        qtbot.addWidget(thumbnail)
        thumbnail.resize(200, 54)
        assert len({thumbnail.grab().toImage().pixel(x, 30) for x in range(0, 200, 3)}) > 1 or spec.off
        assert thumbnail.accessibleDescription().startswith("No noise" if spec.off else "Noise variance")


def test_values_are_shown_as_people_write_them() -> None:
    infos = {info.name: info for info in registry.fields(TrainingSpec)}
    assert shown(8192, infos["steps"]) == "8,192 steps"
    assert shown(1e-3, infos["rate"]) == "0.001"
    assert shown("x" * 99, infos["decay"]).endswith("…")
