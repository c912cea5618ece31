"""Undo for the cards: one command a change, merged while the same field changes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from PySide6.QtGui import QUndoCommand

_numbers = count(1000)
_ids: dict[str, int] = {}


class Change(QUndoCommand):
    """One part of an experiment, before and after.

    It holds the part alone, so that undoing it leaves what was drawn or loaded in the meantime.

    Args:
        show: sets a part of the experiment: name and value.
        part: its name.
        before, after: its values.
        text: for the undo list.
        key: consecutive changes with the same key become one; an empty one never merges.
    """

    def __init__(
        self, show: Callable[[str, Any], None], part: str, before: Any, after: Any, text: str, key: str
    ) -> None:
        super().__init__(text)
        self._show = show
        self.part = part
        self.before = before
        self.after = after
        self.key = key

    def id(self) -> int:
        """One number for each key."""
        if not self.key:
            return -1
        if self.key not in _ids:
            _ids[self.key] = next(_numbers)
        return _ids[self.key]

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take over a following change of the same field; a change back to the start takes itself away."""
        if not isinstance(other, Change) or other.key != self.key or other.before != self.after:
            return False
        self.after = other.after
        self.setText(other.text())
        self.setObsolete(self.after == self.before)
        return True

    def redo(self) -> None:
        """Show what came after."""
        self._show(self.part, self.after)

    def undo(self) -> None:
        """Show what was before."""
        self._show(self.part, self.before)
