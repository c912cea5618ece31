"""Numbers: reading what people type, steps along round values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.gui.cards import numbers
from gmstudio.registry import FieldInfo, SpecError

WHOLE = FieldInfo(name="n", label="N", kind="int", default=6, help="", minimum=1, maximum=10_000_000, unit="points")
REAL = FieldInfo(name="x", label="X", kind="float", default=0.5, help="")


@pytest.mark.parametrize(
    ("text", "value"),
    [("8192", 8192), ("8,192", 8192), (" 8,192 points ", 8192), ("1e3", 1000), ("2.0", 2), ("+5", 5)],
)
def test_whole_numbers_are_read_as_people_write_them(text: str, value: int) -> None:
    assert numbers.parse(text, WHOLE) == value
    assert isinstance(numbers.parse(text, WHOLE), int)


@pytest.mark.parametrize("text", ["", "abc", "1.5", "0", "10000001", "nan", "inf", "1,5", "0x10", "1 2 x"])
def test_what_is_no_number_in_the_limits_is_refused_with_the_fields_name(text: str) -> None:
    with pytest.raises(SpecError, match=r"^N is"):
        numbers.parse(text, WHOLE)


def test_a_decimal_comma_is_not_taken_for_grouping() -> None:
    with pytest.raises(SpecError, match="with a point"):
        numbers.parse("0,5", REAL)
    assert numbers.parse("−0.5", REAL) == -0.5


@given(st.floats(-1e300, 1e300))
def test_plain_text_reads_back_as_the_same_number(value: float) -> None:
    assert numbers.parse(numbers.plain(value), REAL) == value


@given(st.integers(1, 10_000_000))
def test_pretty_whole_numbers_read_back(value: int) -> None:
    assert numbers.parse(numbers.pretty(value, "points"), WHOLE) == value


def steps(info: FieldInfo, start: float, way: int, count: int) -> list[float]:
    result = [start]
    for _ in range(count):
        result.append(numbers.stepped(result[-1], way, info))
    return result[1:]


def test_logarithmic_steps_go_along_powers_of_two_or_round_numbers() -> None:
    two = FieldInfo(name="b", label="B", kind="int", default=256, help="", minimum=1, maximum=1000, log=True)
    assert steps(two, 100, 1, 5) == [128, 256, 512, 1000, 1000]
    assert steps(two, 5, -1, 4) == [4, 2, 1, 1]
    rate = FieldInfo(
        name="r",
        label="R",
        kind="float",
        default=1e-3,
        help="",
        minimum=0.0,
        maximum=1.0,
        exclusive=(True, False),
        log=True,
    )
    assert steps(rate, 1e-3, 1, 4) == [2e-3, 5e-3, 1e-2, 2e-2]
    assert steps(rate, 1e-3, -1, 3) == [5e-4, 2e-4, 1e-4]
    assert steps(rate, 0.7, 1, 2) == [1.0, 1.0]


def test_linear_steps_are_round_and_stay_within_the_limits() -> None:
    share = FieldInfo(
        name="u", label="U", kind="float", default=1.0, help="", minimum=0.0, maximum=1.0, exclusive=(True, False)
    )
    assert steps(share, 0.98, 1, 2) == [1.0, 1.0]
    assert steps(share, 0.3, 1, 2) == [0.32, 0.34]
    assert steps(share, 0.33, 1, 1) == [0.34]
    assert min(steps(share, 0.1, -1, 20)) > 0


@given(st.floats(0.0, 1.0), st.integers(-5, 5))
def test_steps_never_leave_the_limits(value: float, count: int) -> None:
    info = FieldInfo(name="f", label="F", kind="float", default=0.0, help="", minimum=0.0, maximum=1.0)
    info.check(numbers.stepped(value, count, info))


@pytest.mark.parametrize(("low", "high", "log"), [(0.0, 1.0, False), (0.05, 2.0, True), (-3.0, 3.0, False)])
def test_places_of_a_slider_and_numbers_belong_together(low: float, high: float, log: bool) -> None:
    info = FieldInfo(name="s", label="S", kind="float", default=low, help="", minimum=low, maximum=high, log=log)
    assert numbers.has_slider(info)
    last = numbers.ticks(info)
    assert numbers.at_tick(0, info) == low
    assert numbers.at_tick(last, info) == high
    for tick in range(last + 1):
        assert abs(numbers.tick_of(numbers.at_tick(tick, info), info) - tick) <= 1
