"""The dialog of images: the first of them as they would be learned, and how they are prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.data.tables.preparing import parts
from gmstudio.gui.cards.calm import set_state
from gmstudio.gui.cards.form import SpecForm
from gmstudio.gui.images.grid import ImageGrid, pictures_of
from gmstudio.gui.tables.foot import foot
from gmstudio.gui.tables.import_dialog import SIDE, section
from gmstudio.registry import SpecError

if TYPE_CHECKING:
    from gmstudio.data.sets.images import ImagesSpec
    from gmstudio.gui.images.look import Look

#: Milliseconds after the last change of the form until the images are read again.
CALM = 150
_LOOKING = "Looking at the images…"


class ImagesDialog(QDialog):
    """Shows images and asks how they are learned.

    Args:
        found: a first look, as `spec` wants the images.
        spec: what was chosen before, or the defaults, with the path.
        parent: the window.

    Signals:
        look_wanted(Wanted): the images should be read again, as that; `show_look` shows them.
        chosen(ImagesSpec): the person uses the images.
    """

    look_wanted = Signal(object)
    chosen = Signal(object)

    def __init__(self, found: Look, spec: ImagesSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Open images")
        self.found = found
        hide = {"path", "sha256"} | (set() if found.path.suffix.lower() == ".npz" else {"array"})
        self.form = SpecForm(spec.changed(sha256=""), hide=frozenset(hide))
        self.form.edited.connect(self._edited)
        self.grid = ImageGrid()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(CALM)
        self._timer.timeout.connect(self._ask)
        self._build()
        self.show_look(found)
        self.form.setFocus()

    # Making.

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(8)
        box.addLayout(self._head())
        middle = QHBoxLayout()
        middle.setSpacing(14)
        middle.addWidget(self.grid, 1)
        middle.addLayout(self._right())
        box.addLayout(middle, 1)
        bottom, self.sentence, self.ok = foot(
            self, "Use these images", "Read all of them and put them onto the Data card; Undo takes them back", self.use
        )
        box.addLayout(bottom)
        parent = self.parentWidget()
        room = parent.size() if parent is not None else self.sizeHint()
        self.resize(max(820, min(1100, room.width() - 100)), max(520, min(700, room.height() - 60)))

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        title = QLabel(self.found.path.name)
        title.setObjectName("heading")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setToolTip(str(self.found.path))
        self.size_label = QLabel()
        self.size_label.setProperty("muted", True)
        row.addWidget(title)
        row.addSpacing(8)
        row.addWidget(self.size_label)
        row.addStretch(1)
        return row

    def _right(self) -> QVBoxLayout:
        box = QVBoxLayout()
        box.setSpacing(6)
        side = SIDE * max(5, self.fontMetrics().averageCharWidth())
        self.form.setFixedWidth(side)
        if self.found.path.suffix.lower() == ".npz":
            # The array is chosen there.
            self.form.disclose()
        self.notes = QLabel()
        self.notes.setProperty("muted", True)
        self.notes.setWordWrap(True)
        self.notes.setFixedWidth(side)
        self.notes.setTextFormat(Qt.TextFormat.PlainText)
        for widget in (section("Preparation"), self.form, self.notes):
            box.addWidget(widget)
        box.addStretch(1)
        return box

    # What is chosen.

    @property
    def spec(self) -> ImagesSpec:
        """The images as they would be learned; their hash comes when all of them are read."""
        return cast("ImagesSpec", self.form.spec)

    @property
    def problem(self) -> str:
        """Why the images cannot be used like this; empty where they can."""
        if self.found.error is not None:
            return str(self.found.error)
        try:
            self._parts()
        except SpecError as error:
            return str(error)
        return ""

    def show_look(self, found: Look) -> None:
        """Show what the images are like, as they are wanted now."""
        self.found = found
        images = found.images
        if images is None:
            self.grid.show_hint("No images can be shown.")
            self.size_label.clear()
        else:
            from gmstudio.data.images.stack import in_words

            self.grid.show_pictures(pictures_of(images))
            self.size_label.setText(f"{images.total:,} images · {in_words(images.shape)}")
        self.notes.setText("\n".join(images.notes) if images is not None else "")
        self._refresh()

    def _edited(self) -> None:
        if self.spec.wanted != self.found.wanted:
            self._timer.start()
        self._refresh()

    def _ask(self) -> None:
        self.look_wanted.emit(self.spec.wanted)

    def _refresh(self) -> None:
        waiting = self.spec.wanted != self.found.wanted
        problem = "" if waiting else self.problem
        self.sentence.setText(_LOOKING if waiting else problem or self._words())
        set_state(self.sentence, "state", "error" if problem else "")
        self.ok.setEnabled(not waiting and not problem)

    def _parts(self) -> tuple[int, int, int]:
        images = self.found.images
        assert images is not None
        found = parts(min(images.total, self.spec.most), self.spec.test_share, self.spec.validation_share, "image")
        return found.train, found.validation, found.test

    def _words(self) -> str:
        images = self.found.images
        assert images is not None
        train, validation, test = self._parts()
        columns = images.shape[0] * images.shape[1] * images.shape[2]
        return f"{train:,} images to train on, {validation:,} to validate, {test:,} to test; {columns:,} numbers each."

    def use(self) -> None:
        """Take the images as they are chosen, unless something that was typed cannot be used."""
        self.form.commit()
        if self.ok.isEnabled() and not any(row.message.text() for row in self.form.rows.values()):
            self.chosen.emit(self.spec)
            self.accept()
