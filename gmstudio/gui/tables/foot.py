"""The foot of the dialogs in which data are chosen: a sentence that says what follows, and the buttons."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QPushButton


def foot(dialog: QDialog, text: str, help: str, use: Callable[[], object]) -> tuple[QHBoxLayout, QLabel, QPushButton]:
    """Make the foot of a dialog.

    Args:
        dialog: Cancel rejects it.
        text, help: of the button that takes the data.
        use: called by that button.

    Returns:
        The foot, its sentence, and the button.
    """
    row = QHBoxLayout()
    sentence = QLabel()
    sentence.setObjectName("sentence")
    sentence.setWordWrap(True)
    sentence.setTextFormat(Qt.TextFormat.PlainText)
    row.addWidget(sentence, 1)
    kinds = QDialogButtonBox.StandardButton
    buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
    ok = buttons.button(kinds.Ok)
    ok.setText(text)
    ok.setToolTip(help)
    ok.setDefault(True)
    buttons.button(kinds.Cancel).setToolTip("Leave everything as it is (Esc)")
    buttons.accepted.connect(use)
    buttons.rejected.connect(dialog.reject)
    row.addWidget(buttons)
    return row, sentence, ok
