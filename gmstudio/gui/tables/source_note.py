"""What the Data card says of a table or of images: their file, its size, its hash, and where to choose anew."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from gmstudio.data.base import DataSpec
from gmstudio.gui.cards.calm import set_state
from gmstudio.gui.cards.card import Elided
from gmstudio.gui.cards.flow import FlowLayout
from gmstudio.gui.tables.source import Facts, Source, State, source_of

_STATES: dict[State, str] = {
    "there": "",
    "none": "No file is chosen yet.",
    "gone": "The file is not there any more. Put it back, or choose the file again.",
    "changed": "The file has changed since it was chosen. Put the old one back, or choose the file again.",
}


class SourceNote(QFrame):
    """Hidden for data that are drawn.

    Signals:
        wanted(str): the person asks to ``edit`` the choice, to ``choose`` a file or ``folder``, or to ``pick`` a known
            set.
    """

    wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sourcenote")
        self.setAccessibleName("Source of the data")
        self._source: Source | None = None
        self._facts: Facts | None = None
        self._used, self._again = 0, False
        self.name = Elided()
        self.name.setProperty("class", "cardtitle")
        self.extent = QLabel()
        self.extent.setProperty("muted", True)
        self.extent.setWordWrap(True)
        self.problem = QLabel()
        self.problem.setObjectName("sourceproblem")
        self.problem.setWordWrap(True)
        self.edit = self._button("Edit…", "Look at the data, and choose what of them is learned", "edit")
        self.choose = self._button("Choose file…", "Train on another file", "choose")
        self.folder = self._button("Folder…", "Train on a folder of images", "folder")
        self.pick = self._button("Data sets…", "Pick a data set of the UCI repository", "pick")
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 2, 0, 4)
        box.setSpacing(2)
        buttons = QWidget()
        row = FlowLayout(buttons, 6)
        for button in (self.edit, self.choose, self.folder, self.pick):
            row.addWidget(button)
        for widget in (self.name, self.extent, self.problem):
            box.addWidget(widget)
        box.addSpacing(3)
        box.addWidget(buttons)
        self.hide()

    def _button(self, text: str, hint: str, wish: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(hint)
        button.setAccessibleDescription(hint)
        button.setProperty("wish", wish)
        button.clicked.connect(self._pressed)
        return button

    def _pressed(self) -> None:
        self.wanted.emit(str(self.sender().property("wish")))

    def show_data(self, data: DataSpec) -> None:
        """Show where the rows of a specification come from."""
        source = source_of(data)
        if source != self._source:
            self.show_state("none" if source is not None and source.kind == "table" and not source.path else "there")
        self._source, self._used = source, len(getattr(data, "columns", ()))
        self._show()

    def show_facts(self, facts: Facts | None) -> None:
        """Say how large the file is."""
        self._facts = facts
        self._show()

    def show_state(self, state: State) -> None:
        """Say what is wrong with the file."""
        self.problem.setText(_STATES[state])
        self.problem.setVisible(bool(_STATES[state]))
        set_state(self.problem, "state", "error" if state in ("gone", "changed") else "")
        self._again = state in ("gone", "changed")
        self._name_choose()

    def _name_choose(self) -> None:
        # Beside “Folder…” there is little room.
        images = self._source is not None and self._source.kind == "images"
        choose = "File…" if images else "Choose file…"
        self.choose.setText("Choose the file again…" if self._again and not images else choose)

    def _show(self) -> None:
        source = self._source
        self.setVisible(source is not None)
        if source is None:
            return
        file = source.kind != "uci"
        self.name.show_text(Path(source.path).name if file else "")
        self.name.setVisible(file and bool(source.path))
        self.name.setToolTip(f"{source.path}\nSHA-256 {source.sha256}" if source.path else "")
        self.extent.setText(self._words(source))
        self.extent.setVisible(bool(self.extent.text()))
        self.edit.setVisible(file and bool(source.path))
        self.choose.setVisible(file)
        self.folder.setVisible(source.kind == "images")
        self._name_choose()
        self.pick.setVisible(not file)

    def _words(self, source: Source) -> str:
        if source.kind == "uci":
            return self._known(source.name)
        images = source.kind == "images"
        if images and not source.path:
            return "1,797 digits of 8 × 8 pixels, which come with scikit-learn"
        facts = self._facts if self._facts is not None and self._facts.sha256 == source.sha256 else None
        said = []
        if facts is not None:
            of = f"{self._used:,} of " if self._used and self._used != facts.columns else ""
            rows, columns = ("images", "numbers") if images else ("rows", "columns")
            said.append(f"{facts.rows:,} {rows} × {of}{facts.columns:,} {columns}")
        elif self._used:
            said.append(f"{self._used:,} columns")
        if source.sha256:
            said.append(f"SHA-256 {source.sha256[:8]}…")
        return " · ".join(said)

    def _known(self, name: str) -> str:
        """What the catalogue says of a data set, and whether it is here."""
        from gmstudio.data.sets.uci import available
        from gmstudio.data.uci.catalogue import find
        from gmstudio.gui.tables.uci_model import state_in_words

        entry = find(name)
        here = available(entry.name)
        self.pick.setText("Data sets…" if here else "Download…")
        size = f"{entry.rows:,} rows × {entry.columns:,} columns" if entry.columns else f"{entry.rows:,} rows"
        return f"{size} · {state_in_words(entry, here)}"
