"""The drawing panel: tools, canvas, sliders, undo, pictures."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QUndoStack,
)
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QFrame,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.data.sets.drawing import Drawing
from gmstudio.gui.cards.flow import FlowLayout
from gmstudio.gui.cards.message import Message
from gmstudio.gui.drawing.canvas import Canvas
from gmstudio.gui.drawing.document import AddPoints, Clear, DrawingCommand, DrawingDocument
from gmstudio.gui.drawing.pen_settings import PenSettings
from gmstudio.gui.drawing.picture_bar import PictureBar
from gmstudio.gui.drawing.pictures import (
    Loaded,
    PictureError,
    as_density,
    as_points,
    formats,
    from_clipboard,
    read_picture,
)
from gmstudio.gui.drawing.stroke import SetSpread, Stroke
from gmstudio.gui.drawing.tools import TOOLS, Pen
from gmstudio.gui.drops import files_in, kind_of
from gmstudio.gui.icons import icon
from gmstudio.gui.theme import Theme, themes

#: Milliseconds between two announcements within a stroke, at least.
PERIOD = 100


class DrawPanel(QWidget):
    """Draw a data set.

    Args:
        undo: where every stroke goes, as one entry.
    """

    #: The drawing, at the end of a stroke and at most 10 times a second within one.
    changed = Signal(object)
    #: A `Picture` that the person wants as the data set.
    picture = Signal(object)

    def __init__(self, undo: QUndoStack, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("drawpanel")
        self.setAccessibleName("Drawing")
        self.setAcceptDrops(True)
        self.undo = undo
        self._spec = Drawing()
        self._told = DrawingDocument()
        self._generator = np.random.default_rng(1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._announce)
        self._last = 0.0
        self._cost = 0.0
        self.settings = PenSettings()
        self.canvas = Canvas()
        self.canvas.drawn.connect(self._drawn)
        self.canvas.stroked.connect(self._stroked)
        self.canvas.tool_chosen.connect(self.choose_tool)
        self.canvas.radius_chosen.connect(self.settings.set_radius)
        self.buttons: dict[str, QToolButton] = {}
        self._icons: list[tuple[QToolButton, str]] = []
        self.message = Message()
        self.bar = PictureBar()
        self.bar.density.connect(self._use_picture)
        self.bar.points.connect(self._add_picture)
        self.settings.pen_changed.connect(self._pen_changed)
        self.settings.spread_changed.connect(self._spread_changed)
        self.settings.folds_chosen.connect(self._folds_chosen)
        self.settings.refused.connect(self._refused)
        self._build()
        themes().changed.connect(self.apply_theme)
        self.choose_tool("brush")
        self._show_count()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(6)
        layout.addWidget(self._tool_strip())
        layout.addWidget(self.message)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.bar)
        layout.addWidget(self.settings)

    def _tool_strip(self) -> QWidget:
        strip = QWidget()
        flow = FlowLayout(strip, 1)
        group = QButtonGroup(self)
        for tool in TOOLS:
            button = self._button(f"tool-{tool.name}", f"{tool.title} ({tool.key}): {tool.help}", tool.title)
            button.setCheckable(True)
            button.setProperty("tool", tool.name)
            button.clicked.connect(self._tool_clicked)
            group.addButton(button)
            self.buttons[tool.name] = button
            flow.addWidget(button)
        gap = QFrame()
        gap.setObjectName("gap")
        gap.setFixedSize(5, 24)
        flow.addWidget(gap)
        # The stack's own actions follow its state and carry its texts.
        for name, action in (
            ("undo", self.undo.createUndoAction(self, "Undo")),
            ("redo", self.undo.createRedoAction(self, "Redo")),
        ):
            action.setIcon(icon(name))
            button = self._button(name, name.capitalize(), name.capitalize())
            button.setDefaultAction(action)
            self.buttons[name] = button
            flow.addWidget(button)
        for name, icon_name, hint, slot in (
            ("clear", "clear", "Remove all points", self.clear),
            ("import", "import-picture", "Import a picture; or drop or paste one here", self.ask_picture),
        ):
            button = self._button(icon_name, hint, hint)
            button.clicked.connect(slot)
            self.buttons[name] = button
            flow.addWidget(button)
        return strip

    def _button(self, icon_name: str, hint: str, name: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(icon_name))
        button.setIconSize(QSize(17, 17))
        button.setToolTip(hint)
        button.setAccessibleName(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._icons.append((button, icon_name))
        return button

    @property
    def spec(self) -> Drawing:
        """The drawing as a specification."""
        document = self.canvas.document
        document.extend_tuple(self._told)
        self._told, points = document, document.as_tuple
        if points != self._spec.points:
            self._spec = self._spec.changed(points=points)
        return self._spec

    def set_spec(self, spec: Drawing) -> None:
        """Show another drawing; no undo entry, no signal."""
        if spec.points != self._spec.points or len(self.canvas.document) != len(spec.points):
            self.canvas.document = DrawingDocument.of(spec.points)
        self._spec = spec
        self.settings.show_spread(spec.spread)
        self._show_count()

    def choose_tool(self, name: str) -> None:
        """Take a tool."""
        self.canvas.choose(name)
        self.buttons[name].setChecked(True)

    def clear(self) -> None:
        """Remove all points."""
        if len(self.canvas.document):
            self.do(Clear(), "Clear the drawing")

    def do(self, command: DrawingCommand, text: str) -> None:
        """Change the drawing as the person's own act, with one undo entry."""
        before = self.canvas.document
        self.canvas.document = command.apply(before)
        self._push(command, before, text)

    def ask_picture(self) -> None:
        """Ask for a picture file."""
        name, _ = QFileDialog.getOpenFileName(self, "Import a picture", "", f"{formats()};;All files (*)")
        if name:
            self.open_picture(Path(name))

    def open_picture(self, path: Path) -> None:
        """Offer a picture file, or say what is wrong with it."""
        try:
            self._offer(read_picture(path))
        except PictureError as error:
            self.message.say(error.message, error.remedy)

    def paste(self) -> bool:
        """Offer the picture on the clipboard; False where there is none."""
        try:
            loaded = from_clipboard(QGuiApplication.clipboard().mimeData())
        except PictureError as error:
            self.message.say(error.message, error.remedy)
            return True
        if loaded is not None:
            self._offer(loaded)
        return loaded is not None

    def _offer(self, loaded: Loaded) -> None:
        self.message.hide()
        self.bar.show_picture(loaded)

    def _use_picture(self, invert: bool) -> None:
        assert self.bar.loaded is not None
        try:
            spec = as_density(self.bar.loaded, invert)
        except PictureError as error:
            self.message.say(error.message, error.remedy)
            return
        self.bar.hide()
        self.picture.emit(spec)

    def _add_picture(self, invert: bool, count: int) -> None:
        assert self.bar.loaded is not None
        try:
            points = as_points(self.bar.loaded, invert, count, self._generator)
        except PictureError as error:
            self.message.say(error.message, error.remedy)
            return
        self.bar.hide()
        self.do(AddPoints(points.astype(np.float32)), f"Add {count:,} points from {self.bar.loaded.title}")

    def _tool_clicked(self) -> None:
        self.choose_tool(str(self.sender().property("tool")))

    def _pen_changed(self, pen: Pen) -> None:
        self.canvas.pen = pen
        self.canvas.update()

    def _folds_chosen(self, folds: int) -> None:
        self.canvas.folds = folds

    def _refused(self, message: str) -> None:
        if message:
            self.message.say(message)
        else:
            self.message.hide()

    def _spread_changed(self, spread: float) -> None:
        if spread != self._spec.spread:
            self.undo.push(SetSpread(self._show_spread, self._spec.spread, spread))

    def _show_spread(self, spread: float) -> None:
        self._spec = self._spec.changed(spread=spread)
        self.settings.show_spread(spread)
        self._announce()

    def _drawn(self) -> None:
        self._show_count()
        if not self._timer.isActive():
            # What listeners do with 100,000 points takes its time: leave them nine tenths of it for other things.
            period = max(PERIOD, round(10_000 * self._cost))
            since = round(1000 * (time.monotonic() - self._last))
            self._timer.start(max(0, period - since))

    def _stroked(self, command: DrawingCommand, before: DrawingDocument, text: str) -> None:
        self._push(command, before, f"{text} stroke" if text in ("Brush", "Eraser") else f"Draw {text.lower()}")

    def _push(self, command: DrawingCommand, before: DrawingDocument, text: str) -> None:
        self.undo.push(Stroke(self._document, self._show_document, command, before, text))
        self._announce()

    def _document(self) -> DrawingDocument:
        return self.canvas.document

    def _show_document(self, document: DrawingDocument) -> None:
        self.canvas.document = document
        self._announce()

    def _announce(self) -> None:
        self._timer.stop()
        self._show_count()
        start = time.monotonic()
        self.changed.emit(self.spec)
        self._last = time.monotonic()
        self._cost = self._last - start

    def _show_count(self) -> None:
        document = self.canvas.document
        self.settings.show_count(len(document), document.limit)
        self.buttons["clear"].setEnabled(len(document) > 0)

    def apply_theme(self, theme: Theme) -> None:
        """Take icons and the canvas in other colours."""
        for button, name in self._icons:
            (button.defaultAction() or button).setIcon(icon(name))
        self.canvas.apply_theme(theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Paste a picture."""
        if event.matches(QKeySequence.StandardKey.Paste) and self.paste():
            return
        super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take pictures; other files go to the window."""
        if event.mimeData().hasImage() or any(kind_of(path) == "picture" for path in files_in(event.mimeData())):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Offer what was dropped."""
        try:
            loaded = from_clipboard(event.mimeData())
        except PictureError as error:
            self.message.say(error.message, error.remedy)
            return
        if loaded is not None:
            event.acceptProposedAction()
            self._offer(loaded)


if __name__ == "__main__":
    from gmstudio.gui.alone import show_alone

    show_alone(lambda: DrawPanel(QUndoStack()), 400, 640)
