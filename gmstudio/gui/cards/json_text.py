"""Specifications as JSON text: copying, pasting and editing."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from gmstudio import registry
from gmstudio.registry import Room, Spec, SpecError
from gmstudio.runs import TrainingSpec, experiment_from_plain, from_json, plain_from_json

ROOMS: dict[str, Room] = {"data": "data", "model": "model", "objective": "objective", "mollification": "schedule"}


def card_to_text(spec: Spec) -> str:
    """The JSON text of one card."""
    return json.dumps(registry.to_plain(spec), indent=2, ensure_ascii=False) + "\n"


def card_from_text(text: str, part: str) -> tuple[str, Any]:
    """What pasted text is: the part of a run that it sets (or ``experiment``) and the value.

    Args:
        text: from a stranger.
        part: the card that it was pasted on, or an empty string.  Text of another card's kind finds its own card.

    Raises:
        SpecError: when it is nothing of the kind.
    """
    if not text.strip():
        raise SpecError("The clipboard holds no text.", "Copy a card or an experiment as JSON first.")
    plain = plain_from_json(text)
    if isinstance(plain, dict) and ("run" in plain or "data" in plain):
        return "experiment", experiment_from_plain(plain)
    if isinstance(plain, dict) and plain.get("kind") == "training":
        return "training", registry.convert(TrainingSpec, plain, "training")
    for candidate, room in ROOMS.items():
        names = {one.name for one in registry.components(room)}
        if candidate != part and isinstance(plain, dict) and plain.get("kind") in names:
            return candidate, registry.from_plain(room, plain)
    if part == "training" and isinstance(plain, dict):
        return "training", registry.convert(TrainingSpec, plain, "training")
    if part in ROOMS:
        return part, registry.from_plain(ROOMS[part], plain)
    raise SpecError("This JSON is neither an experiment nor a card.", 'Give it the fields "data" and "model".')


def copy(text: str) -> None:
    """Put text on the clipboard."""
    QGuiApplication.clipboard().setText(text)


def clipboard() -> str:
    """The text on the clipboard."""
    return QGuiApplication.clipboard().text()


class JsonDialog(QDialog):
    """The experiment's JSON, to be read and changed."""

    #: The experiment that the text says, when the person takes it.
    taken = Signal(object)

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Experiment as JSON")
        self.resize(560, 620)
        self.text = QPlainTextEdit(text)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("JSON of the experiment")
        self.problem = QLabel()
        self.problem.setProperty("class", "error")
        self.problem.setWordWrap(True)
        self.problem.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Apply | QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Apply).clicked.connect(self.take)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.problem)
        layout.addWidget(buttons)

    def take(self) -> None:
        """Take the text, or say what is wrong with it."""
        try:
            experiment = from_json(self.text.toPlainText())
        except SpecError as error:
            self.problem.setText(str(error))
            self.problem.show()
            return
        self.taken.emit(experiment)
        self.accept()
