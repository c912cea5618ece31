"""The numbers of a run as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from gmstudio.observation.frame import METRICS, Metric


def metrics_csv(metrics: Sequence[Metric], titles: Sequence[str]) -> str:
    """One row for each column and step, one field for each metric, empty where it was not measured.

    Args:
        metrics: of a run; of two of the same name, column and step the later one counts.
        titles: of the columns.

    Returns:
        CSV text, UTF-8, rows ending in a newline. Titles that a spreadsheet would take for a formula begin with an
        apostrophe.
    """
    measured = {metric.name for metric in metrics}
    names = [name for name in METRICS if name in measured]
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for metric in metrics:
        rows.setdefault((metric.column, metric.step), {})[metric.name] = metric.value
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["column", "title", "step", *names])
    for (column, step), values in sorted(rows.items()):
        title = titles[column] if column < len(titles) else f"Column {column + 1}"
        writer.writerow(
            [column + 1, " ".join(harmless(title).splitlines()), step, *(_number(values.get(name)) for name in names)]
        )
    return text.getvalue()


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return repr(float(value)) if math.isfinite(value) else str(float(value))
