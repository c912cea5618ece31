"""The import dialog: what a table holds, and what of it is learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from gmstudio.data.tables.preparing import Parts, own_parts, parts
from gmstudio.gui.cards.calm import set_state
from gmstudio.gui.cards.form import SpecForm
from gmstudio.gui.cards.message import Message
from gmstudio.gui.tables.choice import Ticked, sentence
from gmstudio.gui.tables.columns_model import ColumnsModel
from gmstudio.gui.tables.foot import foot
from gmstudio.gui.tables.notice_list import NoticeList
from gmstudio.gui.tables.notices import Notice, notices
from gmstudio.gui.tables.preview_model import PreviewModel
from gmstudio.gui.tables.views import ColumnsView, FindLine, PreviewView
from gmstudio.registry import SpecError

if TYPE_CHECKING:
    from gmstudio.data.sets.table import TableSpec
    from gmstudio.data.tables.profile import Profile
    from gmstudio.data.tables.reading import Table

#: Fields that the dialog shows elsewhere than in its form.
ELSEWHERE = frozenset({"path", "sha256", "columns"})
#: Letters of the width of the right side.
SIDE = 50
#: From so many columns on, there is a line to find one.
MANY = 12


class ImportDialog(QDialog):
    """Shows a table and asks what of it is learned; what is found out of its columns may come later.

    Args:
        table: what was read.
        spec: what was chosen before; None for nothing.
        parent: the window.

    Signals:
        chosen(TableSpec): the person uses the table.
    """

    chosen = Signal(object)

    def __init__(self, table: Table, spec: TableSpec | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        from gmstudio.data.sets.table import TableSpec

        self.setWindowTitle("Open a table")
        self.table = table
        names = {column.name for column in table.columns}
        kept = tuple(name for name in spec.columns if name in names) if spec is not None else ()
        self.ticked = Ticked(table, kept)
        self._fresh = not kept
        path, sha256 = str(table.path), table.sha256
        start = TableSpec(path=path, sha256=sha256) if spec is None else spec
        self.form = SpecForm(start.changed(path=path, sha256=sha256, columns=()), hide=ELSEWHERE)
        self.form.edited.connect(self._refresh)
        self.message = Message()
        self.model = ColumnsModel(table, self.ticked)
        self.model.ticks_changed.connect(self._refresh)
        self.rows = PreviewModel(table)
        self._build()
        if spec is not None and spec.sha256 and spec.sha256 != sha256:
            self.message.say("This is not the file that was chosen before.", "Look at the columns again.")
        self.columns.setFocus()
        self._refresh()

    def show_profile(self, profile: Profile) -> None:
        """Show what has been found out of the columns; constant ones are unticked, unless there was a choice before."""
        self.model.show_profile(profile)
        self.notices.show_notices(notices(self.table, profile))
        if self._fresh:
            self.model.tick([place for place, facts in enumerate(profile.columns) if facts.constant], False)
        self._refresh()

    # Making.

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(8)
        box.addLayout(self._head())
        box.addWidget(self.message)
        middle = QHBoxLayout()
        middle.setSpacing(14)
        middle.addWidget(self._left(), 1)
        middle.addLayout(self._right())
        box.addLayout(middle, 1)
        bottom, self.sentence, self.ok = foot(
            self, "Use this table", "Put it onto the Data card; Undo takes it back", self.use
        )
        box.addLayout(bottom)
        parent = self.parentWidget()
        room = parent.size() if parent is not None else self.sizeHint()
        self.resize(max(900, min(1320, room.width() - 60)), max(560, min(860, room.height() - 40)))

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        title = QLabel(Path(self.table.path).name)
        title.setObjectName("heading")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setToolTip(str(self.table.path))
        plural = "" if len(self.table.columns) == 1 else "s"
        size = QLabel(
            f"{self.table.rows:,} rows × {len(self.table.columns):,} column{plural} · SHA-256 {self.table.sha256[:8]}…"
        )
        size.setProperty("muted", True)
        size.setToolTip(f"SHA-256 {self.table.sha256}\nA run is only repeated with the very same file.")
        row.addWidget(title)
        row.addSpacing(8)
        row.addWidget(size)
        row.addStretch(1)
        return row

    def _left(self) -> QWidget:
        self.columns = ColumnsView(self.model, self.table)
        self.preview = PreviewView(self.rows)
        above, below = QWidget(), QWidget()
        box = QVBoxLayout(above)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(5)
        box.addLayout(self._strip())
        box.addWidget(self.columns)
        box = QVBoxLayout(below)
        box.setContentsMargins(0, 4, 0, 0)
        box.setSpacing(5)
        box.addWidget(section("Rows"))
        box.addWidget(self.preview)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(above)
        split.addWidget(below)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setAccessibleName("Columns and rows")
        return split

    def _strip(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(section("Columns"))
        row.addStretch(1)
        self.finder = FindLine()
        self.finder.setPlaceholderText("Find a column")
        self.finder.setClearButtonEnabled(True)
        self.finder.setToolTip("Show the columns whose names hold these letters")
        self.finder.setAccessibleName("Find a column")
        self.finder.setMaximumWidth(220)
        self.finder.textChanged.connect(self.columns.show_found)
        self.finder.setVisible(len(self.table.columns) >= MANY)
        row.addWidget(self.finder)
        self.all = self._button("Tick all", "Tick every column that is shown and can be learned", self._tick_all)
        self.none = self._button("Untick all", "Untick every column that is shown", self._tick_none)
        row.addWidget(self.all)
        row.addWidget(self.none)
        return row

    def _button(self, text: str, hint: str, do: object) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(hint)
        button.setAutoDefault(False)
        button.clicked.connect(do)
        return button

    def _right(self) -> QVBoxLayout:
        box = QVBoxLayout()
        box.setSpacing(6)
        self.notices = NoticeList()
        self.notices.wanted.connect(self._take_offer)
        self.form.disclose()
        side = SIDE * self.columns.letter
        self.form.setFixedWidth(side)
        self.notices.setFixedWidth(side)
        for widget in (section("Preparation"), self.form, section("Worth knowing")):
            box.addWidget(widget)
        box.addWidget(self.notices, 1)
        return box

    # What is chosen.

    @property
    def spec(self) -> TableSpec:
        """The table as it would be learned."""
        chosen: TableSpec = self.form.spec.changed(columns=() if self.ticked.all else self.names)
        return chosen

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that would be learned."""
        spec = self._preparation
        apart = spec.split_column if spec.split == "own" else None
        return tuple(name for name in self.ticked.names if name != apart)

    @property
    def parts(self) -> Parts:
        """How many rows each part would have.

        Raises:
            SpecError: when one of them would have too few.
        """
        spec = self._preparation
        drop = spec.missing == "drop rows"
        own = spec.own(self.table)
        if own is not None:
            rows = np.flatnonzero(self.ticked.whole) if drop else np.arange(self.table.rows)
            return own_parts(own[0], rows, own[1], self.table.first)[1]
        return parts(self.table.rows - (self.ticked.gaps if drop else 0), spec.test_share, spec.validation_share)

    @property
    def _preparation(self) -> TableSpec:
        return cast("TableSpec", self.form.spec)

    @property
    def problem(self) -> str:
        """Why the table cannot be used like this; empty where it can."""
        count = len(self.names)
        if count < 2:
            return f"{'One column is' if count else 'No column is'} ticked. Tick at least two."
        missing = self.ticked.missing
        if missing and self._preparation.missing == "refuse":
            return f"{missing:,} values are missing. Drop their rows, fill them with the mean, or untick their columns."
        try:
            _ = self.parts
        except SpecError as error:
            return str(error)
        return ""

    def _refresh(self) -> None:
        problem = self.problem
        self.sentence.setText(problem or f"{sentence(self.parts, len(self.names))}.")
        set_state(self.sentence, "state", "error" if problem else "")
        self.ok.setEnabled(not problem)
        self.rows.show_used(self.ticked.on)
        self.notices.show_done([self._is_done(notice) for notice in self.notices.buttons.values()])

    def _is_done(self, notice: Notice) -> bool:
        if notice.dequantise:
            return bool(self._preparation.dequantise >= notice.dequantise)
        return not any(self.ticked.on[place] for place in notice.leave_out)

    def _take_offer(self, notice: Notice) -> None:
        if notice.dequantise:
            self.form.take("dequantise", notice.dequantise)
        else:
            self.model.tick(notice.leave_out, False)

    def _tick_all(self) -> None:
        self.model.tick(self.columns.places(), True)

    def _tick_none(self) -> None:
        self.model.tick(self.columns.places(), False)

    def use(self) -> None:
        """Take the table as it is chosen, unless something that was typed cannot be used."""
        self.form.commit()
        if self.ok.isEnabled() and not any(row.message.text() for row in self.form.rows.values()):
            self.chosen.emit(self.spec)
            self.accept()


def section(title: str) -> QLabel:
    """A small heading."""
    label = QLabel(title)
    label.setProperty("class", "section")
    label.setMinimumWidth(QFontMetrics(label.font()).horizontalAdvance(title) + 4)
    return label
