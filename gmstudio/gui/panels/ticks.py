"""Round numbers along an axis, and how they are written."""

from __future__ import annotations

import math


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` (at least 2) round numbers from `low` to `high`, steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return []
    raw = span / max(most, 2)
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1.0, 2.0, 5.0, 10.0) if unit * m >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def label(value: float, step: float) -> str:
    """A tick's text with as many decimals as its step needs; a true minus sign."""
    if abs(value) < step * 1e-6:
        return "0"
    if abs(value) >= 1e5 or step < 1e-4:
        return f"{value:.2g}".replace("-", "−").replace("e+0", "e").replace("e−0", "e−")
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{decimals}f}".replace("-", "−")


def short(value: float | None, digits: int = 3) -> str:
    """A number in few characters, with a true minus sign; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size != 0 and (size < 10 ** (-digits) or size >= 1e6):
        return f"{value:.{digits - 1}e}".replace("-", "−").replace("e+0", "e").replace("e−0", "e−")
    decimals = max(0, digits - 1 - math.floor(math.log10(size))) if size >= 1e-12 else digits - 1
    return f"{value:,.{min(decimals, digits + 2)}f}".replace("-", "−")
