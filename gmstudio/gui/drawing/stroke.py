"""Undo for drawings: one command a stroke."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QUndoCommand

from gmstudio.gui.drawing.document import DrawingCommand, DrawingDocument


class Stroke(QUndoCommand):
    """A change of the drawing that is already on the canvas when it is pushed.

    Where the drawing was replaced in the meantime, by opening another one, it takes itself away instead.

    Args:
        document: gives the drawing as it is.
        show: shows another drawing.
        command: the change.
        before: the drawing before it.
        text: for the undo list.
    """

    def __init__(
        self,
        document: Callable[[], DrawingDocument],
        show: Callable[[DrawingDocument], None],
        command: DrawingCommand,
        before: DrawingDocument,
        text: str,
    ) -> None:
        super().__init__(text)
        self._document = document
        self._show = show
        self._command = command
        self._inverse = command.inverse(before)
        self._before = before.fingerprint
        self._after = document().fingerprint
        self._done = True

    def redo(self) -> None:
        """Make the change again; not at the push, when it has been made already."""
        if not self._done:
            self._go(self._command, self._before)
        self._done = True

    def undo(self) -> None:
        """Take the change back."""
        self._done = False
        self._go(self._inverse, self._after)

    def _go(self, command: DrawingCommand, expected: tuple[int, int]) -> None:
        document = self._document()
        if document.fingerprint == expected:
            self._show(command.apply(document))
        else:
            self.setObsolete(True)


class SetSpread(QUndoCommand):
    """A change of the spread; consecutive ones merge.

    Args:
        show: shows another spread.
        before, after: standard deviations.
    """

    ID = 911

    def __init__(self, show: Callable[[float], None], before: float, after: float) -> None:
        super().__init__(f"Set the spread to {after:g}")
        self._show = show
        self._before = before
        self._after = after

    def id(self) -> int:
        """One number for all of them."""
        return self.ID

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take over the one that follows."""
        if not isinstance(other, SetSpread):
            return False
        self._after = other._after
        self.setText(other.text())
        self.setObsolete(self._after == self._before)
        return True

    def redo(self) -> None:
        """Show the new spread."""
        self._show(self._after)

    def undo(self) -> None:
        """Show the old spread."""
        self._show(self._before)
