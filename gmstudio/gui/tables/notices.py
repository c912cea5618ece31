"""What a person should know of a table before learning it, in words, each with what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gmstudio.gui.tables.choice import usable
from gmstudio.gui.tables.columns_model import WORDS

if TYPE_CHECKING:
    from gmstudio.data.tables.profile import Profile
    from gmstudio.data.tables.reading import Table

#: Pairs of columns that are named one by one; names in a list.
PAIRS, NAMES = 4, 4


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know.

    Attributes:
        text: one or two sentences.
        offer: what the button beside it says; empty for no button.
        leave_out: places of the columns that the button unticks.
        dequantise: the noise that the button sets; 0 for none.
    """

    text: str
    offer: str = ""
    leave_out: tuple[int, ...] = ()
    dequantise: float = 0.0


def notices(table: Table, profile: Profile) -> list[Notice]:
    """Everything to know of a table, the gravest first."""
    return [
        *(Notice(note) for note in table.notes),
        *_unusable(table),
        *_constant(table, profile),
        *_missing(table),
        *_correlated(table, profile),
        *_few_valued(table, profile),
        *_duplicates(table, profile),
    ]


def listed(names: list[str]) -> str:
    """Names in a sentence: ``a, b and 3 more``."""
    if len(names) > NAMES:
        return f"{', '.join(names[: NAMES - 1])} and {len(names) - NAMES + 1:,} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _unusable(table: Table) -> Iterator[Notice]:
    for kind, word in WORDS.items():
        names = [column.name for column in table.columns if column.kind == kind and not usable(column)]
        if names:
            verb = "holds" if len(names) == 1 else "hold"
            yield Notice(f"{listed(names)} {verb} {word} and cannot be used: a density needs numbers.")


def _constant(table: Table, profile: Profile) -> Iterator[Notice]:
    pairs = zip(table.columns, profile.columns, strict=True)
    names = [column.name for column, facts in pairs if usable(column) and facts.constant]
    if names:
        one = len(names) == 1
        verb, them = ("has", "It is") if one else ("have", "They are")
        yield Notice(f"{listed(names)} {verb} the same value in every row. {them} unticked: a constant has no density.")


def _missing(table: Table) -> Iterator[Notice]:
    found = [column for column in table.columns if usable(column) and column.missing]
    if found:
        count = sum(column.missing for column in found)
        values = "1 value is" if count == 1 else f"{count:,} values are"
        names = listed([column.name for column in found])
        yield Notice(f"{values} missing, in {names}. “Missing values” says what becomes of these rows.")


def _correlated(table: Table, profile: Profile) -> Iterator[Notice]:
    pairs = profile.correlated
    for first, second, correlation in pairs[:PAIRS]:
        a, b = table.columns[first].name, table.columns[second].name
        text = f"{a} and {b} say nearly the same (correlation {correlation:.3f}): the likelihood has no upper limit."
        yield Notice(text, f"Leave out {b}", (second,))
    if len(pairs) > PAIRS:
        text = f"{len(pairs) - PAIRS:,} more pairs of columns have correlations beyond 0.98."
        yield Notice(text, "Leave out one of each pair", one_of_each(pairs))


def one_of_each(pairs: tuple[tuple[int, int, float], ...]) -> tuple[int, ...]:
    """The later column of every pair whose earlier one stays."""
    out: set[int] = set()
    for first, second, _ in sorted(pairs):
        if first not in out:
            out.add(second)
    return tuple(sorted(out))


def _few_valued(table: Table, profile: Profile) -> Iterator[Notice]:
    pairs = zip(table.columns, profile.columns, strict=True)
    names = [column.name for column, facts in pairs if usable(column) and facts.few_valued and not facts.constant]
    if names:
        verb = "takes" if len(names) == 1 else "take"
        yield Notice(
            f"{listed(names)} {verb} few different values: a density can grow without limit there. "
            "Noise as wide as the gap between two values prevents that.",
            "Add noise",
            dequantise=1.0,
        )


def _duplicates(table: Table, profile: Profile) -> Iterator[Notice]:
    count = profile.duplicates
    if count:
        rows = "1 row repeats" if count == 1 else f"{count:,} of {table.rows:,} rows repeat"
        yield Notice(f"{rows} an earlier one. The same row may then be in the training part and in the test part.")
