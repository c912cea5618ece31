"""Numbers as people type and step them: parsing, formatting and steps; no widgets."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from gmstudio.registry import FieldInfo, SpecError

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


def parse(text: str, info: FieldInfo) -> int | float:
    """The number in what a person typed, with or without grouping commas and the field's unit.

    Raises:
        SpecError: when it is no number, not whole where it must be, or outside the field's limits.
    """
    plain = text.strip().removesuffix(info.unit).strip().replace("\u2009", "").replace(" ", "").replace("−", "-")
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        number = float(plain)
    except ValueError:
        hint = "with a point, such as 0.5" if "," in plain else f"({info.limits})" if info.limits else ""
        raise SpecError(
            f"{info.label} is {text.strip()!r}.", f"Write a number {hint}".strip() + ".", info.name
        ) from None
    value: int | float = number
    if info.kind == "int":
        if not number.is_integer():
            raise SpecError(f"{info.label} is {text.strip()}.", "Write a whole number.", info.name)
        value = int(number) if abs(number) < 2**53 else int(Decimal(plain))
    info.check(value)
    return value


def plain(value: float) -> str:
    """The shortest text that reads back as the same number."""
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def pretty(value: float, unit: str = "") -> str:
    """A number for reading: grouped, at most six digits after its first, with its unit."""
    text = f"{value:,}" if isinstance(value, int) else f"{int(value):,}" if _whole(value) else f"{value:.6g}"
    return f"{text} {unit}".rstrip()


def _whole(value: float) -> bool:
    return value.is_integer() and abs(value) < 1e6


def stepped(value: float, steps: int, info: FieldInfo) -> int | float:
    """The number `steps` steps above (or below) `value`, within the field's limits.

    Logarithmic fields go along powers of two where the default is one, else along 1, 2, 5, 10, …; others add a round
    share of their range.
    """
    current: int | float = value
    for _ in range(abs(steps)):
        following = _next(current, steps > 0, info)
        if not _allowed(following, info):
            break
        current = following
    return current


def _allowed(value: float, info: FieldInfo) -> bool:
    try:
        info.check(value)
    except SpecError:
        return False
    return True


def _next(value: float, up: bool, info: FieldInfo) -> int | float:
    if info.log:
        number = _power(value, up) if _is_power_of_two(info.default) else _series(value, up)
    else:
        step = linear_step(info)
        index = math.floor(value / step + 1e-9) + 1 if up else math.ceil(value / step - 1e-9) - 1
        number = float(f"{index * step:.12g}")
    low, high = info.minimum, info.maximum
    if up and high is not None and value < high < number and not info.exclusive[1]:
        number = high
    if not up and low is not None and number < low < value and not info.exclusive[0]:
        number = low
    return round(number) if info.kind == "int" else float(number)


def linear_step(info: FieldInfo) -> float:
    """One step of a field that is not logarithmic: a round share of its range, 1 for whole numbers."""
    if info.kind == "int":
        return 1.0
    low, high = info.minimum, info.maximum
    span = high - low if low is not None and high is not None else 0.0
    if not 0.0 < span <= 100.0:
        reference = abs(info.default) if isinstance(info.default, (int, float)) and info.default else 1.0
        span = min(reference * 10.0, span or math.inf)
    return _round_down(span / 40.0)


def _round_down(number: float) -> float:
    scale = float(f"1e{math.floor(math.log10(number))}")
    return next(float(f"{m * scale:.12g}") for m in (5, 2, 1) if m * scale <= number * (1 + 1e-9))


def _is_power_of_two(value: object) -> bool:
    return isinstance(value, int) and value > 0 and value & (value - 1) == 0


def _power(value: float, up: bool) -> float:
    if value < 1:
        return 1.0 if up else value - 1
    exponent = math.floor(math.log2(value)) + 1 if up else math.ceil(math.log2(value)) - 1
    return 2.0**exponent if exponent >= 0 else 0.0


def _series(value: float, up: bool) -> float:
    if value <= 0:
        return 1.0 if up else value - 1
    decade = math.floor(math.log10(value))
    ladder = [float(f"{m}e{d}") for d in (decade - 1, decade, decade + 1) for m in (1, 2, 5)]
    if up:
        return next(rung for rung in ladder if rung > value * (1 + 1e-9))
    return next(rung for rung in reversed(ladder) if rung < value * (1 - 1e-9))


def has_slider(info: FieldInfo) -> bool:
    """Whether a slider is natural: a bounded float whose range can be told apart by eye."""
    if info.kind != "float" or info.minimum is None or info.maximum is None:
        return False
    if info.log:
        return info.minimum > 0
    return 0.0 < info.maximum - info.minimum <= 20.0


#: Places of a logarithmic slider.
LOG_TICKS = 60


def ticks(info: FieldInfo) -> int:
    """How many places a field's slider has above its lowest."""
    assert info.minimum is not None and info.maximum is not None
    if info.log:
        return LOG_TICKS
    return max(1, round((info.maximum - info.minimum) / (linear_step(info) / 2)))


def at_tick(tick: int, info: FieldInfo) -> float:
    """The number at a place of the slider, round where it can be."""
    assert info.minimum is not None and info.maximum is not None
    if info.log:
        exact = info.minimum * (info.maximum / info.minimum) ** (tick / LOG_TICKS)
        return min(info.maximum, max(info.minimum, float(f"{exact:.2g}")))
    return float(f"{min(info.maximum, info.minimum + tick * linear_step(info) / 2):.10g}")


def tick_of(value: float, info: FieldInfo) -> int:
    """The place of a number on the slider."""
    assert info.minimum is not None and info.maximum is not None
    if info.log:
        return round(LOG_TICKS * math.log(value / info.minimum) / math.log(info.maximum / info.minimum))
    return round((value - info.minimum) / (linear_step(info) / 2))
