"""Docks that only some runs have anything for: tabs behind others on the stage, which come and go with the runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from PySide6.QtWidgets import QMainWindow

from gmstudio.gui.docks import Dock
from gmstudio.observation.frame import RunInfo


def hosts_of(dock: Dock) -> tuple[str, ...]:
    """The docks of the first of which on the stage a dock is a tab; none for a dock with a place of its own."""
    found: tuple[str, ...] = getattr(dock.content, "behind", ())
    return found


class Guests:
    """The docks that are tabs behind others.

    Args:
        docks: all docks of the window.

    Attributes:
        docks: the guests, in the order of their places.
        info: of the run that is shown; None for none.
    """

    def __init__(self, docks: Mapping[str, Dock]) -> None:
        self._all = docks
        found = [dock for dock in docks.values() if hosts_of(dock)]
        self.docks = sorted(found, key=lambda dock: getattr(dock.content, "place", ("", 0))[1])
        self.info: RunInfo | None = None
        self._closed: set[str] = set()

    def welcome(self, name: str) -> bool:
        """Whether a dock has anything to show of the run."""
        fits = getattr(self._all[name].content, "fits", None)
        return fits is None or bool(fits(self.info))

    def close_all_but(self, names: Iterable[str]) -> None:
        """Let these come with the next run that they fit, and no others."""
        self._closed = {dock.name for dock in self.docks} - set(names)

    def note_closed(self) -> None:
        """Take note of those that the person has closed: they stay so when another run comes."""
        for dock in self.docks:
            if self.welcome(dock.name):
                (self._closed.add if dock.isHidden() else self._closed.discard)(dock.name)

    def come_and_go(self) -> None:
        """Show those that fit the run, the first that comes in front, and put the others away."""
        come = []
        for dock in self.docks:
            wanted = self.welcome(dock.name) and dock.name not in self._closed
            if wanted == dock.isHidden():
                dock.setVisible(wanted)
                come += [dock] if wanted else []
        if come:
            come[0].raise_()

    def seat(self, stage: QMainWindow, on_stage: Callable[[str], bool]) -> None:
        """Make each a tab of the first of its hosts that is on the stage."""
        for dock in self.docks:
            hosts = [name for name in hosts_of(dock) if name in self._all and on_stage(name)]
            if hosts:
                stage.tabifyDockWidget(self._all[hosts[0]], dock)
