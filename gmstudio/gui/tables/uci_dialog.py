"""The data sets that are known by name: what they are, whose they are, and which of them are here."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from gmstudio.errors import RefusedError
from gmstudio.gui.cards.message import Message
from gmstudio.gui.tables.downloads import Downloads
from gmstudio.gui.tables.import_dialog import section
from gmstudio.gui.tables.uci_model import COLUMNS, NAME, ROWS, SIZE, STATE, CatalogueModel, state_in_words
from gmstudio.gui.tables.views import GridView

if TYPE_CHECKING:
    from gmstudio.data.uci.catalogue import Entry

#: Letters of the width of the right side.
SIDE = 56
WIDTHS = {NAME: 40, ROWS: 13, COLUMNS: 11, SIZE: 12, STATE: 19}


class UciDialog(QDialog):
    """Pick a known data set.

    Args:
        entries: the catalogue.
        here: whether an entry has been downloaded.
        downloads: fetches what is not here.
        chosen: the name of the set that is in use; empty for none.
        parent: the window.

    Signals:
        picked(Entry): the person uses a set.
    """

    picked = Signal(object)

    def __init__(
        self,
        entries: tuple[Entry, ...],
        here: Callable[[Entry], bool],
        downloads: Downloads,
        chosen: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("UCI data sets")
        self.model = CatalogueModel(entries, here)
        self.downloads = downloads
        self._build()
        downloads.changed.connect(self._refresh)
        downloads.reached.connect(self._reached)
        downloads.arrived.connect(self._arrived)
        downloads.failed.connect(self._failed)
        names: list[str] = [entry.name for entry in entries]
        busy = downloads.entry.name if downloads.entry is not None else ""
        self.list.selectRow(names.index(busy or chosen) if (busy or chosen) in names else 0)
        self.list.setFocus()

    # Making.

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(8)
        self.message = Message()
        box.addWidget(self.message)
        middle = QHBoxLayout()
        middle.setSpacing(14)
        self.list = GridView()
        self.list.setAccessibleName("Data sets")
        self.list.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.list.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.verticalHeader().hide()
        self.list.setModel(self.model)
        for place, letters in WIDTHS.items():
            self.list.setColumnWidth(place, letters * self.list.letter)
        heads = self.list.horizontalHeader()
        heads.setStretchLastSection(True)
        heads.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.list.setMinimumWidth(60 * self.list.letter)
        self.list.selectionModel().currentRowChanged.connect(self._refresh)
        self.list.doubleClicked.connect(self.use)
        middle.addWidget(self.list, 1)
        middle.addLayout(self._details())
        box.addLayout(middle, 1)
        box.addWidget(self._foot())
        letter, parent = self.list.letter, self.parentWidget()
        room = parent.width() - 40 if parent is not None else 160 * letter
        self.resize(max(900, min(160 * letter, room)), 80 * letter)

    def _details(self) -> QVBoxLayout:
        self.title = QLabel()
        self.title.setObjectName("heading")
        self.title.setWordWrap(True)
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        self.facts.setTextFormat(Qt.TextFormat.RichText)
        self.facts.setOpenExternalLinks(True)
        self.facts.setAlignment(Qt.AlignmentFlag.AlignTop)
        flags = Qt.TextInteractionFlag
        self.facts.setTextInteractionFlags(flags.TextBrowserInteraction | flags.TextSelectableByKeyboard)
        self.facts.setAccessibleName("About this data set")
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        inside.setObjectName("noticelist")
        inner = QVBoxLayout(inside)
        inner.setContentsMargins(0, 0, 6, 0)
        inner.addWidget(self.facts)
        inner.addStretch(1)
        area.setWidget(inside)
        box = QVBoxLayout()
        box.setSpacing(8)
        for widget in (self.title, area):
            widget.setFixedWidth(SIDE * self.list.letter)
        box.addWidget(self.title)
        box.addWidget(area, 1)
        self.how = section("Get it")
        box.addWidget(self.how)
        box.addLayout(self._fetching())
        return box

    def _fetching(self) -> QVBoxLayout:
        self.fetch = self._button("Download", "Fetch this set from its repository now", self._fetch)
        self.own = self._button(
            "Choose a file you already have…", "Use a copy of the file from this machine; it is checked", self._own
        )
        self.stop = self._button("Cancel download", "Stop; the next download goes on from there", self.downloads.cancel)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("How much is downloaded")
        row = QHBoxLayout()
        row.addWidget(self.fetch)
        row.addWidget(self.stop)
        row.addWidget(self.own)
        row.addStretch(1)
        box = QVBoxLayout()
        box.setSpacing(8)
        box.addLayout(row)
        box.addWidget(self.bar)
        # Nothing moves when the bar comes and goes.
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        policy.setVerticalPolicy(QSizePolicy.Policy.Fixed)
        self.bar.setSizePolicy(policy)
        return box

    def _button(self, text: str, hint: str, do: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(hint)
        button.setAccessibleDescription(hint)
        button.setAutoDefault(False)
        button.clicked.connect(do)
        return button

    def _foot(self) -> QDialogButtonBox:
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Close)
        self.ok = buttons.button(kinds.Ok)
        self.ok.setText("Use this set")
        self.ok.setToolTip("Put it onto the Data card; Undo takes it back")
        self.ok.setDefault(True)
        buttons.button(kinds.Close).setToolTip("Leave everything as it is (Esc); a download goes on in the background")
        buttons.button(kinds.Close).setAutoDefault(False)
        buttons.accepted.connect(self.use)
        buttons.rejected.connect(self.reject)
        return buttons

    # What is shown.

    @property
    def entry(self) -> Entry:
        """The set that is selected."""
        return self.model.entries[max(0, self.list.currentIndex().row())]

    def _refresh(self) -> None:
        entry, busy = self.entry, self.downloads.entry
        here, mine = self.model.is_here(entry), busy is not None and busy.name == self.entry.name
        self.title.setText(entry.title)
        self.facts.setText(_facts(entry, self.model.is_here(entry)))
        self.ok.setEnabled(here)
        for widget in (self.how, self.own):
            widget.setVisible(not here)
        self.fetch.setVisible(not here and not mine)
        self.fetch.setText(f"Download {_size(entry)}")
        self.fetch.setEnabled(busy is None)
        self.fetch.setToolTip(
            "Fetch this set from its repository now" if busy is None else f"Wait until {busy.title} is here"
        )
        self.own.setEnabled(busy is None)
        self.stop.setVisible(mine)
        self.bar.setVisible(mine)
        if not mine:
            self.bar.setValue(0)

    def _reached(self, share: float) -> None:
        self.bar.setValue(round(1000 * share))

    def _arrived(self, entry: Entry) -> None:
        self.model.look()
        self._refresh()
        if entry is self.entry:
            self.ok.setFocus()

    def _failed(self, entry: Entry, error: Exception) -> None:
        self.message.say(*in_words(entry, error))

    # What is done.

    def _fetch(self) -> None:
        self.message.hide()
        self.downloads.fetch(self.entry)

    def _own(self) -> None:
        entry = self.entry
        name, _ = QFileDialog.getOpenFileName(self, f"The file of {entry.title}", str(Path.home()))
        if name:
            self.message.hide()
            self.downloads.adopt(entry, Path(name))

    def use(self) -> None:
        """Take the selected set if it is here."""
        if self.ok.isEnabled():
            self.picked.emit(self.entry)
            self.accept()


def in_words(entry: Entry, error: Exception) -> tuple[str, str]:
    """What went wrong with a set, and what to try in the window."""
    from gmstudio.data.uci.errors import OWN_FILE
    from gmstudio.training.problems import problem_of

    if isinstance(error, RefusedError):
        return error.message, error.remedy.replace(OWN_FILE, "choose a file that you already have")
    problem = problem_of(error)
    return f"{entry.title} could not be had. {problem.what}", problem.remedy


def _size(entry: Entry) -> str:
    from gmstudio.data.uci.catalogue import size_in_words

    return size_in_words(entry.size)


def _facts(entry: Entry, here: bool) -> str:
    size = f"{entry.rows:,} rows × {entry.columns or 'several'} columns"
    if not here:
        size += f"; download {_size(entry)}"
    lines = [
        ("", f"{size}; {state_in_words(entry, here)}"),
        ("Preparation", entry.preparation),
        ("Licence", entry.licence),
        ("Cite", entry.citation),
    ]
    said = [f"<p>{f'<b>{head}.</b> ' if head else ''}{escape(text)}</p>" for head, text in lines]
    return "".join([*said, f'<p><a href="{escape(entry.page, quote=True)}">{escape(entry.page)}</a></p>'])
