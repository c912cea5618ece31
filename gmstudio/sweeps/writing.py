"""A sweep's table as text: Markdown, LaTeX, and CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Callable
from pathlib import Path

from gmstudio import durable
from gmstudio.exporting.tables import harmless
from gmstudio.registry import SpecError
from gmstudio.sweeps import titles
from gmstudio.sweeps.table import WHEN, Cell, Heading, Row, Summary, Table, When

#: Digits after the point for people; CSV has all of them.
DIGITS = 2
NOTHING = "–"


def write(path: Path, table: Table) -> None:
    """Write a table whole or not at all, in the form that its file's name asks for.

    Raises:
        SpecError: when the name ends in none of ``.csv``, ``.tex`` and ``.md``.
        OSError: when it cannot be written.
    """
    durable.replace(path, form(path)(table).encode())


def form(path: Path) -> Callable[[Table], str]:
    """What makes the text for a file of that name.

    Raises:
        SpecError: when it ends in none of ``.csv``, ``.tex`` and ``.md``.
    """
    forms = {".csv": to_csv, ".tex": to_latex, ".md": to_markdown}
    found = forms.get(path.suffix.lower())
    if found is None:
        raise SpecError(f"“{path.name}” names no kind of table.", f"End it in {', '.join(forms)}.", "out")
    return found


def subject(table: Table) -> str:
    """What was trained: the data sets, the recipe, the number of seeds."""
    sets = titles.listed([row.data for row in table.rows])
    trained = f", trained for {table.recipe}" if table.recipe else ""
    return f"{sets[:1].upper()}{sets[1:]}{trained}, with {table.seeds:,} seed{'' if table.seeds == 1 else 's'}"


def caption(table: Table) -> str:
    """What the numbers are."""
    units = "standardised units" if table.units == "standardised" else "the units of the data"
    points = {row.points for row in table.rows if row.points}
    on = "test points" if points <= {"test"} else "points"
    spread = "mean ± sample standard deviation over the seeds" if table.seeds > 1 else "one seed"
    return f"Mean log-likelihood of {on}, nats per point in {units}; {spread}."


def notes(table: Table) -> list[str]:
    """What a reader must know beside the numbers."""
    found = []
    held_out = [row.data for row in table.rows if row.points == "validation"]
    if held_out:
        found.append(f"Without test points, measured on the validation points: {', '.join(held_out)}.")
    cells = [cell for row in table.rows for cell in row.cells]
    failed, missing = sum(cell.failed for cell in cells), sum(cell.missing for cell in cells)
    if failed:
        reasons = list(dict.fromkeys(reason for cell in cells for reason in cell.reasons))
        found.append(f"{failed} of {sum(len(cell.keys) for cell in cells)} runs failed: {' / '.join(reasons[:3])}")
    if missing:
        found.append(f"{missing} runs are not done.")
    return found


def shown(cell: Cell, when: When, digits: int = DIGITS, plus_minus: str = "±") -> str:
    """A cell for people: mean and deviation, and how many runs of how many where some are missing."""
    found = cell.at(when)
    if not found.count:
        if cell.infinite:
            return "not finite"
        return "failed" if cell.failed else NOTHING
    text = f"{found.mean:.{digits}f}"
    if not math.isnan(found.deviation):
        text += f" {plus_minus} {found.deviation:.{digits}f}"
    return text if found.count == len(cell.keys) else f"{text} ({found.count} of {len(cell.keys)})"


def to_markdown(table: Table) -> str:
    """Two tables in Markdown: at the last epoch and at the best validation epoch."""
    lines = [f"## {_plain(table.title)}", "", _plain(f"{subject(table)}. {caption(table)}"), ""]
    heads = ["", *(f"{heading.model}, {heading.schedule}" for heading in table.headings), *table.baselines]
    for when, words in WHEN.items():
        lines += [f"**At the {words}**", "", _cells(heads), _cells(["---", *["---:"] * (len(heads) - 1)])]
        lines += [_cells([row.data, *_texts(table, row, when)]) for row in table.rows]
        lines.append("")
    return "\n".join(lines + [f"{_plain(note)}\n" for note in notes(table)])


def _texts(table: Table, row: Row, when: When) -> list[str]:
    known = [row.baselines.get(title) for title in table.baselines]
    return [
        *(shown(cell, when) for cell in row.cells),
        *(NOTHING if value is None else f"{value:.{DIGITS}f}" for value in known),
    ]


def _cells(texts: list[str]) -> str:
    return f"| {' | '.join(_plain(text) for text in texts)} |"


def _plain(text: str) -> str:
    """Text in which Markdown finds nothing but text."""
    for sign in "\\|*_`<[]#":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())


_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "‖": r"$\Vert$",
}


def _tex(text: str) -> str:
    """Text in which LaTeX finds nothing but text."""
    return "".join(_LATEX.get(sign, sign) for sign in " ".join(text.split()))


def to_latex(table: Table) -> str:
    """Two ``tabular`` in a ``table``; no package is needed."""
    count = len(table.headings) + len(table.baselines)
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_tex(_headed(table))}}}"]
    for when, words in WHEN.items():
        lines += [rf"\par\medskip At the {words}\par\smallskip", rf"\begin{{tabular}}{{l{'r' * count}}}", r"\hline"]
        groups = [(model, len(list(group))) for model, group in itertools.groupby(h.model for h in table.headings)]
        spans = [rf"\multicolumn{{{span}}}{{c}}{{{_tex(model)}}}" for model, span in groups]
        lines.append(_line([*spans, *(_tex(title) for title in table.baselines)]))
        lines.append(_line([*(_tex(heading.schedule) for heading in table.headings), *[""] * len(table.baselines)]))
        lines.append(r"\hline")
        for row in table.rows:
            texts = [_number(text) for text in _texts(table, row, when)]
            lines.append(rf"{_tex(row.data)} & {' & '.join(texts)} \\")
        lines += [r"\hline", r"\end{tabular}"]
    lines += [rf"\par\smallskip {_tex(note)}" for note in notes(table)]
    return "\n".join([*lines, r"\end{table}", ""])


def _headed(table: Table) -> str:
    """Title, subject and caption."""
    return f"{table.title}: {subject(table)}. {caption(table)}"


def _line(texts: list[str]) -> str:
    return rf" & {' & '.join(texts)} \\"


def _number(text: str) -> str:
    """A cell's text with its numbers set as mathematics, so that a minus is one."""
    head, bracket, tail = text.partition(" (")
    if not head[:1].isdigit() and not head.startswith("-"):
        return _tex(text)
    set_out = head.replace("±", r"\pm")
    return f"${set_out}${_tex(bracket + tail)}"


def to_csv(table: Table) -> str:
    """One row for each data set and moment; mean, deviation and number of runs have fields of their own.

    Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name for heading in table.headings for name in _fields(heading)]
    writer.writerow(["data", "points", "units", "at", *map(_field, [*names, *table.baselines])])
    for when, words in WHEN.items():
        for row in table.rows:
            cells = [field for cell in row.cells for field in _values(cell, cell.at(when))]
            known = [row.baselines.get(title, math.nan) for title in table.baselines]
            writer.writerow([_field(row.data), row.points, table.units, words, *cells, *map(_exact, known)])
    return text.getvalue()


def _fields(heading: Heading) -> list[str]:
    title = " ".join(f"{heading.model}, {heading.schedule}".split())
    return [f"{title}: {what}" for what in ("mean", "deviation", "runs", "failed")]


def _values(cell: Cell, found: Summary) -> list[str]:
    return [_exact(found.mean), _exact(found.deviation), str(found.count), str(cell.failed)]


def _field(text: str) -> str:
    """A title on one line that no spreadsheet takes for a formula."""
    return harmless(" ".join(text.split()))


def _exact(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))
