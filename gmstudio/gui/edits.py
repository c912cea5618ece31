"""Edits of a running training: what they make of its experiment, and how they read."""

from __future__ import annotations

from typing import Any

import msgspec

from gmstudio.runs import Column, Experiment


def with_live(trained: Experiment, cards: Experiment) -> Experiment:
    """What is trained once the live parts of the cards - schedules and rates - have been posted to it."""
    run = trained.run.changed(
        mollification=cards.run.mollification, training=trained.run.training.changed(rate=cards.run.training.rate)
    )
    columns = trained.columns
    if len(columns) == len(cards.columns):
        columns = tuple(_live_column(old, new) for old, new in zip(columns, cards.columns, strict=True))
    return trained.changed(run=run, columns=columns)


def _live_column(old: Column, new: Column) -> Column:
    return msgspec.structs.replace(old, mollification=new.mollification, rate=new.rate)


def edit_in_words(edit: dict[str, Any]) -> str:
    """One line about an edit of a running training."""
    column = f"column {edit['column'] + 1}" if isinstance(edit.get("column"), int) else "all columns"
    if isinstance(edit.get("schedule"), dict):
        return f"Schedule of {column}: {edit['schedule'].get('kind', '')}"
    if isinstance(edit.get("rate"), (int, float)):
        return f"Learning rate of {column}: {edit['rate']:g}"
    return "Other data" if edit.get("kind") == "data" else "Edit"
